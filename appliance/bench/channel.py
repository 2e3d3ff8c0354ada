"""One shared channel in virtual time: who speaks is heard by all others after the airtime, or is lost by chance.

Stations wait for a free channel, so nothing collides here; the seeded simulator of a street is another matter. Every packet that
goes on the air is captured as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from appliance.bench.holdings import BenchHoldings
from mesh.airtime import airtime_ms, on_air_bytes
from mesh.effects import Deliver, Effect, Send
from mesh.errors import PeerFault
from mesh.gossip import Engine
from mesh.timing import Timing

PRESET: Final = "LongFast"
STEP_MIN_S: Final = 0.05


@dataclass
class Station:
    holdings: BenchHoldings
    engine: Engine


@dataclass
class Channel:
    """`captured` are (sender, packet) in the order of the air; `now` is in virtual seconds."""

    rng: Random
    packet_size_max: int = 231
    loss: float = 0.0
    now: float = 1000.0
    stations: list[Station] = field(default_factory=list)
    captured: list[tuple[int, bytes]] = field(default_factory=list)

    def join(self, holdings: BenchHoldings) -> None:
        engine = Engine(holdings.node, holdings, self.packet_size_max, self.rng, Timing())
        self.stations.append(Station(holdings, engine))

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.now + seconds
        while self.now < end:
            wake = min(station.engine.next_wake(self.now) for station in self.stations)
            self.now = min(end, self.now + max(STEP_MIN_S, wake))
            for number, station in enumerate(self.stations):
                self._carry_out(number, station.engine.tick(self.now))

    def run_until_equal(self, seconds_max: float) -> bool:
        """Let time pass until all hold the same. Returns whether they do."""
        end = self.now + seconds_max
        while self.now < end and not self.is_equal():
            self.run(1.0)
        return self.is_equal()

    def is_equal(self) -> bool:
        scope = self.stations[0].holdings.scopes()[-1]
        return len({station.holdings.frontier(scope).digest() for station in self.stations}) == 1

    def _carry_out(self, number: int, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self._transmit(number, effect.packet)
            elif isinstance(effect, Deliver):
                self._deliver(number, effect)

    def _deliver(self, number: int, effect: Deliver) -> None:
        station = self.stations[number]
        try:
            station.holdings.accept(effect.run)
        except PeerFault as fault:
            station.engine.refused(effect.peer, fault)

    def _transmit(self, sender: int, packet: bytes) -> None:
        self.captured.append((sender, packet))
        self.now += airtime_ms(PRESET, on_air_bytes(len(packet))) / 1000
        for number, station in enumerate(self.stations):
            if number != sender and self.rng.random() >= self.loss:
                try:
                    self._carry_out(number, station.engine.receive(str(sender), packet, self.now))
                except PeerFault as fault:
                    station.engine.refused(str(sender), fault)

    def payload_bytes(self) -> int:
        return sum(len(packet) for _, packet in self.captured)

    def on_air_bytes(self) -> int:
        return sum(on_air_bytes(len(packet)) for _, packet in self.captured)

    def airtime_ms(self) -> float:
        return sum(airtime_ms(PRESET, on_air_bytes(len(packet))) for _, packet in self.captured)
