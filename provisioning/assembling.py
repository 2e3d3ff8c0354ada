"""A card as one file: the open part, the first of two slots for the system, and a small data partition that grows.

The second slot is made on the card itself, at its end (`systemd/grow-data`): what is empty need not be written and read back.
Neither a mount nor a loop device is needed: mtools fill FAT, mkfs.ext4 fills itself, sfdisk writes the table.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from appliance.updates import making
from appliance.updates.making import Contents
from provisioning import boot_files, number
from provisioning.running import run

MIB: Final = 1 << 20
PIECE: Final = 4 * MIB


class Part(NamedTuple):
    """One partition: its number in the table, how large it is, of which kind, and its label."""

    number: int
    size_mib: int
    kind: str
    label: str


OPEN: Final = Part(1, 256, "c", "HEDGEBOOT")
SLOT: Final = Part(2, 640, "83", "hedgerow-a")
DATA: Final = Part(4, 24, "83", "hedgerow-data")
PARTS: Final = (OPEN, SLOT, DATA)
START_MIB: Final = 4


def assemble(system: Path, image: Path, room: Path, update: Contents | None = None) -> Path:
    """Write `image` from the system in a directory, which loses its own copy of the open part. Raises `SettingsFault`.

    An `update` that brings the same is written beside it, unsigned; where its system and its files lie is seen to here.
    """
    fillings = (_open_part(system, room), _slot(system, room), blank_data(room))
    part = image.with_name(f"{image.name}.part")
    lay_table(part)
    if update:
        making.make(
            replace(update, system=fillings[1], boot=room / "boot"),
            image.with_name(f"hedgerow-{update.version}.update"),
        )
    at = START_MIB
    for one, filling in zip(PARTS, fillings, strict=True):
        _lay(filling, part, at * MIB)
        filling.unlink()
        at += one.size_mib
    part.replace(image)
    _sign(image)
    return image


def lay_table(image: Path, card: int = number.OF_IMAGES) -> None:
    """Make `image` a blank as large as a card's file, with the table of its partitions and its number. Raises `SettingsFault`."""
    with image.open("wb") as target:
        target.truncate((START_MIB + sum(one.size_mib for one in PARTS)) * MIB)
    run(["sfdisk", "--quiet", str(image)], "The table of partitions could not be written", _table(card))


def _table(card: int) -> str:
    lines = ["label: dos", f"label-id: {card:#010x}"]
    at = START_MIB
    for one in PARTS:
        place = f"start={at}MiB, size={one.size_mib}MiB, type={one.kind}"
        lines.append(f"card{one.number} : {place}{', bootable' if one is OPEN else ''}")
        at += one.size_mib
    return "\n".join(lines) + "\n"


def _open_part(system: Path, room: Path) -> Path:
    file = room / "open"
    blank_open_part(file)
    firmware = system / "boot/firmware"
    copy_into(file, sorted(firmware.iterdir()), "::")
    run(["mmd", "-i", str(file), "::hedgerow"], "The open part could not be filled")
    copy_into(file, sorted((system / "usr/share/hedgerow/open").iterdir()), "::hedgerow")
    if (firmware / boot_files.FIRST).exists():
        (firmware / boot_files.FIRST).rename(room / "boot")
    shutil.rmtree(firmware)
    firmware.mkdir()
    for left in [*system.glob("boot/vmlinuz-*"), *system.glob("boot/initrd.img-*")]:  # they lie on the open part
        left.unlink()
    return file


def blank_open_part(file: Path) -> None:
    """Make an open part with nothing in it. Raises `SettingsFault`."""
    _blank(file, OPEN.size_mib)
    serial = f"{number.OF_IMAGES:08x}"  # of the file system, which nothing of ours asks for
    run(["mkfs.vfat", "-F", "32", "-i", serial, "-n", OPEN.label, str(file)], "The open part could not be made")


def copy_into(file: Path, sources: Sequence[Path], to: str) -> None:
    """Copy files and folders into a folder of an open part. Raises `SettingsFault`."""
    if sources:
        words = ["mcopy", "-s", "-Q", "-i", str(file), *map(str, sources), to]
        run(words, "The open part could not be filled")


def _slot(system: Path, room: Path) -> Path:
    return _ext4(room / "slot", SLOT, ["-O", "^has_journal", "-d", str(system)])


def blank_data(room: Path) -> Path:
    """A small one that grows to any card: with the blocks of a large one, and room in its tables."""
    return _ext4(room / "data", DATA, ["-b", "4096", "-i", "16384", "-J", "size=8", "-E", "resize=64G"])


def _ext4(file: Path, part: Part, more: Sequence[str]) -> Path:
    """The numbers that are drawn otherwise follow from the name; the times of changes within still differ from build to build."""
    number = blake2b(part.label.encode(), digest_size=16).hexdigest()
    uuid = "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:]))
    words = ["mkfs.ext4", "-q", "-m", "0", "-L", part.label, "-U", uuid, "-E", f"hash_seed={uuid}", *more]
    run([*words, str(_blank(file, part.size_mib))], f"{part.label} could not be filled; is it larger than its place?")
    return file


def _blank(file: Path, size_mib: int) -> Path:
    with file.open("wb") as target:
        target.truncate(size_mib * MIB)
    return file


def _lay(filling: Path, image: Path, offset: int) -> None:
    """Copy a partition into its place; what is empty stays a hole."""
    with filling.open("rb") as source, image.open("r+b") as target:
        target.seek(offset)
        while piece := source.read(PIECE):
            if piece == bytes(len(piece)):
                target.seek(len(piece), 1)
            else:
                target.write(piece)


def _sign(image: Path) -> None:
    """Lay the fingerprint beside the image, which whoever writes a card compares (`b2sum -l 256`)."""
    whole = blake2b(digest_size=32)
    with image.open("rb") as file:
        while piece := file.read(PIECE):
            whole.update(piece)
    image.with_name(f"{image.name}.b2").write_text(f"{whole.hexdigest()}  {image.name}\n", encoding="ascii")


def keep_list(system: Path, image: Path) -> Path:
    """Lay the list of packages and licences beside the image."""
    return Path(shutil.copy(system / "usr/share/hedgerow/packages.tsv", image.with_name(f"{image.name}.packages.tsv")))
