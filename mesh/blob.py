"""A file named by its digest, cut into pieces small enough for the slowest road.

A piece has 72 bytes: three to a packet of 231 bytes, two where the radio signs and leaves 165. Single pieces are not
checked; a file is believed once all of it has the digest that is its name. Between portals, over IP, a file travels in
chunks of 256 KiB, each of which is checked by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mesh.errors import Malformed
from mesh.keys import DIGEST_SIZE, digest

PIECE_SIZE: Final = 72
CHUNK_SIZE: Final = 256 * 1024


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


# Roads of IP carry larger parts, and check each of them: a file's record names the digest of the list of its chunks' digests.


def chunk_count(size: int) -> int:
    """Return into how many chunks a file of `size` bytes is cut."""
    return -(-size // CHUNK_SIZE)


def chunk_size(size: int, index: int) -> int:
    """Return the bytes of chunk `index` (from 0) of a file of `size` bytes."""
    return min(CHUNK_SIZE, size - index * CHUNK_SIZE)


@dataclass(frozen=True, slots=True)
class ChunkList:
    """The digests of a file's chunks, in order."""

    digests: tuple[bytes, ...]

    @classmethod
    def of(cls, chunks: Iterable[bytes]) -> ChunkList:
        return cls(tuple(digest(chunk) for chunk in chunks))

    @classmethod
    def parse(cls, raw: bytes, size: int, name: bytes) -> ChunkList:
        """Read the list of a file of `size` bytes. Raises `Malformed` where it is not the one called `name`."""
        if len(raw) != chunk_count(size) * DIGEST_SIZE or digest(raw) != name:
            raise Malformed("this is not the list of that file's chunks")
        return cls(tuple(raw[at : at + DIGEST_SIZE] for at in range(0, len(raw), DIGEST_SIZE)))

    def encode(self) -> bytes:
        return b"".join(self.digests)

    @property
    def name(self) -> bytes:
        """The digest that a record names."""
        return digest(self.encode())

    def vouches_for(self, index: int, chunk: bytes) -> bool:
        """Whether `chunk` is the one at `index`."""
        return self.digests[index] == digest(chunk)
