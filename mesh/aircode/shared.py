"""What two ends must share before they can read each other's shorthand, and how a packet says where its runs begin.

On *named* ground a packet names its logs and where each run begins: whoever can use the run holds what stands below. On
*common* ground all who are meant to hear it were known to hold the same frontier: a log is its number among theirs, and the last
records of all logs teach. Where another log has grown since by a few records, nothing changes: of logs that are not in the
packet only whole sixteens count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mesh.aircode.arithmetic import ONE, Bits
from mesh.aircode.values import Values
from mesh.airform import AirRecord, AirRun, log_handle
from mesh.errors import Malformed, MeshError
from mesh.holdings import Holdings
from mesh.keys import EpochKey, LogId, salt_for
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


class Missing(MeshError):
    """What a packet builds on is not here. That is nobody's fault."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run begins. `log` and `handle` are empty where the run opens a log."""

    log: LogId | None
    handle: bytes
    after: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learned of one log: of older records what they say, and then the last ones as they stand."""

    handle: bytes
    texts: list[bytes]
    records: list[AirRecord]


@dataclass(frozen=True, slots=True)
class Ground:
    """What one end knows of a scope. `heights` are those of its logs: of all who hear where the ground is common."""

    holdings: Holdings
    epoch_key: EpochKey | None
    heights: Mapping[LogId, int]
    is_common: bool

    def places(self, bits: Bits, values: Values, given: Sequence[AirRun] | None, count: int) -> list[Place]:
        """Take or give where each of `count` runs begins. Raises `Missing` where that is not here."""
        said = [self._place_of(run) for run in given] if given else [Place(None, b"", 0)] * count
        places: list[Place] = []
        for place in said:
            before = places[-1] if places else None
            places.append(
                self._common(bits, values, place, before) if self.is_common else self._named(bits, values, place)
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

    def _named(self, bits: Bits, values: Values, given: Place) -> Place:
        if values.flag(bits, "opens", int(given.log is None), LIKELY_NOT):
            return Place(None, b"", 0)
        name = bits.raw(int.from_bytes(given.handle[:NAME_SIZE], "big"), 8 * NAME_SIZE).to_bytes(NAME_SIZE, "big")
        after = values.whole(bits, "after", given.after)
        logs = [log for log in self.heights if log[:NAME_SIZE] == name]
        if len(logs) != 1 or after > self.heights[logs[0]]:
            raise Missing("a packet continues a log that is not held so far, or cannot be told from another")
        if after == 0:
            raise Malformed("a log is opened, not continued, after nothing")
        return Place(logs[0], log_handle(logs[0]), after)

    def _common(self, bits: Bits, values: Values, given: Place, before: Place | None) -> Place:
        logs = sorted(self.heights)
        number = logs.index(given.log) if given.log else 0
        follows = (logs.index(before.log) + 1) % len(logs) if before and before.log else None
        if follows is not None and values.flag(bits, "follows", int(number == follows)):
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

    def names(self, places: Sequence[Place]) -> list[bytes]:
        """Return the names that records are likely to speak of: the writers of the logs that teach, and these logs."""
        logs = [log for log, _ in self._teachers(places)]
        return [self._writer(log) for log in logs] + list(logs)

    def _writer(self, log: LogId) -> bytes:
        run = self.holdings.run(log, 0, 0)
        if run is None:
            raise Missing("what a packet builds on is not here")
        return Opening.read(run.records[0]).node

    def lessons(self, places: Sequence[Place]) -> Iterator[Lesson]:
        """Yield the last records of each log that teaches, up to where both ends hold it. Raises `Missing`."""
        teachers = self._teachers(places)
        for log, upto in teachers:
            numbers = min(upto, max(ROUND // 2, NUMBERS // len(teachers)))
            start = max(0, upto - WINDOW)
            records = self._records(log, start, upto)
            texts = [record.text for record in records[:-numbers] if record.text]
            whole = [self._packed(log, seq, one) for seq, one in enumerate(records[-numbers:], upto - numbers + 1)]
            yield Lesson(log_handle(log), texts, whole)

    def _teachers(self, places: Sequence[Place]) -> list[tuple[LogId, int]]:
        """Return logs and heights, in order of the names of the logs."""
        heights = {place.log: place.after for place in places if place.log}
        if self.is_common:
            others = [log for log in sorted(self.heights) if log not in heights][: max(0, TEACHERS_MAX - len(heights))]
            heights |= {log: self.heights[log] // ROUND * ROUND for log in others}
        return sorted((log, height) for log, height in heights.items() if height)

    def _records(self, log: LogId, after: int, upto: int) -> Sequence[Record]:
        """Return records `after` + 1 … `upto`, a few at a time: a log may go on for long above them."""
        records: list[Record] = []
        while after + len(records) < upto:
            run = self.holdings.run(log, after + len(records), SIZE_AT_ONCE)
            if run is None:
                raise Missing("what a packet builds on is not here")
            records += run.records
        return records[: upto - after]

    def _packed(self, log: LogId, seq: int, record: Record) -> AirRecord:
        return AirRecord.pack(record, salt_for(self.epoch_key, log, seq) if self.epoch_key else None)
