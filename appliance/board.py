"""What board and card tell about themselves, read from the kernel's files. What is not told there is None, and not guessed."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SECTOR: Final = 512
IS_LOW: Final = 1 << 0  # the supply is too low now
WAS_LOW: Final = 1 << 16  # it was since the start
COMPLETE: Final = 0x2  # a phone in the table of addresses that answered (ATF_COM of linux/if_arp.h)
# The WiFi firmware of a Raspberry Pi holds the phones it serves in its own small memory.
FULLMAC: Final = "brcmfmac"
PHONES_STOCK: Final = 8
PHONES_MINIMAL: Final = 19


@dataclass(frozen=True, slots=True)
class Card:
    """Where the data lie: how large that disk is, what was ever written to the file system, how many faults it noted."""

    size_bytes: int
    written_bytes: int
    faults: int


@dataclass(frozen=True, slots=True)
class Wifi:
    """`phones_max`: how many the firmware serves at once, None where it sets no limit that we know of. `other_max`: how many
    another firmware serves that lies on this system, None where there is none: only Raspberry Pi has one, for one chip.
    """

    interface: str
    phones: int
    phones_max: int | None
    other_max: int | None = None


@dataclass(frozen=True, slots=True)
class Board:
    temperature_c: float | None
    supply: int | None  # the bits that a Raspberry Pi's firmware tells of its supply
    card: Card | None
    wifi: Wifi | None


def look(data: Path, root: Path = Path("/")) -> Board:
    """Return what is told of the board under `root`, and of the disk on which `data` lies."""
    return Board(_temperature(root), _supply(root), _card(data.stat().st_dev, root), _wifi(root))


def _temperature(root: Path) -> float | None:
    told = [
        value for zone in root.glob("sys/class/thermal/thermal_zone*") if (value := _number(zone / "temp")) is not None
    ]
    return max(told) / 1000 if told else None


def _supply(root: Path) -> int | None:
    told = next(root.glob("sys/devices/platform/soc/soc:firmware/get_throttled"), None)
    return _number(told, 16) if told else None


def _card(device: int, root: Path) -> Card | None:
    part = root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    with suppress(OSError):
        place = part.resolve(strict=True)
        disk = place.parent if (place / "partition").exists() else place
        told = root / "sys/fs/ext4" / place.name
        size, written = _number(disk / "size"), _number(told / "lifetime_write_kbytes")
        if size is not None and written is not None:
            return Card(size * SECTOR, written * 1024, _number(told / "errors_count") or 0)
    return None


def _wifi(root: Path) -> Wifi | None:
    place = next((one.parent for one in sorted(root.glob("sys/class/net/*/phy80211"))), None)
    if place is None:
        return None
    driver = place / "device/driver"
    has_limit = driver.exists() and driver.resolve().name == FULLMAC
    phones = _phones(place.name, root)
    if not has_limit:
        return Wifi(place.name, phones, None)
    if _is_minimal(root):
        return Wifi(place.name, phones, PHONES_MINIMAL)
    lies_there = any(root.glob("lib/firmware/cypress/cyfmac*-sdio-minimal.bin"))
    return Wifi(place.name, phones, PHONES_STOCK, PHONES_MINIMAL if lies_there else None)


def _is_minimal(root: Path) -> bool:
    """Whether the firmware that leaves out what an access point does not need was chosen (update-alternatives(1))."""
    chosen = root.glob("lib/firmware/cypress/cyfmac*-sdio.bin")
    return any("minimal" in os.path.realpath(file) for file in chosen)


def _phones(interface: str, root: Path) -> int:
    """Return how many answered on this interface lately. Whose addresses they are is of no interest."""
    try:
        lines = (root / "proc/net/arp").read_text(encoding="ascii", errors="replace").splitlines()[1:]
    except OSError:
        return 0
    rows = (line.split() for line in lines)
    return sum(
        len(row) == 6 and row[5] == interface and row[2].startswith("0x") and _is_complete(row[2]) for row in rows
    )


def _is_complete(flags: str) -> bool:
    with suppress(ValueError):
        return bool(int(flags, 16) & COMPLETE)
    return False


def _number(file: Path, base: int = 10) -> int | None:
    try:
        return int(file.read_text(encoding="ascii").strip(), base)
    except (OSError, ValueError):
        return None
