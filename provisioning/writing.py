"""An image written to a card: what is there already is left, every byte is read back, and the beginning is written last.

A card without its beginning starts no computer, so one that was cut off or found wrong cannot be taken for a good one. Written
again, it goes on where it stopped: what already lies there right is not written twice, which also spares the card.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, unique
from hashlib import blake2b
from pathlib import Path
from stat import S_ISBLK
from typing import Final, NamedTuple

from appliance.errors import Answer, Refused

CHUNK: Final = 4 << 20
DIFFERENT_MAX: Final = 4  # chunks in a row that differ: from here on the card holds something else, and is only written
FORGET: Final = 0x1261  # BLKFLSBUF of linux/fs.h: drop what memory holds of the disk


class Phase(Enum):
    """What is going on, for whoever waits."""

    WRITING = "writing"
    READING_BACK = "reading back"


@unique
class Flaw(Answer):
    """What can go wrong with a card that may be written to."""

    NOT_ALLOWED = "{disk} is written to by root only. Type sudo before the command, and run it again."
    MEDIUM = "{disk} cannot be written at byte {offset}: {reason}. The card is worn out or was pulled; try it again, or another."
    WRONG_BYTES = (
        "{disk} gave back other bytes than were written, at byte {offset}."
        " Do not use this card: it is worn out or no honest one."
    )
    UNREADABLE_IMAGE = "The image {image} cannot be read: {reason}."
    IMAGE_DAMAGED = "The image {image} is not the one its fingerprint names. Copy it again."


class Progress(NamedTuple):
    phase: Phase
    done_bytes: int
    whole_bytes: int


Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Written:
    """How it went. `fingerprint` is the BLAKE2b-256 of all that lies on the card now."""

    size_bytes: int
    written_bytes: int
    fingerprint: str


class Layer(NamedTuple):
    """The first `size` bytes of `file`, which may be a device; they come to lie on the card from `begin` on."""

    file: Path
    begin: int
    size: int


class Layers:
    """What a card is to hold, of several files; where none lies are zeros, and later ones lie over earlier ones."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._files = list(layers)
        self.size_bytes = max(layer.begin + layer.size for layer in layers)

    def chunk(self, offset: int) -> bytes:
        """Return the bytes from `offset` on: CHUNK of them, fewer at the end. Raises `Refused`."""
        size = min(CHUNK, self.size_bytes - offset)
        content = bytearray(size)
        for path, begin, length in self._files:
            first, last = max(offset, begin), min(offset + size, begin + length)
            if first < last:
                content[first - offset : last - offset] = _read(path, first - begin, last - first)
        return bytes(content)


def of_image(image: Path, *over: Layer) -> Layers:
    """Return an image, with what lies over parts of it."""
    whole = Layer(image, 0, image.stat().st_size)
    layers = Layers([whole, *over])
    assert layers.size_bytes == whole.size, "a layer lies within the image"
    return layers


def write(layers: Layers, device: Path, tell: Tell = lambda _: None) -> Written:
    """Write to `device`, which nothing else may use, and read every byte back. Raises `Refused`."""
    card = _Card(device)
    try:
        written = _write_missing(layers, card, tell)
        fingerprint = _read_back(layers, card, tell)
        return Written(layers.size_bytes, written, fingerprint)
    finally:
        card.close()


def _write_missing(layers: Layers, card: _Card, tell: Tell) -> int:
    """Write what is not there yet, all but the beginning; return how many bytes. The old beginning goes first."""
    written = different = 0
    for offset in range(CHUNK, layers.size_bytes, CHUNK):
        wanted = layers.chunk(offset)
        if different >= DIFFERENT_MAX or card.get(offset, len(wanted)) != wanted:
            if not written:
                card.put(0, bytes(len(layers.chunk(0))))
                card.settle()
            card.put(offset, wanted)
            written, different = written + len(wanted), different + 1
        else:
            different = 0
        tell(Progress(Phase.WRITING, offset + len(wanted), layers.size_bytes))
    card.settle()
    return written


def _read_back(layers: Layers, card: _Card, tell: Tell) -> str:
    """Compare every byte, and write the beginning once the rest is right. Return the fingerprint of the whole."""
    begin = layers.chunk(0)
    whole = blake2b(begin, digest_size=32)
    for offset in range(CHUNK, layers.size_bytes, CHUNK):
        whole.update(card.checked(offset, layers.chunk(offset)))
        tell(Progress(Phase.READING_BACK, offset, layers.size_bytes))
    card.put(0, begin)
    card.settle()
    card.checked(0, begin)
    tell(Progress(Phase.READING_BACK, layers.size_bytes, layers.size_bytes))
    return whole.hexdigest()


class _Card:
    """A disk that is open for us alone: the kernel refuses one that is in use (open(2), O_EXCL on block devices)."""

    def __init__(self, device: Path) -> None:
        self._device = device
        try:
            self._handle = os.open(device, os.O_RDWR | os.O_EXCL | os.O_CLOEXEC)
        except PermissionError as fault:
            raise Refused(Flaw.NOT_ALLOWED, disk=device) from fault
        except OSError as fault:
            raise self._flaw(0, fault) from fault

    def close(self) -> None:
        os.close(self._handle)

    def get(self, offset: int, size: int) -> bytes:
        try:
            return os.pread(self._handle, size, offset)
        except OSError as fault:
            raise self._flaw(offset, fault) from fault

    def put(self, offset: int, content: bytes) -> None:
        try:
            done = 0
            while done < len(content):
                done += os.pwrite(self._handle, content[done:], offset + done)
            os.posix_fadvise(self._handle, offset, len(content), os.POSIX_FADV_DONTNEED)
        except OSError as fault:
            raise self._flaw(offset, fault) from fault

    def settle(self) -> None:
        """Wait until all is on the medium, and forget it here, so that what is read next comes from there."""
        try:
            os.fsync(self._handle)
            os.posix_fadvise(self._handle, 0, 0, os.POSIX_FADV_DONTNEED)
            if S_ISBLK(os.fstat(self._handle).st_mode):
                fcntl.ioctl(self._handle, FORGET)
        except OSError as fault:
            raise self._flaw(0, fault) from fault

    def checked(self, offset: int, wanted: bytes) -> bytes:
        """Return what was read, which is what was wanted. Raises `Refused`."""
        found = self.get(offset, len(wanted))
        if found != wanted:
            first = next(
                (at for at, (one, two) in enumerate(zip(found, wanted, strict=False)) if one != two), len(found)
            )
            raise Refused(Flaw.WRONG_BYTES, disk=self._device, offset=offset + first)
        return found

    def _flaw(self, offset: int, fault: OSError) -> Refused:
        return Refused(Flaw.MEDIUM, disk=self._device, offset=offset, reason=fault.strerror)


def _read(path: Path, offset: int, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read(size)
    except OSError as fault:
        raise Refused(Flaw.UNREADABLE_IMAGE, image=path.name, reason=fault.strerror) from fault
    if len(content) != size:
        raise Refused(Flaw.UNREADABLE_IMAGE, image=path.name, reason="it is shorter than it was")
    return content


def check_image(image: Path) -> None:
    """Compare an image with the fingerprint beside it, where there is one (`b2sum -l 256`). Raises `Refused`."""
    beside = image.with_name(f"{image.name}.b2")
    if not beside.exists():
        return
    layers, whole = of_image(image), blake2b(digest_size=32)
    for offset in range(0, layers.size_bytes, CHUNK):
        whole.update(layers.chunk(offset))
    if beside.read_text(encoding="ascii").split()[:1] != [whole.hexdigest()]:
        raise Refused(Flaw.IMAGE_DAMAGED, image=image.name)
