"""The gossip loop over real nodes: what is said at one is known at the other, and no road's trouble ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from appliance import radio_switch
from appliance.answers import PowerState
from appliance.daemon import OFF, TIME_S, Daemon
from appliance.desks.upkeep import STALE_S
from appliance.errors import StoreFault
from appliance.node import Node
from appliance.power.ladder import Step
from appliance.power.timetable import PERIOD_S, WINDOW_S
from appliance.roads import Road, make_roads
from appliance.settings import Gossip, LoopbackRoad
from appliance.timekeeping import BUILT_AT, YEAR_S
from mesh.keys import PUBLIC
from mesh.transports import Heard
from mesh.transports.ether import Ether
from tests.appliance.daemons import in_a_thread
from tests.appliance.shell import until
from tests.appliance.test_roads import Hand, Radio
from tests.appliance.test_voice import TextRadio

SPEED = 20.0


def opened(data: Path, ether: Ether | None = None) -> Node:
    """Open a node whose only road is this ether."""
    node = Node.open(data)
    roads = (LoopbackRoad(f"127.0.0.1:{ether.address[1]}", speed=SPEED),) if ether else ()
    node.settings = replace(node.settings, roads=roads, gossip=Gossip(batch_s=0.1))
    return node


@contextmanager
def gossiping(data: Path, ether: Ether) -> Iterator[None]:
    """A daemon in a thread of its own, with the node it opened there."""

    def gossip(ending: threading.Event) -> None:
        node = opened(data, ether)
        Daemon(node, lambda: make_roads(node.settings, node.node_id, node.holdings)).run(ending)
        node.close()

    with in_a_thread(gossip):
        yield


@pytest.fixture
def ether() -> Iterator[Ether]:
    ether = Ether(speed=SPEED)
    ether.start()
    yield ether
    ether.close()


@pytest.fixture
def pages(elm: Path, oak: Path) -> Iterator[tuple[Node, Node]]:
    """The same two nodes as their portals see them."""
    nodes = Node.open(elm), Node.open(oak)
    yield nodes
    for node in nodes:
        node.close()


def agree(pages: tuple[Node, Node]) -> bool:
    one, other = (node.status().as_json() for node in pages)
    return one["state_hash"] == other["state_hash"]


def pay(node: Node) -> str:
    who = {account.name: account for account in node.accounts()}
    return node.pay(who["Ana"], who["Dora"], 100, node.currency("hours"), "bread").id


@pytest.mark.real
def test_a_payment_crosses_the_air_and_both_agree(elm: Path, oak: Path, pages: tuple[Node, Node], ether: Ether) -> None:
    with gossiping(elm, ether), gossiping(oak, ether):
        until(lambda: agree(pages), "both nodes to agree")
        paid = pay(pages[0])
        until(lambda: pages[1].statement(pages[1].find_payee("Dora")).rows, "the payment to arrive")
        assert pages[1].transfer(paid).memo == "bread"
        until(lambda: agree(pages), "both nodes to agree again")
        until(lambda: pages[0].transfer(paid).standing.value == "settled", "the payment to settle")
    assert any(road == ("loopback", True, "") for road in pages[0].private.roads())
    assert pages[0].air().packets_day > 0
    day = pages[0].air_day()
    assert day.heard_ms > 0
    assert day.used_ms == pytest.approx(sum(day.by_priority.values()), abs=100)
    assert day.by_priority["ledger"] > 0


@pytest.mark.real
def test_the_switch_cuts_a_node_off_and_joins_it_again(
    elm: Path, oak: Path, pages: tuple[Node, Node], ether: Ether
) -> None:
    with gossiping(elm, ether), gossiping(oak, ether):
        until(lambda: agree(pages), "both nodes to agree")
        radio_switch.turn(oak, on=False)
        until(lambda: pages[1].private.roads() == [("loopback", False, OFF)], "the switch", within_s=2)
        pay(pages[0])
        pages[1].add_member("Emre", "1234")
        frames = ether.counters["delivered"]
        threading.Event().wait(2)
        assert ether.counters["delivered"] == frames
        assert not agree(pages)
        radio_switch.turn(oak, on=True)
        until(lambda: agree(pages), "both nodes to agree again")


@pytest.mark.real
def test_an_ether_that_is_away_is_shown_and_survived(
    elm: Path, oak: Path, pages: tuple[Node, Node], ether: Ether
) -> None:
    port = ether.address[1]
    ether.close()
    with gossiping(elm, ether), gossiping(oak, ether):
        until(lambda: [road[1] for road in pages[0].private.roads()] == [False], "the trouble to be shown")
        assert "does not answer" in pages[0].private.roads()[0][2]
        back = Ether(speed=SPEED, port=port)
        back.start()
        until(lambda: agree(pages), "both nodes to agree")
        assert [road[1] for road in pages[0].private.roads()] == [True]
        back.close()


# --- one daemon, step by step


class Bench:
    """A daemon on a radio without threads, and the hand that turns its clock."""

    def __init__(self, data: Path) -> None:
        self.node = Node.open(data)
        self.hand = Hand()
        self.radio = Radio()
        self.daemon = Daemon(self.node, self.make_roads, self.hand)

    def make_roads(self) -> list[Road]:
        return [Road("radio", self.radio, self.node.node_id, self.node.holdings, "EU_868", ticks=self.hand)]

    def steps(self, seconds: float) -> None:
        end = self.hand.at + seconds
        while self.hand.at < end:
            self.hand.at += min(end - self.hand.at, max(0.05, self.daemon.step()))


@pytest.fixture
def bench(elm: Path) -> Iterator[Bench]:
    bench = Bench(elm)
    yield bench
    bench.daemon.close()
    bench.node.close()


def unsealed(node: Node) -> int:
    return sum(log.height - log.certified for log in map(node.own_log, (PUBLIC, node.commons)))


def test_what_an_earlier_run_left_is_sealed_at_once(bench: Bench) -> None:
    assert unsealed(bench.node) > 0
    bench.daemon.step()
    assert unsealed(bench.node) == 0


def test_payments_wait_for_company_before_they_are_sealed(bench: Bench, elm: Path) -> None:
    bench.steps(5)
    portal = Node.open(elm)
    portal.settings = replace(portal.settings, gossip=Gossip(batch_s=600))  # however slow this machine is
    who = {account.name: account for account in portal.accounts()}
    for _ in range(3):
        portal.pay(who["Ana"], who["Ben"], 1, portal.currency("hours"))
        bench.steps(0.5)
    assert unsealed(bench.node) == 3
    checkpoints = "SELECT count(*) FROM checkpoint"
    before = bench.node.database.value(checkpoints)
    bench.steps(2.5)
    assert unsealed(bench.node) == 0
    assert bench.node.database.value(checkpoints) == before + 1
    portal.close()


def test_the_air_is_told_at_most_once_a_minute(bench: Bench, monkeypatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(bench.node, "note_air", lambda *_: told.append(bench.hand.at))
    bench.steps(59)
    assert told == []
    bench.steps(300)
    assert told
    assert all(after - before >= 60 for before, after in pairwise(told))


def test_a_node_at_rest_is_looked_at_once_a_second_and_writes_nothing(bench: Bench) -> None:
    bench.steps(120)
    before = bench.node.database.value("SELECT total_changes()")
    waits = [bench.daemon.step() for _ in range(3)]
    bench.hand.at += 1
    assert max(waits) <= 1.0
    assert bench.node.database.value("SELECT total_changes()") == before


def test_a_full_card_stops_the_writing_until_there_is_room(bench: Bench, monkeypatch, caplog) -> None:
    sealed: list[str] = []

    def seal() -> bool:
        sealed.append("tried")
        if len(sealed) < 3:
            raise StoreFault("The card is full.")
        ending.set()
        return False

    monkeypatch.setattr(bench.node, "seal", seal)
    monkeypatch.setattr("appliance.daemon.RETRY_S_MIN", 0.05)
    ending = threading.Event()
    run_until_ended(bench.daemon, ending)
    assert len(sealed) == 3
    assert "The card is full. Trying again" in caplog.text


def run_until_ended(daemon: Daemon, ending: threading.Event) -> None:
    stop: Callable[[], None] = ending.set
    timer = threading.Timer(20, stop)
    timer.start()
    daemon.run(ending)
    timer.cancel()


def test_a_node_that_saves_power_talks_in_the_common_windows_and_to_whoever_is_heard(bench: Bench) -> None:
    at_wall = 1_800_000_000 // PERIOD_S * PERIOD_S + WINDOW_S  # a window has just closed
    bench.node.clock = replace(bench.node.clock, wall=lambda: at_wall + bench.hand.at - 1000)
    bench.steps(60)
    portal = Node.open(bench.node.settings.data)
    portal.note_power(PowerState("timetable", percent=25))
    portal.add_member("Chiara", "1234")
    portal.close()
    before = len(bench.radio.sent)
    bench.steps(PERIOD_S - WINDOW_S - 120)
    assert len(bench.radio.sent) == before
    bench.steps(120)
    assert len(bench.radio.sent) > before, "the window on the clock"


def test_what_a_neighbour_says_of_itself_is_shown(bench: Bench, oak: Path) -> None:
    other = Bench(oak)
    other.daemon.step()
    other.node.note_power(PowerState("timetable", percent=25))
    said = len(other.radio.sent)
    other.daemon._step = other.node.power_step()
    other.daemon._woken_at = other.hand.at
    other.steps(30)
    for packet in other.radio.sent[said:]:
        bench.daemon._inbox.put(Heard("radio", "oak", packet))
    bench.steps(70)
    assert [one.state for one in bench.node.neighbours() if one.name == "Oak"] == ["timetable"]
    other.daemon.close()
    other.node.close()


def test_a_radios_clock_bears_out_the_boards(elm: Path) -> None:
    node, radio, hand = Node.open(elm), TextRadio(), Hand()
    node.clock = replace(node.clock, wall=lambda: BUILT_AT + YEAR_S, ticks=hand)
    road = Road("radio", radio, node.node_id, node.holdings, "EU_868", ticks=hand, line=radio)
    daemon = Daemon(node, lambda: [road], ticks=hand)
    trusts = []
    for told in (None, BUILT_AT + YEAR_S - int(hand.at)):
        radio.clock_epoch = told
        hand.at += TIME_S
        daemon.step()
        trusts.append(node.clock.trust.value)
    assert trusts == ["hint", "agreed"]
    daemon.close()
    node.close()


def test_a_battery_that_nobody_watches_any_more_keeps_nobody_silent(elm: Path) -> None:
    node, hand = Node.open(elm), Hand()
    node.clock = node.private._clock = replace(node.clock, ticks=hand)
    node.note_power(PowerState("checkpoint", percent=12))
    road = Road("radio", Radio(), node.node_id, node.holdings, "EU_868", ticks=hand)
    daemon = Daemon(node, lambda: [road], ticks=hand)
    daemon.step()
    assert road.state == Step.CHECKPOINT
    hand.at += STALE_S + TIME_S
    daemon.step()
    daemon.step()
    assert road.state == 0
    daemon.close()
    node.close()
