"""The neighbour nodes: who is heard, what they hold, how much of the air this node takes, and how sure it is of the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response

from appliance.answers import Ailment, Unwell
from webui.air_meter import meter
from webui.languages import lazy_gettext
from webui.refusals import page
from webui.signin import node, visitor

pages = Blueprint("mesh", __name__)

FOR_ALL: Final = (Ailment.STALEMATE, Ailment.NEWER)
CLOCKS: Final = {
    "none": lazy_gettext("This node does not know what time it is, and does not mind: nothing here depends on it."),
    "hint": lazy_gettext("This node has heard what time it is, but only once. It shows:"),
    "agreed": lazy_gettext("This node is sure of the time:"),
}


@pages.get("/mesh")
def show() -> Response:
    """Show the neighbourhood of nodes."""
    status: Mapping[str, Any] = node().status().as_json()
    clock = status["clock"]
    return page(
        "mesh.html",
        None,
        neighbours=node().neighbours(),
        roads=node().roads(),
        unwell=_unwell(),
        **meter(node().air(), node().air_day()),
        clock_words=CLOCKS.get(clock["trust"], CLOCKS["none"]),
        clock_now=clock["now"] if clock["trust"] != "none" else 0,
    )


def _unwell() -> list[Unwell]:
    """Return what is not well between nodes; who sent what is for keepers."""
    asking = visitor()
    is_keeper = asking is not None and asking.is_keeper
    return [one for one in node().unwell() if is_keeper or one.what in FOR_ALL]
