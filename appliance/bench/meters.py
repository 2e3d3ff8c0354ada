"""Meters on the parts of a station: what hearing, ticking and the codec take of a processor, and what is read for it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from cProfile import Profile
from dataclasses import dataclass, field, replace
from random import Random

from appliance.bench.holdings import BenchHoldings
from mesh.aircode.packing import AirCodec
from mesh.aircode.shared import Ground
from mesh.airform import AirRun
from mesh.effects import Effect
from mesh.frontier import Frontier
from mesh.gossip import Engine
from mesh.governor import Priority
from mesh.keys import EpochKey, LogId, NodeId, Scope
from mesh.log import Run
from mesh.speaking import Room, ample
from mesh.timing import Timing


@dataclass
class Meter:
    """How often something was done, and the processor seconds of this thread that it took."""

    calls: int = 0
    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = time.thread_time()
        try:
            yield
        finally:
            self.calls += 1
            self.seconds += time.thread_time() - began


@dataclass
class Meters:
    """What was done since the last `take`. `hear` and `tick` hold what the codec takes within them."""

    hear: Meter = field(default_factory=Meter)
    tick: Meter = field(default_factory=Meter)
    pack: Meter = field(default_factory=Meter)
    unpack: Meter = field(default_factory=Meter)
    looks: int = 0  # at a frontier
    reads: int = 0  # of a run
    records: int = 0  # in the runs that were read

    def take(self) -> Meters:
        """Return what was measured, and begin anew."""
        taken = replace(self)
        self.hear, self.tick, self.pack, self.unpack = Meter(), Meter(), Meter(), Meter()
        self.looks = self.reads = self.records = 0
        return taken

    def hear_s(self) -> float:
        """Return the seconds of one packet heard, the codec apart."""
        return (self.hear.seconds - self.unpack.seconds) / self.hear.calls

    def tick_s(self) -> float:
        """Return the seconds of one tick, the codec apart."""
        return (self.tick.seconds - self.pack.seconds) / self.tick.calls


class MeteredHoldings(BenchHoldings):
    """Holdings that count what is read of them."""

    def __init__(self, node: NodeId, scope: Scope, epoch_key: EpochKey) -> None:
        super().__init__(node, scope, epoch_key)
        self.meters = Meters()

    def frontier(self, scope: Scope) -> Frontier:
        self.meters.looks += 1
        return super().frontier(scope)

    def run(self, log: LogId, after: int, size_max: int) -> Run | None:
        run = super().run(log, after, size_max)
        self.meters.reads += 1
        self.meters.records += len(run.records) if run else 0
        return run


class MeteredCodec(AirCodec):
    """The codec of one station."""

    def __init__(self, meters: Meters) -> None:
        super().__init__()
        self._meters = meters

    def pack(self, runs: Sequence[AirRun], ground: Ground) -> bytes | None:
        with self._meters.pack.running():
            return super().pack(runs, ground)

    def unpack(self, packed: bytes, ground: Ground) -> tuple[AirRun, ...]:
        with self._meters.unpack.running():
            return super().unpack(packed, ground)


class MeteredEngine(Engine):
    """The engine of the air."""

    def __init__(self, holdings: MeteredHoldings, packet_size_max: int, rng: Random, meters: Meters) -> None:
        self.codec = MeteredCodec(meters)
        super().__init__(holdings.node, holdings, packet_size_max, rng, Timing(), self.codec)
        self._meters = meters

    def receive(self, peer: str, packet: bytes, now: float) -> list[Effect]:
        with self._meters.hear.running():
            return super().receive(peer, packet, now)

    def tick(self, now: float, least: Priority = Priority.CAROUSEL, room: Room = ample) -> list[Effect]:
        with self._meters.tick.running():
            return super().tick(now, least, room)


class ProfiledEngine(Engine):
    """The engine of the air under a profiler that sees nothing else."""

    def __init__(self, holdings: MeteredHoldings, packet_size_max: int, rng: Random, profile: Profile) -> None:
        super().__init__(holdings.node, holdings, packet_size_max, rng, Timing())
        self._profile = profile

    def receive(self, peer: str, packet: bytes, now: float) -> list[Effect]:
        return self._profile.runcall(super().receive, peer, packet, now)

    def tick(self, now: float, least: Priority = Priority.CAROUSEL, room: Room = ample) -> list[Effect]:
        return self._profile.runcall(super().tick, now, least, room)
