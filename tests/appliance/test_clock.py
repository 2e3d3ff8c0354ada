"""A clock that cannot be right says nothing; one that others bear out runs on, whatever is done to the wall clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import clock
from appliance.answers import Session
from appliance.clock import Clock, Trust, boot_id, is_kept_by_network
from appliance.errors import Objection, Refused
from appliance.node import Node
from appliance.store import kept_time
from appliance.timekeeping import (
    BUILT_AT,
    FLOOR_S,
    HINTS_MAX,
    LEAP_S,
    TOLERANCE_S,
    YEAR_S,
    Hint,
    Kept,
    agreed,
    stepped,
    with_floor,
    with_hint,
)
from tests.appliance.board_time import Board

NOW = BUILT_AT + YEAR_S
UPTIME = 1000
EPOCH = NOW - UPTIME


def clock_at(at: float, floor: int = 0) -> Clock:
    return Clock(floor=floor, wall=lambda: at)


@pytest.mark.parametrize("at", [0.0, BUILT_AT - 7 * YEAR_S, BUILT_AT - 1, -5.0, BUILT_AT + 19 * YEAR_S, 2.0**41])
def test_a_time_that_cannot_be_is_no_time(at: float) -> None:
    assert clock_at(at).now() == 0
    assert clock_at(at).trust is Trust.NONE


@pytest.mark.parametrize("at", [BUILT_AT, BUILT_AT + LEAP_S])
def test_a_time_that_may_be_is_a_hint(at: int) -> None:
    assert clock_at(at + 0.9).now() == at
    assert clock_at(at).trust is Trust.HINT


def test_no_time_before_the_last_certain_one_is_believed_and_none_years_beyond_it() -> None:
    assert clock_at(NOW - 1, floor=NOW).now() == 0
    assert clock_at(NOW, floor=NOW).now() == NOW
    assert clock_at(NOW + LEAP_S + 1, floor=NOW).now() == 0


def test_waiting_knows_no_wall_time() -> None:
    ticks = iter([1.0, 3.5])
    clock = Clock(wall=lambda: 0.0, ticks=lambda: next(ticks))
    assert clock.monotonic() < clock.monotonic()


def test_what_was_agreed_runs_on_by_the_uptime_clock_whatever_the_wall_clock_does() -> None:
    clock = Clock(wall=lambda: 0.0, ticks=lambda: 5000.5, kept=lambda: Kept(epoch=EPOCH))
    assert clock.now() == EPOCH + 5000
    assert clock.trust is Trust.AGREED


def test_the_kernel_can_be_asked_who_keeps_the_clock() -> None:
    assert is_kept_by_network() in (True, False)


# what agrees


def hints(**said: int) -> list[Hint]:
    return [Hint(source.replace("_", ":"), EPOCH + off) for source, off in said.items()]


@pytest.mark.parametrize(
    ("said", "off"),
    [
        ({"board": 0}, None),
        ({"board": 0, "peer_oak": 30}, 30),
        ({"board": 0, "peer_oak": TOLERANCE_S + 1}, None),
        ({"peer_oak": 0, "peer_elm": 0}, None),
        ({"peer_oak": 0, "peer_elm": 10, "peer_ash": 20}, 20),
        ({"phone_ana": 0, "phone_ben": 10}, None),
        ({"board": -YEAR_S, "peer_oak": 0, "phone_ana": 60}, 60),
        ({"peer_a": YEAR_S, "peer_b": YEAR_S, "peer_c": YEAR_S, "board": 0, "phone_ana": 5}, 5),  # two kinds before one
        ({"board": 0, "peer_oak": 0, "keeper": 7 * 86_400}, 7 * 86_400),
    ],
    ids=range(9),
)
def test_independent_sources_agree_or_the_keeper_decides(said: dict[str, int], off: int | None) -> None:
    assert agreed(hints(**said)) == (None if off is None else EPOCH + off)


def test_steps_go_forward_only_and_by_more_than_a_moment() -> None:
    kept = stepped(Kept(), hints(board=0, peer_oak=0), UPTIME)
    assert kept == Kept(0, EPOCH, UPTIME)
    assert stepped(kept, hints(board=-3000, peer_oak=-3000), UPTIME) == kept
    assert stepped(kept, hints(board=300, peer_oak=300), UPTIME) == kept
    assert stepped(kept, hints(board=3000, peer_oak=3000), UPTIME).epoch == EPOCH + 3000
    assert stepped(kept, hints(board=3000), UPTIME) == kept
    assert stepped(kept, hints(keeper=-3000), UPTIME).epoch == EPOCH - 3000, "a keeper mends a slip"


def test_nothing_goes_back_before_what_was_certain() -> None:
    certain = Kept(floor=NOW)
    for said in (hints(board=-1, peer_oak=-1), hints(keeper=-1)):
        assert stepped(certain, said, UPTIME) == certain
    assert stepped(certain, hints(keeper=0), UPTIME).epoch == EPOCH


def test_a_floor_is_laid_once_an_hour_where_the_time_stood_so_long() -> None:
    kept = Kept(0, EPOCH, UPTIME)
    assert with_floor(kept, UPTIME + FLOOR_S - 1) == kept
    laid = with_floor(kept, UPTIME + FLOOR_S)
    assert laid.floor == NOW + FLOOR_S
    assert with_floor(laid, UPTIME + 2 * FLOOR_S - 1) == laid
    assert with_floor(Kept(), 9 * FLOOR_S) == Kept()


def test_hints_are_few_and_each_source_has_one() -> None:
    known: tuple[Hint, ...] = ()
    for number in range(3 * HINTS_MAX):
        known = with_hint(known, Hint(f"peer:{number % 20}", EPOCH + number))
    assert len(known) == HINTS_MAX == len({hint.source for hint in known})


events = st.one_of(
    st.tuples(st.just("passes"), st.integers(60, 200_000)),
    st.tuples(
        st.just("starts"), st.sampled_from([0, BUILT_AT - 6 * YEAR_S, BUILT_AT + 19 * YEAR_S, NOW, NOW + 86_400])
    ),
    st.tuples(st.just("jumps"), st.sampled_from([-10 * YEAR_S, -86_400, -3600, 3600, 86_400, 19 * YEAR_S])),
    st.tuples(st.just("truth"), st.sampled_from(["peer:oak", "peer:elm", "phone:ana", "network"])),
    st.tuples(st.just("lie"), st.sampled_from([-YEAR_S, 12_345_678, YEAR_S + 7777])),
)


@given(st.lists(events, max_size=40))
def test_years_of_trouble_never_turn_time_back_and_one_liar_never_moves_it(story: list[tuple[str, int | str]]) -> None:
    board, latest = Board(), 0
    for what, value in story:
        match what, value:
            case "passes", int(seconds):
                board.passes(seconds)
            case "starts", int(wall):
                board.starts(wall)
                latest = board.kept.floor
            case "jumps", int(off):
                board.wall_off += off
            case "truth", str(source):
                board.hears(source, 0)
            case "lie", int(off):
                board.hears("peer:liar", off)
        board.look()
        assert board.now() == 0 or board.now() >= board.kept.floor
        if board.kept.epoch is not None:
            assert latest <= board.now() <= board.truth + TOLERANCE_S
            latest = board.now()


# the node


@pytest.fixture
def node(elm: Path) -> Iterator[Node]:
    node = Node.open(elm)
    yield node
    node.close()


def sets(node: Node, wall: int, uptime: int = UPTIME) -> None:
    node.clock = replace(node.clock, wall=lambda: wall, ticks=lambda: uptime)


def trust(node: Node) -> str:
    return node.clock.trust.value


def session(node: Node, name: str) -> Session:
    return node.sign_in(name, "1234")


def test_a_keepers_word_is_enough_and_every_process_knows(node: Node, elm: Path) -> None:
    sets(node, 0)
    assert node.status().as_json()["clock"] == {"trust": "none", "now": 0}
    node.tell_time(session(node, "Ana"), NOW)
    other = Node.open(elm)
    sets(other, 0, UPTIME + 60)
    assert other.status().as_json()["clock"] == {"trust": "agreed", "now": NOW + 60}
    other.close()


def test_a_members_word_bears_out_the_wall_clock(node: Node) -> None:
    sets(node, NOW)
    node.look_at_time()
    assert trust(node) == "hint"
    node.tell_time(session(node, "Ben"), NOW + 100)
    assert trust(node) == "agreed"
    sets(node, NOW - YEAR_S, UPTIME + 7200)
    assert node.clock.now() == pytest.approx(NOW + 7200, abs=100)


def test_after_the_next_start_there_is_a_floor(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    sets(node, 0)
    node.tell_time(session(node, "Ana"), NOW)
    for _ in range(2):
        sets(node, 0, UPTIME + FLOOR_S)
        node.look_at_time()
    monkeypatch.setattr(kept_time, "boot_id", lambda: "the next start")
    assert trust(node) == "none"
    sets(node, NOW + FLOOR_S - 1)
    assert node.clock.now() == 0
    sets(node, NOW + 2 * FLOOR_S)
    assert node.clock.now() == NOW + 2 * FLOOR_S
    with pytest.raises(Refused) as refusal:
        node.tell_time(session(node, "Ana"), NOW)
    assert refusal.value.verdict is Objection.TIME_PAST


def test_looking_writes_only_what_is_news(node: Node) -> None:
    sets(node, NOW)
    changes = lambda: node.database.value("SELECT total_changes()")  # noqa: E731
    node.look_at_time()
    before = changes()
    for minute in range(5):
        sets(node, NOW + 60 * minute, UPTIME + 60 * minute)
        node.look_at_time()
        node.hint_time("peer:oak", 5)
    assert changes() == before
    node.hint_time("peer:oak", NOW)
    assert changes() == before + 1
    node.hint_time("peer:oak", NOW + 240)
    assert changes() == before + 1


def test_what_a_neighbour_node_just_noted_bears_out_the_clock(node: Node, oak: Path) -> None:
    other = Node.open(oak)
    other.clock = replace(other.clock, wall=lambda: NOW)
    sets(node, NOW)
    other.add_member("Emre", "1234")
    other.seal()
    log = other.own_log(other.commons)
    here = node.records.log(log.log)
    run = other.records.run(log.log, here.height if here else 0, 1 << 16)
    assert run is not None
    node.accept(run)
    node.hear_time(run)
    assert trust(node) == "agreed"
    other.close()


def test_a_start_has_one_name_seen_or_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel writes it with dashes, systemd tells it without."""
    monkeypatch.delenv(clock.BOOT_VARIABLE, raising=False)
    seen = boot_id()
    assert len(seen) == 32
    monkeypatch.setattr(clock, "BOOT_ID", Path("/none"))
    monkeypatch.setenv(clock.BOOT_VARIABLE, seen)
    assert boot_id() == seen


def test_who_cannot_know_the_start_believes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(clock.BOOT_VARIABLE, raising=False)
    monkeypatch.setattr(clock, "BOOT_ID", Path("/none"))
    mine = boot_id()
    assert boot_id() == mine
    clock._of_this_process.cache_clear()
    assert boot_id() != mine
