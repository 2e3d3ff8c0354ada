"""`hedgerow bench scale`: what the engine takes of processor and memory as logs and records become more.

Two neighbours who hold the same tell each other one payment after another; what is heard, ticked, packed and unpacked is
measured apart, on both sides, in processor time of this thread. A figure is the middle of several rounds, since other programs
run here too. The street grows in one run, so the ratios compare across machines; microseconds do not. Records are counted
beside those that open a log and admit its writer.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from cProfile import Profile
from functools import partial
from itertools import count
from pathlib import Path
from pstats import Stats
from random import Random
from statistics import median
from typing import Any, Final, NamedTuple

import mesh
from appliance.bench.channel import Channel, Station
from appliance.bench.codec_load import codec_load
from appliance.bench.meters import MeteredEngine, MeteredHoldings, Meters, ProfiledEngine
from appliance.bench.workload import Payment, Street, read_workload
from appliance.errors import MeasurementFault
from mesh.aircode.training import shipped
from mesh.gossip import Engine
from mesh.keys import NodeKey

LOGS: Final = (20, 1000)
RECORDS: Final = (1000, 10_000, 50_000)
ROUNDS: Final = 12
HOUR_S: Final = 3600.0
QUIET_S: Final = 60.0  # the next payment comes when all have said that they hold this one
RADIO: Final = 231  # bytes of a packet
BROAD: Final = 600  # of a road so broad that no codec is used
HOME: Final = Path(mesh.__file__).parents[1]
FIRST_AT: Final = 1_760_000_000
TOP: Final = 10
AIMS: Final = {"codec_load_s": 1.0, "codec_bytes": 5_000_000}
Figures = dict[str, float]


class Line(NamedTuple):
    """A function in a profile, and its share of all time by itself."""

    function: str
    calls: int
    own_share: float


Profiles = dict[str, list[Line]]


def measure(
    logs: Sequence[int] = LOGS, records: Sequence[int] = RECORDS, rounds: int = ROUNDS
) -> tuple[Figures, Profiles]:
    """Return the figures at each size, their ratios, and the profiles of the largest: on the radio, and without the codec."""
    load_s, size = codec_load()
    figures: Figures = {"codec_load_s": load_s, "codec_bytes": float(size)}
    pairs = [Pair(width) for width in logs]
    for width, pair in zip(logs, pairs, strict=True):
        for depth in records:
            pair.grow(depth)
            figures |= {f"{name}_{width}_logs_{depth}_records": figure for name, figure in pair.figures(rounds).items()}
    profiles = {"profile": pairs[-1].profile(rounds), "plain_profile": pairs[-1].profile(rounds, BROAD)}
    return figures | _ratios(figures, logs, records), profiles


def _ratios(figures: Figures, logs: Sequence[int], records: Sequence[int]) -> Figures:
    """Return how the work grows with the records, and the memory with the logs."""
    ratios = {
        f"{name}_{width}_logs_ratio_{high}_to_{low}_records": _ratio(figures, name, (width, high), (width, low))
        for name in ("hear_us", "tick_us", "plain_hear_us", "plain_tick_us", "pack_ms", "unpack_ms")
        for width in logs
        for low, high in ((records[0], records[-1]), (records[-2], records[-1]))
    }
    few, many = (figures[f"engine_bytes_{width}_logs_{records[-1]}_records"] for width in (logs[0], logs[-1]))
    return ratios | {"engine_bytes_per_1000_logs": (many - few) / (logs[-1] - logs[0]) * 1000}


def _ratio(figures: Figures, name: str, *places: tuple[int, int]) -> float:
    over, under = (figures[f"{name}_{width}_logs_{depth}_records"] for width, depth in places)
    return over / under


class Pair:
    """Two neighbours of a street of so many logs, who hold the same."""

    def __init__(self, logs: int) -> None:
        self._street = Street(logs)
        self._notes = _payments(logs)
        self._written = 0
        keys = [NodeKey(bytes(31) + bytes([number])) for number in (1, 2)]
        scope, epoch_key = self._street.scope, self._street.epoch_key
        self._holdings = [MeteredHoldings(key.node_id, scope, epoch_key) for key in keys]
        self._share(2)

    def grow(self, records: int) -> None:
        """Have the street write until it has written so many payments, and both hold them."""
        for _ in range(records - self._written):
            self._pay()
        self._share(2)

    def _pay(self) -> None:
        self._street.pay(next(self._notes))
        self._written += 1

    def _share(self, holders: int) -> None:
        for run in self._street.seal():
            for holdings in self._holdings[:holders]:
                holdings.accept(run)

    def figures(self, rounds: int) -> Figures:
        """Return what a packet and a tick take here, and what an engine keeps.

        What the codec reads goes up to the last 128 records of each of 16 logs. It also leaves the processor's caches to others,
        so that hearing and ticking are measured once more on a road without it.
        """
        taken, plain = self.taken(rounds), self.taken(rounds, BROAD)
        heard = sum(one.hear.calls for one in taken)
        return {
            "hear_us": 1e6 * median(one.hear_s() for one in taken),
            "tick_us": 1e6 * median(one.tick_s() for one in taken),
            "plain_hear_us": 1e6 * median(one.hear_s() for one in plain),
            "plain_tick_us": 1e6 * median(one.tick_s() for one in plain),
            "pack_ms": 1e3 * median(one.pack.seconds / one.pack.calls for one in taken),
            "unpack_ms": 1e3 * median(one.unpack.seconds / one.unpack.calls for one in taken),
            "records_read_per_packet": sum(one.records for one in taken) / heard,
            "reads_per_packet": sum(one.reads for one in taken) / heard,
            **self.memory(),
        }

    def taken(self, rounds: int, packet_size_max: int = RADIO) -> list[Meters]:
        """Return what each of so many rounds took, both sides together."""
        meters = Meters()
        channel = self._channel(partial(MeteredEngine, meters=meters), packet_size_max)
        for holdings in self._holdings:
            holdings.meters = meters
        return [self._told(channel, meters) for _ in range(rounds)]

    def _told(self, channel: Channel, meters: Meters) -> Meters:
        meters.take()
        self._tell(channel)
        return meters.take()

    def _channel(
        self, engine: Callable[[MeteredHoldings, int, Random], Engine], packet_size_max: int = RADIO
    ) -> Channel:
        """Return a new channel on which both have agreed."""
        channel = Channel(Random(7), packet_size_max)
        for holdings in self._holdings:
            channel.stations.append(Station(holdings, engine(holdings, packet_size_max, channel.rng)))
        channel.run(QUIET_S)
        return channel

    def _tell(self, channel: Channel) -> None:
        """Let one payment be written, told and held."""
        self._pay()
        self._share(1)
        if not channel.run_until_equal(HOUR_S):
            raise MeasurementFault("The neighbours of this benchmark did not come to agree; the engine is at fault.")
        channel.run(QUIET_S)

    def memory(self) -> Figures:
        """Return what an engine keeps for itself after it has told or heard a payment, and what its codec keeps."""
        engines: list[MeteredEngine] = []
        shipped()
        gc.collect()
        tracemalloc.start()
        try:
            channel = self._channel(partial(_kept, engines))
            self._tell(channel)
            codecs = [engine.codec for engine in engines]
            engines.clear()
            engine_bytes = _freed(channel.stations) / len(codecs)
            del channel
            return {"engine_bytes": engine_bytes, "lessons_bytes": _freed(codecs) / len(self._holdings)}
        finally:
            tracemalloc.stop()

    def profile(self, rounds: int, packet_size_max: int = RADIO) -> list[Line]:
        """Return the functions in which most of the engine's time passes by themselves, most first."""
        profile = Profile()
        channel = self._channel(partial(ProfiledEngine, profile=profile), packet_size_max)
        for _ in range(rounds):
            self._tell(channel)
        return _top(Stats(profile))


def _kept(engines: list[MeteredEngine], holdings: MeteredHoldings, size: int, rng: Random) -> MeteredEngine:
    engines.append(MeteredEngine(holdings, size, rng, Meters()))
    return engines[-1]


def _freed(kept: list[Any]) -> int:
    """Let go of all of these; return how many bytes that freed."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    kept.clear()
    gc.collect()
    return before - tracemalloc.get_traced_memory()[0]


def _top(stats: Stats) -> list[Line]:
    spent: dict[tuple[str, int, str], tuple[int, float]] = {
        place: (calls, own)
        for place, (_, calls, own, _, _) in stats.stats.items()  # type: ignore[attr-defined]
    }
    whole = sum(own for _, own in spent.values())
    most = sorted(spent, key=lambda place: spent[place][1], reverse=True)[:TOP]
    return [Line(_name(*place), spent[place][0], spent[place][1] / whole) for place in most]


def _name(file: str, line: int, function: str) -> str:
    """Return where a function stands, in this program or elsewhere; what is built in stands nowhere."""
    path = Path(file)
    place = path.relative_to(HOME) if path.is_relative_to(HOME) else path.name
    return f"{place}:{line} {function}" if line else function


def _payments(logs: int) -> Iterator[Payment]:
    """Yield payments for ever: all authors in turn, with the words of the workload that comes with the program."""
    notes = read_workload(None)
    for number in count():
        note, author = notes[number % len(notes)], number % logs
        yield Payment(author, "ana", ((author + 1) % logs, "ben"), note.amount, FIRST_AT + 600 * number, note.memo)
