"""The store as it was before a version on trial brought it into a newer shape.

While the copy lies there, nothing is signed (appliance/door.py), so the version before can take it back and has lost nothing.
Only who is alone with the store may ask for this: at a start, before pages and gossip.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from appliance.card import sync
from appliance.errors import StoreFault
from appliance.store.database import os_fault
from appliance.store.migrations import MIGRATIONS


def copy_of(database: Path) -> Path:
    """Return where the copy lies."""
    return database.with_name(f"{database.name}.before")


def make_ready(database: Path, is_on_trial: bool) -> None:
    """Keep a copy, take it back, or let it go, as this start needs. Raises `StoreFault`. Cut off, it is done again."""
    copy = copy_of(database)
    try:
        if not database.exists():
            return
        shape = _shape(database)
        if shape > len(MIGRATIONS) and copy.exists() and _shape(copy) <= len(MIGRATIONS):
            _take_back(database, copy)
        elif is_on_trial and 0 < shape < len(MIGRATIONS):
            _keep(database, copy)
        elif not is_on_trial and shape <= len(MIGRATIONS) and copy.exists():
            copy.unlink()
            sync(copy.parent)
    except sqlite3.Error as fault:
        raise StoreFault(f"{database} cannot be made ready: {fault}. Start the node again.") from fault
    except OSError as fault:
        raise os_fault(database, fault) from fault


def _shape(database: Path) -> int:
    with closing(sqlite3.connect(database)) as line:
        return int(line.execute("PRAGMA user_version").fetchone()[0])


def _keep(database: Path, copy: Path) -> None:
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as line:
        line.execute("VACUUM INTO ?", (str(part),))
    part.chmod(database.stat().st_mode & 0o777)
    sync(part)
    part.replace(copy)
    sync(copy.parent)


def _take_back(database: Path, copy: Path) -> None:
    """The newer store's log goes first: it would be taken for the copy's own."""
    for ending in ("-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)
    copy.replace(database)
    sync(database.parent)
