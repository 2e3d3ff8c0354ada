"""The exchange with a stick: what it brings is taken in, and what this node holds goes along to the next.

One folder on the stick, one file in it for each node that was visited, and a page of words for whoever opens the stick on a
laptop. A stick that is pulled out too early loses nothing: what was read up to then is kept, and the file that was there before
is replaced only by a whole one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from appliance.card import sync
from appliance.errors import Refused, StoreFault
from appliance.node import Node

FOLDER: Final = "hedgerow"
ENDING: Final = ".hedge"
WORDS: Final = "what-happened.txt"
BUNDLES_MAX: Final = 64  # of other nodes, on one stick
ROOM_LEFT_BYTES: Final = 8 << 20
FILE_BYTES_MAX: Final = (4 << 30) - 1  # of FAT32


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came and what goes. `unreadable` names files that were no bundles, or not to their end."""

    read: int
    records: int
    files: int
    unreadable: tuple[str, ...]
    written_bytes: int

    @property
    def in_words(self) -> str:
        """For the keeper and the courier."""
        damaged = f" Not readable to the end: {', '.join(self.unreadable)}." if self.unreadable else ""
        came = f"{self.read} bundles were read: {self.records} new entries, {self.files} files."
        goes = f"{self.written_bytes} bytes go along to the next node. The stick may be pulled out."
        return f"{came}{damaged} {goes}"


def exchange(node: Node, stick: Path) -> Exchange:
    """Take in all bundles on the stick that is mounted at `stick`, then write our own. Raises `StoreFault`, `Refused`."""
    ours = stick / FOLDER / f"{node.id[:12]}{ENDING}"
    read, records, files, unreadable = 0, 0, 0, []
    for bundle in _bundles(stick):
        if bundle == ours:
            continue
        try:
            with _opened(bundle) as source:
                taken = node.import_bundle(source)
        except (OSError, Refused):
            unreadable.append(bundle.name)
            continue
        read, records, files = read + 1, records + taken.records, files + taken.blobs
        unreadable += [bundle.name] if taken.torn else []
    done = Exchange(read, records, files, tuple(unreadable), _write(node, ours))
    _tell(ours.with_name(WORDS), f"{node.name}: {done.in_words}\r\n")
    return done


def _bundles(stick: Path) -> Iterator[Path]:
    """Yield what looks like a bundle, in the folder and beside it: only so many, and never by a link."""
    try:
        places = [place for place in (stick, stick / FOLDER) if not place.is_symlink()]
        found = [path for place in places for path in place.glob(f"*{ENDING}")]
    except OSError as fault:
        raise StoreFault(f"The stick cannot be read: {fault.strerror}. Try another one.") from fault
    yield from sorted(found)[:BUNDLES_MAX]


def _opened(file: Path) -> BinaryIO:
    """Open a stranger's file. Raises `OSError` where it is anything but a file."""
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(file)
    return os.fdopen(handle, "rb")


def _write(node: Node, ours: Path) -> int:
    part = ours.with_suffix(".part")
    try:
        ours.parent.mkdir(exist_ok=True)
        if ours.parent.is_symlink():
            raise StoreFault(f"On the stick, {FOLDER} is no folder but a link. Remove it, or take another stick.")
        part.unlink(missing_ok=True)
        place = os.statvfs(ours.parent)
        room = place.f_bavail * place.f_frsize - ROOM_LEFT_BYTES
        if room < ROOM_LEFT_BYTES:
            raise StoreFault("The stick is full, so nothing of this node is on it. What it brought was taken in.")
        with part.open("xb") as target:
            node.export_bundle(target, None, min(room, FILE_BYTES_MAX))
            target.flush()
            os.fsync(target.fileno())
        part.replace(ours)
        sync(ours.parent)
        return ours.stat().st_size
    except OSError as fault:
        raise StoreFault(
            f"The stick cannot be written: {fault.strerror}. What it brought was taken in; try another."
        ) from fault


def _tell(file: Path, words: str) -> None:
    part = file.with_suffix(".part")
    try:
        part.unlink(missing_ok=True)  # a stranger's stick may have laid a link there, to a file of this node
        with part.open("x", encoding="utf-8", newline="") as page:
            page.write(words)
        sync(part)
        part.replace(file)
        sync(file.parent)
    except OSError as fault:
        raise StoreFault(f"The stick cannot be written any more: {fault.strerror}. Try another.") from fault
