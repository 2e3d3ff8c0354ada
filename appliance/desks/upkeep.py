"""The battery as the watch over it last told: every process of the node asks here."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

from appliance.answers import PowerState
from appliance.desks.carrying import Carrying
from appliance.power.ladder import Step

POWER: Final = "power"
STALE_S: Final = 3600.0  # the watch tells at least every quarter of an hour


class Upkeep(Carrying):
    def note_power(self, state: PowerState) -> None:
        """Keep how the battery is. Raises `StoreFault`."""
        told = {"boot": self.private.boot, "tick": self.clock.monotonic(), **asdict(state)}
        with self.database.writing():
            self.private.set_mark(POWER, json.dumps(told))

    def kept_power(self) -> PowerState | None:
        """Return how the battery was when somebody last looked, however long ago."""
        told = json.loads(self.private.mark(POWER) or "null")
        return PowerState(**{name: told[name] for name in PowerState.__slots__}) if told else None

    def power(self) -> PowerState | None:
        """Return how the battery is; None where nothing watches over one, or has not told for an hour."""
        told = json.loads(self.private.mark(POWER) or "null")
        if not told or told["boot"] != self.private.boot or self.clock.monotonic() - told["tick"] > STALE_S:
            return None
        return self.kept_power()

    def power_step(self) -> Step:
        """Return what is left out to save power; nothing where nobody knows."""
        state = self.power()
        return Step[state.step.upper()] if state else Step.NORMAL
