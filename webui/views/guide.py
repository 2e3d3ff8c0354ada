"""The keeper's guide: its two zines as pages, and the calculator for panel and battery."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from flask import Blueprint, Response, request
from markupsafe import Markup

from appliance.archive.starter_shelf import StarterZine, starter_zines
from appliance.decimals import read_decimal
from appliance.errors import Refused
from appliance.power.sizing import BUILDS, CLEAR, GREY, LATITUDE_MAX, MIXED, POLE, Size, size
from webui import forms
from webui.languages import gettext, lazy_gettext, month
from webui.reading import from_markdown
from webui.refusals import page
from webui.signin import node

pages = Blueprint("guide", __name__)

SERIES: Final = "Keeper's guide"
OWN: Final = "own"
BUILD_WORDS: Final = {
    "sill": lazy_gettext("windowsill: Pi Zero 2 W, socket"),
    "shed": lazy_gettext("shed: Pi 4 or 3 B+"),
    "pole": lazy_gettext("pole: Pi Zero 2 W"),
}
SKIES: Final = {
    "grey": (GREY, lazy_gettext("grey: fog and rain for weeks")),
    "mixed": (MIXED, lazy_gettext("mixed: clouds and sun by turns")),
    "clear": (CLEAR, lazy_gettext("clear: a dry land")),
}
WATTS: Final = (0.1, 200.0)
DAYS: Final = (0.0, 30.0)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of the calculator, as typed."""

    latitude: str = ""
    build: str = POLE.name
    watts: str = ""
    days: str = "3"
    sky: str = "mixed"

    @classmethod
    def read(cls) -> _Question:
        given = {name: forms.asked(name) for name in cls.__slots__ if name in request.args}
        return cls(**given)

    def answer(self) -> Size:
        """Raises `Refused`."""
        known = {build.name: build.watts for build in BUILDS}
        watts = known.get(self.build) or read_decimal(self.watts, *WATTS)
        latitude = read_decimal(self.latitude.removesuffix("\u00b0"), -LATITUDE_MAX, LATITUDE_MAX)
        clearness, _ = SKIES.get(self.sky, SKIES["grey"])
        return size(latitude, watts, read_decimal(self.days, *DAYS), clearness)


@pages.get("/guide")
def show() -> Response:
    """Show what the guide holds, and the calculator with its answer where something was asked."""
    question, refusal, answer = _Question.read(), None, None
    if question.latitude:
        try:
            answer = question.answer()
        except Refused as said:
            refusal = said
    return page(
        "guide.html",
        refusal,
        zines=_guide(),
        asked=question,
        builds=[(build.name, BUILD_WORDS[build.name], build.watts) for build in BUILDS],
        skies=[(name, words) for name, (_, words) in SKIES.items()],
        answer=answer,
        month=month(answer.month) if answer else "",
        towards=gettext("north") if question.latitude.startswith(("-", "\u2212")) else gettext("south"),
        limit=LATITUDE_MAX,
    )


@pages.get("/guide/read")
def read() -> Response:
    """Show one half of the guide as a page; whoever wants it on paper finds it on the shelf."""
    zines = _guide()
    at = min(max(forms.count("part"), 1), len(zines)) - 1
    zine = zines[at]
    found = node().zines(zine.title, limit=8).rows
    shelved = next((one for one in found if one.title == zine.title and one.series == SERIES and one.is_here), None)
    return page("guide_read.html", zine=zine, text=_shown(at), part=at + 1, parts=len(zines), shelved=shelved)


@cache
def _guide() -> tuple[StarterZine, ...]:
    """Return the two halves, from what the program was shipped with: they are here before any shelf is."""
    return tuple(zine for zine in starter_zines() if zine.series == SERIES)


@cache
def _shown(at: int) -> Markup:
    zine = _guide()[at]
    return from_markdown(zine.body.decode(), zine.title)
