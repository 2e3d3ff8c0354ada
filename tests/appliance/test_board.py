"""What the kernel tells about board and card, in files as they stand on a Raspberry Pi."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.board import Board, Card, Wifi, look

ARP = """IP address       HW type     Flags       HW address            Mask     Device
10.42.0.17       0x1         0x2         aa:bb:cc:dd:ee:01     *        wlan0
10.42.0.18       0x1         0x0         00:00:00:00:00:00     *        wlan0
10.42.0.19       0x1         0x2         aa:bb:cc:dd:ee:03     *        wlan0
192.168.1.1      0x1         0x2         aa:bb:cc:dd:ee:04     *        eth0
nonsense
10.42.0.20       0x1         0xzz        aa:bb:cc:dd:ee:05     *        wlan0
"""


@pytest.fixture
def pi(tmp_path: Path) -> Path:
    """The files of a Pi whose data lie on the third part of a card."""
    device = tmp_path.stat().st_dev
    write(tmp_path / "sys/class/thermal/thermal_zone0/temp", "48312\n")
    write(tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n")
    disk = tmp_path / "sys/devices/platform/mmc/block/mmcblk0"
    write(disk / "size", "62521344\n")
    write(disk / "mmcblk0p3/partition", "3\n")
    link(tmp_path / f"sys/dev/block/{os.major(device)}:{os.minor(device)}", disk / "mmcblk0p3")
    write(tmp_path / "sys/fs/ext4/mmcblk0p3/lifetime_write_kbytes", "1000000\n")
    write(tmp_path / "sys/fs/ext4/mmcblk0p3/errors_count", "0\n")
    write(tmp_path / "sys/class/net/wlan0/phy80211/name", "phy0\n")
    (tmp_path / "sys/bus/sdio/drivers/brcmfmac").mkdir(parents=True)
    link(tmp_path / "sys/class/net/wlan0/device/driver", tmp_path / "sys/bus/sdio/drivers/brcmfmac")
    write(tmp_path / "lib/firmware/cypress/cyfmac43455-sdio-standard.bin", "")
    write(tmp_path / "lib/firmware/cypress/cyfmac43455-sdio-minimal.bin", "")
    link(tmp_path / "lib/firmware/cypress/cyfmac43455-sdio.bin", "cyfmac43455-sdio-standard.bin")
    write(tmp_path / "proc/net/arp", ARP)
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="ascii")


def link(place: Path, to: Path | str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(to)


def test_a_pi_tells_all(pi: Path) -> None:
    assert look(pi, pi) == Board(48.312, 0x50000, Card(62521344 * 512, 1_024_000_000, 0), Wifi("wlan0", 2, 8, 19))


def test_the_minimal_firmware_serves_more(pi: Path) -> None:
    link(pi / "lib/firmware/cypress/cyfmac43455-sdio.bin", "cyfmac43455-sdio-minimal.bin")
    assert look(pi, pi).wifi == Wifi("wlan0", 2, 19)


def test_a_firmware_that_is_not_there_is_not_advised(pi: Path) -> None:
    """Debian has it for no chip, and Raspberry Pi for none but one."""
    for file in (pi / "lib/firmware/cypress").iterdir():
        file.unlink()
    assert look(pi, pi).wifi == Wifi("wlan0", 2, 8)


def test_another_chip_has_no_limit_that_we_know_of(pi: Path) -> None:
    (pi / "sys/bus/usb/drivers/mt76x2u").mkdir(parents=True)
    link(pi / "sys/class/net/wlan0/device/driver", pi / "sys/bus/usb/drivers/mt76x2u")
    assert look(pi, pi).wifi == Wifi("wlan0", 2, None)


def test_a_whole_disk_is_its_own_size(pi: Path) -> None:
    (pi / "sys/devices/platform/mmc/block/mmcblk0/mmcblk0p3/partition").unlink()
    write(pi / "sys/devices/platform/mmc/block/mmcblk0/mmcblk0p3/size", "1000\n")
    card = look(pi, pi).card
    assert card is not None
    assert card.size_bytes == 512_000


@pytest.mark.parametrize("content", ["", "warm\n", "\x00"])
def test_what_cannot_be_read_is_not_told(pi: Path, content: str) -> None:
    for file in ("sys/class/thermal/thermal_zone0/temp", "sys/fs/ext4/mmcblk0p3/lifetime_write_kbytes", "proc/net/arp"):
        write(pi / file, content)
    assert look(pi, pi) == Board(None, 0x50000, None, Wifi("wlan0", 0, 8, 19))


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    assert look(tmp_path, tmp_path / "nowhere") == Board(None, None, None, None)


def test_this_machine(tmp_path: Path) -> None:
    """Whatever it is, it is no surprise."""
    assert isinstance(look(tmp_path), Board)
