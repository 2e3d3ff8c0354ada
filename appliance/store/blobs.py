"""Files named by their digest: written to a temporary name, synced, renamed. `b2sum -l 256` checks them.

A file that is still arriving by radio grows as `<digest>.part` with a note of which pieces are there; one that is fetched from a
neighbour's pages grows as `<digest>.fetch`, from its beginning on; one that a bundle brings is checked while it is written. It
gets its name only when the whole digest is right.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import IO, BinaryIO, Final

from appliance.card import left_by_the_dead, make_directory, sync
from appliance.errors import CardFull, Objection, Refused
from appliance.store.database import os_fault
from mesh.blob import CHUNK_SIZE, PIECE_SIZE, ChunkList

CHUNK: Final = 1 << 16
NEW: Final = ".new-"
PART: Final = re.compile(r"\.[0-9a-f]{64}\.(part|there|fetch)", re.ASCII)


class Blobs:
    def __init__(self, directory: Path, free_space_floor_bytes: int) -> None:
        self.directory = directory
        self._floor = free_space_floor_bytes

    def path(self, blob: bytes) -> Path:
        return self.directory / blob.hex()

    def has(self, blob: bytes) -> bool:
        return os.access(f"{self.directory}/{blob.hex()}", os.F_OK)

    def size(self, blob: bytes) -> int:
        """Return the bytes of a file, 0 where it is not here."""
        try:
            return self.path(blob).stat().st_size
        except FileNotFoundError:
            return 0

    def keep(self, content: BinaryIO, size_max: int) -> tuple[bytes, int]:
        """Keep what can be read from `content`; return its digest and size. Raises `Refused` over `size_max`, `CardFull`."""
        with self.troubles():
            self.make_ready()
            with tempfile.NamedTemporaryFile(dir=self.directory, prefix=f"{NEW}{os.getpid()}-", delete=False) as file:
                try:
                    blob, size = self._copy(content, file, size_max)
                    self.give_name(file, Path(file.name), blob)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
            return blob, size

    def make_ready(self) -> None:
        """Have a directory without what processes left that died before they were done with it."""
        make_directory(self.directory)
        for part in left_by_the_dead(self.directory, NEW):
            part.unlink(missing_ok=True)

    def bring(self, content: BinaryIO, path: Path, size_max: int) -> int:
        """Copy what can be read from `content` to a new file beside the others; return its size. Raises as `keep`."""
        with self.troubles(), path.open("xb") as file:
            return self._copy(content, file, size_max)[1]

    def adopt(self, path: Path) -> tuple[bytes, int]:
        """Take over a file of the same card; return its digest and size."""
        with self.troubles():
            self.make_ready()
            with path.open("rb") as file:
                blob, size = digest_of(file), file.tell()
                self.give_name(file, Path(file.name), blob)
            return blob, size

    def _copy(self, content: BinaryIO, file: IO[bytes], size_max: int) -> tuple[bytes, int]:
        whole, size = blake2b(digest_size=32), 0
        while chunk := content.read(CHUNK):
            size += len(chunk)
            if size > size_max:
                raise Refused(Objection.FILE_TOO_LARGE, limit=size_max)
            self.check_space(len(chunk))
            whole.update(chunk)
            file.write(chunk)
        return whole.digest(), size

    def give_name(self, file: IO[bytes], path: Path, blob: bytes) -> None:
        """Put a file that lies at `path`, and the name that its digest is, on the card for good."""
        file.flush()
        os.fsync(file.fileno())
        path.rename(self.path(blob))
        sync(self.directory)

    def put_piece(self, blob: bytes, size: int, index: int, content: bytes) -> bool:
        """Keep the `index`-th piece of a file that is still arriving. Returns whether it was the last missing one."""
        missing = self.missing(blob, size)
        offset = index * PIECE_SIZE
        if index not in missing or len(content) != min(PIECE_SIZE, size - offset):
            return False
        with self.troubles():
            make_directory(self.directory)
            self.check_space(len(content))
            _write_at(self._part(blob), offset, content)
            _write_at(self._note(blob), index, b"\1")
        return len(missing) == 1

    def missing(self, blob: bytes, size: int) -> list[int]:
        """Return the pieces of a file of `size` bytes that have not arrived."""
        count = -(-size // PIECE_SIZE)
        try:
            there = self._note(blob).read_bytes()
        except FileNotFoundError:
            there = b""
        return [index for index in range(count) if there[index : index + 1] != b"\1"]

    def finish(self, blob: bytes) -> bool:
        """Give an arrived file its name if its digest is right; drop it otherwise."""
        return self._finish(blob, self._part(blob))

    def _finish(self, blob: bytes, part: Path) -> bool:
        with self.troubles(), suppress(FileNotFoundError), part.open("rb") as file:
            if digest_of(file) == blob:
                self.give_name(file, Path(file.name), blob)
                self.drop_parts(blob)
                return True
        with self.troubles():
            part.unlink(missing_ok=True)
            if part == self._part(blob):
                self._note(blob).unlink(missing_ok=True)
        return False

    def drop(self, blob: bytes) -> None:
        self.path(blob).unlink(missing_ok=True)
        self.drop_parts(blob)

    def drop_parts(self, blob: bytes) -> None:
        """Forget what had come of a file."""
        for part in (self._part(blob), self._note(blob), self._fetched(blob)):
            part.unlink(missing_ok=True)

    def parts(self) -> Iterator[bytes]:
        """Yield the digests of the files that are still arriving."""
        if self.directory.is_dir():
            names = {path.name[1:65] for path in self.directory.glob(".*") if PART.fullmatch(path.name)}
            yield from (bytes.fromhex(name) for name in sorted(names))

    # what is fetched, a chunk at a time, from the first on

    def begin_fetch(self, blob: bytes) -> None:
        """Begin a file that is fetched, or take up one that was begun.

        Only inside a transaction in which it is wanted: nothing else makes such a file, so that none is left behind.
        """
        with self.troubles():
            make_directory(self.directory)
            self._fetched(blob).touch()

    def fetched_bytes(self, blob: bytes) -> int:
        """Return how much of a file was fetched so far."""
        try:
            return self._fetched(blob).stat().st_size
        except FileNotFoundError:
            return 0

    def fetched(self, blob: bytes, index: int) -> bytes:
        """Return what is here of a chunk."""
        with self.troubles(), suppress(FileNotFoundError), self._fetched(blob).open("rb") as file:
            file.seek(index * CHUNK_SIZE)
            return file.read(CHUNK_SIZE)
        return b""

    def put_chunk(self, blob: bytes, index: int, chunk: bytes) -> bool:
        """Keep a chunk, and nothing behind it. Returns False where the file was taken away meanwhile. Raises `CardFull`."""
        self.check_space(len(chunk))
        with self.troubles(), suppress(FileNotFoundError), self._fetched(blob).open("r+b") as file:
            file.seek(index * CHUNK_SIZE)
            file.write(chunk)
            file.truncate()
            return True
        return False

    def finish_fetch(self, blob: bytes) -> bool:
        """Give a fetched file its name if its digest is right; drop it otherwise."""
        return self._finish(blob, self._fetched(blob))

    def chunk_list(self, blob: bytes) -> ChunkList:
        """Return the digests of a file's chunks."""
        with self.troubles(), self.path(blob).open("rb") as file:
            return ChunkList.of(iter(lambda: file.read(CHUNK_SIZE), b""))

    def read(self, blob: bytes, offset: int, size: int) -> bytes | None:
        try:
            with self.path(blob).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError:
            return None

    def used_bytes(self) -> int:
        """Return the size of all files together, those that are still arriving included."""
        try:
            with os.scandir(self.directory) as entries:
                return sum(_size(entry) for entry in entries)
        except FileNotFoundError:
            return 0

    def names(self) -> Iterator[bytes]:
        """Yield the digests of the files that are here."""
        if self.directory.is_dir():
            for path in sorted(self.directory.iterdir()):
                if len(path.name) == 64 and not path.name.startswith("."):
                    yield bytes.fromhex(path.name)

    def is_sound(self, blob: bytes) -> bool:
        """Whether a file is what its name says; one that was taken back meanwhile is."""
        with self.troubles(), suppress(FileNotFoundError), self.path(blob).open("rb") as file:
            return digest_of(file) == blob
        return True

    def free_bytes(self) -> int:
        stat = os.statvfs(self.directory if self.directory.is_dir() else self.directory.parent)
        return stat.f_bavail * stat.f_frsize

    def check_space(self, wanted: int) -> None:
        """Uploads are refused first: the ledger keeps the last space for itself."""
        if self.free_bytes() - wanted < self._floor:
            raise CardFull(Objection.CARD_FULL.value)

    def _part(self, blob: bytes) -> Path:
        return self.directory / f".{blob.hex()}.part"

    def _note(self, blob: bytes) -> Path:
        """One byte for each piece: 1 where it is there."""
        return self.directory / f".{blob.hex()}.there"

    def _fetched(self, blob: bytes) -> Path:
        return self.directory / f".{blob.hex()}.fetch"

    @contextmanager
    def troubles(self) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            raise os_fault(self.directory, fault) from fault


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except FileNotFoundError:  # gone meanwhile
        return 0


def _write_at(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.seek(offset)
        file.write(content)


def digest_of(content: BinaryIO) -> bytes:
    """Return BLAKE2b-256 of all that can be read."""
    whole = blake2b(digest_size=32)
    while chunk := content.read(CHUNK):
        whole.update(chunk)
    return whole.digest()
