"""The keeper's half of the archive: what arrived is put on the shelf or left, what harms is put away, what is wanted is told.

All of it is this node's own affair: rows that never leave it and are no part of what nodes must agree about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from appliance.answers import Session
from appliance.commons.names import clean_text
from appliance.desks.margin import Margin
from appliance.errors import Objection, Refused
from appliance.ledger.transfer import AccountId
from appliance.library import Complaint, Rack, Reported, Wanted, Zine
from appliance.store.shelf import CARD_COLUMNS, CARD_TABLES, Card

WORD_LENGTH_MAX: Final = 280
REPORTS_MAX: Final = 8  # of one member that the keeper has not looked at: beyond, the next ones wait
SHOWN_MAX: Final = 50
AT: Final = "log = ? AND seq = ?"


class Shelving(Margin):
    # what arrived

    def arrivals(self) -> int:
        """Return how many zines came from elsewhere and do not stand on the shelf."""
        return self.shelf.count(Rack.ARRIVALS)

    def shelve(self, zine_ids: Sequence[str]) -> None:
        """Put zines on the shelf, and ask for the files that are not here. All of them or, where it raises `Refused`, none."""
        with self.database.writing():
            for row in map(self._known_card, zine_ids):
                self.shelf.put(row.log, row.seq, shelved=True, hidden=bool(row.hidden))
                if not self.blobs.has(row.blob):
                    self.shelf.want(row.blob, row.size)

    def leave(self, zine_ids: Sequence[str]) -> None:
        """Note that a keeper has looked at zines and leaves them off the shelf, or takes them off again."""
        with self.database.writing():
            for row in map(self._known_card, zine_ids):
                self.shelf.put(row.log, row.seq, shelved=False, hidden=bool(row.hidden))

    def let_go(self, zine_id: str) -> None:
        """Take a zine from elsewhere off the shelf and free its file here. It can be fetched again where others hold it."""
        row = self._known_card(zine_id)
        log, seq, blob = row.log, row.seq, row.blob
        with self.database.writing():
            if self._is_ours(blob):
                raise Refused(Objection.PUBLISHED_HERE)
            self.database.run("DELETE FROM wanted WHERE blob = ?", blob)
            self.shelf.put(log, seq, shelved=False, hidden=bool(row.hidden))
            if not self.shelf.stands(blob):
                self.shelf.lose(blob)
                self.blobs.drop(blob)

    def _is_ours(self, blob: bytes) -> bool:
        """Whether a zine that this node published is this file: it may be the only copy."""
        sql = "SELECT 1 FROM zine JOIN log ON log_no = log.no WHERE blob = ? AND node = ?"
        return self.database.row(sql, blob, self.node_id) is not None

    # what harms

    def report(self, zine_id: str, word: str, session: Session) -> None:
        """Tell the keepers what is wrong with a zine. A second report of the same zine by the same member adds nothing."""
        row = self._seen_card(zine_id, session)
        said = clean_text(word, WORD_LENGTH_MAX)
        number = AccountId.read(session.account.id).number
        with self.database.writing():
            open_ones = int(self.database.value("SELECT count(*) FROM report WHERE number = ?", number))
            known = self.database.row(f"SELECT 1 FROM report WHERE {AT} AND number = ?", row.log, row.seq, number)
            if known is None and open_ones >= REPORTS_MAX:
                raise Refused(Objection.REPORTS_WAIT)
            if known is None:
                at = self.clock.now()
                self.database.run("INSERT INTO report VALUES (?, ?, ?, ?, ?)", row.log, row.seq, number, said, at)

    def reported(self) -> list[Reported]:
        """Return the zines that members reported, and what they said: for keepers only."""
        rows = self._rows(
            "EXISTS (SELECT 1 FROM report WHERE report.log = log.log AND report.seq = zine.seq)", SHOWN_MAX
        )
        return [Reported(self._zine(row, None), self._complaints(row)) for row in rows]

    def _complaints(self, row: Card) -> tuple[Complaint, ...]:
        rows = self.database.rows(
            f"SELECT number, word, at FROM report WHERE {AT} ORDER BY at, number", row.log, row.seq
        )
        return tuple(Complaint(self.account_at(AccountId(self.node_id, number)), word, at) for number, word, at in rows)

    def dismiss(self, zine_id: str) -> None:
        """Note that a keeper has looked at the reports of a zine, and lets it be."""
        row = self._known_card(zine_id)
        with self.database.writing():
            self.database.run(f"DELETE FROM report WHERE {AT}", row.log, row.seq)

    def hide(self, zine_id: str) -> None:
        """Put a zine away at this node, until a keeper decides: not listed, found, shown, handed out or carried on."""
        row = self._known_card(zine_id)
        with self.database.writing():
            self.shelf.put(row.log, row.seq, shelved=bool(row.shelved), hidden=True)
            if not self.shelf.is_open(row.blob):
                self.database.run("DELETE FROM wanted WHERE blob = ?", row.blob)

    def unhide(self, zine_id: str) -> None:
        """Put a hidden zine back where it was; its reports are settled by that."""
        row = self._known_card(zine_id)
        with self.database.writing():
            self.shelf.put(row.log, row.seq, shelved=bool(row.shelved), hidden=False)
            self.database.run(f"DELETE FROM report WHERE {AT}", row.log, row.seq)
            if row.shelved and not self.blobs.has(row.blob):
                self.shelf.want(row.blob, row.size)

    # what is wanted, and what could go

    def wanted(self) -> list[Wanted]:
        """Return the zines whose files are waited for here, the rarest first."""
        rows = self._rows("zine.blob IN (SELECT blob FROM wanted) AND coalesce(hidden, 0) = 0", SHOWN_MAX)
        room = self.settings.archive.quota_bytes - self.blobs.used_bytes()
        found = [self._wanted(row, room) for row in rows]
        return sorted(found, key=lambda one: (one.zine.copies, one.zine.size))

    def _wanted(self, row: Card, room: int) -> Wanted:
        zine = self._zine(row, None)
        return Wanted(zine, tuple(self._holder_names(row.blob)), waits_for_room=zine.size > room)

    def _holder_names(self, blob: bytes) -> list[str]:
        rows = self.database.rows("SELECT node FROM holding WHERE blob = ? ORDER BY node LIMIT ?", blob, SHOWN_MAX)
        return sorted(self._node_name(node) for (node,) in rows)

    def archive_bytes(self) -> tuple[int, int]:
        """Return how much all files take, and how much they may take."""
        return self.blobs.used_bytes(), self.settings.archive.quota_bytes

    def is_nearly_full(self) -> bool:
        """Whether less than a tenth of the archive's quota is left."""
        used, quota = self.archive_bytes()
        return 10 * used > 9 * quota

    def could_go(self, limit: int = SHOWN_MAX) -> tuple[Zine, ...]:
        """Return zines from elsewhere whose files are here and held by neighbours too, those with most copies first."""
        rows = self._rows("zine.blob IN (SELECT blob FROM holding)", -1)
        found = [self._zine(row, None) for row in rows if self.blobs.has(row.blob) and not self._is_ours(row.blob)]
        spare = sorted((zine for zine in found if zine.copies), key=lambda zine: (-zine.copies, -zine.size))
        return tuple(spare[:limit])

    def _rows(self, where: str, limit: int) -> list[Card]:
        rows = self.database.rows(
            f"SELECT {CARD_COLUMNS} FROM {CARD_TABLES} WHERE {where} ORDER BY zine.no DESC LIMIT ?", limit
        )
        return [Card(*row) for row in rows]
