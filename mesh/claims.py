"""What another holds, read from its want, whichever form that has.

What cannot be read is None: it will be asked for in another form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from mesh import sketch
from mesh.brief import BriefWant, SketchWant, near
from mesh.keys import LogId
from mesh.outlook import Outlook
from mesh.packet import Want

LOG_SIZE: Final = 3
LOWS: Final = 256


class Held(NamedTuple):
    """The heights of logs that we hold; whether the other has more of them, or others; and how sure that is.

    `is_whole`: it spoke of all logs. `is_exact`: the heights are its own words, not found by chance. `is_strange`: it holds
    other logs than we do.
    """

    heights: dict[LogId, int]
    more: bool
    is_whole: bool
    is_exact: bool
    is_strange: bool


def explicit(want: Want, outlook: Outlook) -> Held:
    """Read a want that names its logs."""
    claimed: dict[bytes, list[int]] = {}
    for claim in want.claims:
        claimed.setdefault(claim.handle, []).append(claim.height)
    shown: dict[LogId, int] = {}
    for handle, logs in outlook.between(want.lowest, want.highest):
        heights = claimed.pop(handle, [])
        # Where several logs share a handle, nobody can tell whose height is whose: rather send too much.
        lowest = min(heights) if len(heights) >= len(logs) else 0
        shown |= dict.fromkeys(logs, lowest)
    more = bool(claimed) or _has_more(shown, outlook)
    return Held(shown, more, want.is_whole, is_exact=True, is_strange=bool(claimed) or 0 in shown.values())


def brief(want: BriefWant, outlook: Outlook) -> Held | None:
    """Read a want that speaks of the logs that both know: of those held now, or a while ago."""
    found = want.heights(outlook.lists(), outlook.heights_held())
    if found is None:
        return None
    shown = dict.fromkeys(outlook.heights_held(), 0) | found
    return Held(shown, _has_more(shown, outlook), is_whole=True, is_exact=True, is_strange=False)


def sketched(want: SketchWant, outlook: Outlook) -> Held | None:
    """Read a sketch: of what differs the logs that we hold are found, and of the others how many there are."""
    ours = outlook.heights_held()
    elements = {element(want.digest, log, height): log for log, height in ours.items()}
    sums = sketch.syndromes([*elements], len(want.syndromes))
    difference = sketch.Difference([one ^ other for one, other in zip(sums, want.syndromes, strict=True)])
    if not difference.is_whole:
        return None
    differing = difference.among([*elements])
    known = [base | low for base in {one & -LOWS for one in differing} for low in range(LOWS)]
    theirs = difference.among([one for one in known if one and one not in elements])
    lows = {one & -LOWS: one & LOWS - 1 for one in theirs}
    shown = ours | {elements[one]: _height(lows.get(one & -LOWS), ours[elements[one]]) for one in differing}
    unknown = difference.size > len(differing) + len(theirs)
    more, is_strange = unknown or _has_more(shown, outlook), unknown or 0 in shown.values()
    return Held(shown, more, is_whole=True, is_exact=False, is_strange=is_strange)


def sketch_of(scope: bytes, sender: bytes, digest: bytes, ours: Mapping[LogId, int], capacity: int) -> SketchWant:
    """Return the sketch of what is held."""
    elements = dict.fromkeys(element(digest, log, height) for log, height in ours.items())
    return SketchWant(scope, sender, digest, tuple(sketch.syndromes([*elements], capacity)))


def element(digest: bytes, log: LogId, height: int) -> int:
    """Return what stands for a log at a height in a sketch: three bytes of the log's name, and the low one of the height.

    The name is hashed with the digest of who speaks, so that no two logs are mistaken for each other for long.
    """
    name = blake2b(log, digest_size=LOG_SIZE, key=digest).digest()
    return (int.from_bytes(name, "big") << 8 | height & LOWS - 1) or 1


def _height(low: int | None, height: int) -> int:
    return 0 if low is None else near(low, height)


def _has_more(shown: Mapping[LogId, int], outlook: Outlook) -> bool:
    known: Sequence[LogId] = [log for log in shown if log not in outlook.proofs]
    return any(shown[log] > outlook.frontier.height(log) for log in known)
