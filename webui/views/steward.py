"""The keeper's page: new members, new nodes, how the node is, and what to do when it is not well."""

from __future__ import annotations

import io
from typing import Any, Final

from flask import Blueprint, Response, redirect, request, send_file, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.answers import MemberCard
from appliance.errors import Refused
from appliance.library import Rack
from webui import forms
from webui.languages import gettext, lazy_gettext
from webui.qr import drawing
from webui.refusals import page
from webui.signin import keepers_only, node

pages = Blueprint("steward", __name__)

LISTED: Final = 20
INTRODUCTION_SIZE_MAX: Final = 64 * 1024
SAID: Final = {
    "peer": lazy_gettext("The node is now known here. It is heard as soon as it is in reach."),
    "archive": lazy_gettext("Noted. The archive follows."),
    "tail": lazy_gettext("Noted. This node writes again, in a new book; the old one is closed."),
}
# What the keeper reads when the node only reads: what happened, and what to do.
TROUBLES: Final = {
    "behind": lazy_gettext(
        "This card is older than what this node has already told others, as after putting back a backup. "
        "Until the missing pages have come back from a neighbour, it writes nothing."
    ),
    "other_hardware": lazy_gettext(
        "This card was made on another machine. So that two nodes never write under one name, it writes nothing for now."
    ),
    "on_trial": lazy_gettext(
        "A new version of this node is on trial, and keeps its books in a new form. Until it has shown that it holds, which "
        "takes some minutes, it writes nothing; so nothing is lost if the version before has to start again."
    ),
    "superseded": lazy_gettext(
        "This node already goes on in a newer book, on another card. So that nobody hears two voices under one name, "
        "this one writes nothing."
    ),
    "forked": lazy_gettext(
        "Two different things were written under this node's name, as happens when a card is copied and both run. "
        "Find the other one and switch it off; until then this one writes nothing."
    ),
}


@pages.get("/steward")
@keepers_only
def show() -> Response:
    """Show everything a keeper needs."""
    return _page()


@pages.post("/steward/members")
@keepers_only
def add_member() -> Response:
    """Take in a neighbour. The paper card is shown once, in this answer, and kept nowhere."""
    try:
        card = node().add_member(forms.line("name"), forms.line("pin") or None, forms.line("keeper") == "yes")
    except Refused as refusal:
        return _page(refusal)
    return _paper_card(card)


@pages.post("/steward/pin")
@keepers_only
def renew_pin() -> Response:
    """Give a neighbour who lost the card or forgot the PIN a new one, on a new paper card."""
    try:
        card = node().renew_pin(forms.line("whose"))
    except Refused as refusal:
        return _page(refusal)
    return _paper_card(card)


def _paper_card(card: MemberCard) -> Response:
    return page("card.html", card=card, square=drawing(card.address, card.address))


@pages.post("/steward/invite")
@keepers_only
def invite() -> Response:
    """Hand out a file that lets one more node join this commons."""
    return _file(node().invite(), "hedgerow.invite")


@pages.get("/steward/introduction")
@keepers_only
def introduction() -> Response:
    """Hand out a file that makes this node known to another one."""
    return _file(node().introduction(), "hedgerow.introduction")


@pages.post("/steward/peers")
@keepers_only
def add_peer() -> Response | Redirect:
    """Make another node known here, by the file that introduces it."""
    try:
        content, _ = forms.file("file")
        node().add_peer(content.read(INTRODUCTION_SIZE_MAX))
    except Refused as refusal:
        return _page(refusal)
    return redirect(url_for("steward.show", said="peer"), 303)


@pages.post("/steward/lost-tail")
@keepers_only
def lost_tail() -> Response | Redirect:
    """Take the keeper's word that nobody will bring the missing pages."""
    if forms.line("sure") != "yes":
        return _page()
    node().confirm_lost_tail()
    return redirect(url_for("steward.show", said="tail"), 303)


def _file(content: bytes, name: str) -> Response:
    return send_file(
        io.BytesIO(content), mimetype="application/octet-stream", as_attachment=True, download_name=name, max_age=0
    )


def _page(refusal: Refused | None = None) -> Response:
    trouble = node().trouble
    store: Any = node().status().as_json()["store"]
    return page(
        "steward.html",
        refusal,
        said=SAID.get(request.args.get("said", ""), ""),
        archive=_archive(),
        typed_name=forms.line("name"),
        typed_whose=forms.line("whose"),
        checks=node().checks(),
        unwell=node().unwell(),
        passes=trouble is not None and trouble.code == "on_trial",
        trouble=TROUBLES.get(trouble.code, gettext("Something is not as it was.")) if trouble else "",
        store_bytes=store["bytes"],
        free_bytes=store["free_bytes"],
    )


def _archive() -> dict[str, Any]:
    """Return what waits for the keeper in the archive."""
    used, quota = node().archive_bytes()
    return {
        "new": node().zines(limit=LISTED, rack=Rack.NEW).rows,
        "hidden": node().zines(limit=LISTED, rack=Rack.HIDDEN).rows,
        "reported": node().reported(),
        "could_go": node().could_go(LISTED) if node().is_nearly_full() else (),
        "used": used,
        "quota": quota,
    }
