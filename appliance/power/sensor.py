"""What every reader of a battery has in common."""

from __future__ import annotations

from typing import Protocol

from appliance.errors import ApplianceError
from appliance.power.charge import Reading


class SensorSilent(ApplianceError):
    """The sensor says nothing, or nothing that can be; the message says what to look at."""


class Sensor(Protocol):
    def read(self) -> Reading:
        """Return what the battery does now. Raises `SensorSilent`."""
        ...

    def close(self) -> None:
        """Let go of the device."""
        ...
