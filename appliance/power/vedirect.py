r"""Victron's VE.Direct: what solar chargers and shunt monitors say of the battery, once a second.

Text of lines `\r\n<label>\t<value>`; a block ends with the label Checksum and one byte that makes the sum of all bytes of
the block 0 modulo 256. Frames of another protocol (HEX: from `:` to the end of its line) may stand in between and do not count.
Source: Victron Energy, "VE.Direct Protocol", version 3.33. A port speaks 19,200 baud, eight bits, no parity.
"""

from __future__ import annotations

import os
import select
import termios
import time
import tty
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Final

from appliance.power.charge import Reading
from appliance.power.sensor import SensorSilent

LABEL_MAX: Final = 9
VALUE_MAX: Final = 33
FIELDS_MAX: Final = 32
HEX_MAX: Final = 128
CHECKSUM: Final = b"Checksum"
PATIENCE_S: Final = 5.0
VOLTS_MAX: Final = 100.0
AMPS_MAX: Final = 1000.0

Block = dict[bytes, bytes]


class _At(Enum):
    LINE_END = auto()  # before the first line, or after a line's carriage return
    LABEL = auto()
    VALUE = auto()
    SUM = auto()
    HEX = auto()


class Blocks:
    """Bytes in, whole blocks out. `torn` counts those that were left out: sum wrong, too much in them, or begun before us."""

    def __init__(self) -> None:
        self.torn = 0
        self._at = self._before_hex = _At.LINE_END
        self._hex_left = 0
        self._begin()
        self._is_torn = True  # whoever starts to listen comes into the middle of one

    def _begin(self) -> None:
        self._sum = 0
        self._is_torn = False
        self._label = self._value = bytearray()
        self._fields: Block = {}

    def feed(self, content: bytes) -> Iterator[Block]:
        """Yield the blocks that end in `content`."""
        for octet in content:
            block = self._take(octet)
            if block:
                yield block

    def _take(self, octet: int) -> Block | None:
        if self._at is _At.HEX:
            self._skip_hex(octet)
            return None
        if octet == ord(":") and self._at is not _At.SUM:
            self._before_hex, self._at, self._hex_left = self._at, _At.HEX, HEX_MAX
            return None
        self._sum = (self._sum + octet) & 0xFF
        if self._at is _At.SUM:
            return self._end()
        self._take_text(octet)
        return None

    def _skip_hex(self, octet: int) -> None:
        self._hex_left -= 1
        if octet == ord("\n") or self._hex_left == 0:
            self._at = self._before_hex

    def _take_text(self, octet: int) -> None:
        if octet == ord("\r"):
            self._keep_field()
            self._at = _At.LINE_END
        elif octet == ord("\n"):
            self._label, self._value, self._at = bytearray(), bytearray(), _At.LABEL
        elif self._at is _At.LABEL and octet == ord("\t"):
            self._at = _At.SUM if self._label == CHECKSUM else _At.VALUE
        elif self._at in (_At.LABEL, _At.VALUE):
            part, most = (self._label, LABEL_MAX) if self._at is _At.LABEL else (self._value, VALUE_MAX)
            part.append(octet)
            if len(part) > most:
                self._at, self._is_torn = _At.LINE_END, True

    def _keep_field(self) -> None:
        if self._at is _At.VALUE:
            if len(self._fields) == FIELDS_MAX:
                self._is_torn = True
            else:
                self._fields[bytes(self._label)] = bytes(self._value)

    def _end(self) -> Block | None:
        fields, is_whole = self._fields, self._sum == 0 and not self._is_torn
        self._at = _At.LINE_END
        self._begin()
        self.torn += not is_whole
        return fields if is_whole else None


def reading(block: Block) -> Reading | None:
    """Return what a block says of the battery; None where it says nothing of it, or what cannot be.

    `V` in mV and `I` in mA, into the battery positive; `SOC` in thousandths, from those that count themselves.
    """
    volts, amps, share = (_number(block.get(label)) for label in (b"V", b"I", b"SOC"))
    if volts is None or amps is None or not 0 < volts / 1000 <= VOLTS_MAX or abs(amps / 1000) > AMPS_MAX:
        return None
    return Reading(volts / 1000, amps / 1000, share / 1000 if share is not None and 0 <= share <= 1000 else None)


def _number(value: bytes | None) -> int | None:
    digits = (value or b"").removeprefix(b"-")
    return int(value) if value and digits.isdigit() else None


class VeDirect:
    """The device at the end of a serial port, such as /dev/ttyUSB0."""

    def __init__(self, device: str, ticks: Callable[[], float] = time.monotonic) -> None:
        self._device = device
        self._ticks = ticks
        self._port: int | None = None
        self._blocks = Blocks()

    def read(self) -> Reading:
        """Return what the next whole block says. Raises `SensorSilent`."""
        try:
            port = self._port if self._port is not None else self._open()
            termios.tcflush(port, termios.TCIFLUSH)  # what is now, not what piled up
            return self._next(port)
        except (OSError, termios.error) as fault:
            self.close()
            raise SensorSilent(
                f"{self._device} cannot be read ({fault.args[-1]}). Look at the VE.Direct cable."
            ) from fault

    def _next(self, port: int) -> Reading:
        self._blocks = Blocks()
        until = self._ticks() + PATIENCE_S
        while (left_s := until - self._ticks()) > 0:
            if not select.select([port], [], [], left_s)[0]:
                break
            content = os.read(port, 1024)
            if not content:
                raise OSError(0, "the other end is closed")
            for block in self._blocks.feed(content):
                if found := reading(block):
                    return found
        raise SensorSilent(
            f"No whole sentence came from {self._device} in {PATIENCE_S:.0f} s. Look at the VE.Direct cable."
        )

    def close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            os.close(port)

    def _open(self) -> int:
        self._port = port = os.open(self._device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        tty.setraw(port, termios.TCSANOW)
        modes = termios.tcgetattr(port)
        modes[4] = modes[5] = termios.B19200
        termios.tcsetattr(port, termios.TCSANOW, modes)
        return port
