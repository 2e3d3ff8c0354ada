"""Virtual time: one queue of events. What is due at the same moment happens in the order in which it was planned."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Clock:
    """Seconds from the start of the run."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events = 0
        self._queue: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []

    def at(self, moment: float, do: Callable[..., None], *what: object) -> None:
        """Plan `do(*what)`; a moment that has passed means now."""
        self.events += 1
        heapq.heappush(self._queue, (max(moment, self.now), self.events, do, what))

    def run(self, until: float) -> None:
        """Let everything happen that is due up to `until`."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, do, what = heapq.heappop(self._queue)
            do(*what)
        self.now = until
