"""The witness of calls for help: what must be shown, and what must never be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh.distress import HEAD, Distress, Level
from mesh.errors import BadSignature
from mesh.keys import NodeKey, Scope
from mesh.simulation.calling import SLACK_S, CallStreet, NodeCalls
from mesh.simulation.clock import Clock
from mesh.simulation.scenario import Alarm, Expect, Link, Scenario, Writing

KEYS = [NodeKey(bytes([number + 1]) * 32) for number in range(4)]
ALARM = Alarm(0, 1, 0.0, Level.DANGER, 10, 60.0)


class Stand:
    """A station that hears what the test gives it."""

    def __init__(self, number: int, around: CallStreet) -> None:
        self.calls: NodeCalls | None = NodeCalls(number, KEYS[number], around, lambda send: None)
        self.is_powered, self.is_asleep, self.is_full = True, False, False
        self.upsets = self.starts = 0


class Town:
    """Four nodes in a row, 0 - 1 - 2 - 3; nothing travels by itself."""

    def __init__(self, alarm: Alarm = ALARM) -> None:
        self.clock = Clock()
        self.seen: list[tuple[int, str]] = []
        links = tuple(Link(one, one + 1, 0.1) for one in range(3))
        scenario = Scenario(
            "town", 1, "LongFast", 231, 24.0, 4, links, Writing(0, 0, 0, ()), Expect(1, 1), calls=(alarm,)
        )
        self.street = CallStreet(
            scenario, KEYS, Scope(bytes(range(16))), self.clock, lambda node, words: self.seen.append((node, words))
        )
        self.stations = {number: Stand(number, self.street) for number in range(4)}
        self.street.plan(dict(self.stations))
        self.clock.run(1.0)

    def call(self) -> Distress:
        (held,) = self.node(0).living()
        return held.call

    def node(self, number: int) -> NodeCalls:
        calls = self.stations[number].calls
        assert calls
        return calls


def test_who_is_reached_must_show_it_and_who_is_not_need_not() -> None:
    town = Town()
    town.stations[2].is_asleep = True  # so nobody can reach 3
    town.node(1).hear(town.call())
    town.clock.run(59.0)
    town.stations[2].is_asleep = False
    town.stations[2].upsets += 1
    town.clock.run(61.0)
    assert (town.seen, town.street.slowest_s) == ([], 0.0 + 1.0)
    deaf = Town()
    deaf.clock.run(61.0)
    assert [node for node, _ in deaf.seen] == [1, 2, 3]


def test_what_nobody_raised_is_shown_by_nobody() -> None:
    town = Town()
    with pytest.raises(BadSignature):
        town.node(1).hear(replace(town.call(), words="all is well"))
    own = replace(town.call(), turn=7).signed(KEYS[0], town.street.scope)
    town.node(1).hear(own)
    assert [words for _, words in town.seen] == ["shows a call for help that nobody raised"]


def test_nobody_shows_it_for_longer_than_it_lives_nor_again() -> None:
    town = Town()
    call = town.call()
    for number in (1, 2, 3):
        town.node(number).hear(call)
    town.clock.run(700.0)
    town.node(2).hear(call)
    town.clock.run(600.0 + SLACK_S + 120.0)
    assert town.seen == []
    stuck = Town()
    for number in (1, 2, 3):
        stuck.node(number).hear(call)
    stuck.node(1).shelf.keep(KEYS[0].node_id, stuck.call(), 9e9, 9e9)
    stuck.clock.run(600.0 + SLACK_S + 120.0)
    assert stuck.seen == [(1, "shows a call for help that is over")]
    stuck.node(2).shelf.drop(KEYS[0].node_id, 1)
    stuck.street.news(2, call)
    assert stuck.seen[-1] == (2, "shows a call for help again that was over there")


def test_nothing_goes_on_the_air_before_it_where_it_was_raised() -> None:
    town = Town()
    town.street.begins(1, b"\x11\x03 of another")
    town.street.begins(0, b"\x11\x03 of mine")
    assert town.seen == [(0, "says something else while a call for help waits")]
    town.street.begins(0, HEAD + b"...")
    town.street.begins(0, b"\x11\x03 of mine")
    assert len(town.seen) == 1


def test_a_restart_goes_on_from_the_last_note() -> None:
    town = Town(replace(ALARM, minutes=60))
    shelf = town.node(0).shelf
    town.clock.run(700.0)
    shelf.count_down()
    town.clock.run(1200.0)
    shelf.restart()
    assert town.node(0).living()[0].left_s == pytest.approx(3600 - 700, abs=1)
    assert town.call().age == 12, "rounded up"
