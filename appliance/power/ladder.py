"""What a node leaves out, step by step, so that it halts by itself before it is cut off.

    normal      everything
    economy     below 50 %   does not look into files that arrived, nor fetch others: both can wait for the sun
    timetable   below 30 %   talks to neighbours in common windows only (see `timetable`)
    checkpoint  below 15 %   says on its first page that it will stop soon
    halt        below  8 %   writes down all it has and ends, to wake with the sun

Down after a minute, for a dip is no trend. Up only well above the line (ten points) and after ten minutes, one step at
a time: so a cloud moves nothing to and fro. A cell under 2.9 V at rest halts whatever was counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

DOWN_AFTER_S: Final = 60.0
UP_AFTER_S: Final = 600.0
RISE: Final = 0.10
LAST_CELL_V: Final = 2.90


class Step(IntEnum):
    """How much is left out. Greater is less power."""

    NORMAL = 0
    ECONOMY = 1
    TIMETABLE = 2
    CHECKPOINT = 3
    HALT = 4


@dataclass(frozen=True, slots=True)
class Rungs:
    """Below which share of charge each step begins."""

    economy: float = 0.50
    timetable: float = 0.30
    checkpoint: float = 0.15
    halt: float = 0.08

    def step(self, share: float, margin: float = 0.0) -> Step:
        """Return the step of a share of charge, with the lines so much higher."""
        lines = (self.economy, self.timetable, self.checkpoint, self.halt)
        return Step(sum(share < line + margin for line in lines))


@dataclass(frozen=True, slots=True)
class Ladder:
    """Where the node stands, and for how long another step has been due."""

    step: Step = Step.NORMAL
    due_s: float = 0.0

    @classmethod
    def at_start(cls, rungs: Rungs, share: float) -> Ladder:
        """Return where a node begins that was just switched on: as if it came from below, for it may have halted."""
        return cls(rungs.step(share, RISE))


def moved(rungs: Rungs, ladder: Ladder, share: float, cell_v: float, passed_s: float) -> Ladder:
    """Return the ladder after so many seconds at this share of charge and this voltage of a cell at rest."""
    down = Step.HALT if cell_v < LAST_CELL_V else rungs.step(share)
    if down > ladder.step:
        return _waited(ladder, down, passed_s, DOWN_AFTER_S)
    if rungs.step(share, RISE) < ladder.step and cell_v >= LAST_CELL_V:
        return _waited(ladder, Step(ladder.step - 1), passed_s, UP_AFTER_S)
    return replace(ladder, due_s=0.0)


def _waited(ladder: Ladder, to: Step, passed_s: float, after_s: float) -> Ladder:
    due_s = ladder.due_s + passed_s
    return Ladder(to) if due_s >= after_s else replace(ladder, due_s=due_s)
