"""What a first start would do on every start, since a card's system cannot be written to: done once, when the image is built."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from provisioning import boot_files, number
from provisioning.parcel import RECIPE

# Started by their packages, but not wanted: another's access point, housekeeping of a system that is never written to.
UNWANTED: Final = (
    *("hostapd.service", "mosquitto.service", "bluetooth.service", "remote-fs.target", "e2scrub_reap.service"),
    *("dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer", "apt-daily.timer", "apt-daily-upgrade.timer"),
    *("getty@tty1.service", "systemd-networkd-wait-online.service", "systemd-pstore.service"),
)
OTHER_BOARDS: Final = "usr/lib/linux-image-*/[!b]*"  # device trees of all makers but Broadcom
BOARD_LINE: Final = (
    f"console=tty0 console=ttyS1,115200 root=PARTUUID={number.OF_IMAGES:08x}-02 ro rootwait"
    " fsck.repair=yes net.ifnames=0 cma=64M panic=10 quiet"
)


def settle(root: Path) -> None:
    """Leave out what is not wanted, and lay what would be missing."""
    _set_board(root)
    for unit in UNWANTED:
        for link in (root / "etc/systemd/system").glob(f"*.wants/{unit}"):
            link.unlink()
        mask = root / "etc/systemd/system" / unit
        mask.unlink(missing_ok=True)
        mask.symlink_to("/dev/null")
    (root / "etc/machine-id").write_bytes(
        b""
    )  # drawn anew at each start; "uninitialized" would make each one a first start
    dbus = root / "var/lib/dbus/machine-id"
    dbus.unlink(missing_ok=True)
    dbus.symlink_to("/etc/machine-id")
    for name in ("boot/firmware", "var/lib/hedgerow", "var/lib/mosquitto", "var/lib/misc"):
        (root / name).mkdir(parents=True, exist_ok=True)
    resolv = root / "etc/resolv.conf"
    resolv.unlink(missing_ok=True)
    resolv.symlink_to("/run/hedgerow-uplink/resolv.conf")  # whom a cable names, if there is one (systemd/lead-on)
    for left in ("var/lib/apt/lists/*", "var/cache/apt/*", "var/log/*", OTHER_BOARDS):
        for path in root.glob(left):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    _lay_example(root)


def _set_board(root: Path) -> None:
    """Tell the board's kernel where the system is, that it only reads it, and to start anew after a panic; names stay short.

    The system is found by the disk's number and the slot's, for both slots may bear one name.
    """
    line = root / "boot/firmware/cmdline.txt"
    if line.exists():
        line.write_text(BOARD_LINE + "\n", encoding="ascii")
    boot_files.lay_out(root / "boot/firmware")


def _lay_example(root: Path) -> None:
    """The open part of the next card begins as this one's: its example lies where the first boot looks."""
    folder = root / "usr/share/hedgerow/open"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(RECIPE / "EXAMPLE.yaml", folder / "EXAMPLE.yaml")
