"""A member's own phone with a Meshtastic app: paired here, and then known by its key wherever its texts come from."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.errors import Refused
from webui import forms
from webui.refusals import page
from webui.signin import member, members_only, node

pages = Blueprint("phone", __name__)


@pages.get("/phone")
@members_only
def show() -> Response:
    """Show which phones are paired, and how to pair one."""
    return _page()


@pages.post("/phone/code")
@members_only
def code() -> Response:
    """Show a code, once: it is kept nowhere in readable form."""
    return _page(code=node().pairing_code(member()))


@pages.post("/phone/unpair")
@members_only
def unpair() -> Response | Redirect:
    """Let a phone be nobody's again."""
    try:
        node().unpair(member(), forms.line("phone"))
    except Refused as refusal:
        return _page(refusal)
    return redirect(url_for("phone.show"), 303)


def _page(refusal: Refused | None = None, code: str = "") -> Response:
    return page("phone.html", refusal, phones=node().phones(member()), code=code, radio=node().radio())
