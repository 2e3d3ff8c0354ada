"""What goes wrong by chance, from the seed, until the faults of a scenario end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from mesh.errors import PeerFault
from mesh.log import Run
from mesh.simulation.authors import Author
from mesh.simulation.clock import Clock
from mesh.simulation.dice import Dice, choice, pause
from mesh.simulation.scenario import DAY_H, HOUR_S, Faults, Sleep
from mesh.simulation.station import NodeStation

DAY_S: Final = DAY_H * HOUR_S
LATE_MAX_S: Final = 30.0
YEARS_S: Final = 10 * 365 * DAY_S


class Mishaps:
    """The fault plan of one run."""

    def __init__(self, faults: Faults, until: float, clock: Clock, dice: Dice) -> None:
        self._faults = faults
        self._until = until
        self._clock = clock
        self._dice = dice

    def plan(self, stations: Sequence[NodeStation], authors: Sequence[Author]) -> None:
        """Let things happen to these stations and authors."""
        faults = self._faults
        for station in stations:
            self._repeat(faults.reboots, self._restart, station, 20.0, 90.0)
            self._repeat(faults.power_cuts, self._restart, station, 60.0, HOUR_S)
            self._repeat(faults.full_disks, self._fill, station)
            self._repeat(faults.stalls, self._stall, station)
        for author in authors:
            self._repeat(faults.clock_jumps, self._jump, author)
        for _ in range(faults.couriers if len(stations) > 1 else 0):
            moments = sorted(self._dice.uniform(0.0, self._until) for _ in range(2))
            giver, taker = choice(self._dice, stations), choice(self._dice, stations)
            self._clock.at(moments[0], self._depart, giver, taker, moments[1])

    def _repeat(self, per_day: float, do: Callable[..., None], *what: object) -> None:
        """Do it at random moments, so many a day on average."""
        moment = pause(self._dice, DAY_S / per_day) if per_day else self._until
        while moment < self._until:
            self._clock.at(moment, do, *what)
            moment += pause(self._dice, DAY_S / per_day)

    def _restart(self, station: NodeStation, least: float, most: float) -> None:
        station.power(False)
        self._clock.at(self._clock.now + self._dice.uniform(least, most), station.power, True)

    def _fill(self, station: NodeStation) -> None:
        station.is_full = True
        self._clock.at(self._clock.now + self._dice.uniform(600.0, 2 * HOUR_S), self._empty, station)

    def _empty(self, station: NodeStation) -> None:
        station.is_full = False

    def _stall(self, station: NodeStation) -> None:
        station.stall(self._dice.uniform(5.0, 120.0))

    def _jump(self, author: Author) -> None:
        author.skew = choice(self._dice, [-YEARS_S * 6, -HOUR_S, 0.0, DAY_S, YEARS_S])

    def _depart(self, giver: NodeStation, taker: NodeStation, arrival: float) -> None:
        """A courier takes along what one node holds now, and hands it in later, when it is old."""
        self._clock.at(arrival, self._hand_in, taker, list(giver.replica.runs()))

    def _hand_in(self, taker: NodeStation, runs: Sequence[Run]) -> None:
        if not taker.is_powered or taker.is_full:
            return
        for run in runs:
            try:
                taker.replica.accept(run)
            except PeerFault:
                taker.faults += 1  # another branch of a forked log
        taker.news()

    def carry(self, hear: Callable[[int, bytes], None], talker: int, packet: bytes) -> None:
        """Hand a packet to a station: once, twice, or late."""
        if self._clock.now < self._until and (self._faults.duplicates or self._faults.reordered):
            if self._dice.random() < self._faults.duplicates:
                self._clock.at(self._clock.now + self._dice.uniform(0.0, LATE_MAX_S), hear, talker, packet)
            if self._dice.random() < self._faults.reordered:
                self._clock.at(self._clock.now + self._dice.uniform(0.0, LATE_MAX_S), hear, talker, packet)
                return
        hear(talker, packet)


def plan_nights(sleep: Sleep, hours: float, stations: Sequence[NodeStation | None], clock: Clock) -> None:
    """Switch radios off each night and on each morning. Nights are no faults: they go on to the end."""
    length = (sleep.until_h - sleep.from_h) % DAY_H
    sleepers = [station for node in sorted(sleep.nodes) if (station := stations[node])]
    evening = sleep.from_h - DAY_H
    while evening < hours:
        for station in sleepers if evening + length > 0 else ():
            clock.at(evening * HOUR_S, station.sleep, True)
            clock.at((evening + length) * HOUR_S, station.sleep, False)
        evening += DAY_H
