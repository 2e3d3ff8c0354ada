"""Who is asked the same again was not heard, most likely since others who cannot hear us answered at once: take a wider slot."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from mesh.keys import LogId
from mesh.timing import Timing

WIDEST: Final = 8.0
LOGS_MAX: Final = 64


class Again:
    """What was asked lately, by the first log that lacked: of at most 64 logs."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._asked: OrderedDict[LogId, tuple[int, float, float]] = (
            OrderedDict()
        )  # height, how wide, and when it was asked

    def widened(self, log: LogId, height: int, now: float) -> float:
        """Return how many times as long as usual to wait: twice as long each time, up to eight."""
        before, wide, then = self._asked.get(log, (-1, 1.0, now))
        is_same = before == height and now - then < self._timing.imax * 2
        # Two who lack the same ask within a moment: that is one question.
        if not is_same:
            wide = 1.0
        elif now - then > self._timing.retry / 2:
            wide = min(2 * wide, WIDEST)
        self._asked[log] = (height, wide, now)
        self._asked.move_to_end(log)
        if len(self._asked) > LOGS_MAX:
            self._asked.popitem(last=False)
        return wide
