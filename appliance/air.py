"""What a road took of the shared air and heard on it, until somebody writes it down."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from appliance.store.private import AirUse
from mesh.governor import Priority


class Air(NamedTuple):
    """What a road took of the shared air, and what it heard there: milliseconds, packets and bytes of payload.

    `by_priority` are milliseconds as they were handed over, in the order of `Priority`.
    """

    used_ms: int = 0
    packets: int = 0
    size: int = 0
    heard_ms: int = 0
    heard_packets: int = 0
    heard_size: int = 0
    by_priority: tuple[int, ...] = (0,) * len(Priority)

    def __add__(self, other: Air) -> Air:  # type: ignore[override]
        return _each(lambda one, two: one + two, self, other)

    def __sub__(self, other: Air) -> Air:
        return _each(lambda one, two: one - two, self, other)


def uses(air: Air) -> dict[str, AirUse]:
    """Return the same as the store keeps it."""
    by_priority = {one.name.lower(): AirUse(used) for one, used in zip(Priority, air.by_priority, strict=True) if used}
    sent, heard = AirUse(air.used_ms, air.packets, air.size), AirUse(air.heard_ms, air.heard_packets, air.heard_size)
    return {"sent": sent, "heard": heard, **by_priority}


def _each(do: Callable[[int, int], int], one: Air, other: Air) -> Air:
    numbers = map(do, one[:-1], other[:-1])
    return Air._make([*numbers, tuple(map(do, one.by_priority, other.by_priority))])
