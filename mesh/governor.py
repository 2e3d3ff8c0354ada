"""What one station may still say this hour: the law of its region, its own share of it, and how full the channel is.

It trusts no radio's report and no wall clock. A packet counts from the moment it is handed over until an hour after the
last moment at which it can have been on the air, so that no real hour holds more than was allowed. What may be forgotten in
a power cut was written down before it was spent: `note` gives the bytes, and needs to be asked seldom.

Pure: time is an argument (seconds of any clock that never goes back).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from enum import IntEnum
from itertools import groupby
from typing import Final

from mesh import canonical
from mesh.airtime import HOUR_MS, HOUR_S, REGIONS
from mesh.errors import AirtimeSpent, Malformed

BUDGET_SHARE_DEFAULT: Final = 0.03
USE_SHARE_MAX: Final = 0.25  # of the channel, whoever talks: beyond it only distress speaks
USE_WINDOW_S: Final = 600
CHUNKS: Final = 6  # an hour's budget is written down in so many steps
MINUTE_S: Final = 60
NOTE_NAME: Final = "hedgerow air 1"
MINUTES_MAX: Final = HOUR_S // MINUTE_S + 2
US: Final = 1000  # microseconds in a millisecond; whole numbers never drift

SPENT: Final = "The radio has used its share of the air for now. Everything is saved and will leave by itself."


class Priority(IntEnum):
    """What goes first. The lower the number, the more of the hour it may use."""

    DISTRESS = 0
    LEDGER = 1
    NOTICES = 2
    MANIFESTS = 3
    BODIES = 4
    CAROUSEL = 5


SHARES: Final[Mapping[Priority, float]] = {  # of the budget; what is left over is kept for what is more urgent
    Priority.LEDGER: 1.0,
    Priority.NOTICES: 0.9,
    Priority.MANIFESTS: 0.8,
    Priority.BODIES: 0.5,
    Priority.CAROUSEL: 0.25,  # what nobody asked for: only while little was said in this hour
}


class Sliding:
    """A sum over the last `length_s` seconds, in whole buckets of a second: at most `length_s` + 2 of them.

    A bucket counts until all of it is old.
    """

    def __init__(self, length_s: int) -> None:
        self._length_s = length_s
        self._buckets: deque[tuple[int, int]] = deque()  # (second, amount), oldest first
        self._total = 0

    def __len__(self) -> int:
        return len(self._buckets)

    def add(self, amount: int, now_s: float) -> None:
        """Count at `now_s`; where a clock stepped back, the newest bucket takes it, and no second account opens."""
        second = math.floor(now_s)
        if self._buckets and self._buckets[-1][0] >= second:
            newest, before = self._buckets.pop()
            self._buckets.append((newest, before + amount))
        else:
            self._buckets.append((second, amount))
        self._total += amount

    def total(self, now_s: float) -> int:
        """Return the sum of what is not old yet."""
        while self._buckets and self._buckets[0][0] + 1 + self._length_s <= now_s:
            self._total -= self._buckets.popleft()[1]
        return self._total

    def wait_s(self, most: int, now_s: float) -> float:
        """Return in how many seconds the sum is at most `most`, if nothing is added; `most` is not negative."""
        left, wait_s = self.total(now_s), 0.0
        for second, amount in self._buckets:
            if left <= most:
                break
            left -= amount
            wait_s = second + 1 + self._length_s - now_s
        return wait_s

    def by_minute(self, now_s: float) -> list[tuple[int, int]]:
        """Return (age in seconds, amount) for each minute, oldest first; the age is that of the youngest second in it."""
        self.total(now_s)
        minutes = groupby(self._buckets, key=lambda bucket: bucket[0] // MINUTE_S)
        whole = [list(buckets) for _, buckets in minutes]
        return [(max(0, math.floor(now_s) - buckets[-1][0]), sum(amount for _, amount in buckets)) for buckets in whole]


class Governor:
    """The air of one station. Costs are in milliseconds of airtime, as `airtime.airtime_ms` gives them."""

    def __init__(self, region: str, share: float = BUDGET_SHARE_DEFAULT) -> None:
        """`share` of each hour is the budget (0.03 = 108 s), never more than the region's law allows."""
        if region not in REGIONS:
            raise ValueError(f"{region!r} is no radio region; known are {', '.join(REGIONS)}")
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"a share of the air lies between 0 and 1, not at {share}")
        self.law_ms: Final = REGIONS[region] * HOUR_MS
        self.budget_ms: Final = min(share * HOUR_MS, self.law_ms)
        self._spent = Sliding(HOUR_S)
        self._use = Sliding(USE_WINDOW_S)
        self._pending: deque[int] = deque()  # handed over, and perhaps not on the air yet
        self._taken: dict[Priority, int] = dict.fromkeys(Priority, 0)
        self._heard = 0
        self._noted = 0  # of what is still to be spent, so much was written down

    # --- what was used

    def used_ms(self, now_s: float) -> float:
        """Return the airtime of the hour before `now_s`, with all that was handed over and is not known to be sent."""
        return self._used(now_s) / US

    def _used(self, now_s: float) -> int:
        return self._spent.total(now_s) + sum(self._pending)

    def use_share(self, now_s: float) -> float:
        """Return for how much of the last ten minutes the channel was in use, as far as was sent or understood here."""
        return (self._use.total(now_s) + sum(self._pending)) / US / 1000 / USE_WINDOW_S

    def taken_ms(self) -> Mapping[Priority, float]:
        """Return what was spent by priority, since this governor was made."""
        return {priority: spent / US for priority, spent in self._taken.items()}

    def heard_ms(self) -> float:
        """Return the airtime of all that was heard, since this governor was made."""
        return self._heard / US

    def hear(self, cost_ms: float, now_s: float) -> None:
        """Count a packet that somebody else sent."""
        cost = math.ceil(cost_ms * US)
        self._heard += cost
        self._use.add(cost, now_s)

    def charge(self, cost_ms: float, now_s: float) -> None:
        """Count what the radio has said by itself, whether there was room for it or not."""
        cost = math.ceil(cost_ms * US)
        self._spent.add(cost, now_s)
        self._use.add(cost, now_s)

    def settle(self, waiting: int, now_s: float) -> None:
        """Learn that all but the last `waiting` packets that were handed over have begun on the air, or never will."""
        while len(self._pending) > max(0, waiting):
            cost = self._pending.popleft()
            self._spent.add(cost, now_s)
            self._use.add(cost, now_s)

    # --- what may be spent

    def room_ms(self, now_s: float, priority: Priority = Priority.LEDGER) -> float:
        """Return the airtime that may still be spent now."""
        return max(0.0, self._limit(priority) / US - self.used_ms(now_s))

    def packets(self, cost_ms: float, now_s: float, priority: Priority) -> int:
        """Return how many packets of this cost may still be spent now."""
        return int(self.room_ms(now_s, priority) / cost_ms)

    def wait_s(self, cost_ms: float, now_s: float, priority: Priority = Priority.LEDGER) -> float:
        """Return the seconds until `cost_ms` fit: 0 for now, infinity where they never do.

        What waits in the radio counts as if it went out last: then the wait may turn out shorter.
        """
        left = self._limit(priority) - math.ceil(cost_ms * US)
        if left < 0:
            return math.inf
        wait_s = self._spent.wait_s(max(0, left - sum(self._pending)), now_s)
        if left < sum(self._pending):
            wait_s = max(wait_s, 1.0)
        if priority is not Priority.DISTRESS:
            wait_s = max(wait_s, self._use.wait_s(int(USE_SHARE_MAX * USE_WINDOW_S * 1000 * US), now_s))
        return wait_s

    def spend(self, cost_ms: float, now_s: float, priority: Priority = Priority.LEDGER) -> None:
        """Count a packet before it is sent. Raises AirtimeSpent, and counts nothing, where it does not fit."""
        if cost_ms < 0:
            raise ValueError(f"a frame cannot take {cost_ms} ms")
        cost = math.ceil(cost_ms * US)
        if cost > self._limit(priority) - self._used(now_s):
            raise AirtimeSpent(SPENT)
        self._pending.append(cost)
        self._taken[priority] += cost
        self._noted -= cost

    def least(self, cost_ms: float, now_s: float) -> Priority | None:
        """Return the least urgent that may say something of `cost_ms` now; None where nobody may."""
        return next((one for one in reversed(Priority) if self.wait_s(cost_ms, now_s, one) == 0), None)

    def opens_s(self, cost_ms: float, now_s: float, least: Priority) -> float:
        """Return the seconds until something less urgent than `least` may be said, infinity where it never may."""
        return min((self.wait_s(cost_ms, now_s, one) for one in Priority if one > least), default=math.inf)

    def _limit(self, priority: Priority) -> int:
        if priority is Priority.DISTRESS:
            return int(self.law_ms * US)
        return int(self.budget_ms * SHARES[priority] * US)

    # --- what outlives a power cut

    def must_note(self, cost_ms: float) -> bool:
        """Whether spending `cost_ms` needs a new note on the card first."""
        return math.ceil(cost_ms * US) > self._noted

    def note(self, now_s: float, cost_ms: float = 0.0) -> bytes:
        """Return what to write down before more is spent: the hour so far, and as spent what `cost_ms` begins.

        Without a cost it is the last note of a clean end. Once it is on the card, call `noted` with the same cost.
        """
        minutes = [list(minute) for minute in self._spent.by_minute(now_s)]
        return canonical.encode([NOTE_NAME, minutes, self._ahead(cost_ms) + sum(self._pending)])

    def noted(self, cost_ms: float) -> None:
        """Learn that the last note is on the card."""
        self._noted = self._ahead(cost_ms)

    def _ahead(self, cost_ms: float) -> int:
        return max(math.ceil(cost_ms * US), int(self.budget_ms * US) // CHUNKS) if cost_ms else 0

    def recall(self, raw: bytes, away_s: float, now_s: float) -> None:
        """Take over what an earlier run noted, which is at least `away_s` seconds ago; to be called before all else.

        What it had noted as ahead counts as spent just now. Raises `Malformed`.
        """
        minutes, ahead = _read_note(raw)
        for age, amount in minutes:
            self._spent.add(amount, now_s - age - away_s)
        self._spent.add(ahead, now_s)
        self._spent.total(now_s)

    def assume_the_worst(self, now_s: float) -> None:
        """What was spent is not known: count the whole budget as spent just now."""
        self._spent.add(int(self.budget_ms * US), now_s)


def _read_note(raw: bytes) -> tuple[list[tuple[int, int]], int]:
    """Return the minutes, oldest first, and what was ahead."""
    parts = canonical.decode(raw)
    if type(parts) is not list or [type(part) for part in parts] != [str, list, int] or parts[0] != NOTE_NAME:
        raise Malformed("a note of the air is a name, minutes, and what is ahead")
    _, minutes, ahead = parts
    if len(minutes) > MINUTES_MAX or any(type(one) is not list or [*map(type, one)] != [int, int] for one in minutes):
        raise Malformed("a minute is an age and what was spent")
    ages = [age for age, _ in minutes]
    if ages != sorted(ages, reverse=True) or min([0, ahead, *(number for one in minutes for number in one)]) < 0:
        raise Malformed("minutes stand in order, and no number is below zero")
    return [(age, amount) for age, amount in minutes], ahead
