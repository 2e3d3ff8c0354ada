"""Every dangerous disk is refused for its danger, and the right card is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.errors import Refused
from provisioning.disks import Danger, arrived, disks, is_the_same, judge, named
from tests.provisioning.machine import ATA, GB, MMC, NVME, USB, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def danger(machine: Machine, name: str, model: str = "", needed: int = GB) -> Danger | None:
    try:
        judge(named(name, machine.root), needed, model)
    except Refused as refused:
        refusal = refused
    else:
        return None
    assert "{" not in str(refusal)
    assert isinstance(refusal.verdict, Danger)
    return refusal.verdict


def the_disk_we_run_from(machine: Machine) -> None:
    machine.disk("sdb", 500 * GB, USB)
    machine.mount(machine.part("sdb", "sdb2"), "/")


def the_card_a_node_runs_from(machine: Machine) -> None:
    machine.disk("sdb", 32 * GB, MMC, type="SD")
    machine.mount(machine.part("sdb", "sdb3"), "/var/lib/hedgerow")


def a_mounted_stick(machine: Machine) -> None:
    machine.disk("sdb", 32 * GB, USB)
    machine.mount(machine.part("sdb", "sdb1"), "/media/ana/HOLIDAY\\040PHOTOS")


def a_mounted_whole_stick(machine: Machine) -> None:
    machine.disk("sdb", 32 * GB, USB)
    machine.mount("8:16", "/mnt")


def a_stick_mounted_by_name_only(machine: Machine) -> None:
    """As btrfs does, whose device number in the table is no disk's."""
    machine.disk("sdb", 32 * GB, USB)
    machine.part("sdb", "sdb1")
    machine.mount("0:45", "/media/b", "/dev/sdb1")


def a_locked_stick_that_was_opened(machine: Machine) -> None:
    machine.disk("sdb", 32 * GB, USB)
    machine.part("sdb", "sdb1")
    machine.hold("sdb/sdb1", "dm-0")


def a_system_behind_a_lock(machine: Machine) -> None:
    machine.disk("sdb", 32 * GB, USB)
    machine.part("sdb", "sdb1")
    machine.hold("sdb/sdb1", "dm-0")
    machine.hold("dm-0", "dm-1")
    machine.mount((machine.root / "sys/block/dm-1/dev").read_text(encoding="utf-8").strip(), "/home")


def a_stick_that_is_swapped_on(machine: Machine) -> None:
    machine.disk("sdb", 32 * GB, USB)
    machine.part("sdb", "sdb1")
    table = machine.root / "proc/swaps"
    table.write_text(table.read_text(encoding="utf-8") + "/dev/sdb1 partition 1000 0 -2\n", encoding="utf-8")


def an_inner_disk(machine: Machine) -> None:
    machine.disk("sdb", 500 * GB, NVME, removable="0")


def an_unused_inner_disk_as_small_as_a_card(machine: Machine) -> None:
    machine.disk("sdb", 32 * GB, ATA, removable="0")


def an_inner_chip(machine: Machine) -> None:
    machine.disk("sdb", 32 * GB, MMC, removable="0", type="MMC")


def a_hard_disk_in_a_usb_case(machine: Machine) -> None:
    machine.disk("sdb", 2000 * GB, USB, removable="0", model="My Passport")


def a_card_with_its_lock_on(machine: Machine) -> None:
    machine.disk("sdb", 32 * GB, USB, ro="1")


def an_empty_reader(machine: Machine) -> None:
    machine.disk("sdb", 0, USB)


def a_card_too_small(machine: Machine) -> None:
    machine.disk("sdb", GB // 2, USB)


def a_very_large_stick(machine: Machine) -> None:
    machine.disk("sdb", 512 * GB, USB)


def nothing(machine: Machine) -> None:
    machine.disk("sda", 32 * GB, USB)


DANGERS = (
    (the_disk_we_run_from, Danger.SYSTEM),
    (the_card_a_node_runs_from, Danger.SYSTEM),
    (a_system_behind_a_lock, Danger.SYSTEM),
    (a_mounted_stick, Danger.MOUNTED),
    (a_mounted_whole_stick, Danger.MOUNTED),
    (a_stick_mounted_by_name_only, Danger.MOUNTED),
    (a_locked_stick_that_was_opened, Danger.IN_USE),
    (a_stick_that_is_swapped_on, Danger.IN_USE),
    (an_inner_disk, Danger.FIXED),
    (an_unused_inner_disk_as_small_as_a_card, Danger.FIXED),
    (an_inner_chip, Danger.FIXED),
    (a_hard_disk_in_a_usb_case, Danger.FIXED),
    (a_card_with_its_lock_on, Danger.READ_ONLY),
    (an_empty_reader, Danger.EMPTY),
    (a_card_too_small, Danger.TOO_SMALL),
    (a_very_large_stick, Danger.TOO_LARGE),
    (nothing, Danger.NOT_THERE),
)


@pytest.mark.parametrize(("build", "expected"), DANGERS, ids=[build.__name__ for build, _ in DANGERS])
def test_a_dangerous_disk_is_refused(machine: Machine, build: Callable[[Machine], None], expected: Danger) -> None:
    build(machine)
    assert danger(machine, "sdb") is expected


@pytest.mark.parametrize(("build", "expected"), DANGERS, ids=[build.__name__ for build, _ in DANGERS])
def test_a_typed_model_opens_only_what_is_merely_large(
    machine: Machine, build: Callable[[Machine], None], expected: Danger
) -> None:
    build(machine)
    model = next((disk.model for disk in disks(machine.root) if disk.name == "sdb"), "SanDisk Ultra")
    assert danger(machine, "sdb", model) is (None if expected is Danger.TOO_LARGE else expected)


@pytest.mark.parametrize("way", [USB, MMC])
def test_a_card_is_taken(machine: Machine, way: str) -> None:
    machine.disk("sdb", 32 * GB, way, removable="0" if way == MMC else "1", type="SD")
    machine.part("sdb", "sdb1", "OLD")
    assert danger(machine, "sdb") is None
    assert danger(machine, "/dev/sdb") is None
    assert danger(machine, "sdb", "Extreme") is Danger.OTHER_MODEL


def test_a_keeper_sees_what_a_disk_is(machine: Machine) -> None:
    machine.disk("sdb", 32 * GB, USB)
    machine.part("sdb", "sdb1", "HOLIDAY\x1b[2J")
    machine.part("sdb", "sdb2")
    assert named("sdb", machine.root).in_words == "sdb: SanDisk Ultra, 32.0 GB, “HOLIDAY[2J”"


def test_loops_and_memory_are_no_disks(machine: Machine) -> None:
    for name in ("loop0", "ram1", "zram0", "sr0", "dm-3", "md127"):
        machine.write(f"sys/block/{name}/size", "1000\n")
    machine.disk("sdb", 32 * GB, USB)
    assert [disk.name for disk in disks(machine.root)] == ["sdb"]


class TestPuttingInNow:
    def test_the_new_one_is_found_and_the_old_ones_never(self, machine: Machine) -> None:
        machine.disk("sda", 500 * GB, ATA, removable="0")
        machine.disk("sdb", 32 * GB, USB)
        before = disks(machine.root)
        assert arrived(before, before) is None
        machine.disk("sdc", 64 * GB, f"{USB}/other")
        found = arrived(before, disks(machine.root))
        assert found
        assert found.name == "sdc"

    def test_a_card_put_into_a_reader_that_was_there_is_new(self, machine: Machine) -> None:
        machine.disk("sdb", 0, USB)
        before = disks(machine.root)
        (machine.root / "sys/block/sdb/size").write_text("62500000\n", encoding="utf-8")
        found = arrived(before, disks(machine.root))
        assert found
        assert found.name == "sdb"

    def test_two_at_once_are_refused(self, machine: Machine) -> None:
        machine.disk("sdb", 32 * GB, USB)
        machine.disk("sdc", 64 * GB, f"{USB}/other")
        with pytest.raises(Refused, match="Several disks came"):
            arrived([], disks(machine.root))

    def test_another_card_in_the_same_slot_is_not_the_same(self, machine: Machine) -> None:
        machine.disk("sdb", 32 * GB, USB)
        before = named("sdb", machine.root)
        assert is_the_same(before, named("sdb", machine.root))
        (machine.root / "sys/block/sdb/diskseq").write_text("77\n", encoding="utf-8")
        assert not is_the_same(before, named("sdb", machine.root))
