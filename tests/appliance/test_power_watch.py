"""The watch over the battery: what it tells, when it writes, and that it halts whatever else goes wrong."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance import settings
from appliance.answers import PowerState
from appliance.errors import SettingsFault, StoreFault
from appliance.node import Node
from appliance.power.charge import Reading
from appliance.power.ladder import Step
from appliance.power.sensor import SensorSilent
from appliance.power_watch import AGAIN_S, LOOK_S, TELL_S, Watch, command
from appliance.seed import HALT
from appliance.settings_power import Power
from tests.appliance.power.test_wire import block
from tests.appliance.shell import until
from tests.appliance.test_roads import Hand

POWER = Power("ina226", "/dev/i2c-1", capacity_ah=20)
SUNNY = Reading(13.6, 3.0)
IDLE = Reading(4 * 3.30, -0.3)
LOW = Reading(4 * 3.02, -0.3)


class Pole:
    """A watch over a battery that the test sets."""

    def __init__(self, data: Path) -> None:
        self.node = Node.open(data)
        self.hand = Hand()
        self.now: Reading | str = IDLE
        self.halts: list[int] = []
        self.watch = self.woken()

    def woken(self) -> Watch:
        self.watch = Watch(self.node, POWER, self, self.halts.append, self.hand)
        return self.watch

    def read(self) -> Reading:
        if isinstance(self.now, str):
            raise SensorSilent(self.now)
        return self.now

    def close(self) -> None:
        self.node.close()

    def passes(self, seconds: float) -> None:
        for _ in range(int(seconds / LOOK_S)):
            self.hand.at += LOOK_S
            self.watch.step()

    @property
    def told(self) -> PowerState:
        state = self.node.power()
        assert state is not None
        return state


@pytest.fixture
def pole(elm: Path) -> Iterator[Pole]:
    pole = Pole(elm)
    yield pole
    pole.close()


def test_nobody_watches_by_itself(pole: Pole) -> None:
    assert pole.node.power() is None
    assert pole.node.power_step() is Step.NORMAL
    assert pole.node.status().as_json()["power"] is None


def test_what_the_sensor_says_is_told_to_everybody(pole: Pole) -> None:
    pole.passes(60)
    facts = pole.node.status().as_json()["power"]
    assert facts == {
        "step": "normal",
        "percent": 68,
        "is_counted": False,
        "volts": 13.2,
        "amps": -0.3,
        "hours_left": pytest.approx(40, abs=1),
        "trouble": "",
    }


def test_a_battery_at_rest_is_written_down_at_most_every_quarter_of_an_hour(pole: Pole, monkeypatch) -> None:
    told: list[PowerState] = []
    monkeypatch.setattr(pole.node, "note_power", told.append)
    pole.passes(3 * TELL_S)
    assert 3 <= len(told) <= 6


def test_a_silent_sensor_is_told_once_and_moves_nothing(pole: Pole, caplog) -> None:
    pole.passes(60)
    pole.now = "The wire came off."
    pole.passes(600)
    assert (pole.told.trouble, pole.told.percent, pole.told.step) == ("The wire came off.", 68, "normal")
    assert caplog.text.count("The wire came off.") == 1
    assert pole.halts == []
    pole.now = IDLE
    pole.passes(10)
    assert pole.told.trouble == ""


def test_a_battery_that_runs_down_halts_the_node_with_all_signed(pole: Pole) -> None:
    pole.passes(60)
    account = pole.node.find_payee("Ben")
    pole.node.pay(pole.node.find_payee("Ana"), account, 5, pole.node.currency("hours"), "bread")
    pole.now = Reading(4 * 2.85, -0.3)
    pole.passes(120)
    assert pole.told.step == "halt"
    assert pole.halts == [3600]
    own = pole.node.own_log(pole.node.commons)
    assert own.height == own.certified
    pole.passes(AGAIN_S - 100)
    assert len(pole.halts) == 1
    pole.passes(100)
    assert len(pole.halts) == 2, "the board is still on, so it is asked again"


def test_a_full_card_does_not_keep_it_from_halting(pole: Pole, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise StoreFault("The card is full.")

    monkeypatch.setattr(pole.node, "note_power", full)
    monkeypatch.setattr(pole.node, "seal", full)
    pole.now = Reading(4 * 2.85, -0.3)
    for _ in range(12):
        pole.hand.at += LOOK_S
        with pytest.raises(StoreFault):
            pole.watch.step()
    assert pole.halts == [3600]


def test_who_woke_in_vain_sleeps_longer_and_who_finds_the_sun_goes_on(pole: Pole, monkeypatch) -> None:
    pole.now = LOW
    pole.passes(20)
    assert pole.halts == [3600]
    for sleeps_s in (7200, 14400, 14400):
        monkeypatch.setattr(pole.node.private, "boot", f"another boot, {sleeps_s}")
        pole.woken()
        pole.passes(20)
        assert pole.halts[-1] == sleeps_s
    monkeypatch.setattr(pole.node.private, "boot", "the last boot")
    pole.now = SUNNY
    pole.woken()
    pole.passes(20)
    assert len(pole.halts) == 4
    assert (pole.told.step, pole.told.looks) == ("economy", 0)


def test_a_watch_that_starts_anew_goes_on_where_it_was(pole: Pole) -> None:
    """A share of 12 percent is a reason to warn, and none to halt, unless the board has been off."""
    pole.node.note_power(PowerState("checkpoint", percent=12))
    pole.now = Reading(4 * 3.12, -0.3)
    pole.woken()
    pole.passes(20)
    assert (pole.told.step, pole.told.percent, pole.halts) == ("checkpoint", 12, [])


def test_what_an_earlier_program_noted_is_read(pole: Pole) -> None:
    pole.node.private.set_mark(
        "power", json.dumps({"boot": "x", "tick": 1.0, "step": "economy", "percent": 41, "gone": 1})
    )
    assert pole.node.kept_power() == PowerState("economy", percent=41)


def test_the_keepers_command_is_told_how_long_to_sleep(tmp_path: Path, caplog) -> None:
    said = tmp_path / "said"
    command(f"sh -c 'echo $HEDGEROW_SLEEP_S > {said}'")(3600)
    assert said.read_text() == "3600\n"
    command("false")(60)
    command("/nowhere/at-all")(60)
    command("")(60)
    assert caplog.text.count("power.halt_command failed") == 2
    assert "no power.halt_command" in caplog.text


def test_what_a_card_is_told_to_do_lays_the_wish_whole(tmp_path: Path) -> None:
    """All but for the place; the twin halts by it (tests/provisioning/test_twin.py)."""
    assert "/run/hedgerow-power" in HALT
    command(HALT.replace("/run/hedgerow-power", str(tmp_path)))(3600)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"halt": "3600\n"}


# node.yaml


def written(data: Path, text: str) -> Power | None:
    file = data / "node.yaml"
    kept = file.read_text(encoding="utf-8")
    file.write_text(kept + text, encoding="utf-8")
    try:
        return settings.load(data).power
    finally:
        file.write_text(kept, encoding="utf-8")


def test_the_settings_are_read_and_written_alike(elm: Path) -> None:
    power = written(
        elm, "power: {ina226: {shunt_ohm: 0.002}, capacity_ah: 50, halt_command: systemctl poweroff, halt: 5}\n"
    )
    assert power == Power("ina226", "/dev/i2c-1", 50.0, shunt_ohm=0.002, halt_command="systemctl poweroff", halt=5)
    found = replace(settings.load(elm), power=power)
    settings.write(elm, found)
    assert settings.load(elm) == found
    settings.write(elm, replace(found, power=Power("vedirect", "/dev/ttyUSB1", 20.0)))
    assert settings.load(elm).power == Power("vedirect", "/dev/ttyUSB1", 20.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("power: {capacity_ah: 20}", "one sensor"),
        ("power: {ina219: {}, vedirect: {}, capacity_ah: 20}", "one sensor"),
        ("power: {ina219: {}}", "capacity_ah is missing"),
        ("power: {ina219: {}, capacity_ah: 0.1}", "capacity_ah"),
        ("power: {ina219: {adress: 64}, capacity_ah: 20}", "Did you mean address"),
        ("power: {vedirect: {address: 64}, capacity_ah: 20}", "Did you mean device"),
        ("power: {vedirect: {device: ttyUSB0}, capacity_ah: 20}", "/dev/ttyUSB0"),
        ("power: {ina219: {}, capacity_ah: 20, halt: 20}", "out of order"),
        ('power: {ina219: {}, capacity_ah: 20, halt_command: "say \'x"}', "a quote"),
        ("power: {lemons: 3}", "Did you mean"),
    ],
)
def test_a_slip_in_the_settings_is_named(elm: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsFault, match=said):
        written(elm, text)


# the process


@pytest.mark.real
def test_a_charger_on_a_line_is_watched_and_an_empty_battery_halts_the_node(elm: Path, tmp_path: Path) -> None:
    charger, port = pty.openpty()
    tty.setraw(charger)
    found = replace(
        settings.load(elm), power=Power("vedirect", os.ttyname(port), 20.0, halt_command=f"touch {tmp_path}/halted")
    )
    settings.write(elm, found)
    ended = threading.Event()

    def talk() -> None:
        while not ended.wait(0.1):
            if select.select([], [charger], [], 0)[1]:
                os.write(charger, block((b"V", b"12000"), (b"I", b"-300")))

    hedgerow = [sys.executable, "-m", "appliance.cli", "--data", str(elm)]
    thread = threading.Thread(target=talk)
    thread.start()
    watch = subprocess.Popen([*hedgerow, "power"])
    try:
        until((tmp_path / "halted").exists, "the command to be run", within_s=30)
        told = json.loads(subprocess.run([*hedgerow, "status", "--json"], capture_output=True, check=True).stdout)
        assert (told["power"]["step"], told["power"]["percent"], told["power"]["volts"]) == ("halt", 6, 12.0)
        assert "Battery 6 %" in subprocess.run([*hedgerow, "status"], capture_output=True, check=True, text=True).stdout
    finally:
        watch.terminate()
        ended.set()
        thread.join()
        assert watch.wait(20) == 0
        os.close(charger)
        os.close(port)


@pytest.mark.real
def test_without_a_battery_there_is_nothing_to_watch(elm: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "--data", str(elm), "power"], capture_output=True, text=True, check=True
    )
    assert "no battery to watch" in done.stdout
