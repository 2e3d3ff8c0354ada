"""`hedgerow bench air`: what sync costs the air, in bytes that really went over a channel.

The engine and its packets are the real ones. Every packet is captured as it leaves; a second process that knows only the base
reads the capture, verifies each signature and counts the records it got. A figure whose records it did not find is no figure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Final

from appliance.bench import meeting
from appliance.bench.channel import Channel
from appliance.bench.floor import floor_bytes, lone_floor_bytes, noise_floor_bytes, packets_of_an_ideal_code
from appliance.bench.rows import OTHERS
from appliance.bench.workload import (
    Payment,
    found,
    holder,
    noise,
    one_author_workload,
    read_workload,
    split,
)
from appliance.errors import MeasurementFault
from mesh.airtime import on_air_bytes
from mesh.packet import Kind

HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
SEEDS: Final = 200  # of each lossy figure
SMALL: Final = 50
BULK: Final = 500
AUTHORS: Final = 5
HEARERS: Final = 4
LOSSES: Final = (10, 30)  # in hundredths
PACKET_SIZE: Final = 231
SIGNED_PACKET_SIZE: Final = 165
PEERS: Final = {**OTHERS, "f1_w_100_bytes": 1878, "f2_w_100_bytes": 1668, "reticulum_announce_bytes": 167}
WANTS: Final = (Kind.WANT, Kind.BRIEF_WANT, Kind.SKETCH_WANT)
Figures = dict[str, float]


def measure(workload: Path | None, new: int) -> Figures:
    """Return every figure that this engine has so far. Raises `MeasurementFault` where a witness contradicts one."""
    payments = read_workload(workload)
    figures = _session_figures("w_100", payments, min(new, len(payments)), workload)
    figures |= _session_figures("w_10", payments, min(10, len(payments)), workload, only_payload=True)
    if workload is None:
        alone = one_author_workload()
        figures["w_100_one_author_payload_bytes"] = _session(alone, 100).payload_bytes()
        figures["w_100_one_author_floor_bytes"] = floor_bytes(alone, 100)
        figures["w_10_one_author_payload_bytes"] = _session(alone[:1010], 10).payload_bytes()
        figures["w_10_one_author_floor_bytes"] = floor_bytes(alone[:1010], 10)
    figures |= _lone_figures(payments, min(new, len(payments)))
    figures |= _small_figures() | meeting.figures()
    return figures | _quiet_figures(payments)


def _session_figures(
    name: str, payments: Sequence[Payment], new: int, workload: Path | None, only_payload: bool = False
) -> Figures:
    channel = _session(payments, new)
    _ask_witness(channel, workload, new)
    figures = {
        f"{name}_payload_bytes": float(channel.payload_bytes()),
        f"{name}_floor_bytes": floor_bytes(payments, new),
    }
    if not only_payload:
        figures |= {f"{name}_on_air_bytes": channel.on_air_bytes(), f"{name}_packets": len(channel.captured)}
    return figures


def _session(payments: Sequence[Payment], new: int, seed: int = 1) -> Channel:
    """Let a node that has the news meet one that has not; requests and answers are on the channel too."""
    street, base, news = split(payments, new)
    channel = Channel(Random(seed))
    channel.join(holder(street, base, 0))
    channel.join(holder(street, base, 1))
    _agree(channel)
    for run in news:
        channel.stations[0].holdings.accept(run)
    _finish(channel, HOUR_S)
    return channel


def _agree(channel: Channel) -> None:
    """Let neighbours find out that they hold the same; what that costs is a figure of its own."""
    channel.run(60.0)
    channel.captured.clear()


def _finish(channel: Channel, seconds_max: float) -> None:
    if not channel.run_until_equal(seconds_max):
        raise MeasurementFault("The neighbours of this benchmark did not come to agree; the engine is at fault.")


def _ask_witness(channel: Channel, workload: Path | None, new: int) -> None:
    """Have another process verify what was captured."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as capture:
        capture.writelines(json.dumps(packet.hex()) + "\n" for sender, packet in channel.captured if sender == 0)
        capture.flush()
        command = [sys.executable, "-m", "appliance.cli", "bench", "witness", capture.name, "--new", str(new)]
        command += ["--workload", str(workload)] if workload else []
        told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode or json.loads(told.stdout)["verified"] != new:
        raise MeasurementFault(f"The witness of this benchmark found other records: {told.stdout or told.stderr}")


def _lone_figures(payments: Sequence[Payment], new: int) -> Figures:
    """Send each new record alone, signed, to a neighbour that holds all before it. Requests are not part of this figure."""
    street, base = found(payments, new)
    channel = Channel(Random(2))
    channel.join(holder(street, base, 0))
    channel.join(holder(street, base, 1))
    _agree(channel)
    sizes = []
    for payment in payments[len(payments) - new :]:
        street.pay(payment)
        channel.captured.clear()
        channel.stations[0].holdings.accept(street.seal()[0])
        _finish(channel, HOUR_S)
        channel.run(60.0)  # all say that they have it: the next record comes forty minutes later
        sizes.append(sum(on_air_bytes(len(packet)) for packet in _data(channel)))
    return {
        "lone_on_air_bytes_mean": fmean(sizes),
        "lone_on_air_bytes_max": max(sizes),
        "lone_floor_bytes_mean": lone_floor_bytes(payments, new),
    }


def _data(channel: Channel) -> list[bytes]:
    return [
        packet
        for sender, packet in channel.captured
        if sender == 0 and Kind(packet[1]) in (Kind.DATA, Kind.PART, Kind.PACKED)
    ]


def _small_figures() -> Figures:
    """Records of 20 random bytes by five authors, from one sender to four neighbours."""
    floor = noise_floor_bytes(SMALL, AUTHORS)
    packets = -(-floor // PACKET_SIZE)
    figures: Figures = {
        "s_record_bytes": _small(SMALL, PACKET_SIZE, 0.0, 1),
        "s_165_record_bytes": _small(SMALL, SIGNED_PACKET_SIZE, 0.0, 1),
        "s_floor_record_bytes": floor / SMALL,
        "bulk_record_bytes": _small(BULK, PACKET_SIZE, 0.0, 1),
        "bulk_floor_record_bytes": noise_floor_bytes(BULK, AUTHORS) / BULK,
    }
    for share in LOSSES:
        ideal = packets_of_an_ideal_code(packets, HEARERS, share / 100)
        figures[f"s_loss{share}_floor_record_bytes"] = ideal * on_air_bytes(-(-floor // packets)) / SMALL
        figures[f"s_loss{share}_record_bytes"] = fmean(
            _small(SMALL, PACKET_SIZE, share / 100, seed) for seed in range(SEEDS)
        )
    return figures


def _small(count: int, packet_size_max: int, loss: float, seed: int) -> float:
    """Return bytes on air for each record until all four neighbours are complete."""
    street, base, news = noise(AUTHORS, count, seed)
    channel = Channel(Random(seed), packet_size_max, loss)
    for number in range(1 + HEARERS):
        channel.join(holder(street, base, number))
    _agree(channel)
    for run in news:
        channel.stations[0].holdings.accept(run)
    _finish(channel, DAY_S)
    return channel.on_air_bytes() / count


def _quiet_figures(payments: Sequence[Payment]) -> Figures:
    """What neighbours who agree say to each other: at first, in a day, and when asked for forty logs."""
    street, base, _ = split(payments, 1)
    channel = Channel(Random(3))
    for number in range(2):
        channel.join(holder(street, base, number))
    while len({sender for sender, _ in channel.captured}) < 2:
        channel.run(1.0)
    nothing_new = {"nothing_new_payload_bytes": channel.payload_bytes()}
    beacon = next(packet for _, packet in channel.captured if packet[1] in (Kind.BEACON, Kind.HELLO))
    channel.run(DAY_S)
    channel.captured.clear()
    channel.run(DAY_S)
    stations = len(channel.stations)
    return {
        **nothing_new,
        "beacon_on_air_bytes": on_air_bytes(len(beacon)),
        "idle_day_bytes": channel.on_air_bytes() / stations,
        "idle_day_airtime_ms": round(channel.airtime_ms() / stations),
        "want40_on_air_bytes": _want_of_forty_logs(payments),
    }


def _want_of_forty_logs(payments: Sequence[Payment]) -> float:
    """Return the bytes of what a neighbour asks who holds forty logs and lacks a little of some."""
    many = [
        replace(payment, author=number % 40, payee=(number % 40, payment.payee[1]))
        for number, payment in enumerate(payments)
    ]
    street, base, news = split(many, 40)
    channel = Channel(Random(4))
    channel.join(holder(street, [*base, *news], 0))
    channel.join(holder(street, base, 1))
    _finish(channel, HOUR_S)
    wants = [packet for sender, packet in channel.captured if sender == 1 and packet[1] in WANTS]
    return sum(on_air_bytes(len(packet)) for packet in wants) / max(1, _rounds(wants))


def _rounds(wants: Sequence[bytes]) -> int:
    """A want that does not fit one packet is several; count how often the whole was asked."""
    return len({bytes(packet[2:8]) for packet in wants})
