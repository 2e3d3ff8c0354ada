"""What it costs to find out what is lacking, beyond the records themselves, and how long a record takes to all in reach."""

from __future__ import annotations

from random import Random
from statistics import median_low
from typing import Final

from appliance.bench.channel import Channel
from appliance.bench.workload import NOISE_SIZE, Street, holder
from appliance.errors import MeasurementFault
from mesh.log import Run
from mesh.packet import Kind

LOGS: Final = 50
TOUCHED: Final = 10
EACH: Final = 10
RECORDS: Final = TOUCHED * EACH
CARRYING: Final = (Kind.DATA, Kind.PACKED, Kind.PART)  # packets that hold records
HOUR_S: Final = 3600.0

NEIGHBOURS: Final = 5
LOSS: Final = 0.1
TELLINGS: Final = 60
STEP_S: Final = 0.25
PAUSE_S: Final = 600.0


def figures() -> dict[str, float]:
    """Return the bytes beyond the records for each of a hundred that lack, and the seconds until all have a new one."""
    return {
        "reconcile_known_record_bytes": _beyond(is_known=True) / RECORDS,
        "reconcile_unknown_record_bytes": _beyond(is_known=False) / RECORDS,
        **_latencies(),
    }


def _beyond(*, is_known: bool) -> int:
    """Let two meet who hold fifty logs, or forty of them: ten records lack in each of ten. Return all other bytes."""
    street = Street(LOGS)
    base = street.seal() if is_known else []
    rng = Random(5)
    for number in range(RECORDS - (0 if is_known else TOUCHED)):  # a log that is not known lacks its first record too
        street.note(LOGS - TOUCHED + number % TOUCHED, rng.randbytes(NOISE_SIZE), 60 * number)
    runs = street.seal()
    touched = {author.opening.log for author in street.authors[-TOUCHED:]}
    known = base or [run for run in runs if run.log not in touched]
    return _meet(street, [*base, *runs], known)


def _meet(street: Street, whole: list[Run], part: list[Run]) -> int:
    channel = Channel(Random(6))
    channel.join(holder(street, whole, 0))
    channel.join(holder(street, part, 1))
    _finish(channel)
    return sum(len(packet) for _, packet in channel.captured if Kind(packet[1]) not in CARRYING)


def _finish(channel: Channel) -> None:
    if not channel.run_until_equal(HOUR_S):
        raise MeasurementFault("The neighbours of this benchmark did not come to agree; the engine is at fault.")


def _latencies() -> dict[str, float]:
    """Let one of five who all hear each other write a record now and then; each hearer loses a tenth of all packets."""
    street = Street(NEIGHBOURS)
    base = street.seal()
    rng = Random(7)
    channel = Channel(rng, loss=LOSS)
    for number in range(NEIGHBOURS):
        channel.join(holder(street, base, number))
    _finish(channel)
    seconds = sorted(_telling(channel, street, number) for number in range(TELLINGS))
    return {"one_record_latency_p50_s": median_low(seconds), "one_record_latency_p95_s": seconds[TELLINGS * 95 // 100]}


def _telling(channel: Channel, street: Street, number: int) -> float:
    channel.run(PAUSE_S)
    author = number % NEIGHBOURS
    street.note(author, channel.rng.randbytes(NOISE_SIZE), 60 * number)
    channel.stations[author].holdings.accept(street.seal()[0])
    began = channel.now
    while not channel.is_equal():
        channel.run(STEP_S)
        if channel.now - began > HOUR_S:
            raise MeasurementFault("A record did not reach all neighbours within an hour; the engine is at fault.")
    return round(channel.now - began, 2)
