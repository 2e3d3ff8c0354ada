"""The last few messages that were whole here, kept so that whoever lacks some rows of one can be sent more.

Who sent a message sends more of it. Who merely heard it steps in when somebody has asked twice and nobody answered: the sender
may be gone, or out of reach of the one who asks. Each row that is heard is one owed less.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from mesh.erasure import ROWS_MAX, coded
from mesh.packet import Part, PartsWant
from mesh.reassembly import BYTES_MAX

KEPT_MAX: Final = 16
UNANSWERED_MAX: Final = 2
ROWS_PER_PART: Final = 2  # whom so many do not help is helped by another message


@dataclass(slots=True)
class _Kept:
    parts: Sequence[Part]
    row: int  # the next one to send
    is_ours: bool
    owed: int = 0
    at: float = inf
    unanswered: int = 0
    sent: int = 0  # rows beyond those of the message itself

    def next(self) -> Part:
        first = self.parts[0]
        count = len(self.parts)
        part = Part(first.message, self.row, first.last, coded([one.content for one in self.parts], self.row))
        self.row = self.row + 1 if self.row + 1 < ROWS_MAX else count
        self.owed -= 1
        self.sent += 1
        return part


class Repairs:
    """At most 16 messages and 64 KiB; the one that was kept first makes room."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes kept."""
        return sum(len(part.content) for kept in self._kept.values() for part in kept.parts)

    def keep(self, parts: Sequence[Part], is_ours: bool, luck: float = 0.0) -> None:
        """Keep a message. `luck`, 0 … 1, chooses the first row of those who only heard it: seldom do two send the same."""
        name, count = parts[0].message, len(parts)
        before = self._kept.pop(name, None)
        row = before.row if before else count + int(luck * (ROWS_MAX - 1 - count))
        self._kept[name] = _Kept(parts, row, is_ours or (before is not None and before.is_ours))
        while len(self._kept) > KEPT_MAX or self.size > BYTES_MAX:
            self._kept.popitem(last=False)

    def hear_want(self, want: PartsWant, at: float, standby: float) -> int:
        """Owe what somebody lacks, not before `at`, or `standby` seconds later if another sent it.

        Returns how many bytes more are owed now.
        """
        kept = self._kept.get(want.message)
        if kept is None or kept.sent >= ROWS_PER_PART * len(kept.parts):
            return 0
        before = kept.owed
        kept.unanswered += 1
        if kept.is_ours or kept.unanswered >= UNANSWERED_MAX:
            if kept.owed <= 0:
                kept.at = at if kept.is_ours else at + standby
            kept.owed = max(kept.owed, want.lacking)
        return (kept.owed - before) * len(kept.parts[0].content)

    def hear(self, part: Part) -> None:
        """Somebody sent a row: so much less is owed."""
        kept = self._kept.get(part.message)
        if kept:
            kept.owed = max(0, kept.owed - 1)
            kept.unanswered = 0

    def due(self, now: float, count_max: int) -> list[Part]:
        """Return rows of one message that are owed now."""
        for kept in self._kept.values():
            if kept.owed > 0 and kept.at <= now:
                return [kept.next() for _ in range(min(kept.owed, count_max))]
        return []

    def next_wake(self) -> float | None:
        """Return when something is owed."""
        return min((kept.at for kept in self._kept.values() if kept.owed > 0), default=None)
