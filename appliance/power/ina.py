"""INA219 and INA226: voltage and current over I2C.

Registers are 16 bits, high byte first; a write of one byte chooses the register that the next read returns. Figures are those
of the data sheets (Texas Instruments SBOS448G for the INA219, SBOS547B for the INA226). The current is worked out here
from the voltage over the shunt, so that no calibration register has to survive a power dip.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from appliance.power.charge import Reading
from appliance.power.sensor import SensorSilent

I2C_SLAVE: Final = 0x0703  # linux/i2c-dev.h: whom reads and writes of this descriptor go to

CONFIGURATION: Final = 0x00
SHUNT: Final = 0x01
BUS: Final = 0x02
MAKER: Final = 0xFE  # INA226 only
TEXAS_INSTRUMENTS: Final = 0x5449


@dataclass(frozen=True, slots=True)
class Chip:
    """`setup` makes it measure by itself, each reading the mean of many. `bus_volts` and `shunt_volts` are worth of a bit, that
    of the bus register after it was shifted.
    """

    name: str
    setup: int
    bus_shift: int
    bus_volts: float
    shunt_volts: float
    volts_max: float


# 32 V range, ±320 mV, both converters the mean of 128 samples, continuous.
INA219: Final = Chip("INA219", 0x3FFF, 3, 0.004, 10e-6, 32.0)
# The mean of 64 samples of 1.1 ms, both, continuous.
INA226: Final = Chip("INA226", 0x4727, 0, 0.00125, 2.5e-6, 36.0)


def attach(descriptor: int, address: int) -> None:
    """Turn an open I2C bus to one chip on it."""
    fcntl.ioctl(descriptor, I2C_SLAVE, address)


class Ina:
    """One chip at `address` of the bus `device`, such as /dev/i2c-1, with a shunt of so many ohms."""

    def __init__(
        self,
        chip: Chip,
        device: str,
        address: int,
        shunt_ohm: float,
        attach: Callable[[int, int], None] = attach,
    ) -> None:
        self._chip, self._address, self._shunt_ohm = chip, address, shunt_ohm
        self._device = device
        self._attach = attach
        self._bus: int | None = None

    def read(self) -> Reading:
        """Return volts and amperes. A chip that lost its power meanwhile is set up again. Raises `SensorSilent`."""
        try:
            bus = self._bus if self._bus is not None else self._open()
            if _register(bus, CONFIGURATION) != self._chip.setup:
                self._set_up(bus)
            shunt, volts = _register(bus, SHUNT), _register(bus, BUS)
        except OSError as fault:
            self.close()
            raise SensorSilent(
                f"{self._chip.name} at address 0x{self._address:02x} of {self._device} does not answer ({fault.strerror})."
                " Look at its four wires, and that I2C is switched on."
            ) from fault
        return self._judged(volts, shunt)

    def _judged(self, volts: int, shunt: int) -> Reading:
        chip = self._chip
        signed = shunt - 0x10000 if shunt & 0x8000 else shunt
        reading = Reading((volts >> chip.bus_shift) * chip.bus_volts, signed * chip.shunt_volts / self._shunt_ohm)
        if not 0 < reading.volts <= chip.volts_max:
            raise SensorSilent(
                f"{chip.name} reads {reading.volts:.1f} V, which no battery has. Look at the wire to its plus pole."
            )
        return reading

    def close(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            os.close(bus)

    def _open(self) -> int:
        self._bus = bus = os.open(self._device, os.O_RDWR | os.O_CLOEXEC)
        self._attach(bus, self._address)
        self._set_up(bus)
        return bus

    def _set_up(self, bus: int) -> None:
        if self._chip is INA226 and (maker := _register(bus, MAKER)) != TEXAS_INSTRUMENTS:
            raise SensorSilent(f"What answers at 0x{self._address:02x} is no INA226 (it says 0x{maker:04x}).")
        os.write(bus, bytes([CONFIGURATION]) + self._chip.setup.to_bytes(2))


def _register(bus: int, number: int) -> int:
    os.write(bus, bytes([number]))
    content = os.read(bus, 2)
    if len(content) != 2:
        raise OSError(0, "a short answer")
    return int.from_bytes(content)
