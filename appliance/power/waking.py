"""When a halted board looks again whether the sun has come.

A board whose clock has an alarm wakes by itself: first after an hour, then ever more rarely, for each look costs charge that
is nearly spent. One look reads the battery before anything else is started, and ends at once where it is still low. A board
without an alarm wakes when its charger switches the load on again.
"""

from __future__ import annotations

from typing import Final

FIRST_S: Final = 3600
LONGEST_S: Final = 4 * 3600


def sleeps_s(looks_in_vain: int) -> int:
    """Return for how many seconds to sleep after so many looks that found the battery still low."""
    return min(LONGEST_S, FIRST_S << min(looks_in_vain, 8))
