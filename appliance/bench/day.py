"""A day of a node in the time that its work takes: its real gossip loop, battery watch and card, with the waiting left out.

Loop and watch take their time from a clock that is an argument, so it is turned on to the moment at which they want to look
again; a look that finds nothing is taken every ten seconds instead of every second. The card is told every thirty seconds of
that day to commit, as it does by itself. The neighbour node is a whole node too, on another card. Pages are served by a real
portal, which has no time of its own.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from functools import partial
from math import cos, pi
from pathlib import Path
from typing import Final

from appliance import founding, processes, settings
from appliance.air_note import AirNote
from appliance.answers import PowerState
from appliance.bench.household import free_port
from appliance.bench.partition import COMMIT_S, Partition
from appliance.bench.two_radios import Radio, pair
from appliance.clock import Clock
from appliance.daemon import LOOK_S, Daemon
from appliance.errors import MeasurementFault
from appliance.node import Node
from appliance.power.charge import Reading
from appliance.power_watch import LOOK_S as WATCH_S
from appliance.power_watch import Watch
from appliance.roads import Road
from appliance.settings import Archive, Portal, Settings
from appliance.settings_power import Power

STRIDE_S: Final = 10.0
DAY_S: Final = 86_400
PIN: Final = "1234"
GROWING: Final = 200
BATTERY: Final = Power("vedirect", "/dev/null", 20.0)
PEOPLE: Final = (("Ana", "Ben"), ("Dora", "Emre"))


class Sun:
    """The battery's sensor: it fills by day, is used by night, and trembles as sensors do."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    def read(self) -> Reading:
        hour = self._hands.now % DAY_S / 3600
        trembling = 0.02 * ((int(self._hands.now) // 10 * 7919) % 11 - 5) / 5
        amps = max(0.0, 1.2 * -cos(2 * pi * hour / 24)) - 0.35 + trembling
        return Reading(13.2 + 0.2 * amps, amps)

    def close(self) -> None:
        """There is no device."""


@dataclass
class Hands:
    """The hands of the clock by which a day passes, in seconds of uptime; `wall` is the time of day that people have."""

    now: float
    wall: float

    def ticks(self) -> float:
        return self.now

    def time(self) -> float:
        return self.wall + self.now


class Life:
    """One node and its gossip loop. `step` may be called when `due`."""

    def __init__(self, data: Path, hands: Hands, radio: Radio) -> None:
        self.node = Node(settings.load(data), Clock(wall=hands.time, ticks=hands.ticks))
        note = AirNote(data / "air-lora.note")
        road = partial(
            Road, "lora", radio, self.node.node_id, self.node.holdings, "EU_868", ticks=hands.ticks, note=note
        )
        self.daemon = Daemon(self.node, lambda: [road()], hands.ticks)
        self.due = hands.now
        self.cpu_s = 0.0
        self._hands = hands

    def step(self) -> None:
        began = time.thread_time()
        rest = self.daemon.step()
        self.cpu_s += time.thread_time() - began
        self.due = self._hands.now + (STRIDE_S if rest >= LOOK_S else max(rest, 0.01))

    def close(self) -> None:
        self.daemon.close()
        self.node.close()


class Day:
    """Two nodes that know each other; the first lies on the partition. See the module."""

    def __init__(self, partition: Partition, elsewhere: Path) -> None:
        self.data = partition.place / "node"
        self._partition = partition
        self._hands = Hands(time.monotonic(), time.time() - time.monotonic())
        roomy = Archive(free_space_floor_bytes=0)
        founding.found(Settings(self.data, "Elm", "Street", portal=Portal(port=free_port()), archive=roomy))
        host = Node.open(self.data)
        founding.join(Settings(elsewhere / "oak", "Oak", "Street", archive=roomy), host.invite())
        for name in PEOPLE[0]:
            host.add_member(name, PIN)
        host.close()
        radios = pair()
        self.here, self.there = (
            Life(data, self._hands, radio) for data, radio in zip((self.data, elsewhere / "oak"), radios, strict=True)
        )
        self._watch = Watch(self.here.node, BATTERY, Sun(self._hands), lambda _: None, self._hands.ticks)
        self._watch_at = self._commit_at = self._hands.now
        self._move_in()
        self._grow_old()

    def _move_in(self) -> None:
        """Wait until the neighbour is let in, and people live there."""
        for _ in range(100):
            self.passes(60)
            if self.there.node.counting.is_admitted(self.there.node.node_id):
                break
        for name in PEOPLE[1]:
            self.there.node.add_member(name, PIN)
        self.agree()

    def _grow_old(self) -> None:
        """Note the battery until the database's log has been filled once: from then on it is written over in place."""
        log, size = Path(f"{self.here.node.database.path}-wal"), 0
        while log.stat().st_size != size:
            size = log.stat().st_size
            for number in range(GROWING):
                self.here.node.note_power(PowerState("normal", percent=number % 100))
        self.passes(3600)

    def agree(self) -> None:
        """Let time pass until both hold the same. Raises `MeasurementFault` where they never do."""
        scope = self.here.node.commons
        for _ in range(600):
            self.passes(10)
            heads = {life.node.records.held(scope).digest() for life in (self.here, self.there)}
            if len(heads) == 1:
                return
        raise MeasurementFault("The two nodes of this measurement did not come to hold the same within 100 minutes.")

    def passes(self, seconds: float) -> None:
        """Let so much of the day pass."""
        end = self._hands.now + seconds
        while self._hands.now < end:
            for life in (self.here, self.there):
                if self._hands.now >= life.due:
                    life.step()
            if self._hands.now >= self._watch_at:
                self._watch.step()
                self._watch_at = self._hands.now + WATCH_S
            if self._hands.now >= self._commit_at:
                self._partition.commit()
                self._commit_at = self._hands.now + COMMIT_S
            wakes = self.here.due, self.there.due, self._watch_at, self._commit_at
            self._hands.now = min(end, *wakes)

    def doctor(self) -> None:
        """Have the node look at itself, as a timer does once a day."""
        subprocess.run(
            processes.own_command(self.data, "doctor"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )

    def pays_here(self, number: int) -> None:
        """Have a neighbour pay another a while after the last payment, and see that it is signed."""
        self._hands.now += 2 * self.here.node.settings.gossip.batch_s
        self._pays(self.here.node, PEOPLE[0], number)
        self.here.node.seal()

    def pays_there(self, number: int) -> None:
        """Have a neighbour pay another at the other node."""
        self._pays(self.there.node, PEOPLE[1], number)

    @staticmethod
    def _pays(node: Node, people: tuple[str, str], number: int) -> None:
        one, other = people if number % 2 else reversed(people)
        node.pay(node.find_payee(one), node.find_payee(other), 5, node.currency("hours"), f"bread {number}")

    def close(self) -> None:
        self.here.close()
        self.there.close()
