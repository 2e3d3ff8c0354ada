"""Every unit is sound and shut in, and a planted slip is found: systemd's own judges, which need no running systemd."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

UNITS: Final = Path(__file__).parents[2] / "systemd"
SERVICES: Final = tuple(sorted(path.name for path in UNITS.glob("*.service")))
EXPOSURE_MAX: Final = 2.5
HEDGEROW: Final = str(Path(sys.executable).with_name("hedgerow"))

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units, with the programs they start where these lie in this checkout."""
    copy = tmp_path_factory.mktemp("units")
    shutil.copytree(UNITS, copy, dirs_exist_ok=True)
    for service in copy.glob("*.service"):
        text = service.read_text(encoding="utf-8")
        text = text.replace("/usr/bin/hedgerow", HEDGEROW).replace("/usr/lib/hedgerow/", f"{UNITS}/")
        text = re.sub(r"/usr/sbin/(dnsmasq|hostapd)", "/bin/true", text)  # the card has them
        service.write_text(text, encoding="utf-8")
    return copy


def judged(units: Path, *words: str) -> subprocess.CompletedProcess[str]:
    place = os.environ | {"SYSTEMD_UNIT_PATH": f"{units}:", "SYSTEMD_COLORS": "0"}
    return subprocess.run(
        ["systemd-analyze", *words], env=place, capture_output=True, text=True, timeout=60, check=False
    )


def named(unit: str) -> str:
    return unit.replace("@.", "@sda1.")


def verified(units: Path) -> subprocess.CompletedProcess[str]:
    own = sorted(path.name for path in units.iterdir() if path.is_file() and path.name.startswith("hedgerow"))
    kinds = (".service", ".target", ".timer", ".path")
    return judged(units, "verify", "--man=no", *(named(unit) for unit in own if unit.endswith(kinds)))


def test_systemd_finds_nothing_to_say(units: Path) -> None:
    found = verified(units)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("file", "line", "slip"),
    [
        ("hedgerow-portal.service", "Restart=always", "Restrat=always"),
        ("hedgerow-gossip.service", "After=hedgerow-first-boot.service", "After=hedgerow-first-boot"),
        ("hedgerow-doctor.timer", "OnUnitActiveSec=1d", "OnUnitActiveSec=one day"),
    ],
)
def test_a_slip_is_found(units: Path, tmp_path: Path, file: str, line: str, slip: str) -> None:
    shutil.copytree(units, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert line in text
    (tmp_path / file).write_text(text.replace(line, slip), encoding="utf-8")
    assert verified(tmp_path).stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_shut_in(units: Path, service: str) -> None:
    found = judged(units, "security", "--offline=true", "--no-pager", named(service))
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", found.stdout)
    assert exposure, found.stdout + found.stderr
    print(f"{service}: {exposure[1]}")
    assert float(exposure[1]) <= EXPOSURE_MAX


def test_without_the_common_walls_a_service_stands_open(units: Path, tmp_path: Path) -> None:
    shutil.copytree(units, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "hedgerow-.service.d")
    found = judged(tmp_path, "security", "--offline=true", "--threshold=25", "hedgerow-portal.service")
    assert found.returncode != 0


def test_no_unit_waits_for_a_network_or_a_clock() -> None:
    waits = re.compile(r"^(After|Wants|Requires)=.*(network-online|time-sync|time-set)", re.MULTILINE)
    assert not [path.name for path in UNITS.iterdir() if path.is_file() and waits.search(path.read_text("utf-8"))]


def test_a_copy_with_the_key_in_it_is_allowed_on_the_card_and_nowhere_else() -> None:
    """Whoever plugs in a stick can neither write to the card's open part nor to the node's data."""
    lines = (UNITS / "hedgerow-backup.service").read_text(encoding="utf-8").splitlines()
    asked = [line.removeprefix("ConditionPathExists=") for line in lines if line.startswith("ConditionPathExists=")]
    assert "/boot/firmware/hedgerow/copies.txt" in asked
    assert all(not path.startswith("|") for path in asked), "one is not instead of another"


def test_the_users_and_places_are_made(tmp_path: Path) -> None:
    """systemd-sysusers and systemd-tmpfiles take our files, and make the user and the place."""
    for directory in ("usr/lib/sysusers.d", "usr/lib/tmpfiles.d", "etc", "var/lib"):
        (tmp_path / directory).mkdir(parents=True)
    groups = "g dialout 20\n"
    (tmp_path / "usr/lib/sysusers.d/basic.conf").write_text(groups, encoding="utf-8")
    shutil.copy(UNITS / "hedgerow.sysusers", tmp_path / "usr/lib/sysusers.d/hedgerow.conf")
    shutil.copy(UNITS / "hedgerow.tmpfiles", tmp_path / "usr/lib/tmpfiles.d/hedgerow.conf")
    for program in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        done = subprocess.run([*program, f"--root={tmp_path}"], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr.replace("Creating group", "")[:0]) == (0, ""), done.stderr
    assert re.search(r"^hedgerow:", (tmp_path / "etc/passwd").read_text(encoding="utf-8"), re.MULTILINE)
    members = re.search(r"^dialout:.*:hedgerow$", (tmp_path / "etc/group").read_text(encoding="utf-8"), re.MULTILINE)
    assert members
    assert (tmp_path / "var/lib/hedgerow").stat().st_mode & 0o777 == 0o700


@pytest.fixture
def clocks(tmp_path: Path) -> Path:
    """A tree in the place of /sys, with a clock that cannot wake anybody, and one that can."""
    for number in (0, 1):
        (tmp_path / f"sys/class/rtc/rtc{number}").mkdir(parents=True)
    (tmp_path / "sys/class/rtc/rtc1/wakealarm").write_text("", encoding="ascii")
    return tmp_path


def woken(root: Path, wish: str) -> tuple[str, str]:
    """Return what the alarm was set to, and what was said of it."""
    (root / "halt").write_text(wish, encoding="ascii")
    program = [str(UNITS / "wake-later"), str(root / "halt"), str(root)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=20, check=True)
    alarm = root / "sys/class/rtc/rtc1/wakealarm"
    return alarm.read_text(encoding="ascii") if alarm.exists() else "", done.stdout


def test_the_boards_clock_is_told_when_to_wake_it(clocks: Path) -> None:
    assert woken(clocks, "3600\n") == ("+3600\n", "The clock of rtc1 wakes this board in 3600 seconds.\n")


@pytest.mark.parametrize("wish", ["", "0\n", "-5\n", "soon\n", "12 34\n", "$(reboot)\n", "99999999\n"])
def test_a_wish_that_is_no_number_of_seconds_sets_no_alarm(clocks: Path, wish: str) -> None:
    assert woken(clocks, wish) == ("", "")


def test_a_board_without_a_clock_halts_all_the_same(tmp_path: Path) -> None:
    said = woken(tmp_path, "3600\n")
    assert said[0] == ""
    assert "No clock of this board" in said[1]
