"""A file named by its digest, cut into pieces small enough for the slowest road.

A piece has 72 bytes: three to a packet of 231 bytes, two where the radio signs and leaves 165. Single pieces are not
checked; a file is believed once all of it has the digest that is its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mesh.errors import Malformed
from mesh.keys import digest

PIECE_SIZE: Final = 72


def blob_id(content: bytes) -> bytes:
    """Return the 32-byte name of a file (`b2sum -l 256` prints it)."""
    return digest(content)


def piece_count(size: int) -> int:
    """Return into how many pieces a file of `size` bytes is cut."""
    return -(-size // PIECE_SIZE)


def piece_size(size: int, index: int) -> int:
    """Return the bytes of piece `index` (from 0) of a file of `size` bytes. Raises `Malformed` where there is none."""
    if not 0 <= index < piece_count(size):
        raise Malformed(f"a file of {size} bytes has no piece {index}")
    return min(PIECE_SIZE, size - index * PIECE_SIZE)


def piece(content: bytes, index: int) -> bytes | None:
    """Return piece `index` of a file held in memory, None past its end."""
    return content[index * PIECE_SIZE : (index + 1) * PIECE_SIZE] or None


@dataclass(frozen=True, slots=True)
class BlobWant:
    """A file this node would like to have: `size` bytes in all, of which the pieces `missing` are not here yet."""

    blob: bytes
    size: int
    missing: Sequence[int]
