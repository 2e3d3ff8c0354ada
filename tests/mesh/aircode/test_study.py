"""What a codec keeps from one packet to the next saves time, and changes nothing."""

from __future__ import annotations

from random import Random

import pytest

from mesh.aircode import study
from mesh.aircode.packing import AirCodec
from mesh.aircode.shared import Ground, Teacher
from mesh.airform import AirRun
from mesh.keys import PUBLIC, LogId
from mesh.log import Run
from mesh.record import Record
from tests.mesh.islands import MemoryHoldings, node_key

NEIGHBOURS = 20
WORDS = ("two", "loaves", "of", "rye", "a", "jar", "plum", "jam", "for", "the", "bicycle", "mended", "thank", "you")


class Neighbours:
    """All logs of a street, and who writes them."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.held = MemoryHoldings(node_key(99))
        self.writers: dict[LogId, MemoryHoldings] = {}
        for number in range(1, NEIGHBOURS + 1):
            writer = MemoryHoldings(node_key(number))
            log = writer.write(*[self.memo() for _ in range(self.dice.randint(16, 30))])
            self.writers[log] = writer
            self.held.logs[log] = writer.logs[log]

    def memo(self) -> str:
        return " ".join(self.dice.choices(WORDS, k=self.dice.randint(1, 6)))

    def ground(self, is_common: bool) -> Ground:
        heights = {log: reach.height for log, reach in self.held.frontier(PUBLIC).reaches.items()}
        return Ground(self.held, None, heights, is_common)

    def news(self) -> list[AirRun]:
        """Return a payment of one neighbour, or of two."""
        logs = sorted(self.dice.sample(sorted(self.writers), self.dice.choice([1, 1, 2])))
        return [self._payment(log) for log in logs]

    def _payment(self, log: LogId) -> AirRun:
        record = Record.new([20, 1_000 + self.dice.randrange(99), [[0, log, 30]]], self.memo(), bytes(16))
        height = self.held.frontier(PUBLIC).height(log)
        return AirRun.pack(Run(log, height, (record,), height, self.dice.randbytes(64)), None)

    def go_on(self) -> None:
        """Let somebody write, so that one ground differs a little from the next."""
        self.writers[self.dice.choice(sorted(self.writers))].write(self.memo())

    def take_back(self) -> None:
        held = self.held.logs[self.dice.choice(sorted(self.writers))]
        held.records[-1] = held.records[-1].without_text()


@pytest.mark.parametrize("seed", range(2))
def test_a_codec_that_has_heard_much_says_the_same_as_one_that_is_new(seed: int) -> None:
    street, here, there = Neighbours(seed), AirCodec(), AirCodec()
    for number in range(20):
        ground, runs = street.ground(street.dice.random() < 0.7), street.news()
        packed = AirCodec().pack(runs, ground)
        assert packed is not None
        assert here.pack(runs, ground) == packed
        assert there.unpack(packed, ground) == tuple(runs)
        street.go_on()
        if number % 7 == 6:
            street.take_back()


def test_what_was_taken_back_teaches_nobody_any_more() -> None:
    writer, codec = MemoryHoldings(node_key(1)), AirCodec()
    log = writer.write("Quetzalcoatl jumps over xylophone-shaped wyverns")
    height = writer.frontier(PUBLIC).height(log)
    ground = Ground(writer, None, {log: height}, is_common=True)
    again = Record.new([20, 7], "Quetzalcoatl jumps over xylophone-shaped wyverns", bytes(16))
    runs = [AirRun.pack(Run(log, height, (again,), height, bytes(range(64))), None)]
    before = codec.pack(runs, ground)
    writer.logs[log].records[-1] = writer.logs[log].records[-1].without_text()
    after = codec.pack(runs, ground)
    assert before is not None
    assert after == AirCodec().pack(runs, ground)
    assert len(after or b"") > len(before) + 10


def test_lessons_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[LogId] = []
    lesson = study.Lesson.__init__

    def counted(self: study.Lesson, ground: Ground, teacher: Teacher) -> None:
        read.append(teacher.log)
        lesson(self, ground, teacher)

    monkeypatch.setattr(study.Lesson, "__init__", counted)
    street, codec = Neighbours(7), AirCodec()
    ground, runs = street.ground(is_common=True), street.news()
    for _ in range(3):
        codec.pack(runs, ground)
    assert len(read) == len(set(read)) == 16
    monkeypatch.setattr(study, "LESSONS_SIZE_MAX", 4 * study.SIZE_MIN)
    codec.pack(runs, ground)
    del read[:]
    codec.pack(runs, ground)
    assert len(read) > 10
