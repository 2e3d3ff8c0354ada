"""The commons: notices, who belongs to it, and where they are at home. Names are for members; a passer-by sees the notices."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.answers import Board
from appliance.errors import Refused
from webui import forms
from webui.refusals import page
from webui.signin import member, members_only, node, visitor

pages = Blueprint("commons", __name__)

LISTED: Final = 20
NAMES_MAX: Final = 500


@pages.get("/commons")
def show() -> Response:
    """Show the notices, and to members their neighbours."""
    return _page(forms.PostForm(Board.NOTICE, "", "", forms.once()))


@pages.post("/commons")
@members_only
def post() -> Response | Redirect:
    """Put up a notice."""
    typed = forms.PostForm.read((Board.NOTICE,))
    try:
        node().post(Board.NOTICE, typed.title, typed.body, member().account, typed.once)
    except Refused as refusal:
        return _page(typed, refusal)
    return redirect(url_for("commons.show"), 303)


def _page(typed: forms.PostForm, refusal: Refused | None = None) -> Response:
    return page(
        "commons.html",
        refusal,
        typed=typed,
        coming=node().coming(Board.NOTICE.value),
        notices=node().posts(Board.NOTICE, older=forms.cursor(), limit=LISTED, session=visitor()),
        members=node().accounts()[:NAMES_MAX] if visitor() else (),
        currencies=node().currencies(),
        neighbours=node().neighbours(),
    )
