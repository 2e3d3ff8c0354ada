"""The sensors at the wire: a chip with registers behind a device file, and a charger that talks on a serial line."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.power.charge import Reading
from appliance.power.ina import BUS, CONFIGURATION, INA219, INA226, MAKER, SHUNT, TEXAS_INSTRUMENTS, Chip, Ina
from appliance.power.sensor import SensorSilent
from appliance.power.vedirect import Blocks, VeDirect, reading

ADDRESS = 0x40
SHUNT_OHM = 0.1


class Line:
    """A pseudo-terminal: `name` is what the node opens; what comes and goes at the other end is the device's."""

    def __init__(self) -> None:
        self.device, node_end = pty.openpty()
        tty.setraw(self.device)
        tty.setraw(node_end)
        self.name = os.ttyname(node_end)
        self._node_end = node_end

    def close(self) -> None:
        os.close(self.device)
        os.close(self._node_end)


@contextmanager
def living(line: Line, live: Callable[[], None]) -> Iterator[None]:
    """Let a device live at its end of the line until the block ends."""
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            live()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        line.close()


class FakeChip:
    """Registers as in the data sheet: one byte chooses, three bytes write, and a chosen register is sent at once.

    A real bus sends a register when it is read; a line cannot see that, so it is sent when it is chosen.
    """

    def __init__(self, line: Line, registers: dict[int, int]) -> None:
        self.line = line
        self.registers = registers

    def live(self) -> None:
        if select.select([self.line.device], [], [], 0.02)[0]:
            said = os.read(self.line.device, 3)
            if len(said) == 3:
                self.registers[said[0]] = int.from_bytes(said[1:])
            else:
                os.write(self.line.device, self.registers.get(said[0], 0).to_bytes(2))


@contextmanager
def chip(kind: Chip, volts: float, amps: float, **more: int) -> Iterator[tuple[Ina, FakeChip, list[int]]]:
    line = Line()
    registers = {
        BUS: round(volts / kind.bus_volts) << kind.bus_shift,
        SHUNT: round(amps * SHUNT_OHM / kind.shunt_volts) & 0xFFFF,
        MAKER: more.get("maker", TEXAS_INSTRUMENTS),
    }
    fake, addressed = FakeChip(line, registers), list[int]()
    sensor = Ina(kind, line.name, ADDRESS, SHUNT_OHM, attach=lambda _, address: addressed.append(address))
    with living(line, fake.live):
        yield sensor, fake, addressed
        sensor.close()


@pytest.mark.parametrize("kind", [INA219, INA226], ids=lambda kind: kind.name)
@pytest.mark.parametrize(("volts", "amps"), [(13.2, -0.35), (14.4, 0.8), (11.0, 0.0)])
def test_a_chip_tells_volts_and_amperes(kind: Chip, volts: float, amps: float) -> None:
    with chip(kind, volts, amps) as (sensor, fake, addressed):
        told = sensor.read()
        assert told.volts == pytest.approx(volts, abs=kind.bus_volts)
        assert told.amps == pytest.approx(amps, abs=0.001)
        assert addressed == [ADDRESS]
        assert fake.registers[CONFIGURATION] == kind.setup


def test_a_chip_that_lost_its_power_is_set_up_again() -> None:
    with chip(INA219, 13.2, 0.1) as (sensor, fake, _):
        sensor.read()
        fake.registers[CONFIGURATION] = 0x399F  # what it wakes up with
        sensor.read()
        assert fake.registers[CONFIGURATION] == INA219.setup


def test_what_is_no_such_chip_is_named() -> None:
    with chip(INA226, 13.2, 0.1, maker=0x1234) as (sensor, _, _), pytest.raises(SensorSilent, match="no INA226"):
        sensor.read()


def test_a_wire_that_came_off_is_named() -> None:
    with chip(INA219, 0.0, 0.0) as (sensor, _, _), pytest.raises(SensorSilent, match="plus pole"):
        sensor.read()


def test_a_bus_that_is_not_there_is_named() -> None:
    with pytest.raises(SensorSilent, match="I2C is switched on"):
        Ina(INA219, "/dev/i2c-99", ADDRESS, SHUNT_OHM).read()


# VE.Direct


def block(*fields: tuple[bytes, bytes]) -> bytes:
    body = b"".join(b"\r\n" + label + b"\t" + value for label, value in fields) + b"\r\nChecksum\t"
    return body + bytes([-sum(body) % 256])


CHARGER = block(
    (b"PID", b"0xA042"), (b"FW", b"159"), (b"V", b"13220"), (b"I", b"-350"), (b"VPV", b"18010"), (b"CS", b"3")
)
MONITOR = block((b"V", b"12800"), (b"I", b"1500"), (b"SOC", b"876"), (b"TTG", b"240"))
HEX = b":A0002000148\n"


def blocks(content: bytes) -> tuple[list[dict[bytes, bytes]], int]:
    found = Blocks()
    return list(found.feed(content)), found.torn


def test_the_first_block_that_was_heard_from_its_beginning_is_read() -> None:
    found, torn = blocks(CHARGER[9:] + MONITOR)
    assert [reading(one) for one in found] == [Reading(12.8, 1.5, 0.876)]
    assert torn == 1


def test_frames_of_the_other_protocol_do_not_count_wherever_they_stand() -> None:
    for place in range(len(CHARGER)):
        found, torn = blocks(MONITOR + CHARGER[:place] + HEX + CHARGER[place:])
        whole = [reading(one) for one in found]
        assert whole == [Reading(13.22, -0.35)], place
        assert torn == 1


def test_a_flipped_bit_is_found() -> None:
    for place in range(2, len(CHARGER)):
        spoiled = bytearray(CHARGER)
        spoiled[place] ^= 0x04
        found, _ = blocks(MONITOR + bytes(spoiled))
        assert found == [], place


@given(
    st.lists(
        st.one_of(st.binary(max_size=60), st.just(CHARGER), st.just(HEX), st.just(b"\r\n"), st.just(b":")), max_size=12
    )
)
def test_whatever_comes_is_bounded_and_a_clean_line_is_read_again(garbage: list[bytes]) -> None:
    found = Blocks()
    for part in garbage:
        list(found.feed(part))
        assert len(found._fields) <= 32
        assert len(found._label) <= 10
        assert len(found._value) <= 34
    list(found.feed(b"x" * 200 + b"\n" + CHARGER * 2))  # longer than any frame of the other protocol
    assert [reading(one) for one in found.feed(CHARGER)] == [Reading(13.22, -0.35)]


@pytest.mark.parametrize(
    "fields",
    [
        {b"V": b"13220"},
        {b"I": b"5"},
        {b"V": b"---", b"I": b"5"},
        {b"V": b"0", b"I": b"5"},
        {b"V": b"999999", b"I": b"5"},
        {b"V": b"13000", b"I": b"99999999"},
        {b"V": "١٢".encode(), b"I": b"5"},
    ],
    ids=range(7),
)
def test_what_cannot_be_is_no_reading(fields: dict[bytes, bytes]) -> None:
    assert reading(fields) is None


@pytest.mark.parametrize("soc", [b"---", b"1001", b"-1"])
def test_a_monitor_that_does_not_know_its_charge_still_tells_the_rest(soc: bytes) -> None:
    assert reading({b"V": b"13000", b"I": b"5", b"SOC": soc}) == Reading(13.0, 0.005)


def test_a_charger_on_a_serial_line() -> None:
    line = Line()

    def talk() -> None:
        os.write(line.device, CHARGER[: len(CHARGER) // 2])
        time.sleep(0.01)
        os.write(line.device, HEX + CHARGER[len(CHARGER) // 2 :])

    sensor = VeDirect(line.name)
    with living(line, talk):
        assert sensor.read() == Reading(13.22, -0.35)
        assert sensor.read() == Reading(13.22, -0.35)
        sensor.close()


def test_a_line_on_which_nobody_speaks() -> None:
    line = Line()
    ticks = iter((0.0, 1.0, 6.0))
    sensor = VeDirect(line.name, ticks=lambda: next(ticks))
    with living(line, lambda: time.sleep(0.001)):
        os.write(line.device, b"\r\nV\t1")
        with pytest.raises(SensorSilent, match=r"VE\.Direct cable"):
            sensor.read()
        sensor.close()


def test_a_cable_that_is_not_there() -> None:
    with pytest.raises(SensorSilent, match=r"VE\.Direct cable"):
        VeDirect("/dev/ttyUSB99").read()
