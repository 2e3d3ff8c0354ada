"""The air: who hears whom when several talk."""

from __future__ import annotations

from random import Random

import pytest

from mesh.simulation.air import USE_BUCKET_S, Air, Deafness, Station, worst_hour_s
from mesh.simulation.clock import Clock
from mesh.simulation.scenario import HOUR_S, Burst, Cut, Link

PACKET = bytes(100)


class Room:
    def __init__(self, nodes: int, *links: Link, burst: Burst | None = None) -> None:
        self.clock = Clock()
        self.heard: list[tuple[int, int]] = []
        self.air = Air("LongFast", nodes, self.clock, Random(1), lambda to, by, packet: self.heard.append((to, by)))
        self.air.link(links, burst)
        for number in range(nodes):
            self.air.switch_on(number)

    def say(self, *talkers: int) -> list[tuple[int, int]]:
        """Let these begin at the very same moment; return who heard whom."""
        self.heard.clear()
        for talker in talkers:
            self.air._start(self.air.stations[talker], PACKET)
        self.clock.run(self.clock.now + 10)
        return sorted(self.heard)


def test_a_packet_reaches_those_who_are_linked_and_nobody_else() -> None:
    room = Room(3, Link(0, 1, 0.0))
    assert room.say(0) == [(1, 0)]
    assert room.say(2) == []


def test_two_hidden_talkers_spoil_each_other_where_both_are_heard() -> None:
    room = Room(4, Link(0, 1, 0.0), Link(2, 1, 0.0), Link(2, 3, 0.0))
    assert room.say(0, 2) == [(3, 2)]


def test_a_clearly_better_link_survives_a_collision() -> None:
    room = Room(3, Link(0, 1, 0.0), Link(2, 1, 0.5))
    assert (1, 0) in room.say(0, 2)
    assert (1, 2) not in room.heard


def test_who_talks_hears_nothing() -> None:
    room = Room(2, Link(0, 1, 0.0))
    assert room.say(0, 1) == []


def test_who_hears_another_waits() -> None:
    room = Room(2, Link(0, 1, 0.0))
    room.air._start(room.air.stations[0], PACKET)
    room.clock.run(0.2)
    room.air.offer(1, PACKET)
    room.clock.run(20)
    assert room.heard == [(1, 0), (0, 1)]


def test_nothing_crosses_a_cut_until_it_heals() -> None:
    room = Room(3, Link(0, 1, 0.0), Link(1, 2, 0.0))
    room.air.plan_cut(Cut(0.0, 1.0, (frozenset({0}), frozenset({1, 2}))))
    room.clock.run(1.0)
    assert room.say(1) == [(2, 1)]
    room.clock.run(HOUR_S)
    assert room.say(1) == [(0, 1), (2, 1)]


def test_a_radio_that_is_off_hears_nothing_and_breaks_off() -> None:
    room = Room(2, Link(0, 1, 0.0))
    room.air._start(room.air.stations[0], PACKET)
    room.air.switch_off(0)
    room.clock.run(5)
    assert room.heard == []
    room.air.switch_off(1)
    room.air.switch_on(0)
    assert room.say(0) == []


def test_sixteen_packets_wait_and_no_more() -> None:
    room = Room(2, Link(0, 1, 0.0))
    assert [room.air.offer(0, PACKET) for _ in range(17)] == [True] * 16 + [False]
    room.clock.run(100)
    assert len(room.heard) == 16


def test_what_is_urgent_goes_first_and_finds_room() -> None:
    room = Room(2, Link(0, 1, 0.0))
    begun: list[bytes] = []
    room.air.begins = lambda _, packet: begun.append(packet)
    for number in range(16):
        room.air.offer(0, bytes([number]) * 100)
    assert room.air.offer(0, b"fire", is_urgent=True)
    room.clock.run(60.0)
    assert begun == [b"fire", *(bytes([number]) * 100 for number in range(15))]


def test_links_lose_their_share() -> None:
    room = Room(2, Link(0, 1, 0.25))
    heard = sum(len(room.say(0)) for _ in range(1000))
    assert 700 < heard < 800


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_a_link_is_deaf_for_its_share_of_the_time(share: float) -> None:
    deaf = Deafness(Burst(share, 30.0), Random(7))
    moments = [deaf(second) for second in range(400_000)]
    assert sum(moments) / len(moments) == pytest.approx(share, rel=0.15)


def test_the_use_of_the_channel_is_that_of_the_last_minute() -> None:
    station = Station(0)
    station.note_use(5.0, 6.0)
    station.note_use(25.0, 6.0)
    assert station.use_share(50.0) == pytest.approx(0.2)
    assert station.use_share(6.0 * USE_BUCKET_S + 5.0) == pytest.approx(0.1)
    assert station.use_share(10_000.0) == 0.0


def test_the_worst_hour_is_any_sixty_minutes() -> None:
    assert worst_hour_s([(0.0, 5.0), (3000.0, 5.0), (3599.0, 5.0), (3601.0, 5.0), (9000.0, 12.0)]) == 15.0
