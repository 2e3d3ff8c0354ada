"""Calls for help as this node has heard them: rows that never leave it as rows, counted down by the machine's own uptime.

A reboot stops the count: nobody knows how long the machine was off. What was left is noted every ten minutes, so a reboot gives
a call at most these ten minutes more, and never more than once for each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from appliance.store.database import Database, Row
from appliance.store.private import Private
from mesh.airform import NODE_HANDLE_SIZE
from mesh.alarms import Held, aged
from mesh.distress import Caller, Distress, Level
from mesh.keys import NodeId, PublicKey

NOTE_EVERY_S: Final = 600
COLUMNS: Final = "node, person, turn, level, life, at, words, signature, left_s, most_s, tick, boot"


class Calls:
    """The shelf of `mesh.alarms.Alarms`."""

    def __init__(self, database: Database, private: Private) -> None:
        self._database = database
        self._private = private

    def all(self) -> list[Held]:
        """Return the last call of each caller, those that ended among them."""
        rows = self._database.rows(f"SELECT {COLUMNS} FROM distress ORDER BY level DESC, rowid")
        return [self._held(row) for row in rows]

    def of(self, node: NodeId, person: int) -> Held | None:
        row = self._database.row(f"SELECT {COLUMNS} FROM distress WHERE node = ? AND person = ?", node, person)
        return self._held(row) if row else None

    def keep(self, node: NodeId, call: Distress, left_s: float, most_s: float) -> None:
        """Keep a call in the place of the caller's last one."""
        tick, boot = self._private.uptime()
        self._database.run(
            "INSERT OR REPLACE INTO distress (node, person, turn, level, life, at, words, signature, left_s, most_s, tick, boot)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(node, call.caller.person, call.turn, int(call.level), call.life, call.at, call.words, call.signature),
            *(left_s, most_s, tick, boot),
        )

    def drop(self, node: NodeId, person: int) -> None:
        """Forget a call, but not that its turn is over."""
        turn = self._database.value("SELECT turn FROM distress WHERE node = ? AND person = ?", node, person)
        self._database.run(
            "INSERT INTO distress_floor VALUES (?1, ?2) ON CONFLICT DO UPDATE SET turn = max(turn, ?2)", node, turn or 0
        )
        self._database.run("DELETE FROM distress WHERE node = ? AND person = ?", node, person)

    def floor(self, node: NodeId) -> int:
        """Return the highest turn of this node that was forgotten."""
        return int(self._database.value("SELECT turn FROM distress_floor WHERE node = ?", node) or 0)

    def next_turn(self, node: NodeId) -> int:
        """Return the lowest turn that is above all that is known of this node."""
        heard = self._database.value("SELECT max(turn) FROM distress WHERE node = ?", node) or 0
        return max(int(heard), self.floor(node)) + 1

    def authors(self, handle: bytes) -> list[tuple[NodeId, PublicKey]]:
        """Return the nodes of this handle whose logs are here, and their keys."""
        rows = self._database.rows(
            "SELECT DISTINCT node, public_key FROM log WHERE substr(node, 1, ?) = ?", NODE_HANDLE_SIZE, handle
        )
        return [(NodeId(node), PublicKey(key)) for node, key in rows]

    def count_down(self) -> None:
        """Note how much is left, where that was long ago or before this boot."""
        tick, boot = self._private.uptime()
        rows = self._database.rows(f"SELECT {COLUMNS} FROM distress WHERE left_s > 0")
        stale = [row for row in rows if row[-1] != boot or tick - row[-2] >= NOTE_EVERY_S]
        if stale:
            with self._database.writing():
                for held in map(self._held, stale):
                    self.keep(held.node, held.call, held.left_s, held.most_s)

    def _held(self, row: Row) -> Held:
        node, person, turn, level, life, at, words, signature, left_s, most_s, tick, boot = row
        now, this_boot = self._private.uptime()
        passed = max(0.0, now - tick) if boot == this_boot else 0.0
        left_s, most_s = max(0.0, left_s - passed), max(0.0, most_s - passed)
        node_id = NodeId(node)
        caller = Caller(node_id[:NODE_HANDLE_SIZE], person)
        call = Distress(0, caller, turn, Level(level), life, at, words, signature)
        return Held(node_id, replace(call, age=aged(call, left_s)), left_s, most_s)
