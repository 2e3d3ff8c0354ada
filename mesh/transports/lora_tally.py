"""How much a device says by itself: by its own report, and no further than that can be true. Pure: time is an argument."""

from __future__ import annotations

from typing import Final

SENT_PER_S_MAX: Final = 10  # more no radio could send


class Tally:
    """How many packets a device sent by itself: all that it sent, by its own report, without those we handed over.

    The first report only tells where to count from. A report that cannot be true is left out, and counted on from.
    """

    def __init__(self) -> None:
        self.handed = 0
        self._base: int | None = None
        self._told_s = 0.0

    def own(self, sent: int, now_s: float) -> int:
        """Return how many there were since the last report."""
        base, passed_s = self._base, now_s - self._told_s
        beyond = sent - self.handed
        if base is not None and beyond <= base:
            return 0  # what we handed over waits in the device's queue
        self._base, self._told_s = beyond, now_s
        more = 0 if base is None else beyond - base
        return more if more <= max(1.0, passed_s * SENT_PER_S_MAX) else 0
