"""For how many hours the battery lasts as things go: what is held above the halt, over what flowed lately."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp
from typing import Final

from appliance.power.charge import Battery, Charge
from appliance.power.ladder import Rungs

MEMORY_S: Final = 3600.0  # what flowed an hour ago counts a third of what flows now
HOURS_MAX: Final = 999.0
NOTHING_A: Final = 0.005


@dataclass(frozen=True, slots=True)
class Flow:
    """What flowed lately, in amperes (negative: out); None before anything was read."""

    amps: float | None = None

    def with_reading(self, amps: float, passed_s: float) -> Flow:
        """Return the flow with a new reading in it."""
        if self.amps is None:
            return replace(self, amps=amps)
        weight = exp(-passed_s / MEMORY_S)
        return replace(self, amps=self.amps * weight + amps * (1 - weight))


def hours_left(battery: Battery, charge: Charge, flow: Flow, rungs: Rungs) -> float | None:
    """Return the hours until the node would halt; None while the battery fills or nothing flows."""
    if flow.amps is None or flow.amps > -NOTHING_A:
        return None
    usable = max(0.0, charge.held_ah - rungs.halt * battery.capacity_ah)
    return min(HOURS_MAX, usable / -flow.amps)
