"""What time it is, by what others say: hints from independent sources, and a step forward only where they agree. Pure.

A hint is kept as an epoch: the seconds since 1970 at which this board's uptime clock stood at zero. So it stays true while
the board runs, whatever is done to the wall clock, and is worth nothing after the next start.

    keeper         the keeper's word; it decides by itself
    network        the wall clock, where the kernel says that a time server keeps it
    board          the wall clock otherwise: a battery-backed clock, or nothing but the last time that was saved
    radio          the radio's clock, set by its satellites or by its owner's phone
    peer:NODE      the newest note of a node of the commons, heard just now
    phone:MEMBER   a member's word, read off a phone
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

BUILT_AT: Final = 1_767_225_600  # 2026-01-01, seconds since 1970: no honest clock stands before it
YEAR_S: Final = 365 * 86_400
LEAP_S: Final = 5 * YEAR_S  # further ahead of what is certain, one source alone is not believed
TOLERANCE_S: Final = 600  # people read off minutes, and notes travel for some
KINDS_MIN: Final = 2
WITNESSES_MIN: Final = 3  # of one kind
HINTS_MAX: Final = 16
FLOOR_S: Final = 3600
KEEPER: Final = "keeper"


class Hint(NamedTuple):
    """`source` as in the list above. What stands before its colon is the kind: sources of one kind may all err alike."""

    source: str
    epoch: int

    @property
    def kind(self) -> str:
        return self.source.partition(":")[0]


class Kept(NamedTuple):
    """What outlives a process. `floor`: the last time that was certain, in seconds since 1970, over every start.

    `epoch`: what was agreed since the board was switched on; `since`: seconds of uptime when it was.
    """

    floor: int = 0
    epoch: int | None = None
    since: int = 0


def with_hint(hints: Sequence[Hint], new: Hint) -> tuple[Hint, ...]:
    """Return the hints with a new one at their end; each source has one, and the oldest makes room."""
    others = [hint for hint in hints if hint.source != new.source]
    return (*others, new)[-HINTS_MAX:]


def agreed(hints: Iterable[Hint]) -> int | None:
    """Return the epoch that independent hints share within ten minutes; None where too few do. The keeper's word decides.

    It is the latest of them: a note is older than its arrival, and a minute that was read off has begun.
    """
    known = sorted(hints, key=lambda hint: hint.epoch)
    for hint in known:
        if hint.kind == KEEPER:
            return hint.epoch
    groups = ([other for other in known if 0 <= other.epoch - first.epoch <= TOLERANCE_S] for first in known)
    enough = [group for group in groups if _is_enough(group)]
    best = max(enough, key=lambda group: (len(_kinds(group)), len(group)), default=None)
    return best[-1].epoch if best else None


def _is_enough(group: Sequence[Hint]) -> bool:
    return len(_kinds(group)) >= KINDS_MIN or len({hint.source for hint in group}) >= WITNESSES_MIN


def _kinds(group: Iterable[Hint]) -> set[str]:
    return {hint.kind for hint in group}


def stepped(kept: Kept, hints: Iterable[Hint], uptime: int) -> Kept:
    """Return what is kept once these hints were weighed: a step forward where they agree, and never one back.

    The keeper alone may step back, to mend a slip, and no further than what was certain.
    """
    epoch = agreed(hints)
    if epoch is None or epoch + uptime < max(BUILT_AT, kept.floor):
        return kept
    is_word = any(hint.kind == KEEPER for hint in hints)
    if kept.epoch is None or is_word or epoch > kept.epoch + TOLERANCE_S:
        return kept._replace(epoch=epoch, since=uptime)
    return kept


def with_floor(kept: Kept, uptime: int) -> Kept:
    """Return the same with a new floor, once an hour, where what was agreed has stood so long: a slip can be mended before."""
    if kept.epoch is None or uptime - kept.since < FLOOR_S or kept.epoch + uptime - kept.floor < FLOOR_S:
        return kept
    return kept._replace(floor=kept.epoch + uptime)


def is_likely(at: int, floor: int) -> bool:
    """Whether one source alone may be believed: not before what is certain, nor years beyond it."""
    certain = max(BUILT_AT, floor)
    return certain <= at <= certain + LEAP_S
