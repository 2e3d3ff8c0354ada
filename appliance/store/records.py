"""The facts: logs, their records, the texts that may be taken back, and the checkpoints that certify them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.store.database import Database, Row
from mesh.errors import Malformed
from mesh.frontier import Frontier, Reach
from mesh.keys import Head, LogId, NodeId, PublicKey, Scope
from mesh.links import WITHDRAW, Opening, read_withdrawal
from mesh.log import Checkpoint, ForkProof, Run, first_head, heads
from mesh.record import NO_TEXT, Record, RecordId

LOG_COLUMNS: Final = "no, log, scope, node, public_key, incarnation, height, head, certified, certified_head"
RUN_RECORDS_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class Log:
    """A log as it is held: `height` records, of which those up to `certified` may be sent."""

    no: int
    log: LogId
    scope: Scope
    node: NodeId
    public_key: PublicKey
    incarnation: int
    height: int
    head: Head
    certified: int
    certified_head: Head


class Records:
    def __init__(self, database: Database) -> None:
        self._database = database

    def log(self, log: LogId) -> Log | None:
        row = self._database.row(f"SELECT {LOG_COLUMNS} FROM log WHERE log = ?", log)
        return Log(*row) if row else None

    def log_by_no(self, no: int) -> Log:
        row = self._database.row(f"SELECT {LOG_COLUMNS} FROM log WHERE no = ?", no)
        assert row is not None
        return Log(*row)

    def logs(self, scope: Scope | None = None, node: NodeId | None = None) -> list[Log]:
        """Return logs, lowest incarnation first."""
        rows = self._database.rows(
            f"SELECT {LOG_COLUMNS} FROM log WHERE scope = coalesce(?, scope) AND node = coalesce(?, node)"
            " ORDER BY incarnation, log",
            scope,
            node,
        )
        return [Log(*row) for row in rows]

    def begin(self, opening: Opening) -> Log:
        """Make room for a log of which nothing is held yet."""
        head = first_head(opening.log)
        self._database.run(
            "INSERT INTO log (log, scope, node, public_key, incarnation, height, head, certified, certified_head)"
            " VALUES (?, ?, ?, ?, ?, 0, ?, 0, ?)",
            *(opening.log, opening.scope, opening.node, opening.public_key, opening.incarnation, head, head),
        )
        log = self.log(opening.log)
        assert log is not None
        return log

    def append(self, log: Log, records: Sequence[Record]) -> None:
        """Put `records` on top of the log. Texts that were already taken back are not kept."""
        chain = heads(log.head, records)
        places = range(log.height + 1, log.height + 1 + len(records))
        self._database.run_many(
            "INSERT INTO record (log_no, seq, kind, core, text_digest, head) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (log.no, seq, record.kind, record.core, record.text_digest, head)
                for seq, record, head in zip(places, records, chain, strict=True)
            ],
        )
        self._database.run_many(
            "INSERT INTO said (log_no, seq, salt, text) SELECT ?1, ?2, ?3, ?4"
            " WHERE NOT EXISTS (SELECT 1 FROM withdrawn WHERE log = ?5 AND seq = ?2 AND node = ?6 AND scope = ?7)",
            [
                (log.no, seq, record.salt, record.text, log.log, log.node, log.scope)
                for seq, record in zip(places, records, strict=True)
                if record.text is not None
            ],
        )
        self._database.run("UPDATE log SET height = ?, head = ? WHERE no = ?", places[-1], chain[-1], log.no)

    def certify(self, log: Log, checkpoint: Checkpoint) -> None:
        """Keep a verified checkpoint; the log may be sent up to it from now on."""
        self._database.run(
            "INSERT INTO checkpoint (log_no, seq, previous, head, signature) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            *(log.no, checkpoint.seq, checkpoint.previous, checkpoint.head, checkpoint.signature),
        )
        self._database.run(
            "UPDATE log SET certified = ?, certified_head = ? WHERE no = ? AND certified < ?",
            *(checkpoint.seq, checkpoint.head, log.no, checkpoint.seq),
        )

    def head_at(self, log: Log, seq: int) -> Head:
        """Return h(seq) of a record that is held, h(0) for 0."""
        if seq == 0:
            return first_head(log.log)
        if seq == log.height:
            return log.head
        return Head(self._database.value("SELECT head FROM record WHERE log_no = ? AND seq = ?", log.no, seq))

    def overlapping(self, log: Log, checkpoint: Checkpoint) -> Checkpoint | None:
        """Return a checkpoint held here that contradicts the one given."""
        rows = self._database.rows(
            "SELECT previous, seq, head, signature FROM checkpoint WHERE log_no = ? AND seq > ? AND previous < ?",
            *(log.no, checkpoint.previous, checkpoint.seq),
        )
        for previous, seq, head, signature in rows:
            if (previous, seq, head) != (checkpoint.previous, checkpoint.seq, checkpoint.head):
                return Checkpoint(log.log, previous, seq, Head(head), signature)
        return None

    def record(self, place: RecordId) -> Record | None:
        row = self._database.row(
            "SELECT core, text_digest, salt, text FROM log JOIN record ON log_no = no LEFT JOIN said USING (log_no, seq)"
            " WHERE log = ? AND seq = ?",
            *place,
        )
        return _record(row) if row else None

    def span(self, log_no: int, after: int, upto: int) -> list[Record]:
        """Return records `after` + 1 … `upto`."""
        rows = self._database.rows(
            "SELECT core, text_digest, salt, text FROM record LEFT JOIN said USING (log_no, seq)"
            " WHERE log_no = ? AND seq > ? AND seq <= ? ORDER BY seq",
            *(log_no, after, upto),
        )
        return [_record(row) for row in rows]

    def run(self, log_id: LogId, after: int, size_max: int, explained: bool = True) -> Run | None:
        """Return what follows `after`, up to the highest checkpoint whose run stays within `size_max` bytes, or the nearest.

        Where a text was taken back, an `explained` run goes on up to the word that took it back: nobody would believe it without.
        """
        log = self.log(log_id)
        if log is None or after >= log.certified:
            return None
        records = self.span(log.no, after, min(log.certified, after + RUN_RECORDS_MAX))
        fits, total = after, 0
        for record in records:
            total += record.size
            if total > size_max:
                break
            fits += 1
        seq, previous, signature = self._checkpoint_near(log, after, fits)
        while explained and (missing := self._last_word(log, after, seq)):
            seq, previous, signature = self._checkpoint_near(log, missing - 1, 0)
        if seq > after + len(records):
            records = self.span(log.no, after, seq)
        return Run(log.log, after, tuple(records[: seq - after]), previous, signature)

    def _last_word(self, log: Log, after: int, upto: int) -> int | None:
        """Return where above `upto` this log takes back a text of (`after`, `upto`], if that may be sent."""
        silenced = self._database.rows(
            "SELECT seq FROM record WHERE log_no = ? AND seq > ? AND seq <= ? AND text_digest <> ?"
            " AND NOT EXISTS (SELECT 1 FROM said WHERE said.log_no = record.log_no AND said.seq = record.seq)",
            *(log.no, after, upto, NO_TEXT),
        )
        if not silenced:
            return None
        words = self._database.rows(
            "SELECT seq, core FROM record WHERE log_no = ? AND kind = ? AND seq > ? AND seq <= ? ORDER BY seq DESC",
            *(log.no, WITHDRAW, upto, log.certified),
        )
        targets = {RecordId(log.log, seq) for (seq,) in silenced}
        return next((seq for seq, core in words if _taken_back(core) in targets), None)

    def _checkpoint_near(self, log: Log, after: int, fits: int) -> Row:
        """Return the highest checkpoint above `after` that fits, or the lowest that does not. The log is certified above."""
        columns = "SELECT seq, previous, signature FROM checkpoint WHERE log_no = ? AND seq > ?"
        highest = self._database.row(f"{columns} AND seq <= ? ORDER BY seq DESC LIMIT 1", log.no, after, fits)
        nearest = highest or self._database.row(f"{columns} ORDER BY seq LIMIT 1", log.no, after)
        assert nearest is not None
        return nearest

    def certified(self, scope: Scope) -> Frontier:
        """Return what may be sent."""
        rows = self._database.rows(
            "SELECT log, certified, certified_head FROM log WHERE scope = ? AND certified > 0", scope
        )
        return Frontier(scope, {LogId(log): Reach(height, Head(head)) for log, height, head in rows})

    def held(self, scope: Scope) -> Frontier:
        """Return all that is here, the newest records of this node's own included."""
        rows = self._database.rows("SELECT log, height, head FROM log WHERE scope = ? AND height > 0", scope)
        return Frontier(scope, {LogId(log): Reach(height, Head(head)) for log, height, head in rows})

    def keep_fork_proof(self, proof: ForkProof) -> bool:
        """Keep the first proof of a log. Returns whether it is news."""
        known = self._database.row("SELECT 1 FROM fork_proof WHERE log = ?", proof.one.log)
        if known is None:
            self._database.run(
                "INSERT INTO fork_proof (log, one, other) VALUES (?, ?, ?)",
                *(proof.one.log, proof.one.encode(), proof.other.encode()),
            )
        return known is None

    def fork_proofs(self, scope: Scope) -> list[ForkProof]:
        rows = self._database.rows(
            "SELECT public_key, one, other FROM fork_proof JOIN log USING (log) WHERE scope = ?", scope
        )
        return [ForkProof(PublicKey(key), Checkpoint.parse(one), Checkpoint.parse(other)) for key, one, other in rows]

    def withdraw(self, target: RecordId, by: Log) -> Log | None:
        """Take a text back for good, also if it arrives only later: the writer of `by` says so there.

        Returns the log of the text if it is here and that was its author's word, in the scope where the text was said.
        """
        self._database.run(
            "INSERT INTO withdrawn VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", *target, by.node, by.scope
        )
        log = self.log(target.log)
        if log is None or (log.node, log.scope) != (by.node, by.scope):
            return None
        self._database.run("DELETE FROM said WHERE log_no = ? AND seq = ?", log.no, target.seq)
        return log

    def withdrawals(self) -> int:
        """Return how many texts were taken back so far, whether or not they are here."""
        return int(self._database.value("SELECT count(*) FROM withdrawn"))

    def is_withdrawn(self, target: RecordId) -> bool:
        row = self._database.row(
            "SELECT 1 FROM withdrawn JOIN log USING (log, node, scope) WHERE log = ? AND seq = ?", *target
        )
        return row is not None

    def count(self) -> int:
        return int(self._database.value("SELECT coalesce(sum(height), 0) FROM log"))


def _taken_back(core: bytes) -> RecordId | None:
    """Return whose text a withdrawal takes back; None where it is no proper one."""
    try:
        return RecordId(*read_withdrawal(Record(core, NO_TEXT)))
    except Malformed:
        return None


def _record(row: Row) -> Record:
    core, text_digest, salt, text = row
    return Record(core, text_digest, salt or b"", text)
