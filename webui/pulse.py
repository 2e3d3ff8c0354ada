"""The portal's signs of life. Its one loop must turn, and its threads must take up work sooner or later.

A loop that hangs is noticed within the manager's patience. Threads are given longer: each may be held up for a while by a
phone that takes a long file slowly, and starting anew would tear that file.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from appliance.service import Pulse

THREADS_MAY_TAKE_S: Final = 60.0


class Task(Protocol):
    """Work for one of the server's threads, as waitress asks for it."""

    def service(self) -> None: ...
    def cancel(self) -> None: ...
    def defer(self) -> None: ...


class Heart:
    """Beats from the loop, and is itself the work by which the threads are tried: `hand` gives it to the next that is free."""

    def __init__(self, pulse: Pulse, hand: Callable[[Task], None], ticks: Callable[[], float] = time.monotonic) -> None:
        self._pulse = pulse
        self._hand = hand
        self._ticks = ticks
        self._handed_s: float | None = None

    def turn(self) -> None:
        """Once in each round of the loop."""
        if not self._pulse.is_due:
            return
        if self._handed_s is None:
            self._handed_s = self._ticks()
            self._hand(self)
        if not self._is_stuck():
            self._pulse.beat()

    def _is_stuck(self) -> bool:
        return self._handed_s is not None and self._ticks() - self._handed_s >= THREADS_MAY_TAKE_S

    def service(self) -> None:
        """A thread took it up."""
        self._handed_s = None

    def cancel(self) -> None:
        """The server ends."""

    def defer(self) -> None:
        """Nothing is put off."""
