"""What the packages lay into the open part is sorted for two systems; an update is made from the same files."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from appliance.errors import SettingsFault
from appliance.updates.making import Contents
from appliance.updates.slots import Card
from appliance.updates.update_file import UpdateFile
from provisioning import assembling, boot_files
from provisioning.assembling import PARTS, assemble
from provisioning.settling import BOARD_LINE
from tests.provisioning.test_assembling import small_system


def firmware(place: Path) -> Path:
    """Lay down what Debian's raspi-firmware does."""
    (place / "overlays").mkdir(parents=True)
    for name in (
        "vmlinuz-6.12.9-arm64",
        "initrd.img-6.12.9-arm64",
        "bcm2837-rpi-3-b.dtb",
        "start4.elf",
        "bootcode.bin",
    ):
        (place / name).write_text(name, encoding="ascii")
    (place / "overlays/vc4.dtbo").write_text("dt", encoding="ascii")
    (place / "cmdline.txt").write_text(BOARD_LINE, encoding="ascii")
    (place / "config.txt").write_text("arm_64bit=1\nkernel=vmlinuz-6.12.9-arm64\n", encoding="ascii")
    return place


def test_each_system_has_a_folder_and_the_starter_stays(tmp_path: Path) -> None:
    place = firmware(tmp_path / "open")
    boot_files.lay_out(place)
    boot_files.lay_out(place)
    assert sorted(path.name for path in place.iterdir()) == ["a", "bootcode.bin", "config.txt", "start4.elf"]
    assert sorted(path.name for path in (place / "a").iterdir()) == [
        *("bcm2837-rpi-3-b.dtb", "cmdline.txt", "initrd.img", "overlays", "vmlinuz"),
    ]
    card = Card(place, (tmp_path / "a", tmp_path / "b"), 0)
    assert card.pointed() == 0
    before = (place / "config.txt").read_bytes()
    card.point(1)
    assert (place / "config.txt").read_bytes() == before.replace(b"os_prefix=a/", b"os_prefix=b/")
    assert len(before) < 512, "one sector"
    assert all(len(line) <= 98 for line in before.splitlines() if not line.startswith(b"#"))


def test_a_base_without_a_kernel_is_told_of(tmp_path: Path) -> None:
    place = firmware(tmp_path / "open")
    (place / "vmlinuz-6.12.9-arm64").unlink()
    with pytest.raises(SettingsFault, match="no vmlinuz"):
        boot_files.lay_out(place)


@pytest.mark.real
def test_an_update_is_made_beside_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tuple(part._replace(size_mib=size) for part, size in zip(PARTS, (40, 8, 24), strict=True))
    for name, part in zip(("PARTS", "OPEN", "SLOT", "DATA"), (small, *small), strict=True):
        monkeypatch.setattr(assembling, name, part)
    system = small_system(tmp_path / "system")
    (system / "boot/firmware/config.txt").unlink()
    (system / "boot/firmware/overlays/vc4.dtbo").unlink()
    (system / "boot/firmware/overlays").rmdir()
    (system / "boot/firmware").rmdir()
    boot_files.lay_out(firmware(system / "boot/firmware"))
    assemble(system, tmp_path / "hedgerow.img", tmp_path, Contents("9.1", "arm64", 3, system, system))
    with closing(UpdateFile(tmp_path / "hedgerow-9.1.update")) as update:
        update.check_whole()
        assert update.top.header.system.size == 8 << 20
        assert [part.name for part in update.top.header.boot_files] == [
            *("bcm2837-rpi-3-b.dtb", "cmdline.txt", "initrd.img", "overlays/vc4.dtbo", "vmlinuz"),
        ]
