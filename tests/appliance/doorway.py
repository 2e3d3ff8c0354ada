"""Standing at the door of a node: what is behind it, before and after somebody knocks."""

from __future__ import annotations

from typing import Final

import pytest

from appliance.door import Door
from appliance.kinds import PostCard
from appliance.store.migrations import VIEW_TABLES
from mesh.errors import PeerFault
from mesh.log import Run
from mesh.record import Record
from tests.appliance.scribes import SALT

FACTS: Final = ("log", "record", "said", "withdrawn", "checkpoint", "fork_proof")


def rows(door: Door) -> dict[str, list[tuple[object, ...]]]:
    """Return all that is stored, and all that it amounts to."""
    tables = (*FACTS, *VIEW_TABLES)
    return {table: [tuple(row) for row in door.database.rows(f"SELECT * FROM {table}")] for table in tables}


def turned_away(door: Door, run: Run, fault: type[PeerFault], words: str) -> None:
    """Deliver a run that breaks a rule, and see that nothing at all is left of it."""
    before = rows(door)
    with pytest.raises(fault, match=words):
        door.accept(run)
    assert rows(door) == before


def post(title: str) -> Record:
    return PostCard("notice", 1, title, "").record(0, SALT)
