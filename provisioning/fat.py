"""The part of an image that any laptop reads: found in its table of partitions, taken out, and furnished with a node's seed.

FAT is written by mtools, which need neither root nor a mount.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from appliance.errors import Refused, SettingsFault
from provisioning.writing import Flaw

SECTOR: Final = 512
TABLE: Final = 446  # of a master boot record: four entries of 16 bytes, then 55 AA
FAT_KINDS: Final = frozenset((0x0B, 0x0C, 0x0E))
FOLDER: Final = "hedgerow"
PIECE: Final = 1 << 20


class Place(NamedTuple):
    """Where a partition lies in an image, in bytes."""

    offset: int
    size: int


def fat_partition(image: Path) -> Place:
    """Return where the first FAT partition of `image` lies. Raises `Refused` where it has none."""
    with image.open("rb") as file:
        record = file.read(SECTOR)
    if len(record) == SECTOR and record[510:] == b"\x55\xaa":
        for entry in range(TABLE, TABLE + 64, 16):
            kind, first, count = record[entry + 4], *struct.unpack_from("<II", record, entry + 8)
            place = Place(first * SECTOR, count * SECTOR)
            if kind in FAT_KINDS and sum(place) <= image.stat().st_size:
                return place
    raise Refused(Flaw.UNREADABLE_IMAGE, image=image.name, reason="it has no part that a laptop can read")


def furnished(image: Path, place: Place, files: Sequence[Path], into: Path) -> Path:
    """Write the FAT partition of `image` to the file `into`, with `files` in its folder `hedgerow`. Raises `SettingsFault`."""
    if not shutil.which("mcopy"):
        raise SettingsFault("The program mcopy is missing. Install the package mtools, then try again.")
    with image.open("rb") as source, into.open("wb") as target:
        source.seek(place.offset)
        left = place.size
        while left and (piece := source.read(min(PIECE, left))):
            target.write(piece)
            left -= len(piece)
    _mtools("mmd", "-D", "s", "-i", into, f"::{FOLDER}", may_fail=True)  # it is there in an image of ours
    for file in files:
        put(into, file, f"{FOLDER}/{file.name}")
    return into


def read(open_part: Path, name: str) -> bytes:
    """Return a file of a FAT partition that lies in a file; nothing where there is none."""
    return _mtools("mtype", "-i", open_part, f"::{name}", may_fail=True)


def put(open_part: Path, file: Path, name: str) -> None:
    """Lay a file into a FAT partition, over the one that may be there. Raises `SettingsFault`."""
    _mtools("mcopy", "-o", "-m", "-i", open_part, file, f"::{name}")


def _mtools(*words: str | Path, may_fail: bool = False) -> bytes:
    known = {"PATH": os.environ.get("PATH", ""), "MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [str(word) for word in words], env=known, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode and not may_fail:
        why = done.stderr.decode(errors="replace").strip()[:200]
        raise SettingsFault(f"The card's first part could not be furnished: {why}")
    return done.stdout
