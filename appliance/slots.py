"""A small file that is written often, in place: the card is spared, and a pulled plug spoils no more than what was being written.

    file := slot slot                                               each of 4,096 bytes, a block of the card's file system
    slot := check (16) ‖ turn (8, big-endian) ‖ length (2) ‖ content ‖ zeros      check: BLAKE2b-128 of turn, length and content

The next content goes into the slot that holds the older one. Neither the file's size nor its directory changes, so a write is
one block; a new file in the place of the old one costs the journal fifteen times that.
"""

from __future__ import annotations

import os
import threading
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from appliance import card

SIZE: Final = 4096
CHECK: Final = 16
TURN: Final = 8
HEAD: Final = CHECK + TURN + 2
CONTENT_MAX: Final = SIZE - HEAD


class Slot(NamedTuple):
    turn: int
    content: bytes


def newest(raw: bytes) -> bytes | None:
    """Return what was written last, whole; None where `raw` is no such file, or both slots are torn."""
    slots = [slot for slot in _slots(raw) if slot]
    return max(slots).content if slots else None


def read(path: Path) -> bytes:
    """Return the bytes of the file, for `newest`. Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(2 * SIZE)


def write(path: Path, content: bytes, *, is_forced: bool = False) -> None:
    """Put `content` in the place of what is older. Forced: it is on the card before this returns. Raises `OSError`.

    The first time, or where the file is of another kind, a new file takes its place, whole or not at all.
    """
    if len(content) > CONTENT_MAX:
        raise ValueError(f"{len(content)} bytes do not fit into a slot")
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        _begin(path, content, is_forced)
        return
    try:
        slots = _slots(os.pread(file, 2 * SIZE + 1, 0))
        if not any(slots):
            _begin(path, content, is_forced)
            return
        turns = [slot.turn if slot else -1 for slot in slots]
        os.pwrite(file, _encode(max(turns) + 1, content), turns.index(min(turns)) * SIZE)
        if is_forced:
            os.fdatasync(file)
    finally:
        os.close(file)


def _begin(path: Path, content: bytes, is_forced: bool) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.part")
    try:
        part.write_bytes(_encode(0, content) + bytes(SIZE))
        if is_forced:
            card.sync(part)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if is_forced:
        card.sync(path.parent)


def _encode(turn: int, content: bytes) -> bytes:
    said = turn.to_bytes(TURN) + len(content).to_bytes(2) + content
    return (_check(said) + said).ljust(SIZE, b"\0")


def _slots(raw: bytes) -> list[Slot | None]:
    if len(raw) != 2 * SIZE:
        return [None, None]
    return [_decode(raw[:SIZE]), _decode(raw[SIZE:])]


def _decode(slot: bytes) -> Slot | None:
    length = int.from_bytes(slot[HEAD - 2 : HEAD])
    said = slot[CHECK : HEAD + length]
    if length > CONTENT_MAX or slot[:CHECK] != _check(said):
        return None
    return Slot(int.from_bytes(said[:TURN]), said[TURN + 2 :])


def _check(said: bytes) -> bytes:
    return blake2b(said, digest_size=CHECK).digest()
