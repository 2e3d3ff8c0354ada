"""Moons: the commons' own calendar, for all that ends one day. Pure.

Nothing here believes a clock. A node says in its own log that another moon has begun, each in its turn; the commons goes by
the moon that more than half of its nodes have said. So one wrong clock moves nothing, a node with none follows, and nobody runs
ahead: a node says one moon in twenty days of its own uptime, unless half of the others have said it before.

Moons are counted from the founding of the commons. They begin with the new moons of the sky, on average: k = 0 is that of
6 January 2000, 18:14 UT, and a mean moon has 29.530588861 days (Meeus, Astronomical Algorithms, chapter 49). The true one is up
to fourteen hours earlier or later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

NEW_MOON: Final = 947_182_440  # seconds since 1970
MOON_S: Final = 2_551_443
REST_S: Final = 20 * 86_400
MOON_MAX: Final = 100_000  # eight thousand years


@dataclass(frozen=True, slots=True)
class Own:
    """What a node knows of its own last seal: which moon, when by its clock (0: it has sealed none), and its uptime since."""

    moon: int = 0
    at: int = 0
    up_s: int = 0


def in_sky(at: int) -> int:
    """Return the number of the moon in the sky, in seconds since 1970."""
    return (at - NEW_MOON) // MOON_S


def shared(sealed: Iterable[int]) -> int:
    """Return the moon that more than half of a commons' nodes have sealed. `sealed`: the last of each node, 0 for none."""
    falling = sorted(sealed, reverse=True)
    return falling[len(falling) // 2] if falling else 0


def due(own: Own, sealed: Iterable[int], now: int) -> int | None:
    """Return the moon that a node may seal now, None for most of the time. `now` must be a time that is agreed.

    `sealed` are the last moons of all nodes, its own among them. A node that comes late begins where the commons is.
    """
    every = list(sealed)
    following = max(own.moon + 1, shared(every))
    is_said = 2 * sum(moon >= following for moon in every) >= len(every)
    is_next_in_sky = in_sky(now) > in_sky(own.at) if own.at else True
    return following if is_said or (own.up_s >= REST_S and is_next_in_sky) else None
