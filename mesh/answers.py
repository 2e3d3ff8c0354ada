"""What this node is going to send: new records once, and what others were heard to lack.

It keeps, for each log, from where. Several who lack get one answer, which begins where the lowest of them stands; what
is overheard from others meanwhile need not be sent again.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Final

from mesh.ahead import Ahead
from mesh.airform import PARCEL_HEAD_SIZE, RUN_OVERHEAD, AirRun, Parcel
from mesh.governor import Priority
from mesh.holdings import Holdings
from mesh.keys import LogId
from mesh.leaps import Leaps
from mesh.links import OPEN
from mesh.log import Run
from mesh.outlook import Outlook
from mesh.packet import HEAD_SIZE, Packed
from mesh.reassembly import MESSAGE_SIZE_MAX
from mesh.road import Road
from mesh.shorthand import Shorthand

PASSED_MAX: Final = 256
PLAIN_PER_PACKED: Final = 6  # shorthand takes about so much less
TRIES: Final = 3
LOOK_AHEAD: Final = (
    2048  # bytes of a log, plain, that tell how urgent it is: what is urgent may stand behind what is not
)
RUN_SIZE_MAX: Final = MESSAGE_SIZE_MAX - HEAD_SIZE - PARCEL_HEAD_SIZE - RUN_OVERHEAD


class Answers:
    """The answers of one scope on one road."""

    def __init__(self, outlook: Outlook, holdings: Holdings, road: Road, shorthand: Shorthand) -> None:
        self._outlook = outlook
        self._holdings = holdings
        self._road = road
        self._shorthand = shorthand
        self.leaps = Leaps(outlook, holdings, road)
        self._plainly: set[LogId] = set()
        self._askers: dict[LogId, dict[str, None]] = {}  # who asked for what is owed of a log
        self._urgencies: dict[LogId, tuple[int, int, Priority]] = {}  # of a log from a place on, where it was so high
        self._memory = road.timing.packet
        self._owed: dict[LogId, int] = {}
        self._fresh: dict[LogId, int] = {}  # from where a log is news to the road, whatever else of it is owed
        self._served: Counter[LogId] = Counter()  # records sent of each log since nothing was owed
        self._passed: OrderedDict[LogId, tuple[int, int, float]] = OrderedDict()
        self.at: float | None = None
        self._was_asked = False
        self._gave_way = False

    def __bool__(self) -> bool:
        return bool(self._owed)

    def owe(self, log: LogId, after: int, now: float, at: float, peer: str) -> None:
        """Send what follows `after`, not before the moment `at`, unless it has just been on the road. `peer` asked for it."""
        if self._owe(log, after, now, at) is not None:
            self._was_asked = True
            self._askers.setdefault(log, {})[peer] = None

    def plainly(self, log: LogId) -> None:
        """Send what is owed of this log in plain form: somebody could not read it otherwise."""
        if log in self._owed:
            self._plainly.add(log)

    def tell(self, log: LogId, after: int, now: float, at: float) -> None:
        """Send what follows `after`, which is news to this road."""
        begin = self._owe(log, after, now, at)
        if begin is not None:
            self._fresh[log] = min(begin, self._fresh.get(log, begin))

    def _owe(self, log: LogId, after: int, now: float, at: float) -> int | None:
        """Return from where the log is owed; None where it is all on the road already."""
        begin, end, then = self._passed.get(log, (0, 0, -self._memory))
        if now - then < self._memory and begin <= after < end:
            after = end
        if after >= self._outlook.frontier.height(log):
            return None
        self._owed[log] = min(after, self._owed.get(log, after))
        self.at = at if self.at is None else min(at, self.at)
        return after

    def pass_on(self, log: LogId, after: int, at: float) -> None:
        """Send once more what came by this road; whoever is overheard doing so first does it for us."""
        self._owed[log] = min(after, self._owed.get(log, after))
        self.at = at if self.at is None else min(at, self.at)

    def passed(self, log: LogId, after: int, upto: int, now: float) -> None:
        """Learn that these records were just on the road, sent by whomever."""
        self._passed[log] = (after, upto, now)
        self._passed.move_to_end(log)
        if len(self._passed) > PASSED_MAX:
            self._passed.popitem(last=False)
        if after <= self._fresh.get(log, -1) < upto:
            self._fresh[log] = upto
            if upto >= self._outlook.frontier.height(log):
                del self._fresh[log]
        if after <= self._owed.get(log, -1) < upto:
            self._pay(log, upto)

    def forget(self, log: LogId) -> None:
        """What was on the road of this log was not what it claimed to be."""
        self._passed.pop(log, None)

    def _pay(self, log: LogId, upto: int) -> None:
        self._owed[log] = upto
        if upto >= self._outlook.frontier.height(log):
            self._forget_debt(log)
        if not self._owed:
            self.at = None
            self._was_asked = False
            self._served.clear()

    def _forget_debt(self, log: LogId) -> None:
        for kept in (self._owed, self._fresh, self._askers, self._urgencies):
            kept.pop(log, None)
        self._plainly.discard(log)

    def give_way(self, until: float) -> None:
        """Somebody else is sending a long message, most likely an answer to what we were asked as well."""
        if self.at is not None and not self._fresh and not self._gave_way:
            self.at = max(self.at, until)
            self._gave_way = True  # once: nobody can keep us from answering by beginning messages for ever

    def drop(self) -> None:
        """Nobody lacks anything any more, except perhaps what is news."""
        if not self._fresh:
            for log in [*self._owed]:
                self._forget_debt(log)
            self.at = None

    # --- what is due

    def due(self, now: float, least: Priority) -> Priority | None:
        """Return how urgent the most urgent of it is, if its slot has come and `least` allows it."""
        return self._most_urgent(least) if self.at is not None and self.at <= now else None

    def next_wake(self, least: Priority) -> float | None:
        """Return when what may be said has its slot."""
        return self.at if self.at is not None and self._most_urgent(least) is not None else None

    def _most_urgent(self, least: Priority) -> Priority | None:
        urgency = min(map(self._urgency, self._owed), default=None)
        return urgency if urgency is not None and urgency <= least else None

    def _urgency(self, log: LogId) -> Priority:
        """Return how urgent the most urgent record is of what would be sent next of a log."""
        place = self._begin(log), self._outlook.frontier.height(log)
        kept = self._urgencies.get(log)
        if kept is None or kept[:2] != place:
            run = self._holdings.run(log, place[0], LOOK_AHEAD)
            kinds = {record.kind for record in run.records} if run else {OPEN}
            kept = (*place, min(self._road.rank(self._outlook.scope, kind) for kind in kinds))
            self._urgencies[log] = kept
        return kept[2]

    def leap(self, now: float, least: Priority) -> Ahead | None:
        """Return the end of the log that is next, where whoever asked lacks so much that it would be long in coming."""
        for log in self._turn(now, least)[:1]:
            if log in self._askers and log not in self._fresh:
                return self.leaps.over(log, self._owed[log], now)
        return None

    def shorten(self, size: int, common: Mapping[LogId, int], now: float, least: Priority) -> Packed | None:
        """Return as much as fits `size` bytes of message in shorthand, or one run that is larger; None where plain is due.

        `common` are the heights that all who hear were known to hold, if that is known.
        """
        if self._plainly or not self._shorthand.is_spoken:
            return None
        self._gave_way = False
        # Whoever asks may be somebody for whom common ground was none.
        is_common = bool(common) and not self._was_asked and self._standing() == common
        goal = PLAIN_PER_PACKED * size
        for _ in range(TRIES):
            runs = self._gather(goal, now, least)
            is_known = all(run.after for run in runs)
            packed = self._shorthand.write(runs, common if is_common and is_known else {})
            length = len(packed.encode()) if packed else 2 * size
            if packed and (length <= size or (len(runs) == 1 and length <= MESSAGE_SIZE_MAX)):
                for run in runs:
                    self._sent(run.log, run.after, run.upto, length // len(runs), now)
                return packed
            goal = goal * size // (length + length // 8)
        return None

    def _standing(self) -> dict[LogId, int]:
        """Return the heights of those who lack all that is owed, and nothing else."""
        heights = {log: self._owed.get(log, height) for log, height in self._outlook.heights().items()}
        return {log: height for log, height in heights.items() if height}

    def _gather(self, goal: int, now: float, least: Priority) -> list[Run]:
        """Return runs of about `goal` bytes in plain form, at least one; none in which a text is missing."""
        runs: list[Run] = []
        for log in self._turn(now, least):
            run = self._holdings.run(log, self._begin(log), goal)
            size = sum(record.size for record in run.records) if run else 0
            if run is None or any(record.is_withdrawn for record in run.records) or (runs and size > goal):
                continue
            runs.append(run)
            goal = max(0, goal - size)
        return runs

    def _begin(self, log: LogId) -> int:
        """Return from where to send: what is news goes before what somebody far behind lacks."""
        return self._fresh.get(log, self._owed[log])

    def _turn(self, now: float, least: Priority) -> list[LogId]:
        """Return the logs that are owed and may be sent: the most urgent first, and of those news; then those whose askers
        made us say least again, and of which least was sent, so that no asker and no author starves another.

        Two who answer begin at different ones.
        """
        urgencies = {log: urgency for log in self._owed if (urgency := self._urgency(log)) <= least}
        fair = {log: self._insistence(log, now) for log in urgencies}
        handle = self._road.handle

        def place(log: LogId) -> tuple[object, ...]:
            return urgencies[log], log not in self._fresh, fair[log], self._served[log], log < handle, log

        return sorted(urgencies, key=place)

    def _insistence(self, log: LogId, now: float) -> int:
        """Return how much whoever asked least often for this log made us say again."""
        return min((self._road.quotas.steps(peer, now) for peer in self._askers.get(log, ())), default=0)

    def _sent(self, log: LogId, after: int, upto: int, size: int, now: float) -> None:
        self._served[log] += upto - after
        for peer in self._askers.get(log, ()):
            self._road.quotas.sent(peer, log, after, upto, size, now)
        self.passed(log, after, upto, now)

    def compose(self, size: int, now: float, least: Priority) -> Parcel | None:
        """Return as much as fits `size` bytes of message, or one run that is larger; None where nothing is owed."""
        self._gave_way = False
        runs = self._fill(size - HEAD_SIZE - PARCEL_HEAD_SIZE, now, least)
        return Parcel(self._outlook.handle, self._road.handle, self._outlook.digest, tuple(runs)) if runs else None

    def _fill(self, room: int, now: float, least: Priority) -> list[AirRun]:
        runs: list[AirRun] = []
        for log in self._turn(now, least):
            after = self._begin(log)
            air = self._run(log, after, room)
            if air is None:
                self._pay(log, self._outlook.frontier.height(log))
            elif len(air.encode()) <= room or not runs:
                runs.append(air)
                room -= len(air.encode())
                self._sent(log, after, air.upto, len(air.encode()), now)
        return runs

    def _run(self, log: LogId, after: int, room: int) -> AirRun | None:
        """Return the run that fills `room` best, or the shortest one where none fits."""
        run = self._holdings.run(log, after, max(0, room - RUN_OVERHEAD))
        if run and any(record.is_withdrawn for record in run.records):
            # Its tombstone stands higher, and is asked for at the door: go as high as a message can.
            run = self._holdings.run(log, after, RUN_SIZE_MAX)
        if run is None:
            return None
        air = self._packed(run)
        if len(air.encode()) > MESSAGE_SIZE_MAX - HEAD_SIZE - PARCEL_HEAD_SIZE:
            self._road.counters["runs too large for this road"] += 1
            return None
        return self._stretched(run, air, room)

    def _stretched(self, run: Run, air: AirRun, room: int) -> AirRun:
        """Records take less on the air than in the plain form that the store counts: a longer run may fit as well."""
        size = max(1, len(air.encode()) - RUN_OVERHEAD)
        plain = sum(len(record.encode()) for record in run.records)
        longer = self._holdings.run(run.log, run.after, int((room - RUN_OVERHEAD) * max(1.0, plain / size)))
        if longer is None or longer.upto <= run.upto:
            return air
        packed = self._packed(longer)
        return packed if len(packed.encode()) <= room else air

    def _packed(self, run: Run) -> AirRun:
        return AirRun.pack(run, self._holdings.epoch_key(self._outlook.scope))
