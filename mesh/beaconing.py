"""When to say the digest of all that is held: soon after a change, hardly ever while all neighbours agree.

Trickle sets the pace. On top of it stand three rules. After a change a node says its new digest once, whatever it heard:
that is how others learn that it holds their records too. While all neighbours that were lately heard agree, it falls
silent but for a heartbeat. And when one of them speaks after a long silence, one of those who heard it answers, so that
a node which has just started learns that it is not alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Final

from mesh.keys import Scope
from mesh.timing import Timing
from mesh.trickle import Chance, Trickle

PATIENCE: Final = 16  # shortest intervals: whoever restarts may not have heard what was said longer ago

GROWTH: Final = (
    4.0  # of an interval: what is to be said again is seldom lacking, and often overtaken by something newer
)
CALM: Final = 4  # and for so many of them nobody repeats what it has just said


class Beaconing:
    """The beacons of one road. Times are monotonic seconds."""

    def __init__(self, timing: Timing, rng: Chance, now: float) -> None:
        self._timing = timing
        self._trickle = Trickle(timing.imin, timing.imax, timing.redundancy, rng, now, GROWTH)
        self._digests: dict[Scope, bytes] = {}
        self._told: dict[Scope, bytes] = {}
        self._retold: dict[Scope, bytes] = {}
        self._spoken = -inf
        self._greeted = -inf
        self._began = now
        self._changed = now
        self._answer = False

    @property
    def due(self) -> float:
        """When `is_time` has something to decide next."""
        return self._trickle.due

    def holds(self, digests: Mapping[Scope, bytes], now: float) -> None:
        """Learn what this node holds now."""
        if digests != self._digests:
            self._digests = dict(digests)
            self._changed = now
            self._trickle.inconsistent(now)

    def told(self, scope: Scope, digest: bytes, now: float) -> None:
        """Data went out, and the digest of a scope with it."""
        self._told[scope] = digest
        self._spoken = now
        self._trickle.spoken(now, CALM * self._timing.imin)

    def agreed(self) -> None:
        """A neighbour showed our digest."""
        self._trickle.consistent()
        self._answer = False

    def retell(self, now: float, *, is_urgent: bool) -> None:
        """A neighbour with whom all agree may not have heard us: it said the same again, or that it has heard nobody."""
        is_old = now - self._spoken > self._timing.imax / 2
        is_news = is_urgent or is_old or self._digests != self._retold
        if is_news and now - max(self._spoken, self._greeted) > PATIENCE * self._timing.imin:
            self.greet(now)

    def greet(self, now: float) -> None:
        """Answer somebody who was not heard for long, unless another does."""
        self._answer = True
        self._greeted = now
        self._trickle.inconsistent(now)

    def differed(self, now: float) -> None:
        """A neighbour showed another digest. Who has just said its own waits for what comes of it."""
        if now - self._spoken > CALM * self._timing.imin or self._has_news():
            self._trickle.inconsistent(now)

    def is_time(self, now: float, all_agree: bool, is_busy: bool, is_mending: bool) -> bool:
        """Return whether to send a beacon now: not while records or wants are about to say more.

        While holes in a message are filled, news wait too: for a minute, so that others learn them all the same.
        """
        news = self._has_news()
        if not self._trickle.tick(now, must=news):
            return False
        is_late = news and now - self._changed > PATIENCE * self._timing.imin
        if (is_busy or (is_mending and not is_late)) and now - max(self._spoken, self._began) < self._timing.imax:
            return False
        silent = all_agree and not news and not self._answer
        if self._answer:
            self._retold = dict(self._digests)
        self._answer = False
        if silent and now - self._spoken < self._timing.heartbeat:
            return False
        self._told = dict(self._digests)
        self._spoken = now
        if news:
            self._trickle.spoken(now, CALM * self._timing.imin)
        return True

    def _has_news(self) -> bool:
        return any(self._told.get(scope) != digest for scope, digest in self._digests.items())
