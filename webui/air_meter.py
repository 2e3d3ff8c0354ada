"""The air meter: what this node said and heard, what it may say, as rows with bars that need no style sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.answers import Air, AirDay
from webui.languages import lazy_gettext

HOUR_MS: Final = 3_600_000
# What each of `mesh.governor.Priority` is called on a page, the most urgent first.
PURPOSES: Final = {
    "distress": lazy_gettext("Calls for help"),
    "ledger": lazy_gettext("Payments, notices and all that the commons says"),
    "notices": lazy_gettext("Notices by themselves"),
    "manifests": lazy_gettext("What zines there are"),
    "bodies": lazy_gettext("Zines that somebody waits for"),
    "carousel": lazy_gettext("Small zines for whoever listens, in idle air"),
}
# Notices travel with the payments of their log, and zines nobody asked for only where the keeper wants so.
SELDOM: Final = ("notices", "carousel")


@dataclass(frozen=True, slots=True)
class Bar:
    """One row. `seconds` is None where there is no limit; `width` is in hundredths of the longest bar."""

    label: object
    seconds: float | None
    width: float
    hour: float = 0.0


def meter(air: Air, day: AirDay) -> dict[str, object]:
    """Return what the page of neighbour nodes shows of the air."""
    return {
        "air_hour": _this_hour(air, day),
        "air_uses": _by_purpose(day),
        "air_packets": air.packets_day,
        "air_bytes": air.bytes_day,
        "air_heard": _seconds(day.heard_ms),
    }


def _this_hour(air: Air, day: AirDay) -> list[Bar]:
    """Return what was said and heard in this hour beside this node's own share and the law's."""
    law = day.law_ms_hour if day.law_ms_hour < HOUR_MS else None
    figures = (
        (lazy_gettext("Spoken by this node"), air.used_ms_hour),
        (lazy_gettext("Heard from others"), day.heard_ms_hour),
        (lazy_gettext("This node allows itself"), air.budget_ms_hour),
        (lazy_gettext("The law allows"), law),
    )
    longest = max(figure or 0 for _, figure in figures)
    return [
        Bar(label, None if figure is None else _seconds(figure), _width(figure or 0, longest))
        for label, figure in figures
    ]


def _by_purpose(day: AirDay) -> list[Bar]:
    longest = max(day.by_priority.values())
    return [
        Bar(words, _seconds(day.by_priority[name]), _width(day.by_priority[name], longest), _seconds(hour))
        for name, words in PURPOSES.items()
        for hour in (day.by_priority_hour[name],)
        if name not in SELDOM or day.by_priority[name]
    ]


def _seconds(milliseconds: int) -> float:
    return round(milliseconds / 1000, 1)


def _width(part: int, longest: int) -> float:
    return round(100 * part / longest, 1) if longest else 0.0
