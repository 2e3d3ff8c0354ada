"""The header of an update: what it brings, for which machines, and a digest of every piece of it (mesh/spec/update-v1.md).

It stands first, so that a stream can be checked piece by piece against what the keepers signed, before any of it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from appliance.updates.keepers import Keepers
from mesh import canonical
from mesh.errors import Malformed
from mesh.keys import DIGEST_SIZE

CHUNK_SIZE: Final = 1 << 20
HEADER_SIZE_MAX: Final = 256 * 1024
PARTS_MAX: Final = 512
PART_SIZE_MAX: Final = 2 << 30
VERSION: Final = re.compile(r"(?:0|[1-9][0-9]{0,5})(?:\.(?:0|[1-9][0-9]{0,5})){1,3}", re.ASCII)
ARCHITECTURE: Final = re.compile(r"[a-z][a-z0-9]{1,15}", re.ASCII)
SYSTEM: Final = "system"
# What lies in a slot's folder on FAT: at most one folder deep, and no name that FAT or a shell would read otherwise.
BOOT_FILE: Final = re.compile(r"(?:[a-z0-9_-]{1,32}/)?[A-Za-z0-9][A-Za-z0-9._+-]{0,62}[A-Za-z0-9]", re.ASCII)


class Chunk(NamedTuple):
    """One MiB of a part, or what is left of it: how many bytes the file has for it, their digest, and that of its content."""

    stored: int
    sealed: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """The image of a system, by the name `system`, or a file that its starter reads. `size` in bytes, unpacked."""

    name: str
    size: int
    chunks: tuple[Chunk, ...]

    def chunk_size(self, index: int) -> int:
        return min(CHUNK_SIZE, self.size - index * CHUNK_SIZE)

    @property
    def stored(self) -> int:
        return sum(chunk.stored for chunk in self.chunks)


@dataclass(frozen=True)
class Header:
    """`shape` is that of the store to which this version brings it; `keepers` who may sign the next one, None for no change."""

    version: str
    architecture: str
    shape: int
    keepers: Keepers | None
    parts: tuple[Part, ...]

    @property
    def system(self) -> Part:
        return self.parts[0]

    @property
    def boot_files(self) -> tuple[Part, ...]:
        return self.parts[1:]

    @cached_property
    def stored(self) -> int:
        """Bytes of all chunks, which follow each other in the file without a gap."""
        return sum(part.stored for part in self.parts)

    def offset(self, part: Part) -> int:
        """Return where the chunks of a part begin, counted from the first chunk of all."""
        return sum(before.stored for before in self.parts[: self.parts.index(part)])

    def encode(self) -> bytes:
        parts = [[part.name, part.size, [list(chunk) for chunk in part.chunks]] for part in self.parts]
        keepers = self.keepers.fields() if self.keepers else None
        return canonical.encode([self.version, self.architecture, self.shape, keepers, parts])

    @classmethod
    def parse(cls, raw: bytes) -> Header:
        """Return the header whose bytes are `raw`. Raises `Malformed` unless they are the one way to write it."""
        fields = canonical.decode(raw)
        if type(fields) is not list or [type(one) for one in fields[:3]] != [str, str, int] or len(fields) != 5:
            raise Malformed("a header is a version, a kind of machine, a shape, keepers and parts")
        version, architecture, shape, keepers, rows = fields
        if not VERSION.fullmatch(version) or not ARCHITECTURE.fullmatch(architecture) or not 0 <= shape < 1 << 16:
            raise Malformed("a version is two to four numbers, a kind of machine a word")
        if type(rows) is not list or not 1 <= len(rows) <= PARTS_MAX:
            raise Malformed("an update has parts")
        parts = tuple(_part(row) for row in rows)
        _check_names([part.name for part in parts])
        return cls(version, architecture, shape, None if keepers is None else Keepers.read(keepers), parts)


def _part(row: Any) -> Part:
    if type(row) is not list or [type(one) for one in row] != [str, int, list]:
        raise Malformed("a part is a name, a size and chunks")
    name, size, chunks = row
    if not 0 < size <= PART_SIZE_MAX or len(chunks) != -(-size // CHUNK_SIZE):
        raise Malformed("a part has a chunk for each MiB")
    part = Part(name, size, tuple(_chunk(one) for one in chunks))
    if any(chunk.stored > part.chunk_size(index) for index, chunk in enumerate(part.chunks)):
        raise Malformed("a chunk is never stored in more bytes than it has")
    return part


def _chunk(row: Any) -> Chunk:
    if type(row) is not list or [type(one) for one in row] != [int, bytes, bytes]:
        raise Malformed("a chunk is a size and two digests")
    chunk = Chunk(*row)
    if chunk.stored < 1 or len(chunk.sealed) != DIGEST_SIZE or len(chunk.digest) != DIGEST_SIZE:
        raise Malformed("a digest has 32 bytes")
    return chunk


def _check_names(names: list[str]) -> None:
    """FAT does not tell capitals from small letters, so neither may a name differ from another by them alone."""
    if names[0] != SYSTEM or not all(BOOT_FILE.fullmatch(name) for name in names[1:]):
        raise Malformed("the first part is the system, the others are files of its starter")
    folded = [name.lower() for name in names[1:]]
    if folded != sorted(set(folded)):
        raise Malformed("files are in order, each once")


def number(version: str) -> tuple[int, ...]:
    """Return a version as numbers that can be compared; 1.2 and 1.2.0 are one version. Raises `Malformed`."""
    if not VERSION.fullmatch(version):
        raise Malformed("a version is two to four numbers")
    found = [int(one) for one in version.split(".")]
    return tuple(found + [0] * (4 - len(found)))


def places(part: Part) -> Iterator[tuple[int, Chunk]]:
    """Yield where each chunk of a part is stored, counted from the first of them."""
    at = 0
    for chunk in part.chunks:
        yield at, chunk
        at += chunk.stored
