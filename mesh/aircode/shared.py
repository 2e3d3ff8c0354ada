"""What two ends must share before they can read each other's shorthand, and how a packet says where its runs begin.

On *named* ground a packet names its logs and where each run begins: whoever can use the run holds what stands below. On
*common* ground all who are meant to hear it were known to hold the same frontier: a log is its number among theirs, and the last
records of all logs teach. Where another log has grown since by a few records, nothing changes: of logs that are not in the
packet only whole sixteens count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from mesh.aircode.arithmetic import ONE, Bits, Flag
from mesh.aircode.spots import Count, Whole
from mesh.airform import AirRecord, AirRun, Form, log_handle
from mesh.errors import Malformed, MeshError
from mesh.holdings import Holdings
from mesh.keys import EpochKey, LogId, NodeId, salt_for
from mesh.links import Opening
from mesh.record import Record

NAME_SIZE: Final = 3
WINDOW: Final = 128  # so many of the last records of a log teach their words
NUMBERS: Final = 160  # and so many, of all logs together, their numbers
TEACHERS_MAX: Final = 16  # logs
ROUND: Final = 16
AFTER_BITS: Final = 3
AFTER_MASK: Final = (1 << AFTER_BITS) - 1
SIZE_AT_ONCE: Final = 16 * 1024  # bytes of records, in plain form
LIKELY_NOT: Final = ONE >> 5
LIKELY_ONE: Final = ONE - (ONE >> 2)
LIKELY: Final = ONE - (ONE >> 4)


class Missing(MeshError):
    """What a packet builds on is not here. That is nobody's fault."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run begins. `log` and `handle` are empty where the run opens a log."""

    log: LogId | None
    handle: bytes
    after: int


class Teacher(NamedTuple):
    """A log that teaches, up to a height: its last records tell their words, and the last `numbers` of these all they hold."""

    log: LogId
    upto: int
    numbers: int


class Outline:
    """The model of what a stream tells beside its records: how many there are, where they begin, how far a checkpoint covers."""

    def __init__(self) -> None:
        self.runs = Count(LIKELY_ONE)
        self.opens = Flag(LIKELY_NOT)
        self.after = Whole()
        self.follows = Flag()
        self.records = Count(LIKELY_ONE)
        self.covers_all = Flag(LIKELY)
        self.reach = Whole()


@dataclass(frozen=True, slots=True)
class Ground:
    """What one end knows of a scope. `heights` are those of its logs: of all who hear where the ground is common."""

    holdings: Holdings
    epoch_key: EpochKey | None
    heights: Mapping[LogId, int]
    is_common: bool

    def places(self, bits: Bits, outline: Outline, given: Sequence[AirRun] | None, count: int) -> list[Place]:
        """Take or give where each of `count` runs begins. Raises `Missing` where that is not here."""
        said = [self._place_of(run) for run in given] if given else [Place(None, b"", 0)] * count
        places: list[Place] = []
        for place in said:
            before = places[-1] if places else None
            places.append(
                self._common(bits, outline, place, before) if self.is_common else self._named(bits, outline, place)
            )
        if len({place.log for place in places if place.log}) < sum(place.log is not None for place in places):
            raise Malformed("a log is named twice")
        return places

    def _place_of(self, run: AirRun) -> Place:
        logs = [log for log in self.heights if log[:NAME_SIZE] == run.handle[:NAME_SIZE]]
        if run.after == 0 and not self.is_common:
            return Place(None, b"", 0)
        if len(logs) != 1 or not 0 < run.after <= self.heights[logs[0]]:
            raise Malformed("this run has no place that a packed packet could name")
        return Place(logs[0], run.handle, run.after)

    def _named(self, bits: Bits, outline: Outline, given: Place) -> Place:
        if outline.opens.bit(bits, int(given.log is None)):
            return Place(None, b"", 0)
        name = bits.raw(int.from_bytes(given.handle[:NAME_SIZE], "big"), 8 * NAME_SIZE).to_bytes(NAME_SIZE, "big")
        after = outline.after.take(bits, given.after)
        logs = [log for log in self.heights if log[:NAME_SIZE] == name]
        if len(logs) != 1 or after > self.heights[logs[0]]:
            raise Missing("a packet continues a log that is not held so far, or cannot be told from another")
        if after == 0:
            raise Malformed("a log is opened, not continued, after nothing")
        return Place(logs[0], log_handle(logs[0]), after)

    def _common(self, bits: Bits, outline: Outline, given: Place, before: Place | None) -> Place:
        logs = sorted(self.heights)
        number = logs.index(given.log) if given.log else 0
        follows = (logs.index(before.log) + 1) % len(logs) if before and before.log else None
        if follows is not None and outline.follows.bit(bits, int(number == follows)):
            number = follows
        else:
            number = bits.raw(number, max(0, len(logs) - 1).bit_length())
        low = bits.raw(given.after & AFTER_MASK, AFTER_BITS)
        if number >= len(logs):
            raise Missing("a packet counts more logs than are held")
        height = self.heights[logs[number]]
        after = height - ((height - low) & AFTER_MASK)
        if after < 1:
            raise Missing("a packet continues a log that is not held so far")
        return Place(logs[number], log_handle(logs[number]), after)

    def teachers(self, places: Sequence[Place]) -> list[Teacher]:
        """Return what teaches whoever packs runs that begin there, in order of the names of the logs."""
        heights = {place.log: place.after for place in places if place.log}
        if self.is_common:
            others = [log for log in sorted(self.heights) if log not in heights][: max(0, TEACHERS_MAX - len(heights))]
            heights |= {log: self.heights[log] // ROUND * ROUND for log in others}
        logs = sorted((log, height) for log, height in heights.items() if height)
        return [Teacher(log, upto, min(upto, max(ROUND // 2, NUMBERS // len(logs)))) for log, upto in logs]

    def writer(self, log: LogId) -> NodeId:
        """Return who writes a log. Raises `Missing`."""
        run = self.holdings.run(log, 0, 0)
        if run is None:
            raise Missing("what a packet builds on is not here")
        return Opening.read(run.records[0]).node

    def window(self, teacher: Teacher) -> list[Record]:
        """Return the last records of a log that teaches. Raises `Missing`."""
        log, upto, _ = teacher
        after = max(0, upto - WINDOW)
        records: list[Record] = []
        while after + len(records) < upto:  # a few at a time: a log may go on for long above them
            run = self.holdings.run(log, after + len(records), SIZE_AT_ONCE)
            if run is None:
                raise Missing("what a packet builds on is not here")
            records += run.records
        return records[: upto - after]

    def form(self, log: LogId, seq: int, record: Record) -> Form:
        """Return in which form a record of a log travels here."""
        return AirRecord.pack(record, salt_for(self.epoch_key, log, seq) if self.epoch_key else None).form
