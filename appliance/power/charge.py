"""How much charge a LiFePO4 battery holds: counted in and out, and set right where its voltage tells.

Between a tenth and full, the voltage of such a cell hardly changes (3.20 to 3.33 V at rest), so charge is counted. Every
sensor drifts; so the count is set right at the two knees, where the voltage speaks clearly: full, when the charger holds
its voltage and the current has fallen to a twentieth of the capacity, and nearly empty, below 3.1 V at rest. Levels of rest
voltage are those of common data sheets of prismatic LiFePO4 cells (such as EVE LF105), rounded; a cell is damaged below
2.5 V, and its guard (BMS) cuts it off there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

# Rest voltage of one cell and the share of charge that it tells.
LEVELS: Final = (
    (2.50, 0.00),
    (2.90, 0.03),
    (3.00, 0.06),
    (3.10, 0.10),
    (3.20, 0.20),
    (3.25, 0.30),
    (3.28, 0.45),
    (3.30, 0.65),
    (3.33, 0.90),
    (3.40, 1.00),
)
FULL_V: Final = 3.45  # a cell at the charger; nothing but a charger holds it so high
FULL_C: Final = 0.05  # of the capacity in amperes: what still flows in
FULL_FOR_S: Final = 120.0
LOW_V: Final = 3.10
ALIVE_V: Final = 3.22  # a cell that gives and stands above this is not nearly empty, whatever was counted
ALIVE_SHARE: Final = 0.15
STEADY_S: Final = 60.0  # a dip while the radio speaks proves nothing
EFFICIENCY: Final = 0.99  # of charge that goes in, what comes out again
GAP_S: Final = 3600.0  # after a longer silence of the sensor the count is only a guess


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sensor says: volts of the whole battery, amperes into it (negative: out of it).

    `share`: how full it is, from sensors that count themselves.
    """

    volts: float
    amps: float
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Battery:
    """`ohms`: of battery and wires together, to tell the rest voltage from the one under load."""

    capacity_ah: float
    cells: int = 4
    ohms: float = 0.05

    def rest_cell_v(self, reading: Reading) -> float:
        """Return what one cell would show with nothing connected."""
        return (reading.volts - reading.amps * self.ohms) / self.cells


@dataclass(frozen=True, slots=True)
class Charge:
    """`is_counted`: a knee was seen since the counting began, so the figure is no mere guess from the voltage."""

    held_ah: float
    is_counted: bool = False
    full_for_s: float = 0.0
    low_for_s: float = 0.0

    def share(self, battery: Battery) -> float:
        """Return 0 (empty) to 1 (full)."""
        return self.held_ah / battery.capacity_ah


def guessed(battery: Battery, reading: Reading) -> Charge:
    """Return what the voltage alone tells: right at the ends, rough in the middle, and never too much while charging."""
    if reading.share is not None:
        return Charge(reading.share * battery.capacity_ah, is_counted=True)
    share = share_at(battery.rest_cell_v(reading))
    if reading.amps > 0:
        share = min(share, 0.5)
    return Charge(share * battery.capacity_ah)


def share_at(cell_v: float) -> float:
    """Return the share of charge that a cell's rest voltage tells."""
    if cell_v <= LEVELS[0][0]:
        return 0.0
    for (low_v, low), (high_v, high) in pairwise(LEVELS):
        if cell_v <= high_v:
            return low + (high - low) * (cell_v - low_v) / (high_v - low_v)
    return 1.0


def counted(battery: Battery, charge: Charge, reading: Reading, passed_s: float) -> Charge:
    """Return the charge after so many seconds in which the sensor said this."""
    if reading.share is not None:
        return guessed(battery, reading)
    if passed_s > GAP_S:
        return _at_knees(battery, replace(charge, is_counted=False), reading, 0.0)
    flowed = reading.amps * (EFFICIENCY if reading.amps > 0 else 1.0) * passed_s / 3600
    held = min(battery.capacity_ah, max(0.0, charge.held_ah + flowed))
    return _at_knees(battery, replace(charge, held_ah=held), reading, passed_s)


def _at_knees(battery: Battery, charge: Charge, reading: Reading, passed_s: float) -> Charge:
    """Set the count right where the voltage tells more."""
    cell_v, rest_v = reading.volts / battery.cells, battery.rest_cell_v(reading)
    is_full = cell_v >= FULL_V and 0 <= reading.amps <= FULL_C * battery.capacity_ah
    is_low = rest_v < LOW_V and reading.amps <= 0
    full_for_s = charge.full_for_s + passed_s if is_full else 0.0
    low_for_s = charge.low_for_s + passed_s if is_low else 0.0
    held, is_counted = charge.held_ah, charge.is_counted
    if full_for_s >= FULL_FOR_S:
        held, is_counted = battery.capacity_ah, True
    elif low_for_s >= STEADY_S:
        held, is_counted = min(held, share_at(rest_v) * battery.capacity_ah), True
    elif reading.amps <= 0 and rest_v > ALIVE_V:
        held = max(held, ALIVE_SHARE * battery.capacity_ah)
    return Charge(held, is_counted, full_for_s, low_for_s)
