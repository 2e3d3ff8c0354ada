"""The SQLite file: how it is opened, written through one door, and how its troubles are told.

peewee gives connections per thread, transactions, and the seam to other engines. The statements themselves are SQL: views are
sets, and SQL is the language of sets. WAL lets pages read while the daemon writes; synchronous=FULL makes a commit survive a
power cut (https://www.sqlite.org/pragma.html#pragma_synchronous), and what a person was told is done must.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident, local
from typing import Any, Final

import peewee

from appliance.errors import CardFull, StoreFault
from appliance.store.migrations import APPLICATION_ID, MIGRATIONS

BUSY_S: Final = 30
Row = Sequence[Any]
MakeDatabase = Callable[..., peewee.SqliteDatabase]
Version = tuple[int, int, int]
SQLITE: Final[MakeDatabase] = peewee.SqliteDatabase
DATABASE_ERRORS: Final = (peewee.DatabaseError, sqlite3.DatabaseError)  # rows and cursors speak past peewee

PRAGMAS: Final = (
    # A commit writes whole pages, and a payment touches a dozen of them by a few bytes each; a file that is there keeps its own.
    ("page_size", 1024),
    ("journal_mode", "wal"),
    ("wal_autocheckpoint", 4000),
    ("synchronous", 2),  # FULL
    ("foreign_keys", 1),
    ("cache_size", -2000),  # 2 MB a connection: the board has 512 MB
    ("journal_size_limit", 4 << 20),
    ("temp_store", 2),
)


ROWS_CHANGED: Final = "SELECT total_changes()"


class Own(local):
    """What one thread did with its own connection: what others do is seen by `data_version`."""

    writes = 0


class Database:
    """Rows in, rows out. Everything that can go wrong with the card leaves as `StoreFault`."""

    def __init__(self, path: Path, make: MakeDatabase = SQLITE) -> None:
        self.path = path
        self._own = Own()
        with self._troubles():
            self._peewee = make(str(path), pragmas=(), timeout=BUSY_S)
            self._recognise()
            self._peewee = make(str(path), pragmas=PRAGMAS, timeout=BUSY_S)
            try:
                self._migrate()
            except BaseException:
                self.close()  # a card that is to be taken out must not be held by a node that never opened
                raise

    def _recognise(self) -> None:
        """Refuse a file that some other program made, before a single byte of it is changed: the pragmas would change some."""
        try:
            ours = self.value("PRAGMA application_id")
            tables = self.value("SELECT count(*) FROM sqlite_master")
            if ours != APPLICATION_ID and tables:
                raise StoreFault(f"{self.path} is the database of another program. Choose an empty data directory.")
            if self.value("PRAGMA user_version") > len(MIGRATIONS):
                raise StoreFault(f"{self.path} was written by a newer Hedgerow. Install that version to open it.")
        finally:
            self.close()

    def _migrate(self) -> None:
        if self.value("PRAGMA user_version") == len(MIGRATIONS):
            return
        with self.writing():
            for number in range(self.value("PRAGMA user_version"), len(MIGRATIONS)):
                for statement in MIGRATIONS[number]:
                    self.run(statement)
                self.run(f"PRAGMA user_version = {number + 1}")
            self.run(f"PRAGMA application_id = {APPLICATION_ID}")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The one writer door. What happens inside is on the card when the block ends, or never happened."""
        if self._peewee.in_transaction():
            with self._troubles():
                yield
            return
        try:
            with self._troubles(), self._peewee.atomic("IMMEDIATE"):
                before = self.value(ROWS_CHANGED)
                yield
                self._own.writes += (
                    self.value(ROWS_CHANGED) != before
                )  # who looked and wrote nothing is no news to itself
        except CardFull:
            self._empty_log()
            raise

    def _empty_log(self) -> None:
        """Move the write-ahead log into the file, if it still fits there: then the next try finds room in the log."""
        with suppress(StoreFault):
            self.run("PRAGMA wal_checkpoint(PASSIVE)")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Several questions about one moment."""
        with self._troubles():
            if self._peewee.in_transaction():
                yield
                return
            with self._peewee.atomic("DEFERRED"):
                yield

    def version(self) -> Version:
        """Return a value that differs once anything was written, by this process or another. Cheap; good within one thread.

        https://www.sqlite.org/pragma.html#pragma_data_version tells of other connections, the count of this one's own writes.
        """
        return get_ident(), int(self.value("PRAGMA data_version")), self._own.writes

    def run(self, sql: str, *values: Any) -> None:
        self._execute(sql, values)

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._troubles():
            self._cursor().executemany(sql, rows)

    def rows(self, sql: str, *values: Any) -> list[Row]:
        with self._troubles():
            return list(self._execute(sql, values))

    def each(self, sql: str, *values: Any) -> Generator[Row, None, None]:
        """Like `rows`, one at a time: for what may be long."""
        with self._troubles():
            yield from self._execute(sql, values)

    def row(self, sql: str, *values: Any) -> Row | None:
        with self._troubles():
            return next(iter(self._execute(sql, values)), None)

    def value(self, sql: str, *values: Any) -> Any:
        row = self.row(sql, *values)
        return None if row is None else row[0]

    def copy_to(self, path: Path) -> None:
        """Write one consistent moment of the whole database to a new file, while others go on reading and writing."""
        self.run("VACUUM INTO ?", str(path))

    def close(self) -> None:
        """Close this thread's connection, and give back what it keeps: after a long text was indexed, that is megabytes.

        The next question opens another one. Its `data_version` begins anew, so that counts as a write.
        """
        if not self._peewee.is_closed():
            with self._troubles():
                self._peewee.close()
            self._own.writes += 1

    def _execute(self, sql: str, values: Sequence[Any]) -> Any:
        with self._troubles():
            return self._peewee.execute_sql(sql, values)  # type: ignore[no-untyped-call]  # peewee has no types

    def _cursor(self) -> Any:
        return self._peewee.cursor()  # type: ignore[no-untyped-call]  # peewee has no types

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        try:
            yield
        except DATABASE_ERRORS as fault:
            first = _first(fault)
            if isinstance(first, StoreFault):
                raise first from first.__cause__
            raise store_fault(self.path, str(first)) from fault
        except OSError as fault:
            raise os_fault(self.path, fault) from fault


def _first(fault: BaseException) -> BaseException:
    """Return what began it. On a full card SQLite itself undoes the transaction, and peewee fails to undo it once more."""
    while isinstance(fault, DATABASE_ERRORS) and isinstance(fault.__context__, (*DATABASE_ERRORS, StoreFault)):
        fault = fault.__context__
    return fault


def store_fault(path: Path, said: str) -> StoreFault:
    """Return what to tell a person for what SQLite said."""
    if "full" in said:
        return CardFull(f"The card is full, so nothing was changed. Free some space near {path}, then try again.")
    if "readonly" in said or "read-only" in said:
        return StoreFault(f"{path} cannot be written: the card only reads. Nothing was changed.")
    if "not a database" in said or "malformed" in said:
        return StoreFault(f"{path} is not a database of Hedgerow, or it is damaged. Restore a backup.")
    if "unable to open" in said:
        return StoreFault(f"{path} cannot be opened. Check that its directory exists and may be written.")
    if "locked" in said:
        return StoreFault(f"{path} is busy for too long. Nothing was changed; try again.")
    return StoreFault(f"{path} cannot be used ({said}). Nothing was changed.")


def os_fault(path: Path, fault: OSError) -> StoreFault:
    """Return what to tell a person for what the system said."""
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return CardFull(f"The card is full, so nothing was changed. Free some space near {path}, then try again.")
    return StoreFault(f"{path} cannot be used ({fault.strerror}). Nothing was changed.")
