"""The card that this node runs from: two slots for the system, and the open part, where one letter says which of them starts.

    config.txt      os_prefix=a/ or os_prefix=b/, in its first sector; read by the board's own starter at each start
    a/, b/          kernel, first memory disk, command line and device trees of each slot
    fallback.txt    while a system is on trial: config.txt as it is to be again (recipe/board, hedgerow-slot)

A letter is written over in place: one sector changes, and neither FAT's tables nor its folders do, so a pulled plug leaves
the one letter or the other.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.card import sync
from appliance.errors import Refused
from appliance.updates.flaws import Flaw

LETTERS: Final = "ab"
OPEN: Final = Path("/boot/firmware")
DEVICES: Final = Path("/sys/dev/block")
FIRST_SLOT: Final = 2  # of the partitions of a card; 1 is the open part
PREFIX: Final = re.compile(rb"^os_prefix=([ab])/\r?$", re.MULTILINE)
SECTOR: Final = 512
CONFIG_SIZE_MAX: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Card:
    """`open` is where the open part is mounted, `slots` are the two devices, and `running` is 0 or 1."""

    open: Path
    slots: tuple[Path, Path]
    running: int

    @property
    def other(self) -> int:
        return 1 - self.running

    @property
    def config(self) -> Path:
        return self.open / "config.txt"

    @property
    def fallback(self) -> Path:
        return self.open / "fallback.txt"

    def folder(self, slot: int) -> Path:
        """Where the starter finds kernel and command line of a slot."""
        return self.open / LETTERS[slot]

    def room(self, slot: int) -> int:
        """Return how many bytes a slot holds. Raises `Refused`."""
        try:
            with self.slots[slot].open("rb") as device:
                return device.seek(0, os.SEEK_END)
        except OSError as fault:
            raise Refused(Flaw.NOT_WRITTEN, reason=fault.strerror) from fault

    def pointed(self) -> int:
        """Return the slot that starts next. Raises `Refused` where config.txt does not say so."""
        return LETTERS.index(self._config()[1])

    def point(self, slot: int) -> None:
        """Let a slot start next, and see that the card has it. Raises `Refused`."""
        at, letter = self._config()
        if letter == LETTERS[slot]:
            return
        try:
            with self.config.open("r+b", buffering=0) as file:
                os.pwrite(file.fileno(), LETTERS[slot].encode(), at)
                os.fsync(file.fileno())
        except OSError as fault:
            raise Refused(Flaw.NOT_WRITTEN, reason=fault.strerror) from fault
        if self.pointed() != slot:
            raise Refused(Flaw.WRITTEN_WRONG)

    def set_fallback(self) -> None:
        """Lay down what config.txt is to be again. Raises `Refused`."""
        try:
            put(self.fallback, self.config.read_bytes())
        except OSError as fault:
            raise Refused(Flaw.NOT_WRITTEN, reason=fault.strerror) from fault

    def clear_fallback(self) -> None:
        """Forget it. Raises `Refused`."""
        try:
            if self.fallback.exists():
                self.fallback.unlink()
                sync(self.open)
        except OSError as fault:
            raise Refused(Flaw.NOT_WRITTEN, reason=fault.strerror) from fault

    def _config(self) -> tuple[int, str]:
        """Return where the letter stands, and which it is."""
        try:
            with self.config.open("rb") as file:
                raw = file.read(CONFIG_SIZE_MAX)
        except OSError as fault:
            raise Refused(Flaw.NOT_WRITTEN, reason=f"config.txt: {fault.strerror}") from fault
        found = list(PREFIX.finditer(raw))
        if len(found) != 1 or found[0].end(1) > SECTOR:
            raise Refused(Flaw.NOT_WRITTEN, reason="config.txt names no slot in one line near its beginning")
        return found[0].start(1), found[0][1].decode()


def find(root: Path = Path("/"), devices: Path = DEVICES, open_part: Path = OPEN) -> Card:
    """Return the card that the system at `root` was started from: by its device, never by a name that another card may bear.

    Raises `Refused` where that is no card of ours.
    """
    number = root.stat().st_dev
    part = (devices / f"{os.major(number)}:{os.minor(number)}").resolve()
    parts = {_text(path): path.parent.name for path in part.parent.glob("*/partition")}
    running = _text(part / "partition")
    names = [parts.get(str(FIRST_SLOT + slot), "") for slot in range(2)]
    if part.name not in names or not all(names) or not (open_part / "config.txt").is_file():
        raise Refused(Flaw.NO_CARD)
    return Card(open_part, (Path("/dev") / names[0], Path("/dev") / names[1]), int(running) - FIRST_SLOT)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def put(file: Path, content: bytes) -> None:
    """Write a file of the open part, whole or not at all. May raise `OSError`."""
    part = file.with_name(f"{file.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        done = 0
        while done < len(content):
            done += os.pwrite(handle, content[done : done + (1 << 20)], done)
        os.fsync(handle)
    finally:
        os.close(handle)
    part.replace(file)
    sync(file.parent)
