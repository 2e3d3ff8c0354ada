"""The only wall clock. It writes notes for people ("paid on Tuesday"); nothing is ever decided by it.

A board without a battery-backed clock wakes up in 1970, or on the day its image was made. So one source alone is believed only
from the year in which this program was made, or the last time that was certain, and for a few years on; where independent
sources agree (see `timekeeping`) the time runs on from there by the uptime clock, whatever is done to the wall clock. Else it is
0, which pages show as "time unsure".
"""

from __future__ import annotations

import ctypes
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

from appliance.timekeeping import Hint, Kept, is_likely

NOTE_MAX: Final = 2**40  # the last second a record can note

TIMEX_SIZE: Final = 256  # more than struct timex of any Linux, see adjtimex(2)
TIME_ERROR: Final = 5  # what adjtimex(2) returns while nobody keeps the clock right

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
BOOT_VARIABLE: Final = "HEDGEROW_BOOT"


class Trust(Enum):
    """How sure the wall time is."""

    NONE = "none"  # it cannot be right
    HINT = "hint"  # one source says so
    AGREED = "agreed"  # independent sources agree


@dataclass(frozen=True, slots=True)
class Clock:
    """`floor`: the last time that was certain, in seconds since 1970. `kept` tells what all processes of the node keep.

    `wall` and `ticks` are replaced in tests.
    """

    floor: int = 0
    wall: Callable[[], float] = time.time
    ticks: Callable[[], float] = time.monotonic
    kept: Callable[[], Kept] = Kept

    def now(self) -> int:
        """Return seconds since 1970 for a note, 0 where they cannot be right."""
        kept = self.kept()
        if kept.epoch is not None:
            return min(kept.epoch + int(self.ticks()), NOTE_MAX)
        at = int(self.wall())
        return at if is_likely(at, max(self.floor, kept.floor)) else 0

    @property
    def trust(self) -> Trust:
        """One machine's own clock is a hint, whatever it says."""
        if self.kept().epoch is not None:
            return Trust.AGREED
        return Trust.HINT if self.now() else Trust.NONE

    def hint(self) -> Hint:
        """Return what the wall clock says."""
        return Hint("network" if is_kept_by_network() else "board", int(self.wall()) - int(self.ticks()))

    def monotonic(self) -> float:
        """Return seconds that only grow while the machine is up: for waiting, never for notes."""
        return self.ticks()


def is_kept_by_network() -> bool:
    """Whether the kernel says that a time server keeps the wall clock right."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_SIZE))
    except AttributeError:  # another system's C library
        return False
    return 0 <= int(state) < TIME_ERROR


def boot_id() -> str:
    """Return the name of this start of the machine (random(4)): only within it can monotonic seconds be compared.

    A service on a card does not see the kernel's file and is told it by systemd (`%b`, systemd.unit(5)). Who cannot know
    it takes no process but itself for one of this start.
    """
    try:
        said = os.environ.get(BOOT_VARIABLE) or BOOT_ID.read_text(encoding="ascii")
    except OSError:
        return _of_this_process()
    return said.strip().replace("-", "")


@cache
def _of_this_process() -> str:
    return secrets.token_hex(16)
