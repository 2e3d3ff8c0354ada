"""Whoever hears one history again and again, each time in another order, and looks at every step."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from appliance.door import Door
from appliance.settings import Settings
from appliance.store.database import Row
from appliance.store.views import _state_rows, state_hash, view_sizes
from mesh.errors import PeerFault
from mesh.keys import PUBLIC
from mesh.links import Opening
from mesh.log import Run
from mesh.record import RecordId
from tests.appliance.chronicles import FLOORS, Chronicle
from tests.appliance.scribes import HOURS, STREET, unsynced

SCOPES: Final = (PUBLIC, STREET)
FLOOR_MIN: Final = min(HOURS.floor, *FLOORS)


class Witness:
    """Each hearing begins with a copy of the node in `blank`, so that all of them have the same own logs."""

    def __init__(self, chronicle: Chronicle, blank: Settings, directory: Path) -> None:
        self.chronicle = chronicle
        self.blank = blank
        self.directory = directory
        self.seen: dict[bytes, list[Row]] = {}

    def hear(self, seed: int) -> None:
        """Deliver everything in the order of `seed`. Raises `AssertionError` where the property does not hold."""
        data = self.directory / f"hearing-{seed}"
        shutil.copytree(self.blank.data, data)
        door = Door(replace(self.blank, data=data), make=unsynced)
        try:
            self._deliver(door, Random(seed))
            for scribe in self.chronicle.logs:
                log = door.records.log(scribe.log)
                assert log is not None
                assert log.height == scribe.height
            self._look(door)
            self._look_after_rebuild(door)
        finally:
            door.close()
            shutil.rmtree(data)

    def _deliver(self, door: Door, chance: Random) -> None:
        waiting = list(self.chronicle.deliveries(chance))
        while waiting:
            chance.shuffle(waiting)
            still = [run for run in waiting if not self._take(door, run, chance)]
            if len(still) == len(waiting):
                return
            waiting = still

    def _take(self, door: Door, run: Run, chance: Random) -> bool:
        try:
            taken = door.accept(run)
        except PeerFault:
            return False  # a text is missing, and the word that took it back is not here yet
        if taken.new:
            self._look(door)
            if chance.random() < 0.02:
                self._look_after_rebuild(door)
        return not taken.waits

    def _look(self, door: Door) -> None:
        for scope in SCOPES:
            frontier = door.records.held(scope).digest()
            found: list[Row] = [tuple(row) for row in _state_rows(door.database, scope)]
            assert self.seen.setdefault(frontier, found) == found, "equal frontiers, other views"
        assert not [row for row in sums(door) if row[1] != 0], "a currency does not sum to zero"
        assert not list(overdrawn(door)), "a floor was passed"

    def _look_after_rebuild(self, door: Door) -> None:
        before, sizes = [state_hash(door.database, scope) for scope in SCOPES], view_sizes(door.database)
        with door.database.writing():
            door.counting.rebuild()
        assert [state_hash(door.database, scope) for scope in SCOPES] == before, "rebuilt views differ"
        assert view_sizes(door.database) == sizes, "rebuilt views have other rows"


def sums(door: Door) -> list[Row]:
    return door.database.rows("SELECT currency, sum(amount) FROM balance GROUP BY currency")


def overdrawn(door: Door) -> Iterator[tuple[bytes, int, int]]:
    """Yield accounts below their floor. Where a home came back from a backup, what it had lost may be spent once more."""
    for node, number, currency, amount in door.database.rows("SELECT node, number, currency, amount FROM balance"):
        floor = FLOOR_MIN if currency == 0 else min(FLOORS)
        if amount < floor - tail_debits(door, node, number, currency):
            yield node, number, amount


def tail_debits(door: Door, node: bytes, number: int, currency: int) -> int:
    """Return what was taken from an account in the home's logs, but for the newest and what that continues."""
    line = dict(line_of_descent(door, node))
    rows = door.database.rows(
        "SELECT log_no, posting.seq, amount FROM posting JOIN log ON log_no = log.no"
        " WHERE posting.node = ? AND number = ? AND currency = ? AND amount < 0 AND log.node = posting.node",
        *(node, number, currency),
    )
    return -sum(int(amount) for log_no, seq, amount in rows if seq > line.get(log_no, 0))


def line_of_descent(door: Door, node: bytes) -> Iterator[tuple[int, int]]:
    """Yield the newest log of a node that counts, the one it continues and so on, each with the height that is continued."""
    newest = door.database.row(
        "SELECT log FROM log WHERE counted > 0 AND node = ? AND scope = ? ORDER BY incarnation DESC",
        *(node, STREET),
    )
    name, height = (newest[0] if newest else None), 2**63 - 1
    while name is not None and (log := door.records.log(name)):
        yield log.no, height
        first = door.records.record(RecordId(log.log, 1))
        continues = Opening.read(first).continues if first else None
        name, height = (continues.log, continues.height) if continues else (None, 0)
