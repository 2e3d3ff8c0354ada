"""The street's notice board: what is new, what your account holds, how the node is. And whether it is well, for machines."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, make_response, render_template

from appliance.answers import LATELY_S, Board
from appliance.errors import StoreFault
from webui.languages import gettext, ngettext
from webui.signin import node, visitor
from webui.words import seconds

pages = Blueprint("home", __name__)

SLIPS_MAX: Final = 4  # on each board
ZINES_MAX: Final = 6


@pages.get("/")
def show() -> str:
    """Show the board."""
    here, session = node(), visitor()
    return render_template(
        "home.html",
        state=state_line(),
        battery=battery_line(),
        rooms=here.rooms(session.account) if session else (),
        notices=here.posts(Board.NOTICE, limit=SLIPS_MAX, session=session).rows,
        offers=here.posts(Board.OFFER, limit=SLIPS_MAX, session=session).rows,
        wants=here.posts(Board.WANT, limit=SLIPS_MAX, session=session).rows,
        zines=here.zines(limit=ZINES_MAX).rows,
    )


def state_line() -> str:
    """Say in one line how the node is."""
    if node().trouble is not None:
        return gettext("This node only reads for now. Its keeper can see why.")
    heard = [neighbour.heard_s for neighbour in node().neighbours() if neighbour.heard_s is not None]
    lately = [ago for ago in heard if ago <= LATELY_S]
    if lately:
        count = len(lately)
        return ngettext("One neighbour node is in reach.", "%(num)s neighbour nodes are in reach.", count)
    if heard:
        return gettext("This node works alone. A neighbour was last heard %(time)s ago.", time=seconds(min(heard)))
    return gettext("This node works alone. What you do here is kept, and passed on when a neighbour is heard.")


def battery_line() -> str:
    """Say in one line how the battery is; "" where none is watched over."""
    battery = node().power()
    if battery is None:
        return ""
    if battery.percent is None:
        return gettext("The battery could not be read yet.")
    if battery.step in ("checkpoint", "halt"):
        return gettext(
            "The battery is nearly empty (%(percent)s %%): this node stops soon, and comes back with the sun. "
            "What is confirmed here is kept.",
            percent=battery.percent,
        )
    if battery.hours_left is None:
        return gettext("The battery is filling: %(percent)s %%.", percent=battery.percent)
    hours = max(1, round(battery.hours_left))
    return ngettext(
        "The battery holds %(percent)s %%, enough for about an hour.",
        "The battery holds %(percent)s %%, enough for about %(num)s hours.",
        hours,
        percent=battery.percent,
    )


@pages.get("/healthz")
def health() -> Response:
    """Answer 200 when the store can be read and written, else 503, each with a line to read."""
    try:
        node().health()
    except StoreFault as fault:
        answer = make_response(f"{fault}\n", 503)
    else:
        answer = make_response(gettext("This node is well: it can read and write.") + "\n")
    answer.mimetype = "text/plain"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/favicon.ico")
def favicon() -> Response:
    """Answer those browsers that ask for a picture whatever the page says: there is none to fetch."""
    response = make_response("", 204)
    response.headers["Cache-Control"] = "max-age=604800"
    return response
