"""The trial of a new system: it starts once, and is kept only if it shows for some minutes that it holds.

    armed       config.txt names the new slot, fallback.txt what it named before
    started     the new system's first memory disk has put config.txt back: any reset starts the old one again
    good        config.txt names the new slot for good

`begin` is asked early at each start, before anything opens the store; `settle` once the new system has proved itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from appliance.errors import Refused
from appliance.updates import last
from appliance.updates.applying import arm
from appliance.updates.flaws import Flaw
from appliance.updates.last import Last, Outcome
from appliance.updates.slots import Card

HOLDS_S: Final = 180.0  # for so long without a break it must be well
WITHIN_S: Final = 900.0
LOOK_S: Final = 5.0


def begin(card: Card) -> Last | None:
    """See how this start came about; return the note where the system that runs is on trial. Raises `Refused`."""
    note = last.read(card.open)
    if note is None or note.outcome is not Outcome.TRYING:
        return None
    if card.running != note.slot:
        card.point(card.running)
        card.clear_fallback()
        last.write(card.open, note.now(Outcome.FELL_BACK))
        return None
    if card.pointed() == card.running and not card.fallback.exists():
        last.write(card.open, note.now(Outcome.GOOD))  # the power went just as it was being settled
        return None
    card.point(card.other)  # done already, unless this system has no first memory disk
    return note


def holds(
    is_well: Callable[[], bool],
    holds_s: float = HOLDS_S,
    within_s: float = WITHIN_S,
    ticks: Callable[[], float] = time.monotonic,
    rest: Callable[[float], None] = time.sleep,
) -> bool:
    """Whether the system is well for so long without a break, within the time it has. No clock is asked what time it is."""
    begun = ticks()
    since = begun if is_well() else None
    while ticks() - begun < within_s:
        if since is not None and ticks() - since >= holds_s:
            return True
        rest(min(LOOK_S, holds_s or LOOK_S))
        since = (since if since is not None else ticks()) if is_well() else None
    return False


def settle(card: Card, note: Last) -> None:
    """Keep the system that runs: cut off before the letter is changed, the old one starts. Raises `Refused`."""
    card.clear_fallback()
    card.point(note.slot)
    last.write(card.open, note.now(Outcome.GOOD))


def go_back(card: Card) -> Last:
    """Give the version before one attempt, as an update has it. Raises `Refused` where there is none, or no way."""
    note = last.read(card.open)
    if note is None or note.outcome in (Outcome.WRITING, Outcome.FELL_BACK):
        raise Refused(Flaw.NOTHING_BEFORE)
    if note.outcome is Outcome.TRYING:
        raise Refused(Flaw.ON_TRIAL, version=note.version)
    if not note.can_go_back:
        raise Refused(Flaw.NO_WAY_BACK, version=note.before)
    back = note.reversed()
    arm(card, back)
    return back
