"""Signing in and out, and a new PIN."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.errors import Refused
from webui import forms
from webui.refusals import page
from webui.signin import cookie_name, member, members_only, node, visitor

pages = Blueprint("signin", __name__)


@pages.get("/signin")
def show() -> Response:
    """Show the form, or who is signed in."""
    return _page(said=request.args.get("said", ""))


@pages.post("/signin")
def sign_in() -> Response | Redirect:
    """Sign a neighbour in. The cookie has no date, so no clock can end it; the node keeps the session."""
    try:
        session = node().sign_in(forms.line("name"), forms.line("pin"))
    except Refused as refusal:
        return _page(refusal)
    response = redirect(forms.way_back(), 303)
    response.set_cookie(cookie_name("session"), session.token, httponly=True, samesite="Lax")
    response.delete_cookie(cookie_name("guest"), httponly=True, samesite="Lax")
    return response


@pages.get("/signout")
def ask_to_sign_out() -> Redirect:
    """Show the button: an address alone signs nobody out."""
    return redirect(url_for("signin.show"), 303)


@pages.post("/signout")
def sign_out() -> Redirect:
    """End the session, here and at the node."""
    session = visitor()
    if session is not None:
        node().sign_out(session.token)
    response = redirect(url_for("home.show"), 303)
    response.delete_cookie(cookie_name("session"), httponly=True, samesite="Lax")
    return response


@pages.post("/signin/pin")
@members_only
def change_pin() -> Response | Redirect:
    """Set a new PIN."""
    try:
        node().change_pin(member(), forms.line("old"), forms.line("new"))
    except Refused as refusal:
        return _page(refusal)
    return redirect(url_for("signin.show", said="pin"), 303)


def _page(refusal: Refused | None = None, said: str = "") -> Response:
    return page("signin.html", refusal, name=forms.line("name"), back=forms.way_back(), said=said)
