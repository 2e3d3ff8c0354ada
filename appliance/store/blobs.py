"""Files named by their digest: written to a temporary name, synced, renamed. `b2sum -l 256` checks them.

A file that is still arriving grows as `<digest>.part` with a note of which pieces are there; it gets its name only when the
whole digest is right.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

from appliance.errors import CardFull, Objection, Refused
from appliance.store.database import os_fault

CHUNK: Final = 1 << 16


class Blobs:
    def __init__(self, directory: Path, free_space_floor_bytes: int) -> None:
        self.directory = directory
        self._floor = free_space_floor_bytes

    def path(self, blob: bytes) -> Path:
        return self.directory / blob.hex()

    def has(self, blob: bytes) -> bool:
        return self.path(blob).is_file()

    def keep(self, content: BinaryIO, size_max: int) -> tuple[bytes, int]:
        """Keep what can be read from `content`; return its digest and size. Raises `Refused` over `size_max`, `CardFull`."""
        with self._troubles():
            self.directory.mkdir(exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.directory, prefix=".new-", delete=False) as file:
                try:
                    blob, size = self._copy(content, file, size_max)
                    self._name(file, blob)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
            return blob, size

    def _copy(self, content: BinaryIO, file: BinaryIO, size_max: int) -> tuple[bytes, int]:
        whole, size = blake2b(digest_size=32), 0
        while chunk := content.read(CHUNK):
            size += len(chunk)
            if size > size_max:
                raise Refused(Objection.FILE_TOO_LARGE, limit=size_max)
            self.check_space(len(chunk))
            whole.update(chunk)
            file.write(chunk)
        return whole.digest(), size

    def _name(self, file: BinaryIO, blob: bytes) -> None:
        file.flush()
        os.fsync(file.fileno())
        Path(file.name).rename(self.path(blob))
        self._sync_directory()

    def _sync_directory(self) -> None:
        handle = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def put_piece(self, blob: bytes, size: int, offset: int, content: bytes) -> None:
        """Write one piece of a file that is still arriving. Raises `CardFull`."""
        with self._troubles():
            self.directory.mkdir(exist_ok=True)
            self.check_space(len(content))
            with self._part(blob).open("r+b" if self._part(blob).exists() else "w+b") as file:
                file.truncate(size)
                file.seek(offset)
                file.write(content)

    def finish(self, blob: bytes) -> bool:
        """Give an arrived file its name if its digest is right; drop it otherwise."""
        part = self._part(blob)
        with self._troubles(), part.open("rb") as file:
            if digest_of(file) == blob:
                self._name(file, blob)
                return True
        part.unlink()
        return False

    def drop(self, blob: bytes) -> None:
        self.path(blob).unlink(missing_ok=True)
        self._part(blob).unlink(missing_ok=True)

    def read(self, blob: bytes, offset: int, size: int) -> bytes | None:
        try:
            with self.path(blob).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError:
            return None

    def names(self) -> Iterator[bytes]:
        """Yield the digests of the files that are here."""
        if self.directory.is_dir():
            for path in sorted(self.directory.iterdir()):
                if len(path.name) == 64 and not path.name.startswith("."):
                    yield bytes.fromhex(path.name)

    def is_sound(self, blob: bytes) -> bool:
        with self._troubles(), self.path(blob).open("rb") as file:
            return digest_of(file) == blob

    def free_bytes(self) -> int:
        stat = os.statvfs(self.directory if self.directory.is_dir() else self.directory.parent)
        return stat.f_bavail * stat.f_frsize

    def check_space(self, wanted: int) -> None:
        """Uploads are refused first: the ledger keeps the last space for itself."""
        if self.free_bytes() - wanted < self._floor:
            raise CardFull(Objection.CARD_FULL.value)

    def _part(self, blob: bytes) -> Path:
        return self.directory / f".{blob.hex()}.part"

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            raise os_fault(self.directory, fault) from fault


def digest_of(content: BinaryIO) -> bytes:
    """Return BLAKE2b-256 of all that can be read."""
    whole = blake2b(digest_size=32)
    while chunk := content.read(CHUNK):
        whole.update(chunk)
    return whole.digest()
