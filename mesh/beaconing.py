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


class Beaconing:
    """The beacons of one road. Times are monotonic seconds."""

    def __init__(self, timing: Timing, rng: Chance, now: float) -> None:
        self._timing = timing
        self._trickle = Trickle(timing.imin, timing.imax, timing.redundancy, rng, now)
        self._digests: dict[Scope, bytes] = {}
        self._told: dict[Scope, bytes] = {}
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
        self._trickle.consistent()

    def agreed(self, now: float, all_agree: bool) -> None:
        """A neighbour showed our digest; `all_agree` says that nobody shows another."""
        self._trickle.consistent()
        self._answer = False
        if all_agree and now - max(self._spoken, self._greeted) > PATIENCE * self._timing.imin:
            self.greet(now)

    def greet(self, now: float) -> None:
        """Answer somebody who was not heard for long, unless another does."""
        self._answer = True
        self._greeted = now
        self._trickle.inconsistent(now)

    def differed(self, now: float) -> None:
        """A neighbour showed another digest."""
        self._trickle.inconsistent(now)

    def is_time(self, now: float, all_agree: bool, is_busy: bool, is_mending: bool) -> bool:
        """Return whether to send a beacon now: not while records or wants are about to say more.

        While holes in a message are filled, news wait too: for a minute, so that others learn them all the same.
        """
        news = any(self._told.get(scope) != digest for scope, digest in self._digests.items())
        if not self._trickle.tick(now, must=news):
            return False
        is_late = news and now - self._changed > PATIENCE * self._timing.imin
        if (is_busy or (is_mending and not is_late)) and now - max(self._spoken, self._began) < self._timing.imax:
            return False
        silent = all_agree and not news and not self._answer
        self._answer = False
        if silent and now - self._spoken < self._timing.heartbeat:
            return False
        self._told = dict(self._digests)
        self._spoken = now
        return True
