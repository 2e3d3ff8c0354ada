"""Calls for help: who calls, how to call, and that it is over."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.errors import Refused
from webui import forms
from webui.languages import lazy_gettext
from webui.refusals import page
from webui.signin import member, members_only, node, visitor

pages = Blueprint("distress", __name__)

LEVELS: Final = ("danger", "help", "watch")
LIVES: Final = (
    (60, lazy_gettext("one hour")),
    (240, lazy_gettext("four hours")),
    (720, lazy_gettext("twelve hours")),
)


@pages.get("/distress")
def show() -> Response:
    """Show who calls for help, and to members how to call."""
    return _page(forms.CallForm("help", 240, ""))


@pages.post("/distress")
@members_only
def call() -> Response | Redirect:
    """Ask whether it is meant, and then call."""
    typed = forms.CallForm.read()
    if forms.line("sure") != "yes":
        return page("distress_sure.html", typed=typed, lives=dict(LIVES), levels=LEVELS)
    try:
        node().raise_call(member().account, typed.level, typed.minutes, typed.words)
    except Refused as refusal:
        return _page(typed, refusal)
    return redirect(url_for("distress.show"), 303)


@pages.post("/distress/over")
@members_only
def over() -> Response | Redirect:
    """Tell everybody that it is over."""
    try:
        node().end_call(forms.line("call"), member())
    except Refused as refusal:
        return _page(forms.CallForm("help", 240, ""), refusal)
    return redirect(url_for("distress.show"), 303)


def _page(typed: forms.CallForm, refusal: Refused | None = None) -> Response:
    return page("distress.html", refusal, typed=typed, levels=LEVELS, lives=LIVES, calls=node().calls(visitor()))
