"""Rows about what is not well between this node and others: written by the daemon, read by the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from appliance.answers import LATELY_S, Ailment
from appliance.store.database import Database
from appliance.store.private import Private

ROWS_MAX: Final = 64  # of one road: addresses can be forged without end
WHO_MAX: Final = 64


class UnwellRows:
    """`who` is a node's handle in hex and its scope for a stalemate, else the address under which a packet came."""

    def __init__(self, database: Database, private: Private) -> None:
        self._database = database
        self._private = private

    def note(self, road: str, stalemates: Iterable[str], faults: Mapping[tuple[str, Ailment], int]) -> None:
        """Keep what was found on a road: stalemates as they are now, faults beside those noted before."""
        boot, now = self._private.heard_since(0)
        self._database.run("DELETE FROM unwell WHERE road = ? AND what = ?", road, Ailment.STALEMATE.name)
        found = [(road, who, Ailment.STALEMATE.name, 1) for who in stalemates]
        found += [(road, who[:WHO_MAX], what.name, count) for (who, what), count in faults.items()]
        self._database.run_many(
            "INSERT INTO unwell VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET tick = ?5, boot = ?6,"
            " count = ?4 + CASE WHEN boot = ?6 AND tick >= ?7 THEN count ELSE 0 END",
            [(*row, now, boot, now - LATELY_S) for row in found],
        )
        self._database.run(
            "DELETE FROM unwell WHERE road = ?1 AND (who, what) NOT IN"
            " (SELECT who, what FROM unwell WHERE road = ?1 ORDER BY boot = ?2 DESC, tick DESC LIMIT ?3)",
            *(road, boot, ROWS_MAX),
        )

    def forget(self) -> None:
        """Begin anew: what another run found may long be well."""
        self._database.run("DELETE FROM unwell")

    def rows(self) -> list[tuple[str, str, Ailment, int]]:
        """Return road, who, what and how often, of the last day, the most frequent first."""
        boot, since = self._private.heard_since(LATELY_S)
        rows = self._database.rows(
            "SELECT road, who, what, count FROM unwell WHERE boot = ? AND (tick >= ? OR what = ?) ORDER BY count DESC, who",
            *(boot, since, Ailment.STALEMATE.name),
        )
        return [(road, who, Ailment[what], count) for road, who, what, count in rows]
