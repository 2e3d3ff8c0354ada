"""`hedgerow bench idle`: what a node costs at rest and on a busy day: bytes on the card, memory, processor.

    bytes      on a real ext4 partition with nothing else on it (see `partition`), in a day that is played fast (see `day`)
    memory     of the node's real processes, the radio's included, as if they were alone on the board (see `household`)
    processor  of the same processes, left alone for a while in real time; a day of use is such a day and its work

The busy day has its payments and page views in sixteen waking hours: half of the payments are made at the node's pages, half
come by radio from the neighbour. A single event is a payment after a quiet time, in a commit of its own with a signature of its
own; one that is alone is made while the street is quiet too, so it bears by itself what the file system writes beside, what is
noted of the air, and the neighbour's word that it is there. Batched ones arrive a hundred at a time.
"""

from __future__ import annotations

import os
import pty
import select
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from appliance import settings
from appliance.bench import partition
from appliance.bench.day import BATTERY, DAY_S, PIN, Day
from appliance.bench.household import Visitor, cpu_s, living, memory_bytes, with_children
from appliance.bench.partition import Partition
from appliance.errors import MeasurementFault
from appliance.settings import LoraRoad

AIMS: Final = {
    "idle_day_bytes": 25_000_000,
    "busy_day_bytes": 100_000_000,
    "event_batched_bytes": 5_000,
    "event_single_bytes": 19_000,
    "memory_bytes": 160_000_000,
    "idle_cpu_percent": 0.5,
    "day_cpu_s": 1_500,
}
EVENTS: Final = 500
VIEWS: Final = 2_000
BATCH: Final = 100
SINGLES: Final = 20
PAGES: Final = ("/", "/ledger", "/archive", "/market")
AWAKE_S: Final = 16 * 3600
SETTLED_S: Final = 5.0
SETTLED_WITHIN_S: Final = 90.0
BLOCK: Final = b"\r\nV\t13200\r\nI\t-300\r\nChecksum\t"  # what a charger says, vedirect.py

Figures = dict[str, float]


def measure(radio: str = "", hours: float = 24, watched_s: float = 60.0) -> Figures:
    """Return the figures. `radio` is a Meshtastic device on the network, host:port; without one, a silent one is asked, and its
    process ends and begins anew as it does in life.

    So many `hours` of each day are played, and the rest is reckoned from them; the processes are watched for `watched_s`.
    Raises `MeasurementFault`.
    """
    with partition.fresh() as card, TemporaryDirectory() as elsewhere:
        day = Day(card, Path(elsewhere))
        try:
            figures, work_s = _written(day, card, hours / 24)
        finally:
            day.close()
        figures |= _taken(day.data, radio, watched_s)
    return figures | {"day_cpu_s": figures["idle_cpu_percent"] / 100 * DAY_S + work_s}


def _written(day: Day, card: Partition, share: float) -> tuple[Figures, float]:
    """Return the bytes of both days and of an event, and the processor seconds that a busy day's work takes."""

    def cost(does: Callable[[], None]) -> int:
        before = card.written()
        does()
        return card.written() - before

    looked = cost(day.doctor)
    rested = cost(lambda: day.passes(DAY_S * share))
    with living(day.data, "portal") as running:
        visitor = Visitor(settings.load(day.data).port)
        token = visitor.signs_in("Ana", PIN)
        single = cost(lambda: _pay_one_by_one(day))
        alone = cost(lambda: _pay_alone(day, visitor, token))
        batched = cost(lambda: _hear_of_many(day))
        spent_s = cpu_s(running.values()) + day.here.cpu_s
        used = cost(lambda: _use(day, visitor, token, share))
        spent_s = cpu_s(running.values()) + day.here.cpu_s - spent_s
    figures = {
        "idle_day_bytes": rested / share + looked,
        "busy_day_bytes": used / share + looked,
        "event_single_bytes": single / SINGLES,
        "event_alone_bytes": alone / SINGLES,
        "event_batched_bytes": batched / BATCH,
    }
    return figures, spent_s / share


def _pay_one_by_one(day: Day) -> None:
    for number in range(SINGLES):
        day.pays_here(number)


def _pay_alone(day: Day, visitor: Visitor, token: str) -> None:
    for number in range(SINGLES):
        visitor.pays(token, "Ben", 5, f"one loaf {number}")
        day.agree()


def _hear_of_many(day: Day) -> None:
    for number in range(BATCH):
        day.pays_there(number)
    day.agree()


def _use(day: Day, visitor: Visitor, token: str, share: float) -> None:
    events = round(EVENTS * share)
    for number in range(events):
        if number % 2:
            day.pays_there(number)
        else:
            visitor.pays(token, "Ben", 1, f"a loaf of bread {number}")
        for view in range(VIEWS // EVENTS):
            visitor.looks_at(PAGES[view % len(PAGES)])
        day.passes(AWAKE_S * share / events)
    day.passes((DAY_S - AWAKE_S) * share)


def _taken(data: Path, radio: str, watched_s: float) -> Figures:
    """Run the same node as systemd does, and see what it takes while nobody asks anything of it."""
    with _charger() as charger, socket.create_server(("127.0.0.1", 0)) as silent:
        found = settings.load(data)
        power = replace(BATTERY, device=charger)
        settings.write(
            data, replace(found, power=power, roads=(LoraRoad(radio or f"127.0.0.1:{silent.getsockname()[1]}"),))
        )
        with living(data, "portal", "gossip", "power") as running:
            _wait_for_radio(running)
            before_s, began = cpu_s(running.values()), time.monotonic()
            time.sleep(watched_s)
            share = (cpu_s(running.values()) - before_s) / (time.monotonic() - began)
            return _memory(running) | {"idle_cpu_percent": 100 * share}


def _memory(running: Mapping[str, int]) -> Figures:
    """Return what all hold together, and each part by itself."""
    family = with_children(running["gossip"])
    parts = {part: [process] for part, process in running.items()} | {"radio": family[1:]}
    whole = [process for some in parts.values() for process in some]
    named: Figures = {f"memory_{part}_bytes": memory_bytes(some) for part, some in parts.items()}
    return named | {"memory_bytes": memory_bytes(whole)}


def _wait_for_radio(running: Mapping[str, int]) -> None:
    """Wait until the radio's process has been there for a while: one that is new is set up, and begins anew."""
    until, before = time.monotonic() + SETTLED_WITHIN_S, [0]
    while time.monotonic() < until:
        family = with_children(running["gossip"])
        if family == before and len(family) > 1:
            return
        before = family
        time.sleep(SETTLED_S)
    raise MeasurementFault(f"The radio's process did not come to rest within {SETTLED_WITHIN_S:.0f} s.")


@contextmanager
def _charger() -> Iterator[str]:
    """Give the name of a serial line on which a charger speaks once a second, VE.Direct."""
    device, line = pty.openpty()
    for end in (device, line):
        tty.setraw(end)
    ended = threading.Event()

    def talk() -> None:
        while not ended.wait(1.0):
            if select.select([], [device], [], 0)[1]:
                os.write(device, BLOCK + bytes([-sum(BLOCK) % 256]))

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield os.ttyname(line)
    finally:
        ended.set()
        thread.join()
        for end in (device, line):
            os.close(end)
