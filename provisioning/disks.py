"""The disks of this machine, and which of them may be written to. Everything here only reads.

A disk that anything uses is refused, whatever is said; so is one that does not come out by hand, and one on which this machine
runs. A very large one is refused unless its model is typed: it is more likely somebody's photographs than a card.
Sources: sysfs-block(5) of the kernel's ABI documents, proc_pid_mountinfo(5), udev's database of labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import unique
from pathlib import Path
from typing import Final

from appliance.errors import Answer, Refused

SECTOR: Final = 512  # the unit of /sys/block/*/size, whatever the disk says of itself
LARGE_BYTES: Final = 130 * 10**9
NO_DISKS: Final = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|drbd|rbd)\d")
OF_THE_SYSTEM: Final = frozenset(
    ("/", "/boot", "/boot/efi", "/boot/firmware", "/usr", "/var", "/home", "/var/lib/hedgerow")
)
ESCAPED: Final = re.compile(r"\\([0-7]{3})")


@unique
class Danger(Answer):
    """Why a disk is not written to, in order of precedence."""

    NOT_THERE = "There is no disk called {disk} now. Put the card in, and look again with: hedgerow provision disks"
    EMPTY = "{disk} holds no card. Put one in."
    SYSTEM = "{disk} ({model}, {size}) is the disk this computer runs from. It is never written to."
    MOUNTED = (
        "{disk} ({model}, {size}) is in use at {places}. Eject it in the file browser, leave it in, and try again."
    )
    IN_USE = "{disk} ({model}, {size}) is in use by {places}. It is never written to while that lasts."
    FIXED = "{disk} ({model}, {size}) is built in, or a hard disk. Only cards and sticks are written to."
    READ_ONLY = "{disk} ({model}, {size}) only reads. Move the little lock on the card's side, or try another card."
    TOO_SMALL = "{disk} ({model}, {size}) is too small: the image takes {needed}."
    TOO_LARGE = (
        "{disk} ({model}, {size}) is larger than cards usually are. If it is the right one, add: --model '{model}'"
    )
    OTHER_MODEL = "{disk} is called {model}, not {typed}. Nothing was written."
    CHANGED = "{disk} is not the disk that it was a moment ago. Nothing was written; begin again."
    SEVERAL = "Several disks came at the same time: {places}. Take all but one out, and begin again."
    NONE_CAME = "No card came within {seconds} seconds. Nothing was written."


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk. `turn` grows each time another medium is put into its slot (diskseq)."""

    name: str
    device: Path
    number: str
    turn: str
    size_bytes: int
    model: str
    bus: str
    comes_out: bool
    only_reads: bool
    volumes: tuple[str, ...]
    mounted: tuple[str, ...]
    used_by: tuple[str, ...]

    @property
    def size(self) -> str:
        return human(self.size_bytes)

    @property
    def in_words(self) -> str:
        """One line for the keeper's eye: what it is, how large, and the names of what is on it."""
        names = ", ".join(f"“{name}”" for name in self.volumes) or "no named volumes"
        return f"{self.name}: {self.model}, {self.size}, {names}"

    @property
    def is_of_the_system(self) -> bool:
        return bool(OF_THE_SYSTEM & set(self.mounted))


def human(size: int) -> str:
    """Return a size as it is printed on cards, in powers of ten."""
    return f"{size / 10**9:.1f} GB" if size >= 10**9 else f"{size / 10**6:.0f} MB"


def disks(root: Path = Path("/")) -> list[Disk]:
    """Return every disk of the machine whose /sys, /proc, /run and /dev lie below `root`, those without a medium too."""
    blocks = root / "sys/block"
    mounts, swaps = _mounts(root), _swaps(root)
    found = sorted(blocks.iterdir()) if blocks.is_dir() else []
    return [_disk(root, block, mounts, swaps) for block in found if not NO_DISKS.match(block.name)]


def judge(disk: Disk, needed_bytes: int, typed_model: str = "") -> None:
    """Raises `Refused` with the first danger there is."""
    named = {"disk": disk.name, "model": disk.model, "size": disk.size}
    if not disk.size_bytes:
        raise Refused(Danger.EMPTY, **named)
    if disk.is_of_the_system:
        raise Refused(Danger.SYSTEM, **named)
    if disk.mounted:
        raise Refused(Danger.MOUNTED, places=", ".join(disk.mounted), **named)
    if disk.used_by:
        raise Refused(Danger.IN_USE, places=", ".join(disk.used_by), **named)
    if not disk.comes_out:
        raise Refused(Danger.FIXED, **named)
    if disk.only_reads:
        raise Refused(Danger.READ_ONLY, **named)
    if disk.size_bytes < needed_bytes:
        raise Refused(Danger.TOO_SMALL, needed=human(needed_bytes), **named)
    if typed_model and typed_model != disk.model:
        raise Refused(Danger.OTHER_MODEL, typed=typed_model, **named)
    if disk.size_bytes > LARGE_BYTES and not typed_model:
        raise Refused(Danger.TOO_LARGE, **named)


def named(name: str, root: Path = Path("/")) -> Disk:
    """Return the disk called `name`, such as sdb or /dev/sdb. Raises `Refused` where there is none."""
    wanted = name.removeprefix("/dev/")
    found = next((disk for disk in disks(root) if disk.name == wanted), None)
    if found is None:
        raise Refused(Danger.NOT_THERE, disk=name[:64])
    return found


def arrived(before: Iterable[Disk], now: Iterable[Disk]) -> Disk | None:
    """Return the one disk with a medium that was not there before. Raises `Refused` where several came."""
    known = {(disk.name, disk.turn, disk.size_bytes) for disk in before}
    fresh = [disk for disk in now if disk.size_bytes and (disk.name, disk.turn, disk.size_bytes) not in known]
    if len(fresh) > 1:
        raise Refused(Danger.SEVERAL, places="; ".join(disk.in_words for disk in fresh))
    return fresh[0] if fresh else None


def is_the_same(one: Disk, other: Disk) -> bool:
    """Whether this is still the medium that the keeper said yes to."""
    return (one.name, one.number, one.turn, one.size_bytes, one.model) == (
        other.name,
        other.number,
        other.turn,
        other.size_bytes,
        other.model,
    )


def _disk(root: Path, block: Path, mounts: dict[str, list[str]], swaps: dict[str, str]) -> Disk:
    parts = sorted(part.parent for part in block.glob("*/partition"))
    places = [block, *parts]
    above = [holder for place in places for holder in _holders(root, place)]
    everything = {name for place in (*places, *above) for name in (_text(place / "dev"), f"/dev/{place.name}")}
    device = block / "device"
    model = " ".join(filter(None, (_text(device / "vendor"), _text(device / "model") or _text(device / "name"))))
    bus = _bus(block)
    return Disk(
        name=block.name,
        device=root / "dev" / block.name,
        number=_text(block / "dev"),
        turn=_text(block / "diskseq"),
        size_bytes=_number(block / "size") * SECTOR,
        model=model or "unknown model",
        bus=bus,
        comes_out=_text(block / "removable") == "1" or (bus == "mmc" and _text(device / "type") == "SD"),
        only_reads=_text(block / "ro") != "0",
        volumes=tuple(filter(None, (_label(root, _text(place / "dev")) for place in places))),
        mounted=tuple(sorted({place for name in everything for place in mounts.get(name, ())})),
        used_by=tuple(sorted({*(holder.name for holder in above), *(swaps[n] for n in everything if n in swaps)})),
    )


def _holders(root: Path, place: Path) -> Iterator[Path]:
    """Yield what stands on a disk or partition: crypt, LVM, RAID, and what stands on those."""
    folder = place / "holders"
    for holder in sorted(folder.iterdir()) if folder.is_dir() else ():
        above = root / "sys/block" / holder.name
        yield above
        yield from _holders(root, above)


def _bus(block: Path) -> str:
    """Tell how a disk is joined to the machine, by the path of the device it belongs to."""
    way = block.resolve().as_posix()
    return next((bus for bus in ("usb", "mmc", "nvme", "ata", "virtio") if f"/{bus}" in way), "")


def _mounts(root: Path) -> dict[str, list[str]]:
    """Map device numbers and device names to where they are mounted. Some file systems tell only one of the two."""
    found: dict[str, list[str]] = {}
    for line in _text(root / "proc/self/mountinfo").splitlines():
        fields, _, rest = line.partition(" - ")
        words, more = fields.split(" "), rest.split(" ")
        if len(words) < 5 or len(more) < 2:
            continue
        for name in (words[2], more[1]):
            found.setdefault(name, []).append(_plain(words[4]))
    return found


def _swaps(root: Path) -> dict[str, str]:
    lines = _text(root / "proc/swaps").splitlines()[1:]
    return {_plain(line.split()[0]): "swapped memory" for line in lines if line.split()}


def _label(root: Path, number: str) -> str:
    """Return the name of the volume on a disk or partition, as udev read it. Names are a stranger's words."""
    found = re.search(r"^E:ID_FS_LABEL=(.+)$", _text(root / f"run/udev/data/b{number}"), re.MULTILINE)
    return "".join(sign for sign in found[1] if sign.isprintable())[:32] if found else ""


def _plain(escaped: str) -> str:
    return ESCAPED.sub(lambda found: chr(int(found[1], 8)), escaped)


def _number(file: Path) -> int:
    text = _text(file)
    return int(text) if text.isdecimal() else 0


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
