"""Offers and wants, and the one door through which any slip is taken off a board."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.answers import Board
from appliance.errors import Refused
from webui import forms
from webui.refusals import page
from webui.signin import member, members_only, node, visitor

pages = Blueprint("market", __name__)

BOARDS_HERE: Final = (Board.OFFER, Board.WANT)
LISTED: Final = 20
BOARD_PATHS: Final = {Board.NOTICE: "/commons", Board.OFFER: "/market#offers", Board.WANT: "/market#wants"}


@pages.get("/market")
def show() -> Response:
    """Show what is offered and what is wanted."""
    return _page(forms.PostForm(Board.OFFER, "", "", forms.once()))


@pages.post("/market")
@members_only
def post() -> Response | Redirect:
    """Put up an offer or a want."""
    typed = forms.PostForm.read(BOARDS_HERE)
    try:
        node().post(typed.board, typed.title, typed.body, member().account, typed.once)
    except Refused as refusal:
        return _page(typed, refusal)
    return redirect(url_for("market.show", _anchor=f"{typed.board.value}s"), 303)


@pages.get("/posts/<post_id>")
def show_post(post_id: str) -> Response:
    """Show one slip, and how far it has come: which neighbour nodes hold it."""
    slip = node().post_at(post_id, visitor())
    return page("post.html", post=slip, delivery=node().delivery(slip.id), board_path=BOARD_PATHS[slip.board])


@pages.post("/posts/<post_id>/withdraw")
@members_only
def withdraw(post_id: str) -> Redirect:
    """Take a slip down."""
    node().withdraw_post(post_id, member())
    return redirect(url_for("home.show"), 303)


def _page(typed: forms.PostForm, refusal: Refused | None = None) -> Response:
    return page(
        "market.html",
        refusal,
        typed=typed,
        offers=node().posts(Board.OFFER, older=forms.cursor("offers"), limit=LISTED, session=visitor()),
        coming=node().coming(Board.OFFER.value, Board.WANT.value),
        wants=node().posts(Board.WANT, older=forms.cursor("wants"), limit=LISTED, session=visitor()),
    )
