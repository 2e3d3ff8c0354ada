"""The archive: find, read, take along, publish and take back zines."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, make_response, redirect, request, send_file, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.errors import Objection, Refused
from appliance.intake.kind import ENDINGS
from appliance.library import Zine, ZineForm
from webui import forms, reading
from webui.headers import FOR_FILES
from webui.languages import gettext
from webui.refusals import page
from webui.signin import member, members_only, node, visitor

pages = Blueprint("archive", __name__)

LISTED: Final = 20
BLANK: Final = ZineForm(title="")
PICTURES: Final = ("image/jpeg", "image/png", "image/webp")
SOUNDS: Final = ("audio/mpeg", "audio/ogg", "audio/flac", "audio/wav")
BOOKS: Final = ("application/pdf", "application/epub+zip")
ACCEPTED: Final = ",".join((*(ending for endings in ENDINGS.values() for ending in endings), *ENDINGS))
KEPT_S: Final = 7 * 24 * 3600  # how long a browser may keep a cover: the file behind an address never changes


@pages.get("/archive")
def show() -> Response:
    """Show the shelf, or what was searched for."""
    return _page(BLANK)


@pages.post("/archive")
@members_only
def publish() -> Response | Redirect:
    """Take in a zine from its maker."""
    typed = forms.read_zine()
    try:
        content, file_name = forms.file("file")
        zine = node().publish(typed, content, file_name, member().account, forms.once_typed())
    except Refused as refusal:
        return _page(typed, refusal)
    return redirect(url_for("archive.zine", zine_id=zine.id, said="published"), 303)


@pages.get("/archive/<zine_id>")
def zine(zine_id: str) -> Response:
    """Show what is known about one zine."""
    said = {
        "reported": gettext("Thank you. The keepers of this node will look at it."),
        "published": gettext("It is on the shelf."),
    }.get(forms.asked("said"), "")
    shown, notes = _zine(zine_id), node().notes(zine_id, visitor(), forms.cursor("notes"), LISTED)
    kinds: dict[str, object] = {"pictures": PICTURES, "sounds": SOUNDS, "books": BOOKS}
    facts: dict[str, object] = {"readable": reading.is_readable(shown), "notes": notes, "said": said}
    facts |= {"may_print": node().may_print(shown), "delivery": node().delivery(shown.id)}
    return page("zine.html", None, zine=shown, **facts, **kinds)


@pages.get("/archive/<zine_id>/cover")
def cover(zine_id: str) -> Response:
    """Show the cover of a zine, as large as a thumb with `?small`."""
    response = make_response(node().zine_cover(zine_id, small="small" in request.args, session=visitor()))
    response.mimetype = "image/jpeg"
    response.cache_control.max_age = KEPT_S
    return response


@pages.get("/archive/<zine_id>/picture")
def picture(zine_id: str) -> Response:
    """Show a picture, whole: the only kind of a stranger's file that a browser draws at an address of its own."""
    zine = _zine(zine_id)
    if zine.media_type not in PICTURES or zine.trouble:
        raise Refused(Objection.NOT_FOUND)
    return send_zine(zine, as_attachment=False)


@pages.get("/archive/<zine_id>/file")
def take(zine_id: str) -> Response:
    """Hand out the file, whole or in parts (RFC 9110 section 14)."""
    return send_zine(_zine(zine_id))


@pages.post("/archive/<zine_id>/ask")
@members_only
def ask(zine_id: str) -> Redirect:
    """Ask the neighbour nodes for a file that is not here."""
    node().ask_for(zine_id)
    return redirect(url_for("archive.zine", zine_id=zine_id), 303)


@pages.post("/archive/<zine_id>/withdraw")
@members_only
def withdraw(zine_id: str) -> Redirect:
    """Take a zine back."""
    node().withdraw_zine(zine_id, member())
    return redirect(url_for("archive.show", said="withdrawn"), 303)


def send_zine(zine: Zine, as_attachment: bool = True) -> Response:
    """Send a zine's file as something to keep: a stranger's file is never shown as one of our pages."""
    file = node().zine_file(zine.id, visitor())
    response = send_file(
        file.path,
        mimetype=file.media_type,
        as_attachment=as_attachment,
        download_name=_file_name(zine),
        conditional=True,
        etag=file.etag,
        max_age=None,
    )
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Security-Policy"] = FOR_FILES  # also where it is a web page
    return response


def _file_name(zine: Zine) -> str:
    """Name a file so that every phone and every FAT32 stick takes it."""
    kept = "".join(sign if sign.isalnum() else " " for sign in zine.title)[:60]
    return ("-".join(kept.split()) or "zine") + ENDINGS[zine.media_type][0]


def _zine(zine_id: str) -> Zine:
    return node().zine(zine_id, visitor())


def _page(typed: ZineForm, refusal: Refused | None = None) -> Response:
    query = forms.query()
    found = node().zines(query, older=forms.cursor(), limit=LISTED)
    return page(
        "archive.html",
        refusal,
        typed=typed,
        query=query,
        once=forms.once_typed(),
        found=found,
        coming=() if query else node().coming("zine"),
        passages=node().passages(query, found.rows) if query else {},
        accepted=ACCEPTED,
        limit=node().settings.portal.upload_max_bytes,
        arrivals=0 if query else node().arrivals(),
        said=gettext("It was taken back.") if request.args.get("said") == "withdrawn" else "",
    )
