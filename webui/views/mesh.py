"""The neighbour nodes: who is heard, what they hold, how much of the air this node takes, and how sure it is of the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.answers import Ailment, Unwell
from appliance.errors import Refused
from webui import forms
from webui.air_meter import meter
from webui.languages import lazy_gettext
from webui.refusals import page
from webui.signin import member, members_only, node, visitor
from webui.words import local_minute

pages = Blueprint("mesh", __name__)

FOR_ALL: Final = (Ailment.STALEMATE, Ailment.NEWER)
CLOCKS: Final = {
    "none": lazy_gettext("This node does not know what time it is, and does not mind: nothing here depends on it."),
    "hint": lazy_gettext("This node has heard what time it is, but only once. It shows:"),
    "agreed": lazy_gettext("This node is sure of the time:"),
}
STATES: Final = {
    "": "",
    "economy": lazy_gettext("saves power"),
    "timetable": lazy_gettext("saves power: it talks only now and then"),
    "checkpoint": lazy_gettext("its battery is nearly empty"),
    "halt": lazy_gettext("its battery is empty, it sleeps until the sun comes"),
    "needs a hand": lazy_gettext("needs its keeper's hand"),
}


@pages.get("/mesh")
def show() -> Response:
    """Show the neighbourhood of nodes."""
    return _page()


def _page(refusal: Refused | None = None) -> Response:
    status: Mapping[str, Any] = node().status().as_json()
    clock = status["clock"]
    return page(
        "mesh.html",
        refusal,
        neighbours=node().neighbours(),
        roads=node().roads(),
        states=STATES,
        unwell=_unwell(),
        **meter(node().air(), node().air_day()),
        clock_words=CLOCKS.get(clock["trust"], CLOCKS["none"]),
        clock_now=clock["now"] if clock["trust"] != "none" else 0,
        clock_typed=forms.line("at") or (local_minute(clock["now"]) if clock["trust"] == "hint" else ""),
        moon=node().moon(),
        moons_said=node().moons_said(),
        may_tell_time=_may_tell_time(clock["trust"]),
    )


@pages.post("/mesh/time")
@members_only
def tell_time() -> Response | Redirect:
    """Take a neighbour's word for what time it is, as it stands on a phone or a watch."""
    try:
        node().tell_time(member(), forms.moment("at"))
    except Refused as refusal:
        return _page(refusal)
    return redirect(url_for("mesh.show", _anchor="time"), 303)


def _unwell() -> list[Unwell]:
    """Return what is not well between nodes; who sent what is for keepers."""
    asking = visitor()
    is_keeper = asking is not None and asking.is_keeper
    return [one for one in node().unwell() if is_keeper or one.what in FOR_ALL]


def _may_tell_time(trust: str) -> bool:
    """Whether whoever asks is asked what time it is: keepers always, for they may mend a slip."""
    asking = visitor()
    return asking is not None and (asking.is_keeper or trust != "agreed")
