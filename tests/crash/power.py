"""A disk that loses power, as a SQLite VFS.

SQLite writes through this VFS to real files, so everything works as ever while the power is on. Beside them a `Disk`
keeps what would be on the medium: a write reaches it when its file is synced, and a file's name when its directory is.
At one chosen operation the power goes. Then a random share of what was not synced has reached the medium all the same,
in no order, one of the writes torn at a border of 512 bytes; and every operation fails from there on. `Disk.medium`
is what the next start finds.

What is taken on trust: a sector is written whole or not at all, and a disk that says "synced" has synced. The shared
memory of WAL is no file of this model: no start after a power cut believes it
(https://www.sqlite.org/walformat.html#recovery).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Final, Self

import apsw
from peewee import DatabaseError, SqliteDatabase
from playhouse.apsw_ext import APSWDatabase  # type: ignore[import-untyped]

SECTOR: Final = 512
NEVER: Final = 2**63 - 1
SYNCS_ITS_DIRECTORY: Final = (
    apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
)  # os_unix.c: the first sync of a journal that it created syncs the directory too


@dataclass(frozen=True, slots=True)
class Write:
    offset: int
    content: bytes

    def apply(self, image: bytearray) -> None:
        image.extend(bytes(max(0, self.offset - len(image))))
        image[self.offset : self.offset + len(self.content)] = self.content

    def torn(self, rng: Random) -> Write:
        """Return the part before one of the borders between sectors that the write crosses."""
        borders = range(-self.offset % SECTOR, len(self.content), SECTOR)
        return Write(self.offset, self.content[: rng.choice(borders)]) if borders else self


@dataclass(frozen=True, slots=True)
class Truncate:
    size: int

    def apply(self, image: bytearray) -> None:
        del image[self.size :]


@dataclass(eq=False)
class Inode:
    """One file: what of it is on the medium, and what was not synced yet, oldest first."""

    image: bytearray = field(default_factory=bytearray)
    pending: list[Write | Truncate] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.pending:
            change.apply(self.image)
        self.pending.clear()


class Disk:
    """The medium. `cut_at` is the number of the operation at which the power goes, those in `uncounted` left out: most are
    writes to the log, and a cut should fall elsewhere too. `lies` is a disk that never syncs.
    """

    def __init__(self, rng: Random, cut_at: int = NEVER, uncounted: str = "", lies: bool = False) -> None:
        self.operations = 0
        self.is_off = False
        self.cut_in = "at rest"
        self.now: dict[str, Inode] = {}
        self._rng = rng
        self._cut_at = cut_at
        self._uncounted = uncounted
        self._lies = lies
        self._names: dict[str, Inode] = {}  # on the medium
        self._renamed: deque[tuple[str, Inode | None]] = deque()  # names made or deleted since, oldest first

    def open(self, path: str) -> Inode:
        """Return the file of this name; one that nobody saw before is new, or was there when the power came on."""
        self.check_power()
        if path not in self.now:
            inode = self.now[path] = Inode()
            if Path(path).exists():
                inode.image += Path(path).read_bytes()
                self._names[path] = inode
            else:
                self._renamed.append((path, inode))
                self._count("create", path)
        return self.now[path]

    def change(self, path: str, inode: Inode, change: Write | Truncate) -> None:
        self.check_power()
        inode.pending.append(change)
        self._count(type(change).__name__.lower(), path)

    def sync(self, path: str, inode: Inode, with_directory: bool) -> None:
        self.check_power()
        self._count("sync", path)
        if not self._lies:
            inode.sync()
            if with_directory:
                self._sync_names()

    def delete(self, path: str, with_directory: bool) -> None:
        self.check_power()
        if self.now.pop(path, None) is not None:
            self._renamed.append((path, None))
        self._count("delete", path)
        if with_directory and not self._lies:
            self._sync_names()

    def check_power(self) -> None:
        if self.is_off:
            raise apsw.IOError("the power is out")

    def medium(self) -> dict[str, bytes]:
        """Cut the power, if it is still on, and return what the next start finds: every file by its path."""
        self.is_off = True
        for _ in range(self._rng.randint(0, len(self._renamed))):  # a directory keeps the order of what was done to it
            self._move_name()
        files = dict.fromkeys([*self._names.values(), *self.now.values()])
        reached = [(inode, change) for inode in files for change in self._reached(inode.pending)]
        under_way = self._rng.randrange(len(reached)) if reached else -1
        for number, (inode, change) in enumerate(reached):
            if number == under_way and isinstance(change, Write):
                change = change.torn(self._rng)  # noqa: PLW2901
            change.apply(inode.image)
        for inode in files:
            inode.pending.clear()
        return {path: bytes(inode.image) for path, inode in self._names.items()}

    def _reached(self, pending: Sequence[Write | Truncate]) -> list[Write | Truncate]:
        """Draw how much got through, from nothing to everything, half of it in the mean."""
        share = self._rng.random()
        return [change for change in pending if self._rng.random() < share]

    def _count(self, what: str, path: str) -> None:
        place = f"{what} {Path(path).name}"
        self.operations += place != self._uncounted
        if self.operations == self._cut_at:
            self.is_off = True
            self.cut_in = place
            self.check_power()

    def _sync_names(self) -> None:
        while self._renamed:
            self._move_name()

    def _move_name(self) -> None:
        path, inode = self._renamed.popleft()
        if inode is None:
            self._names.pop(path, None)
        else:
            self._names[path] = inode


class PowerFile(apsw.VFSFile):
    """A file of SQLite's own VFS whose changes the disk hears of. Locks and shared memory pass through."""

    def __init__(self, disk: Disk, name: str, flags: list[int]) -> None:
        self._disk = disk
        self._name = name
        self._syncs_directory = bool(flags[0] & SYNCS_ITS_DIRECTORY)
        self._inode = disk.open(name)
        super().__init__("", name, flags)

    def excepthook(self, *_: object) -> bool:
        """Say nothing of what SQLite does not want to hear: without power, closing a file fails too."""
        return True

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 (SQLite's name, as all below)
        self._disk.check_power()
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.change(self._name, self._inode, Write(offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.change(self._name, self._inode, Truncate(newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 (only the model syncs: the real disk need not wait)
        self._disk.sync(self._name, self._inode, self._syncs_directory)

    def xFileSize(self) -> int:  # noqa: N802
        self._disk.check_power()
        return super().xFileSize()


class Power(apsw.VFS):
    """The VFS over one disk, while the `with` block lasts. `make` opens peewee's databases on it."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.name = f"power-{id(disk)}"
        self._made: list[SqliteDatabase] = []
        super().__init__(self.name, "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for database in self._made:
            with suppress(DatabaseError, apsw.Error):  # peewee before 4 passes apsw's own errors on
                database.close()
        self.unregister()

    def make(self, *words: Any, **options: Any) -> SqliteDatabase:
        """Return a database of peewee's on this disk."""
        self._made.append(APSWDatabase(*words, vfs=self.name, **options))
        return self._made[-1]

    def excepthook(self, *_: object) -> bool:
        """As for files."""
        return True

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        if name is None:
            return apsw.VFSFile("", name, flags)  # a temporary file means nothing to the next start
        return PowerFile(self.disk, name.filename() if isinstance(name, apsw.URIFilename) else name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self.disk.delete(filename, syncdir)
        super().xDelete(filename, syncdir)

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        self.disk.check_power()
        return super().xAccess(pathname, flags)
