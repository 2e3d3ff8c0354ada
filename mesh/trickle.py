"""The Trickle algorithm (RFC 6206): speak often while neighbours disagree, hardly ever while they agree.

In each interval the timer picks a moment in its second half. At that moment it speaks, unless it has heard `redundancy`
consistent messages in the same interval. Then the interval doubles, up to `imax`; an inconsistent message sets it back
to `imin`.
"""

from __future__ import annotations

from typing import Protocol


class Chance(Protocol):
    """Where randomness comes from: a `random.Random` with the run's seed."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between the two."""
        ...


class Trickle:
    """One timer. `now` and all times are monotonic seconds."""

    def __init__(self, imin: float, imax: float, redundancy: int, rng: Chance, now: float, growth: float = 2.0) -> None:
        """An interval is `growth` times as long as the one before: 2 in the RFC."""
        self._imin = imin
        self._imax = imax
        self._redundancy = redundancy
        self._growth = growth
        self._rng = rng
        self._begin(imin, now)

    def _begin(self, interval: float, now: float) -> None:
        """RFC 6206, section 4.2, steps 1 and 2."""
        self._interval = interval
        self._heard = 0
        self._fired = False
        self._moment = now + self._rng.uniform(interval / 2, interval)
        self._end = now + interval

    @property
    def due(self) -> float:
        """When `tick` has something to decide next."""
        return self._end if self._fired else self._moment

    def consistent(self) -> None:
        """Step 3: somebody said what we would have said."""
        self._heard += 1

    def inconsistent(self, now: float) -> None:
        """Step 6: somebody holds something else. An interval that is already the shortest goes on."""
        if self._interval > self._imin:
            self._begin(self._imin, now)

    def spoken(self, now: float, interval: float) -> None:
        """What this would say was just said in another way: wait so long for what comes of it. Not of the RFC."""
        self._begin(interval, now)

    def tick(self, now: float, must: bool = False) -> bool:
        """Return whether to speak now (steps 4 and 5); `must` overrules what was heard.

        At most one interval passes in a call, however late it comes.
        """
        speak = False
        if not self._fired and now >= self._moment:
            self._fired = True
            speak = must or self._heard < self._redundancy
        if now >= self._end:
            self._begin(min(self._growth * self._interval, self._imax), now)
        return speak
