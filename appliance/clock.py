"""The only wall clock. It writes notes for people ("paid on Tuesday"); nothing is ever decided by it.

A board without a battery-backed clock wakes up in 1970, or on the day its image was made. So a time is believed only
from the year in which this program was made, and never before the last time that was saved; else it is 0, which pages
show as "time unsure".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

BUILT_AT: Final = 1_767_225_600  # 2026-01-01, seconds since 1970: no honest clock stands before it
NOTE_MAX: Final = 2**40  # the last second a record can note


class Trust(Enum):
    """How sure the wall time is."""

    NONE = "none"  # it cannot be right
    HINT = "hint"  # one source says so
    AGREED = "agreed"  # independent sources agree


@dataclass(frozen=True, slots=True)
class Clock:
    """`floor`: the last time that was saved, in seconds since 1970. `wall` and `ticks` are replaced in tests."""

    floor: int = 0
    wall: Callable[[], float] = time.time
    ticks: Callable[[], float] = time.monotonic

    def now(self) -> int:
        """Return seconds since 1970 for a note, 0 where they cannot be right."""
        at = int(self.wall())
        return at if max(BUILT_AT, self.floor) <= at <= NOTE_MAX else 0

    @property
    def trust(self) -> Trust:
        """One machine's own clock is a hint, whatever it says."""
        return Trust.HINT if self.now() else Trust.NONE

    def monotonic(self) -> float:
        """Return seconds that only grow while the machine is up: for waiting, never for notes."""
        return self.ticks()
