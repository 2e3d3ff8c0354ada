"""A pole with a panel for a year, ten minutes at a time: sun and clouds, an ageing battery, a sensor that errs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from itertools import pairwise
from math import acos, cos, pi, radians, sin, tan
from random import Random
from typing import Final

from appliance.power.charge import LEVELS, Battery, Reading
from appliance.power.gauge import Gauge
from appliance.power.ladder import Rungs, Step
from appliance.power.waking import sleeps_s

TICK_S: Final = 600
DAY_S: Final = 86400
CUT_OFF_V: Final = 2.5  # of a cell, where the battery's guard disconnects it
LOAD_A: Final = {Step.NORMAL: 0.30, Step.ECONOMY: 0.24, Step.TIMETABLE: 0.18, Step.CHECKPOINT: 0.18, Step.HALT: 0.18}
ASLEEP_A: Final = 0.02
BOOT_A: Final = 0.5
BACK_V: Final = 2.9  # of a cell, where the guard connects it again


@dataclass(frozen=True)
class Sky:
    """`panel_a`: what the panel gives at best; `dark`: day of the year → share of the light that comes through."""

    latitude: float
    panel_a: float
    dark: dict[range, float] = field(default_factory=dict)
    seed: int = 0

    def amps(self, at_s: int) -> float:
        """Return what flows from the panel now, by the height of the sun (declination by Cooper's formula)."""
        day, hour = at_s // DAY_S, at_s % DAY_S / 3600
        tilt, place = radians(23.45) * sin(2 * pi * (284 + day + 1) / 365), radians(self.latitude)
        height = sin(place) * sin(tilt) + cos(place) * cos(tilt) * cos(pi * (hour - 12) / 12)
        return max(0.0, height) * self.panel_a * self._clouds(day)

    def _clouds(self, day: int) -> float:
        told = next((share for days, share in self.dark.items() if day in days), None)
        return told if told is not None else cloudy(self.seed, day)

    def hours_of_light(self, day: int) -> float:
        tilt = radians(23.45) * sin(2 * pi * (284 + day + 1) / 365)
        return 24 / pi * acos(max(-1.0, min(1.0, -tan(radians(self.latitude)) * tan(tilt))))


@lru_cache(512)
def cloudy(seed: int, day: int) -> float:
    """Return what share of the light comes through on a day."""
    return Random(f"{seed}/{day}").choice((1.0, 0.9, 0.7, 0.4, 0.2))


@dataclass
class Cells:
    """What is truly in the battery. `fade`: what a year takes of its capacity."""

    nominal: Battery
    held_ah: float
    fade: float = 0.0
    days: float = 0.0

    @property
    def capacity_ah(self) -> float:
        return self.nominal.capacity_ah * (1 - self.fade * self.days / 365)

    def flow(self, amps: float, seconds: int) -> float:
        """Let it flow; return what the battery took: none into a full one."""
        self.days += seconds / DAY_S
        room = (self.capacity_ah - self.held_ah) * 3600 / seconds
        taken = min(amps, room, self.taper(amps))
        self.held_ah = max(0.0, self.held_ah + taken * seconds / 3600)
        return taken

    def taper(self, amps: float) -> float:
        """Near full the charger holds its voltage, and ever less flows in."""
        share = self.held_ah / self.capacity_ah
        return amps if share < 0.97 else min(amps, (1.001 - share) / 0.03 * 0.5 * self.nominal.capacity_ah)

    def volts(self, amps: float) -> float:
        share = self.held_ah / self.capacity_ah
        if amps >= 0 and share > 0.97:
            return self.nominal.cells * 3.55  # absorption
        return self.nominal.cells * _rest_v(share) + amps * self.nominal.ohms


def _rest_v(share: float) -> float:
    for (low_v, low), (high_v, high) in pairwise(LEVELS):
        if share <= high:
            return low_v + (high_v - low_v) * (share - low) / (high - low)
    return LEVELS[-1][0]


class Is(Enum):
    """What the board does."""

    RUNNING = auto()
    LOOKING = auto()  # woken, with nothing started yet
    ASLEEP = auto()
    DEAD = auto()  # the guard has disconnected the battery


@dataclass(frozen=True)
class Moment:
    """What happened in ten minutes."""

    at_s: int
    board: Is
    step: Step
    cell_v: float
    share: float  # that is truly there
    told: float  # that the node believes
    sun_a: float
    halts: bool = False  # cleanly, at its end


@dataclass
class Pole:
    """A node on its pole. `gain` and `offset_a` are the faults of its sensor."""

    sky: Sky
    cells: Cells
    rungs: Rungs = field(default_factory=Rungs)
    gain: float = 1.0
    offset_a: float = 0.0

    def __post_init__(self) -> None:
        self._board = Is.LOOKING
        self._gauge: Gauge | None = None
        self._kept: float | None = None
        self._asleep_s = 0
        self._in_vain = 0
        self._has_halted = False

    def year(self, days: int = 365) -> Iterator[Moment]:
        for at_s in range(0, days * DAY_S, TICK_S):
            sun_a = self.sky.amps(at_s)
            amps = self.cells.flow(sun_a - self._load_a(), TICK_S)
            volts = self.cells.volts(amps)
            board, halts = self._board, False
            if board in (Is.ASLEEP, Is.DEAD):
                self._sleep(volts / self.cells.nominal.cells)
            else:
                halts = self._live(Reading(round(volts, 2), amps * self.gain + self.offset_a))
            step = self._gauge.step if self._gauge else Step.HALT
            share = self.cells.held_ah / self.cells.capacity_ah
            cell_v = volts / self.cells.nominal.cells
            yield Moment(at_s, board, step, cell_v, share, self._kept or 0.0, sun_a, halts)

    def _load_a(self) -> float:
        match self._board:
            case Is.RUNNING:
                assert self._gauge is not None
                return LOAD_A[self._gauge.step]
            case Is.LOOKING:
                return BOOT_A
            case Is.ASLEEP:
                return ASLEEP_A
            case Is.DEAD:
                return 0.0

    def _sleep(self, cell_v: float) -> None:
        self._asleep_s += TICK_S
        if self._board is Is.DEAD:
            woken = cell_v >= BACK_V
        else:
            woken = self._asleep_s >= sleeps_s(self._in_vain)
            if cell_v < CUT_OFF_V:
                self._board, woken = Is.DEAD, False
        if woken:
            self._board, self._gauge = Is.LOOKING, None

    def _live(self, reading: Reading) -> bool:
        """Read the battery; return whether the board halts."""
        if self._gauge is None:
            self._gauge = Gauge.begun(self.cells.nominal, self.rungs, reading, self._kept, has_halted=self._has_halted)
        else:
            self._gauge = self._gauge.read(reading, TICK_S)
        self._kept = self._gauge.share
        halts = self._has_halted = self._gauge.step is Step.HALT
        if halts:
            self._in_vain = self._in_vain + 1 if self._board is Is.LOOKING else 0
            self._board, self._asleep_s = Is.ASLEEP, 0
        else:
            self._board = Is.RUNNING
        return halts
