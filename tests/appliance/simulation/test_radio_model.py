"""What a simulated radio and its program do at their limits. Beside each stands a simulator that does not, and is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from appliance.simulation.payments import PaymentsPenman
from appliance.simulation.scenario_file import Wishes, dealer_for, read_scenario
from mesh.brief import Beacon
from mesh.effects import Effect
from mesh.simulation import station as stations
from mesh.simulation import street as streets
from mesh.simulation.station import CLIENT_QUEUE_MAX, USE_SHARE_MAX, NodeStation
from mesh.simulation.street import Street

PAIR = """
nodes: 2
links: [[0, 1, 0.0]]
hours: 3
records: {count: 1, from_h: 2.9, until_h: 2.95}
faults: {power_cuts_per_node_day: 0.001, until_h: 2.99}
"""
Pair = tuple[Street, NodeStation, NodeStation]


@pytest.fixture
def pair(tmp_path: Path) -> Callable[[], Pair]:
    """Return what makes two nodes that hear each other; nothing goes wrong unless a test does it."""

    def make() -> Pair:
        file = tmp_path / "pair.yaml"
        file.write_text(PAIR)
        street = Street(read_scenario(file, Wishes(seed=5)), dealer_for(5), PaymentsPenman)
        one, other = street.stations
        assert one
        assert other
        street.clock.run(100.0)
        return street, one, other

    return make


def check_the_queue_to_the_program(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that hangs finds what its radio could keep, and in order; the rest is lost, and counted."""
    street, one, other = pair
    heard: list[bytes] = []
    engine = other._engine
    assert engine
    receive = engine.receive

    def listen(peer: str, packet: bytes, now: float) -> list[Effect]:
        heard.append(packet)
        return receive(peer, packet, now)

    monkeypatch.setattr(engine, "receive", listen)
    other.stall(30.0)
    packets = [Beacon(number.to_bytes(4, "big"), bytes(5), bytes(5)).encode() for number in range(1, 21)]
    for packet in packets:
        other.hear(one.number, packet)
    assert heard == []
    street.clock.run(street.clock.now + 31.0)
    assert heard[:CLIENT_QUEUE_MAX] == packets[:16]
    assert packets[16] not in heard
    assert street.air.counters["client queue full"] == 4


def check_the_gate_of_a_busy_channel(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the channel was in use for over two fifths of the last minute, nobody begins to talk; then somebody does."""
    street, one, _ = pair
    radio = street.air.stations[one.number]

    def others_talk(seconds: float) -> None:
        until = street.clock.now + seconds
        while street.clock.now < until:
            radio.note_use(street.clock.now, 6.0)
            street.clock.run(street.clock.now + 10.0)

    others_talk(60.0)
    assert radio.use_share(street.clock.now) > USE_SHARE_MAX
    begun = len(radio.spent)
    street.authors[one.number].write()
    others_talk(120.0)
    assert len(radio.spent) == begun
    street.clock.run(street.clock.now + 120.0)
    assert len(radio.spent) > begun


def check_a_power_cut_in_a_write(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was heard and not yet safe is gone with the power, is asked for again, and nothing was claimed meanwhile."""
    street, one, other = pair
    author = street.authors[one.number]
    log, height = author.branch.log, other.replica.frontier(street.truth.scope).height(author.branch.log)
    delivered: list[float] = []
    carry_out = other._carry_out

    def note(effects: Sequence[Effect]) -> None:
        delivered.extend(street.clock.now for _ in effects)
        carry_out(effects)

    monkeypatch.setattr(other, "_carry_out", note)
    author.write()
    while not delivered:
        street.clock.run(street.clock.now + 0.01)
    other.power(False)
    assert other.replica.frontier(street.truth.scope).height(log) == height
    street.clock.run(street.clock.now + 5.0)
    assert other.replica.frontier(street.truth.scope).height(log) == height
    other.power(True)
    street.clock.run(street.clock.now + 600.0)
    assert other.replica.frontier(street.truth.scope).height(log) == author.branch.certified > height
    assert street.truth.violations == []


def test_a_queue_that_runs_over_loses_what_comes_last(
    pair: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_the_queue_to_the_program(pair(), monkeypatch)


def test_a_busy_channel_makes_everybody_wait(pair: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    check_the_gate_of_a_busy_channel(pair(), monkeypatch)


def test_a_power_cut_in_a_write_takes_back_what_was_not_safe(
    pair: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_a_power_cut_in_a_write(pair(), monkeypatch)


FAULTS = (
    (check_the_queue_to_the_program, stations, "CLIENT_QUEUE_MAX", 1000),
    (check_the_gate_of_a_busy_channel, stations, "USE_SHARE_MAX", 2.0),
    (check_a_power_cut_in_a_write, streets, "COMMIT_S", 0.0),
)


@pytest.mark.parametrize(("check", "where", "name", "value"), FAULTS, ids=[name for _, _, name, _ in FAULTS])
def test_a_simulator_without_this_limit_is_found(
    pair: Callable[[], Pair],
    monkeypatch: pytest.MonkeyPatch,
    check: Callable[[Pair, pytest.MonkeyPatch], None],
    where: object,
    name: str,
    value: float,
) -> None:
    monkeypatch.setattr(where, name, value)
    with pytest.raises(AssertionError):
        check(pair(), monkeypatch)
