"""Runs that stand above a gap of their log: checked, kept aside, and taken in when the gap closes. Nothing of them is counted."""

from __future__ import annotations

from typing import Final

from appliance.store.database import Database
from mesh import frames
from mesh.keys import LogId
from mesh.log import Run

RUNS_MAX: Final = 32
SIZE_MAX: Final = 2048  # bytes of one run


class Aside:
    """At most 32 runs of 2 KiB: the oldest makes room."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, run: Run) -> bool:
        """Keep a run that was checked. Returns whether it is news."""
        raw = frames.encode_run(run)
        if len(raw) > SIZE_MAX or self._database.row(
            "SELECT 1 FROM aside WHERE log = ? AND upto >= ?", run.log, run.upto
        ):
            return False
        self._database.run(
            "INSERT INTO aside (log, after, upto, run) VALUES (?, ?, ?, ?)", run.log, run.after, run.upto, raw
        )
        self._database.run(
            "DELETE FROM aside WHERE no NOT IN (SELECT no FROM aside ORDER BY no DESC LIMIT ?)", RUNS_MAX
        )
        return True

    def runs(self) -> list[Run]:
        """Return all, the newest first."""
        return [frames.parse_run(raw) for (raw,) in self._database.rows("SELECT run FROM aside ORDER BY no DESC")]

    def reached(self, log: LogId, height: int) -> list[Run]:
        """Take out the runs of a log to which it has grown; those that are not news any more are dropped."""
        rows = self._database.rows("SELECT run FROM aside WHERE log = ? AND after <= ? ORDER BY after", log, height)
        if rows:
            self._database.run("DELETE FROM aside WHERE log = ? AND after <= ?", log, height)
        return [run for (raw,) in rows if (run := frames.parse_run(raw)).upto > height]

    def drop(self, log: LogId) -> None:
        """Forget what is kept of a log."""
        self._database.run("DELETE FROM aside WHERE log = ?", log)
