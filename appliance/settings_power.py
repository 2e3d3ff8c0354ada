"""The `power` section of `node.yaml`: which sensor reads the battery, what battery it is, and how the machine is halted."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

from appliance.power.charge import Battery
from appliance.power.ina import INA219, INA226, Chip, Ina
from appliance.power.ladder import Rungs
from appliance.power.sensor import Sensor
from appliance.power.vedirect import VeDirect
from appliance.settings_section import Section

CHIPS: Final[dict[str, Chip]] = {"ina219": INA219, "ina226": INA226}
VEDIRECT: Final = "vedirect"
LINES: Final = ("economy", "timetable", "checkpoint", "halt")
DEFAULTS: Final = Rungs()


@dataclass(frozen=True, slots=True)
class Power:
    """`sensor` is ina219, ina226 or vedirect. The four lines are in percent of the charge, each below the one before it.

    `halt_command` is run when the battery is nearly empty; HEDGEROW_SLEEP_S tells it after how many seconds a clock with an
    alarm should wake the board. Without a command the node only says that it ought to halt.
    """

    sensor: str
    device: str
    capacity_ah: float
    cells: int = 4
    address: int = 0x40
    shunt_ohm: float = 0.1
    halt_command: str = ""
    economy: int = 50
    timetable: int = 30
    checkpoint: int = 15
    halt: int = 8

    @property
    def battery(self) -> Battery:
        return Battery(self.capacity_ah, self.cells)

    @property
    def rungs(self) -> Rungs:
        return Rungs(*(getattr(self, line) / 100 for line in LINES))

    def open_sensor(self) -> Sensor:
        """Return the reader of the battery; the device is opened when it is first read."""
        if self.sensor == VEDIRECT:
            return VeDirect(self.device)
        return Ina(CHIPS[self.sensor], self.device, self.address, self.shunt_ohm)


def read_power(section: Section) -> Power | None:
    """Return what the section says, None where there is none. Raises `SettingsFault`."""
    if not section.values:
        return None
    section.allow(*CHIPS, VEDIRECT, "capacity_ah", "cells", "halt_command", *LINES)
    named = [name for name in (*CHIPS, VEDIRECT) if name in section.values]
    if len(named) != 1:
        raise section.fault(
            "", "names one sensor: `ina219`, `ina226` or `vedirect`, with its settings indented below it."
        )
    lines = {line: section.whole(line, round(getattr(DEFAULTS, line) * 100), 1, 99) for line in LINES}
    if sorted(set(lines.values()), reverse=True) != list(lines.values()):
        raise section.fault(
            "", "has its lines out of order: economy is above timetable, that above checkpoint, that above halt."
        )
    sensor = section.section(named[0])
    is_chip = named[0] in CHIPS
    sensor.allow("device", *(("address", "shunt_ohm") if is_chip else ()))
    return Power(
        sensor=named[0],
        device=_device(sensor, "/dev/i2c-1" if is_chip else "/dev/ttyUSB0"),
        capacity_ah=_capacity(section),
        cells=section.whole("cells", 4, 1, 16),
        address=sensor.whole("address", 0x40, 0x08, 0x77),
        shunt_ohm=sensor.number("shunt_ohm", 0.1, 0.00001, 10.0),
        halt_command=_command(section),
        economy=lines["economy"],
        timetable=lines["timetable"],
        checkpoint=lines["checkpoint"],
        halt=lines["halt"],
    )


def shown(power: Power) -> dict[str, object]:
    """Return the values as they stand in the file."""
    sensor: dict[str, object] = {"device": power.device}
    if power.sensor in CHIPS:
        sensor |= {"address": power.address, "shunt_ohm": power.shunt_ohm}
    rest = {name: getattr(power, name) for name in ("capacity_ah", "cells", "halt_command", *LINES)}
    return {power.sensor: sensor} | {name: value for name, value in rest.items() if value != ""}


def _capacity(section: Section) -> float:
    if section.values.get("capacity_ah") is None:
        raise section.fault("capacity_ah", "is missing. It stands on the battery, such as `capacity_ah: 20`.")
    return section.number("capacity_ah", 20.0, 0.5, 2000.0)


def _device(section: Section, default: str) -> str:
    device = section.text("device", default)
    if not device.startswith("/"):
        raise section.fault("device", f"must be a device such as {default}")
    return device


def _command(section: Section) -> str:
    command = section.text("halt_command", "", length_max=1000)
    try:
        shlex.split(command)
    except ValueError as fault:
        raise section.fault("halt_command", "has a quote that is not closed. Close it.") from fault
    return command
