"""The talk about one scope on one road: what is heard becomes what is owed, wanted, or taken in.

Hearing never sends. What is to be said comes out of `answer` and `ask`, when its random slot has come.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import inf
from typing import Final

from mesh import asking, claims
from mesh.again import Again
from mesh.ahead import Ahead
from mesh.aircode.shared import Missing
from mesh.airform import AirRun, Parcel, log_handle
from mesh.answers import Answers
from mesh.asking import SKETCH_SMALL, WANTS_AT_ONCE_MAX, Asking, Form
from mesh.branches import Branches
from mesh.brief import CAPACITY_MAX, SKETCH_HEAD_SIZE, SYNDROME_SIZE, BriefWant, SketchWant
from mesh.claims import Held
from mesh.company import Company
from mesh.doubts import Waiting
from mesh.effects import Deliver, DeliverAside, Effect, PeerHolds
from mesh.errors import Malformed, PeerFault
from mesh.governor import Priority
from mesh.holdings import Holdings
from mesh.keys import Head, LogId, Scope
from mesh.links import OPEN, Opening
from mesh.log import Run
from mesh.neighbours import Allowances, Neighbour
from mesh.outlook import Outlook
from mesh.packet import FIRST_HANDLE, LAST_HANDLE, Claim, Delivery, ForkNotice, Heads, Packed, Probe, Want
from mesh.road import Road
from mesh.shorthand import Shorthand

HEARD_MAX: Final = 256
ASKS_AT_ONCE: Final = 30  # wants of one neighbour; in the long run one for each `retry`
ZEAL: Final = 3  # earned where somebody had to ask for what this road had brought us
ZEAL_MAX: Final = 6
SKETCHES: Final = {Form.SKETCH: SKETCH_SMALL, Form.LARGE_SKETCH: CAPACITY_MAX}

AnyWant = Want | BriefWant | SketchWant


class Dialogue:
    """All that one road and one scope have to do with each other. Times are monotonic seconds."""

    def __init__(self, scope: Scope, holdings: Holdings, road: Road, now: float) -> None:
        self.scope = scope
        self.outlook = Outlook(scope, holdings)
        self._holdings = holdings
        self._road = road
        self._asking = Asking(road.timing, road.rng)
        self._shorthand = Shorthand(self.outlook, holdings, road)
        self._answers = Answers(self.outlook, holdings, road, self._shorthand)
        self._branches = Branches(self.outlook, holdings, road, now)
        self._company = Company(self.outlook, road)
        self._waiting = Waiting()
        self._carried = {log: reach.height for log, reach in self.outlook.frontier.reaches.items()}
        self._heard: OrderedDict[LogId, int] = OrderedDict()
        self._cursor = FIRST_HANDLE
        self._data_at = -inf
        self._sketch_at = -inf
        self._again = Again(road.timing)
        self._askers = Allowances(1 / road.timing.retry, ASKS_AT_ONCE)
        self._zeal = 0  # so many times more what comes by this road is sent on at once
        self._is_garbled = False  # what came packed could not be read: ask for it in plain form

    # --- what others say

    def hear_parcel(self, peer: str, parcel: Parcel, now: float) -> list[Effect]:
        """Take in what is news. Raises `Malformed` and `BadSignature`."""
        self._data_at = now
        self.outlook.refresh()
        runs = [run for air in parcel.runs for run in self._read(air, now)]
        return [Deliver(peer, run) for run in runs if self._is_next(peer, run)]

    def _read(self, air: AirRun, now: float) -> Iterator[Run]:
        key = self._holdings.epoch_key(self.scope)
        logs = [self._opened(air)] if air.after == 0 else self.outlook.logs(air.handle)
        if not logs:
            self._road.counters["runs of a log that is not known"] += 1
        for log in logs:
            if self._is_news(log, air.after, air.upto, now):
                yield air.unpack(log, key)

    def _is_news(self, log: LogId, after: int, upto: int, now: float) -> bool:
        """Note that these records were on the road, and return whether any of them is wanted here."""
        self._answers.passed(log, after, upto, now)
        self._branches.hear_run(log, after)
        is_news = upto > self.outlook.frontier.height(log) or log in self._branches
        self._road.counters["runs that were here already"] += not is_news
        return is_news

    def hear_packed(self, peer: str, packet: Packed, now: float) -> list[Effect]:
        """Take in what is news, and ask again for what cannot be read: that is nobody's fault."""
        self._data_at = now
        self.outlook.refresh()
        if self.outlook.digest.startswith(packet.digest):
            self._road.counters["runs that were here already"] += 1
            return []
        try:
            runs = self._shorthand.read(packet)
        except (Missing, PeerFault) as fault:
            self._road.counters["packed runs that could not be read"] += 1
            self._is_garbled = self._is_garbled or (isinstance(fault, PeerFault) and not packet.is_common)
            self._asking.soon(now)
            return []
        news = [run for run in runs if self._is_news(run.log, run.after, run.upto, now)]
        return [Deliver(peer, run) for run in news if self._is_next(peer, run)]

    def _opened(self, air: AirRun) -> LogId:
        """Return the name of the log that this run begins: its first record tells it."""
        opening = Opening.read(air.records[0].unpack(None))
        if opening.scope != self.scope or log_handle(opening.log) != air.handle:
            raise Malformed("a log opens under another name than it travels")
        return opening.log

    def _is_next(self, peer: str, run: Run) -> bool:
        """Whether the door can take this run now. One above a gap waits until the gap closes."""
        self._heard[run.log] = max(run.upto, self._heard.get(run.log, 0))
        self._heard.move_to_end(run.log)
        if len(self._heard) > HEARD_MAX:
            self._heard.popitem(last=False)
        if run.after > self.outlook.frontier.height(run.log):
            self._waiting.keep(peer, run)
            return False
        return True

    def hear_want(self, peer: str, neighbour: Neighbour | None, want: AnyWant, now: float) -> list[Effect]:
        """Owe what the other lacks, ask for what it has more. `neighbour` is None for our own voice."""
        self.outlook.refresh()
        held = self._read_want(want, now)
        if held is None:
            self._road.counters["wants that could not be read"] += 1
            if neighbour:  # it holds other logs, most likely some that we lack
                self._company.forget(neighbour)
                self._company.showed_more(neighbour)
                self._asking.strange()
                self._asking.soon(now)
            return []
        if neighbour and not self._askers.spend(f"{peer} {neighbour.handle.hex()}", now):
            self._road.counters["wants beyond a neighbour's allowance"] += 1
        else:
            self._owe(peer, held.heights, isinstance(want, Want) and want.is_plain, now)
        return [] if neighbour is None else self._heed(neighbour, held, now)

    def _read_want(self, want: AnyWant, now: float) -> Held | None:
        match want:
            case Want():
                return claims.explicit(want, self.outlook)
            case BriefWant():
                return claims.brief(want, self.outlook)
        if now < self._sketch_at:
            return None  # sketches are much work
        self._sketch_at = now + self._road.timing.retry / 4
        return claims.sketched(want, self.outlook)

    def _heed(self, neighbour: Neighbour, held: Held, now: float) -> list[Effect]:
        lacks = any(self._is_lacking(log, height) for log, height in held.heights.items())
        self._company.forget(neighbour)
        if held.is_strange:
            self._asking.strange()
        elif held.is_whole:
            self._asking.familiar()
        if held.more:
            self._company.showed_more(neighbour)
            self._asking.soon(now)
        elif held.is_whole:
            self._asking.later(now + self._road.timing.retry)
            if lacks:
                self._company.showed_less(neighbour)
        if not lacks:
            self._branches.bring_proofs((log for log, height in held.heights.items() if height), now)
        sure = {log: height for log, height in held.heights.items() if log not in self.outlook.proofs}
        return [PeerHolds(neighbour.handle, self.scope, sure)] if held.is_exact else []

    def _owe(self, peer: str, shown: Mapping[LogId, int], is_plain: bool, now: float) -> None:
        """Plan to send what somebody who holds this lacks of ours, unless this peer made us say too much again."""
        if self._road.has_said_enough(peer, now):
            return
        lacking = [log for log, height in shown.items() if self._is_lacking(log, height)]
        if any(self._heard.get(log, 0) >= self.outlook.frontier.height(log) for log in lacking):
            self._zeal = min(ZEAL_MAX, self._zeal + ZEAL)
        # Who wrote some of it speaks first, and all others hear that: with equal slots two would often speak at once.
        first = any(self.outlook.is_by(self._road.node, log) for log in lacking)
        timing = self._road.timing
        slot = self._road.slot() * self._again.widened(lacking[0], shown[lacking[0]], now) if lacking else 0.0
        at = now + slot + (0.0 if first else timing.slot_max + timing.packet)
        for log in lacking:
            self._answers.owe(log, shown[log], now, at, peer)
            if is_plain:
                self._answers.plainly(log)

    def _is_lacking(self, log: LogId, height: int) -> bool:
        """Whether it makes sense to send this log to somebody who holds it up to `height`."""
        return self.outlook.frontier.height(log) > height and not self.outlook.is_settled(log, height)

    def hear_heads(self, peer: str, neighbour: Neighbour | None, said: Heads, now: float) -> None:
        """Look for a fork, and for what the other lacks: heads show heights, as a want does."""
        self.outlook.refresh()
        self._branches.hear_heads(said, now)
        known = [(log, claim.height) for claim in said.claims for log in self.outlook.logs(claim.handle)]
        self._owe(peer, dict(known), False, now)
        if neighbour is None:
            return
        neighbour.spoke.add(self.scope)
        if any(height > self.outlook.frontier.height(log) for log, height in known if log not in self.outlook.proofs):
            self._company.showed_more(neighbour)
            self._asking.soon(now)

    def hear_ahead(self, peer: str, said: Ahead, now: float) -> list[Effect]:
        """Take in the end of a log; above a gap it is kept aside, and here as well, for when the gap closes."""
        self.outlook.refresh()
        run = self._answers.leaps.hear(said, now)
        if run is None:
            return []
        return [Deliver(peer, run) if self._is_next(peer, run) else DeliverAside(peer, run, Head(said.head))]

    def hear_probe(self, peer: str, probe: Probe, now: float) -> None:
        """Help another to find a fork. What answers a probe was nearly always said before."""
        if self._road.has_said_enough(peer, now):
            return
        self._road.quotas.charge(peer, self._road.packet_size_max, now)
        self.outlook.refresh()
        if self._branches.hear_probe(probe, now):
            self._asking.later(now + self._road.timing.retry)

    def hear_notice(self, notice: ForkNotice, now: float) -> list[Effect]:
        """Take in a proof. Raises `Malformed` where it proves nothing."""
        return [*self._branches.hear_notice(notice, now)]

    def refused(self, run: Run, fault: PeerFault) -> None:
        """The door turned a run away."""
        self._heard.pop(run.log, None)
        self._answers.forget(run.log)
        self._branches.refused(run, fault)

    # --- what this node sees by itself

    def look(self, now: float) -> list[Effect]:
        """See what the store has got since: new records are owed to the road unless they came from it."""
        if self.outlook.refresh():
            self._asking.progress()
            for log, reach in self.outlook.frontier.reaches.items():
                self._carry(log, reach.height, now)
        if self._branches.look(now):
            self._asking.progress()
            self._asking.soon(now)
        return [Deliver(peer, run) for peer, run in self._waiting.closed(self.outlook.frontier)]

    def _carry(self, log: LogId, height: int, now: float) -> None:
        before = self._carried.get(log, 0)
        carried = max(before, min(self._heard.get(log, 0), height))
        if height > carried:
            slot = 0.0 if self.outlook.is_by(self._road.node, log) else self._road.slot()
            self._answers.tell(log, carried, now, now + slot)
        elif carried > before > 0 and self._zeal and not self._company.all_agree(now):
            self._zeal -= 1
            self._answers.pass_on(log, before, now + self._road.slot() + self._road.slot())
        self._carried[log] = height

    def judge(self, now: float) -> tuple[list[Effect], bool, bool]:
        """Compare the digests heard since the last time: what they show, whether one agreed, whether one did not."""
        effects: list[Effect] = []
        agreed, differed = False, False
        for neighbour in self._company.fresh(now):
            heights: dict[LogId, int] = {}
            if self._company.agrees(neighbour):
                agreed, heights = True, self._company.note_holder(neighbour)
            else:
                differed = self._differs(neighbour, now) or differed
            effects.append(PeerHolds(neighbour.handle, self.scope, heights))
        for neighbour in self._company.overtaken(now):
            heights = self._company.note_holder(neighbour)
            effects.append(PeerHolds(neighbour.handle, self.scope, heights, is_heard=False))
        if agreed and self._company.all_agree(now):
            self._answers.drop()
        self._company.note_agreement(now)
        return effects, agreed, differed

    def _differs(self, neighbour: Neighbour, now: float) -> bool:
        """Return whether this disagreement is a new one."""
        is_new, is_kin = self._company.is_new(neighbour), self._company.is_kin(neighbour)
        if is_new and is_kin:
            self._asking.progress()
        if not neighbour.is_behind(self.scope):
            self._asking.soon(now)
        return is_new and (is_kin or not self._asking.is_stuck)

    def is_unanimous(self, now: float) -> bool:
        """Whether all neighbours showed our digest last."""
        return self._company.is_unanimous(now)

    def differing_kin(self, now: float) -> list[Neighbour]:
        """Return those who follow this scope for sure, and showed anything else than we hold."""
        return [neighbour for neighbour in self._company.differing(now) if self._company.is_kin(neighbour)]

    def stalemates(self, now: float) -> list[bytes]:
        """Return the handles of neighbours with whom three rounds changed nothing."""
        return [neighbour.handle for neighbour in self.differing_kin(now)] if self._asking.is_stuck else []

    def give_way(self, until: float) -> None:
        """Leave answering to whoever is sending a long message."""
        self._answers.give_way(until)

    def is_busy(self, now: float) -> bool:
        """Whether records or wants are about to pass, which tell more than a beacon."""
        at = self._asking.at
        if self._answers or (at is not None and at - now < self._road.timing.imin):
            return True
        return self._hears_data(now) and bool(self._company.helpful(now))

    def _hears_data(self, now: float) -> bool:
        return now - self._data_at < self._road.timing.quiet

    # --- what this node says

    @property
    def urgency(self) -> Priority:
        """How urgent it is to ask in this scope, and to tell of forks."""
        return self._road.rank(self.scope, OPEN)

    def due(self, now: float, least: Priority) -> Priority | None:
        """Return how urgent the message is whose slot has come; None where there is none that may be said."""
        answer = self._answers.due(now, least)
        fork = self.urgency if self._branches.is_due(now) and self.urgency <= least else None
        return min((one for one in (answer, fork) if one is not None), default=None)

    def answer(self, size: int, now: float, least: Priority) -> bytes | None:
        """Return one message whose slot has come: about a fork, or a parcel of about `size` bytes."""
        message = self._branches.answer(now) if self.urgency <= least else None
        if message or self._answers.due(now, least) is None:
            return message
        ahead = self._answers.leap(now, least)
        if ahead:
            return ahead.encode()
        packed = self._answers.shorten(size, self._company.common(now), now, least)
        parcel = None if packed else self._answers.compose(size, now, least)
        self._answers.at = now + self._road.slot() if self._answers else None
        return packed.encode() if packed else Delivery(parcel).encode() if parcel else None

    def ask(self, now: float, mending: bool) -> list[bytes]:
        """Return probes, wants or heads, if their slot has come and somebody still disagrees.

        `mending` says that holes in a message are being filled, which may well be what is lacking.
        """
        if self._asking.at is None or self._asking.at > now:
            return []
        probes = self._branches.probes()
        others = self._company.helpful(now)
        if probes:
            self._asking.asked(now, self._road.timing.imax)
            return [probe.encode() for probe in probes]
        if not others:
            self._asking.settled()
        elif self._asking.is_stuck and all(one.heard <= self._asking.last for one in others):
            self._asking.at = None  # nobody there: beacons look for them
        elif self._asking.may_wait(now) and (mending or self._answers or self._hears_data(now)):
            self._asking.later(now + self._road.timing.quiet)
        else:
            return self._round(others, now)
        return []

    def _round(self, others: list[Neighbour], now: float) -> list[bytes]:
        kin = any(self._company.is_kin(one) for one in others)
        packets = self._heads() if kin and self._asking.is_about_heads else self._wants()
        self._asking.asked(now, self._road.timing.imax if kin else self._road.timing.heartbeat)
        return packets

    def _heads(self) -> list[bytes]:
        heads = self._branches.heads()
        return [said.encode() for said, _ in zip(heads, range(WANTS_AT_ONCE_MAX), strict=False)]

    def _wants(self) -> list[bytes]:
        names = (self.outlook.handle, self._road.handle)
        heights, size = self.outlook.heights_held(), self._road.packet_size_max
        garbled, self._is_garbled = self._is_garbled, False
        form = Form.NAMES if garbled else self._asking.form(len(heights), size)
        if form is Form.BRIEF:
            return [BriefWant.of(*names, heights).encode()]
        if form in SKETCHES:
            capacity = min(SKETCHES[form], (size - SKETCH_HEAD_SIZE) // SYNDROME_SIZE)
            return [claims.sketch_of(*names, self.outlook.digest, heights, capacity).encode()]
        groups = [
            (handle, sorted(Claim(handle, self.outlook.frontier.height(log)) for log in logs))
            for handle, logs in self.outlook.between(FIRST_HANDLE, LAST_HANDLE)
        ]
        found, self._cursor = asking.wants(*names, groups, size, self._cursor)
        return [replace(want, is_plain=garbled).encode() for want in found]

    def next_wake(self, least: Priority) -> float | None:
        """Return when something at least as urgent as `least` may be said, as far as is known."""
        asks = (self._asking.at, self._branches.next_wake()) if self.urgency <= least else ()
        moments = (self._answers.next_wake(least), *asks)
        return min((moment for moment in moments if moment is not None), default=None)
