"""What counted records amount to: each kind goes to its view, and one digest tells whether two nodes see the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Final

from appliance import kinds
from appliance.kinds import NodeCard, PostCard, Seal
from appliance.notes import NoteCard
from appliance.store.database import Database, Row
from appliance.store.ledger_views import LedgerViews
from appliance.store.migrations import VIEW_TABLES
from appliance.store.records import Log
from appliance.store.shelf import Shelf
from mesh import canonical
from mesh.keys import PUBLIC
from mesh.record import Record

Apply = Callable[[Log, int, Record], None]

# Local numbers and what hangs on arrival (which files are here, row numbers) stay out of the digest.
DIGESTED: Final[Mapping[bool, tuple[str, ...]]] = {
    True: (
        "SELECT 'counted', log, counted FROM log WHERE scope = ? AND counted > 0 ORDER BY log",
        "SELECT 'node', node_name.node, name FROM node_name JOIN log ON log_no = log.no WHERE scope = ? ORDER BY node_name.node",
        "SELECT 'zine', log, seq, blob, size, media_type, title, creator, language, description, series, issue, licence, tags"
        " FROM zine JOIN log ON log_no = log.no WHERE scope = ? ORDER BY log, seq",
        "SELECT 'note', log, seq, zine_log, zine_seq, page, text, by, quote, before, after"
        " FROM note JOIN log ON log_no = log.no WHERE scope = ? ORDER BY log, seq",
    ),
    False: (
        "SELECT 'counted', log, counted FROM log WHERE scope = ? AND counted > 0 ORDER BY log",
        "SELECT 'admitted', node FROM admitted WHERE ? IS NOT NULL ORDER BY node",
        "SELECT 'member', member.node, number, name FROM member WHERE ? IS NOT NULL ORDER BY node, number",
        "SELECT 'currency', number, log, seq, code, decimals, floor, name, meaning FROM currency JOIN log ON log_no = no"
        " WHERE scope = ? ORDER BY number",
        "SELECT 'transfer', log.log, transfer.seq, verdict, said.text FROM transfer JOIN log ON transfer.log_no = log.no"
        " LEFT JOIN said ON said.log_no = transfer.log_no AND said.seq = transfer.seq WHERE scope = ?"
        " ORDER BY log.log, transfer.seq",
        "SELECT 'balance', node, number, currency, amount FROM balance WHERE ? IS NOT NULL ORDER BY node, number, currency",
        "SELECT 'judged', log, number, currency, amount FROM judged JOIN log ON log_no = no WHERE scope = ?"
        " ORDER BY log, number, currency",
        "SELECT 'absorbed', log, other, max(absorbed.height) FROM absorbed JOIN log ON log_no = no WHERE scope = ?"
        " GROUP BY log, other ORDER BY log, other",
        "SELECT 'moon_seal', node, moon FROM moon_seal WHERE ? IS NOT NULL ORDER BY node",
        "SELECT 'post', log, seq, board, author, title, body FROM post JOIN log ON log_no = log.no WHERE scope = ?"
        " ORDER BY log, seq",
    ),
}


class AllViews(LedgerViews):
    """The views of `public` and of the node's own commons."""

    def __init__(self, database: Database, shelf: Shelf) -> None:
        super().__init__(database)
        self._shelf = shelf
        self._in_public: Mapping[int, Apply] = {
            kinds.NODE: self._node_card,
            kinds.ZINE: shelf.arrive,
            kinds.NOTE: self._note_card,
        }
        self._in_commons: Mapping[int, Apply] = {
            kinds.MEMBER: self.member,
            kinds.CURRENCY: self.currency,
            kinds.TRANSFER: self.transfer,
            kinds.POST: self._post_card,
            kinds.MOON: self._seal,
        }

    def apply(self, log: Log, seq: int, record: Record) -> None:
        """Let one record count. A kind this program does not know counts nowhere yet."""
        apply = (self._in_public if log.scope == PUBLIC else self._in_commons).get(record.kind)
        if apply:
            apply(log, seq, record)

    def forget(self, log: Log, seq: int) -> None:
        """Make a text that was taken back look as if it had never been said."""
        self._shelf.forget(log, seq)
        place = (log.no, seq)
        self._database.run("DELETE FROM post WHERE log_no = ? AND seq = ?", *place)
        self._database.run("DELETE FROM note WHERE log_no = ? AND seq = ?", *place)
        self._database.run("UPDATE member SET name = '', folded = '' WHERE log_no = ? AND seq = ?", *place)
        self._database.run("UPDATE node_name SET name = '' WHERE log_no = ? AND seq = ?", *place)
        self._database.run("UPDATE currency SET name = '', meaning = '' WHERE log_no = ? AND seq = ?", *place)

    def _node_card(self, log: Log, seq: int, record: Record) -> None:
        """The last word of the latest incarnation counts, whichever log is heard first."""
        self._database.run(
            "INSERT INTO node_name (node, log_no, seq, name) VALUES (?1, ?2, ?3, ?4)"
            " ON CONFLICT DO UPDATE SET log_no = ?2, seq = ?3, name = ?4"
            " WHERE (SELECT incarnation FROM log WHERE no = node_name.log_no) <= ?5",
            *(log.node, log.no, seq, NodeCard.read(record).name, log.incarnation),
        )

    def _post_card(self, log: Log, seq: int, record: Record) -> None:
        card = PostCard.read(record)
        if card.title:  # withdrawn otherwise, or nothing worth pinning up
            self._database.run(
                "INSERT INTO post (log_no, seq, board, author, title, body) VALUES (?, ?, ?, ?, ?, ?)",
                *(log.no, seq, card.board, card.author, card.title, card.body),
            )

    def _seal(self, log: Log, seq: int, record: Record) -> None:  # noqa: ARG002 (as all of them)
        """The highest moon of a node counts, whichever of its logs is heard first."""
        self._database.run(
            "INSERT INTO moon_seal VALUES (?1, ?2) ON CONFLICT DO UPDATE SET moon = max(moon, ?2)",
            *(log.node, Seal.read(record).moon),
        )

    def _note_card(self, log: Log, seq: int, record: Record) -> None:
        """A note is kept whether its zine is here or not: it shows when the zine comes, in whatever order they travel."""
        card = NoteCard.read(record)
        if card.text:
            self._database.run(
                "INSERT INTO note (log_no, seq, zine_log, zine_seq, page, text, by, quote, before, after)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(log.no, seq, *card.zine, card.page, card.text, card.by, card.quote, card.before, card.after),
            )


def state_hash(database: Database, scope: bytes) -> str:
    """Return the digest of every view that derives from the records of `scope`: 64 hex digits."""
    whole = blake2b(b"hedgerow/state/v1\0" + scope, digest_size=32)
    for row in _state_rows(database, scope):
        whole.update(canonical.encode(list(row)))
    return whole.hexdigest()


def view_sizes(database: Database) -> dict[str, int]:
    """Return how many rows each view has, also those that are no part of any digest: what searching finds, what waits."""
    return {table: int(database.value(f"SELECT count(*) FROM {table}")) for table in VIEW_TABLES}


def _state_rows(database: Database, scope: bytes) -> Iterator[Row]:
    for sql in DIGESTED[scope == PUBLIC]:
        yield from database.each(sql, scope)
