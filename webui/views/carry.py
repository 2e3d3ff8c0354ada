"""The post by hand: take a bundle with you, hand one in, and see what came of it."""

from __future__ import annotations

from flask import Blueprint, Response

from appliance.errors import Refused
from webui import bundles, forms
from webui.refusals import page
from webui.signin import node

pages = Blueprint("carry", __name__)


@pages.get("/carry")
def show() -> Response:
    """Show how to carry the post."""
    return _page()


@pages.get("/carry/bundle")
def take() -> Response:
    """Hand out a bundle for one neighbour, or for whoever is met."""
    return bundles.hand_out(forms.asked("for") or None)


@pages.post("/carry")
def hand_in() -> Response:
    """Take in a bundle and say what came of it. Handing in the same one again does nothing."""
    try:
        came = bundles.take_in()
    except Refused as refusal:
        return _page(refusal)
    return page("carried.html", came=came)


def _page(refusal: Refused | None = None) -> Response:
    return page("carry.html", refusal, neighbours=node().neighbours(), wanted=node().wanted())
