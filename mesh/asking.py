"""When to say what this node holds, so that others send the rest: in a random slot, seldomer when it does not help.

The third time, and every second time from then on, it says its heads instead: heights that agree while digests do not
mean that somewhere a log was forked.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import inf
from typing import Final

from mesh.brief import BRIEF_HEAD_SIZE, CAPACITY_MAX
from mesh.packet import FIRST_HANDLE, LAST_HANDLE, Claim, Want
from mesh.timing import Timing
from mesh.trickle import Chance
from mesh.wire import VARINT_SIZE_MAX, varint

ROUNDS_MAX: Final = 3
DOUBLINGS_MAX: Final = 32
JITTER: Final = 0.25  # of a pause
PATIENCE: Final = 6
WANTS_AT_ONCE_MAX: Final = 4
WANT_HEAD_SIZE: Final = 16
BRIEF_ROUNDS: Final = 2
SKETCH_SMALL: Final = 24  # sums: a sketch of 109 bytes


class Form(Enum):
    """How a want says what is held: see spec/gossip-v1.md."""

    BRIEF = "brief"
    SKETCH = "sketch"
    LARGE_SKETCH = "large sketch"
    NAMES = "names"


class Asking:
    """The rounds of one disagreement. `at` is when to ask next, None while all is well."""

    def __init__(self, timing: Timing, rng: Chance) -> None:
        self._timing = timing
        self._rng = rng
        self.at: float | None = None
        self.rounds = 0
        self.last = -inf
        self._pause = 0.0
        self._wanted_at = -inf
        self._is_strange = False
        self._sketches = 0

    def strange(self) -> None:
        """Another holds other logs than we do: a brief want is not understood, and another form may be tried soon."""
        if not self._is_strange and self.rounds == 1:
            self.rounds = 0
        self._is_strange = True

    def familiar(self) -> None:
        """Another spoke of the logs that we know."""
        self._is_strange = False
        self._sketches = 0

    def form(self, logs: int, size: int) -> Form:
        """Return how to ask in a packet of `size` bytes, holding so many logs: briefly twice, for one may be lost.

        Few logs are named as shortly as they are sketched.
        """
        if self.rounds >= BRIEF_ROUNDS:
            self._is_strange = True
        if not self._is_strange and 0 < logs <= size - BRIEF_HEAD_SIZE:
            return Form.BRIEF
        self._sketches += 1
        if self._sketches == 1 and logs > SKETCH_SMALL:
            return Form.SKETCH
        return Form.LARGE_SKETCH if self._sketches == 2 and logs > CAPACITY_MAX else Form.NAMES

    def soon(self, now: float) -> None:
        """Ask in a slot, or when the pause since the last time is over."""
        pause = self._pause if self.rounds else self._timing.retry / 4  # whatever is heard, not more often
        moment = max(now + self._timing.slot(self._rng), self.last + pause)
        if self.at is None:
            self._wanted_at = now
        self.at = moment if self.at is None else min(self.at, moment)

    def later(self, moment: float) -> None:
        """Somebody else has just asked for all that we would, or is about to tell."""
        if self.at is not None:
            self.at = max(self.at, moment)

    def may_wait(self, now: float) -> bool:
        """Whether it is right to let others go on speaking first: not for ever, whatever they say."""
        return now - max(self._wanted_at, self.last) < PATIENCE * self._timing.retry

    def progress(self) -> None:
        """Something moved: what comes next is a new disagreement."""
        self.rounds = 0

    def settled(self) -> None:
        """All agree."""
        self.at = None
        self.rounds = 0
        self.familiar()

    def asked(self, now: float, ceiling: float) -> None:
        """One round more; pauses double up to `imax`, or wait for a longer `ceiling` from the third on.

        Three rounds can be lost to the air, so pauses grow slowly. And they are never the same for two nodes: some who do
        not hear each other, but are heard by one, would speak at once, round for round.
        """
        self.rounds += 1
        self.last = now
        pause = min(self._timing.retry * 2.0 ** min(self.rounds - 1, DOUBLINGS_MAX), self._timing.imax)
        if self.rounds >= ROUNDS_MAX and ceiling > self._timing.imax:
            pause = ceiling
        self._pause = pause * self._rng.uniform(1 - JITTER, 1 + JITTER)
        self.at = now + self._pause

    @property
    def is_stuck(self) -> bool:
        """Whether three rounds did not help."""
        return self.rounds >= ROUNDS_MAX

    @property
    def is_about_heads(self) -> bool:
        """Whether this round had better say heads."""
        return self.rounds >= ROUNDS_MAX - 1 and self.rounds % 2 == 0


Claims = Sequence[tuple[bytes, Sequence[Claim]]]  # by handle, in order


def wants(scope: bytes, sender: bytes, claims: Claims, size: int, start: bytes) -> tuple[list[Want], bytes]:
    """Return a few wants that speak of all logs from handle `start` on, and where to go on next time.

    Each has at most `size` bytes. Should so many logs share one handle that they fit no packet, some are left out: then
    others send more than is lacking, and nothing is lost.
    """
    found: list[Want] = []
    left: Claims = [(handle, group) for handle, group in claims if handle >= start]
    while len(found) < WANTS_AT_ONCE_MAX:
        taken, left = _fitting(left, size - WANT_HEAD_SIZE)
        highest = _before(left[0][0]) if left else LAST_HANDLE
        found.append(Want(scope, sender, start, highest, tuple(claim for _, group in taken for claim in group)))
        if not left:
            return found, FIRST_HANDLE
        start = left[0][0]
    return found, start


def _fitting(groups: Claims, room: int) -> tuple[Claims, Claims]:
    taken: list[tuple[bytes, Sequence[Claim]]] = []
    for place, (handle, group) in enumerate(groups):
        cost = sum(len(handle) + len(varint(claim.height)) for claim in group)
        if cost > room and not taken:
            return [(handle, group[: room // (len(handle) + VARINT_SIZE_MAX)])], groups[place + 1 :]
        if cost > room:
            return taken, groups[place:]
        taken.append((handle, group))
        room -= cost
    return taken, ()


def _before(handle: bytes) -> bytes:
    return (int.from_bytes(handle, "big") - 1).to_bytes(len(handle), "big")
