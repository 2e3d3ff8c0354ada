"""Charge, step and outlook in one: a reading goes in, the next gauge comes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from appliance.power.charge import Battery, Charge, Reading, counted, guessed
from appliance.power.ladder import Ladder, Rungs, Step, moved
from appliance.power.outlook import Flow, hours_left

KNEE: Final = 0.2  # below it, voltage tells the charge well


@dataclass(frozen=True, slots=True)
class Gauge:
    """What is known of a battery that was read at least once."""

    battery: Battery
    rungs: Rungs
    reading: Reading
    charge: Charge
    ladder: Ladder
    flow: Flow

    @classmethod
    def begun(
        cls,
        battery: Battery,
        rungs: Rungs,
        reading: Reading,
        kept_share: float | None = None,
        kept_step: Step | None = None,
        *,
        has_halted: bool = False,
    ) -> Self:
        """Return the gauge at the first reading after a start. What was kept is what an earlier run had come to: the share,
        and, where the board has not been off since, the step.

        What was kept may be old, and the voltage is rough above a fifth. So a low voltage is believed at once, a middling
        one only where the node had halted, or was nearly empty: the sun has been there since, and nobody counted.
        """
        charge = guessed(battery, reading)
        if kept_share is not None and reading.share is None:
            charge = replace(
                charge, held_ah=_agreed(kept_share, charge.share(battery), has_halted) * battery.capacity_ah
            )
        ladder = Ladder(kept_step) if kept_step is not None else Ladder.at_start(rungs, charge.share(battery))
        return cls(battery, rungs, reading, charge, ladder, Flow(reading.amps))

    def read(self, reading: Reading, passed_s: float) -> Self:
        """Return the gauge after so many seconds, with a new reading."""
        charge = counted(self.battery, self.charge, reading, passed_s)
        cell_v = self.battery.rest_cell_v(reading)
        return replace(
            self,
            reading=reading,
            charge=charge,
            ladder=moved(self.rungs, self.ladder, charge.share(self.battery), cell_v, passed_s),
            flow=self.flow.with_reading(reading.amps, passed_s),
        )

    @property
    def step(self) -> Step:
        return self.ladder.step

    @property
    def share(self) -> float:
        return self.charge.share(self.battery)

    @property
    def hours_left(self) -> float | None:
        return hours_left(self.battery, self.charge, self.flow, self.rungs)


def _agreed(kept: float, told: float, has_halted: bool) -> float:
    if told <= KNEE:
        return min(kept, told)
    return told if has_halted or kept < KNEE else kept
