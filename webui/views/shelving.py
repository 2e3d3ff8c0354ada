"""What stands beside the shelf: zines that arrived, files that are waited for, and what a keeper decides about each."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.errors import Objection, Refused
from appliance.library import Rack
from webui import forms
from webui.refusals import page
from webui.signin import keepers_only, member, members_only, node

pages = Blueprint("shelving", __name__)

LISTED: Final = 20
AT_ONCE_MAX: Final = 100  # zines that one form may name


@pages.get("/archive/arrivals")
def arrivals() -> Response:
    """Show what came from elsewhere and does not stand on the shelf."""
    query = forms.query()
    found = node().zines(query, older=forms.cursor(), limit=LISTED, rack=Rack.ARRIVALS)
    return page("arrivals.html", query=query, found=found)


@pages.get("/archive/wanted")
def wanted() -> Response:
    """Show which files people here wait for, the rarest first."""
    return page("wanted.html", wanted=node().wanted())


@pages.post("/archive/<zine_id>/report")
@members_only
def report(zine_id: str) -> Redirect:
    """Take what a member says is wrong with a zine."""
    node().report(zine_id, forms.line("word"), member())
    return redirect(url_for("archive.zine", zine_id=zine_id, said="reported"), 303)


@pages.post("/steward/arrivals")
@keepers_only
def look_at_arrivals() -> Redirect:
    """Put several zines on the shelf, or leave them off it."""
    chosen = request.form.getlist("zine")[:AT_ONCE_MAX]
    if not chosen:
        raise Refused(Objection.NOTHING_CHOSEN)
    if forms.line("do") == "shelve":
        node().shelve(chosen)
    else:
        node().leave(chosen)
    return redirect(url_for("steward.show", said="archive"), 303)


@pages.post("/steward/zines/<zine_id>")
@keepers_only
def decide(zine_id: str) -> Redirect:
    """Hide a zine, put it back, let its reports rest, or let its file go."""
    match forms.line("do"):
        case "hide":
            node().hide(zine_id)
        case "unhide":
            node().unhide(zine_id)
        case "dismiss":
            node().dismiss(zine_id)
        case "shelve":
            node().shelve([zine_id])
        case "let go":
            node().let_go(zine_id)
        case _:
            raise Refused(Objection.NOTHING_CHOSEN)
    return redirect(url_for("steward.show", said="archive"), 303)
