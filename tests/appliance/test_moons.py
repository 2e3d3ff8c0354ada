"""Moons: a street counts them together, whatever its clocks say; nobody runs ahead, and nothing goes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import Clock
from appliance.kinds import MOON, Seal
from appliance.moons import MOON_MAX, MOON_S, REST_S, Own, due, in_sky, shared
from appliance.node import Node
from appliance.store import kept_time
from appliance.timekeeping import BUILT_AT, YEAR_S
from mesh.errors import Malformed
from mesh.record import Record
from tests.appliance.board_time import Board

NOW = BUILT_AT + YEAR_S
DAY_S = 86_400
moons = st.integers(0, 40)


@pytest.mark.parametrize(
    ("sealed", "moon"),
    [([], 0), ([3], 3), ([3, 5], 3), ([0, 5, 5], 5), ([5, 5, 0, 0], 0), ([9, 5, 5, 0], 5), ([9, 4, 4, 0, 0], 4)],
)
def test_the_moon_of_a_commons_is_what_more_than_half_have_sealed(sealed: list[int], moon: int) -> None:
    assert shared(sealed) == moon


@given(st.lists(moons, min_size=1, max_size=9), st.data())
def test_another_seal_never_turns_the_commons_back(sealed: list[int], data: st.DataObject) -> None:
    further = list(sealed)
    further[data.draw(st.integers(0, len(sealed) - 1))] += data.draw(st.integers(0, 9))
    assert shared(further) >= shared(sealed)
    assert sum(moon >= shared(sealed) for moon in sealed) > len(sealed) / 2


@pytest.mark.parametrize(
    ("own", "sealed", "moon"),
    [
        (Own(0, 0, REST_S), [0], 1),
        (Own(0, 0, REST_S - 1), [0], None),
        (Own(4, NOW - MOON_S, REST_S), [4, 4, 4], 5),
        (Own(4, NOW - MOON_S, REST_S - 1), [4, 4, 4], None),
        (Own(4, NOW, REST_S), [4, 4, 4], None),  # no new moon since
        (Own(4, NOW - MOON_S, 0), [4, 5, 5, 4], 5),  # half have sealed it
        (Own(4, NOW, 0), [4, 5, 4, 4], None),
        (Own(0, 0, 0), [0, 30, 30, 31], 30),  # who comes late begins where the commons is
        (Own(9, NOW - MOON_S, REST_S), [9, 4, 4], 10),
    ],
    ids=range(9),
)
def test_a_node_seals_the_next_moon_after_twenty_days_or_after_half_of_all(
    own: Own, sealed: list[int], moon: int | None
) -> None:
    assert due(own, sealed, NOW) == moon


@pytest.mark.parametrize(
    "new_moon",  # published times of new moons, UTC
    [(2024, 1, 11, 11, 57), (2024, 12, 30, 22, 27), (2025, 6, 25, 10, 32), (2026, 8, 12, 17, 37), (2026, 11, 9, 7, 2)],
)
def test_moons_begin_within_a_day_of_those_in_the_sky(new_moon: tuple[int, int, int, int, int]) -> None:
    at = int(datetime(*new_moon, tzinfo=UTC).timestamp())
    assert in_sky(at + 15 * 3600) == in_sky(at - 15 * 3600) + 1


@pytest.mark.parametrize("fields", [[0], [-1], [MOON_MAX + 1], [], [1, 2], ["1"], [True]], ids=str)
def test_what_is_no_seal_counts_nowhere(fields: list[int]) -> None:
    with pytest.raises(Malformed):
        Seal.read(Record.new([MOON, NOW, *fields]))


# years of trouble


@dataclass
class Pole:
    """A node on a pole: its board, and what it has sealed. `hears`: how often it learns what time it is."""

    board: Board = field(default_factory=Board)
    own: Own = field(default_factory=Own)
    ahead_s: int = 0  # how wrong its keeper's word was

    def lives(self, chance: Random, sealed: list[int], hears: float) -> None:
        """Six hours."""
        self.board.passes(6 * 3600)
        self.own = replace(self.own, up_s=self.own.up_s + 6 * 3600)
        match chance.randrange(12):
            case 0:
                wrong = (0, BUILT_AT - 7 * YEAR_S, BUILT_AT + 19 * YEAR_S, self.board.truth)
                self.board.starts(chance.choice(wrong))
            case 1:
                self.board.wall_off += chance.choice((-YEAR_S, -DAY_S, 3600))
            case 2:
                self.board.hears("peer:liar", 19 * YEAR_S)
        if chance.random() < hears:
            self.board.hears("keeper" if self.ahead_s else "radio", self.ahead_s)
            self.board.hears("phone:ana", chance.randrange(120))
        self.board.look()
        if self.board.kept.epoch is not None and (moon := due(self.own, sealed, self.board.now())):
            half = 2 * sum(other >= moon for other in sealed) >= len(sealed)
            assert half or self.own.up_s >= REST_S
            assert moon > self.own.moon
            self.own = Own(moon, self.board.now())


def three_years(poles: list[Pole], hears: float = 0.2, seed: int = 1) -> list[int]:
    chance, course = Random(seed), [0]
    for _ in range(3 * 365 * 4):
        for pole in poles:
            pole.lives(chance, [other.own.moon for other in poles], hears)
        course.append(shared(pole.own.moon for pole in poles))
    return course


@pytest.mark.parametrize("seed", range(4))
def test_three_years_of_wrong_clocks_have_their_moons_and_none_goes_back(seed: int) -> None:
    course = three_years([Pole() for _ in range(5)], seed=seed)
    assert course == sorted(course)
    assert max(later - before for before, later in pairwise(course)) == 1
    assert 34 <= course[-1] <= 38, "there are 37 new moons in three years"


def test_without_any_witness_no_moon_begins() -> None:
    assert three_years([Pole() for _ in range(3)], hears=0.0)[-1] == 0


def test_two_keepers_far_ahead_do_not_take_the_street_with_them() -> None:
    poles = [Pole(ahead_s=9 * YEAR_S), Pole(ahead_s=9 * YEAR_S), Pole(), Pole(), Pole()]
    course = three_years(poles)
    assert course == sorted(course)
    assert 34 <= course[-1] <= 38


def test_a_street_that_forgets_its_time_every_few_days_follows_slowly() -> None:
    course = three_years([Pole() for _ in range(5)], hears=0.02)
    assert course == sorted(course)
    assert 20 <= course[-1] <= 38


# the node


@pytest.fixture
def node(elm: Path) -> Iterator[Node]:
    node = Node.open(elm)
    yield node
    node.close()


def sets(node: Node, uptime: int) -> None:
    clock = Clock(wall=lambda: 0.0, ticks=lambda: uptime, kept=node.kept_time.read)
    node.clock = node.private._clock = clock


def moon(node: Node) -> object:
    return node.status().as_json()["moon"]


def knows_the_time(node: Node, uptime: int = 1000) -> None:
    sets(node, uptime)
    node.tell_time(node.sign_in("Ana", "1234"), NOW)


def test_a_node_seals_after_twenty_days_by_its_keepers_word(node: Node) -> None:
    sets(node, 0)
    assert node.look_at_moon() is None
    sets(node, REST_S)
    assert node.look_at_moon() is None, "nobody told it the time"
    knows_the_time(node, REST_S)
    assert (node.look_at_moon(), moon(node)) == (1, 1)
    assert node.look_at_moon() is None
    sets(node, 2 * REST_S - 1)
    assert node.look_at_moon() is None
    sets(node, REST_S + MOON_S)
    assert (node.look_at_moon(), moon(node)) == (2, 2)
    assert list(node.verify()) == []
    node.rebuild()
    assert moon(node) == 2


def test_uptime_is_counted_on_over_starts_and_off_time_is_none(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    for start in range(21):
        boot = f"start {start}"
        monkeypatch.setattr(node.private, "boot", boot)
        monkeypatch.setattr(kept_time, "boot_id", lambda boot=boot: boot)
        for hour in range(25):
            sets(node, hour * 3600)
            if start == 20 and hour == 0:
                knows_the_time(node, 0)
            sealed = node.look_at_moon()
            assert (sealed == 1) == (start == 20 and hour == 0), (start, hour)


def test_looking_writes_once_an_hour_at_most(node: Node) -> None:
    sets(node, 1000)
    node.look_at_moon()
    before = node.database.value("SELECT total_changes()")
    for minute in range(59):
        sets(node, 1000 + 60 * minute)
        node.look_at_moon()
    assert node.database.value("SELECT total_changes()") == before
    sets(node, 1000 + 3600)
    node.look_at_moon()
    assert node.database.value("SELECT total_changes()") == before + 1


def test_a_moon_is_told_to_the_neighbours_and_the_shared_one_never_goes_back(node: Node, oak: Path) -> None:
    other = Node.open(oak)
    sets(node, 0)
    node.look_at_moon()
    knows_the_time(node, REST_S)
    assert node.look_at_moon() == 1
    node.seal()
    assert moon(node) == 0, "one of two is not more than half"
    log = node.own_log(node.commons)
    here = other.records.log(log.log)
    run = node.records.run(log.log, here.height if here else 0, 1 << 16)
    assert run is not None
    other.accept(run)
    sets(other, 5)
    assert (other.look_at_moon(), moon(other)) == (None, 0)
    other.clock = other.private._clock = node.clock
    with other.database.writing():
        other.kept_time.write(node.kept_time.read(), ())
    assert (other.look_at_moon(), moon(other)) == (1, 1), "half have sealed it: no twenty days more"
    other.look_at_moon()
    with other.database.writing():
        other.database.run("INSERT INTO admitted VALUES (?)", b"newcomer" * 2)
    assert moon(other) == 1, "who comes later turns nothing back"
    other.close()
