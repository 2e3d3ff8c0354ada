"""The air that the simulator counts is the air that real radios would use.

One street is simulated twice with one seed. The second time each packet that a node says goes to the real `meshtastic` client,
which hands it over TCP to a device stand-in, and what another node hears is what its own client took from its own device.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from appliance.simulation.payments import PaymentsPenman
from appliance.simulation.scenario_file import dealer_for
from mesh.simulation.air import Air, Hear, Station
from mesh.simulation.outcome import Outcome
from mesh.simulation.scenario import Burst, Expect, Faults, Link, Scenario, Writing
from mesh.simulation.street import Street
from mesh.transports import Inbox
from tests.mesh.transports.streets import NODES, LoraStreet, until

pytestmark = pytest.mark.real

NAMES: Final = tuple(NODES)
FRAMES_MIN: Final = 25


class Clients:
    """The real clients of three nodes, each with a device."""

    def __init__(self, signs: bool) -> None:
        self.street = LoraStreet(signs=signs)
        self.inboxes = [Inbox() for _ in NAMES]
        self.roads = [self.street.open(name, inbox) for name, inbox in zip(NAMES, self.inboxes, strict=True)]
        self.arrived: list[bytes] = [b""] * len(NAMES)

    def carry(self, talker: int, packet: bytes) -> None:
        """Hand over one packet, and wait until both other clients have it."""
        self.roads[talker].send(packet)
        for listener in range(len(NAMES)):
            if listener != talker:
                self.arrived[listener] = self._next(listener, talker)

    def _next(self, listener: int, talker: int) -> bytes:
        found: list[bytes] = []

        def is_here() -> bool:
            found.extend(heard.packet for heard in self.inboxes[listener].drain())
            return bool(found)

        until(is_here, f"for a packet of {NAMES[talker]} at {NAMES[listener]}")
        assert len(found) == 1
        return found[0]


@pytest.fixture(params=[False, True], ids=["plain", "signed"])
def clients(request: pytest.FixtureRequest) -> Iterator[Clients]:
    found = Clients(request.param)
    yield found
    found.street.close()


def street_of_three(signs: bool) -> Scenario:
    links = (Link(0, 1, 0.1), Link(1, 2, 0.1), Link(0, 2, 0.1))
    writing = Writing(8, 0.0, 0.2, (0, 1, 2))
    faults = Faults(burst=Burst(0.05, 30.0))
    limit = 165 if signs else 231
    return Scenario(
        "three", 5, "LongFast", limit, 0.4, 3, links, writing, Expect(0.4, 0.2), faults=faults, is_signed=signs
    )


def ended(scenario: Scenario) -> tuple[Outcome, Air]:
    street = Street(scenario, dealer_for(scenario.seed), PaymentsPenman)
    return street.run(), street.air


def test_what_is_counted_is_what_the_real_client_hands_to_the_device(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[list[bytes]] = [[] for _ in NAMES]

    class CarriedAir(Air):
        """Frames that real clients carry."""

        def __init__(self, preset, nodes, clock, dice, hear: Hear, *, is_signed: bool) -> None:
            def heard(listener: int, talker: int, packet: bytes) -> None:
                hear(listener, talker, self.under_way.pop((listener, packet)))

            self.under_way: dict[tuple[int, bytes], bytes] = {}
            super().__init__(preset, nodes, clock, dice, heard, is_signed=is_signed)

        def _start(self, station: Station, packet: bytes) -> None:
            said[station.number].append(packet)
            clients.carry(station.number, packet)
            self.under_way |= {(number, packet): clients.arrived[number] for number in range(3)}
            super()._start(station, packet)

    scenario = street_of_three(clients.street.signs)
    simulated, _ = ended(scenario)
    monkeypatch.setattr("mesh.simulation.street.Air", CarriedAir)
    carried, air = ended(scenario)

    assert carried.figures() == simulated.figures()
    assert (carried.states, carried.packets >= FRAMES_MIN) == (1, True)
    taken = [clients.street.ether.device(name).accepted for name in NAMES]
    assert [[packet.decoded.payload for packet in packets] for packets in taken] == said
    until(lambda: clients.street.ether.counters["frames"] == carried.packets)
    counted = clients.street.ether.counters
    assert counted["frame_bytes"] == carried.bytes_on_air == sum(station.said_bytes for station in air.stations)
    assert counted["airtime_ms"] == pytest.approx(carried.airtime_s * 1000, abs=carried.packets)
    print(
        f"{carried.packets} packets, {sum(map(sum, (map(len, one) for one in said)))} bytes, {carried.bytes_on_air} on air"
    )
