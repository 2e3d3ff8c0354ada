"""What counted records amount to in the ledger: members, currencies, transfers with their verdicts, balances.

`balance` takes every accepted posting from anywhere, so each currency sums to zero at every moment. `judged` is what one log has
counted for its own checks: its prefix, what it inherited, and what it absorbed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from appliance.commons.names import folded
from appliance.kinds import CurrencyRules, Member
from appliance.ledger.rules import judge
from appliance.ledger.transfer import AccountId, Posting, Transfer
from appliance.ledger.verdicts import Verdict
from appliance.store.database import Database
from appliance.store.records import Log
from mesh import canonical
from mesh.keys import LogId, NodeId
from mesh.record import Record, RecordId

ALL_LOGS: Final = 0  # log_no of what counts from anywhere


class LogBooks:
    """The `Books` of one log as it stands now."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database = database
        self._log = log
        self.home = log.node

    def floor(self, account: AccountId, currency: int) -> int | None:
        rows = self._database.rows(
            "SELECT floor, log, log_no, seq FROM declared JOIN log ON log_no = no WHERE number = ? ORDER BY incarnation",
            currency,
        )
        return next((floor for floor, *place in rows if self._has_counted(*place)), None)

    def has_member(self, account: AccountId) -> bool:
        rows = self._database.rows(
            "SELECT log, log_no, seq FROM opened JOIN log ON log_no = no WHERE opened.node = ? AND number = ?", *account
        )
        return any(self._has_counted(*row) for row in rows)

    def balance(self, account: AccountId, currency: int) -> int:
        amount = self._database.value(
            "SELECT amount FROM standing WHERE node = ? AND number = ? AND currency = ? AND log_no = ?",
            *(self._log.node, account.number, currency, self._log.no),
        )
        return int(amount or 0)

    def original(self, record: RecordId) -> Transfer | None:
        row = self._database.row(
            "SELECT log.log, log_no, seq FROM transfer JOIN log ON log_no = log.no WHERE log.log = ? AND seq = ? AND verdict = ?",
            *(*record, Verdict.ACCEPTED.code),
        )
        return read_transfer(self._database, record) if row and self._has_counted(*row) else None

    def is_reversed(self, record: RecordId) -> bool:
        rows = self._database.rows(
            "SELECT log.log, log_no, seq FROM transfer JOIN log ON log_no = log.no"
            " WHERE reverses_log = ? AND reverses_seq = ? AND verdict = ?",
            *(*record, Verdict.ACCEPTED.code),
        )
        return any(self._has_counted(*row) for row in rows)

    def absorbed(self, other: LogId) -> int:
        """Return how far this log has absorbed the other."""
        height = self._database.value(
            "SELECT max(height) FROM absorbed WHERE log_no = ? AND other = ?", self._log.no, other
        )
        return int(height or 0)

    def _has_counted(self, log: LogId, log_no: int, seq: int) -> bool:
        return log_no == self._log.no or self.absorbed(log) >= seq


class LedgerViews:
    def __init__(self, database: Database) -> None:
        self._database = database

    def inherit(self, log: Log, earlier: Log, height: int) -> None:
        """Begin where the node's earlier log stood at `height`."""
        database = self._database
        database.run(
            "INSERT INTO absorbed SELECT ?1, 1, other, max(height) FROM absorbed WHERE log_no = ?2 AND seq <= ?3 GROUP BY other",
            *(log.no, earlier.no, height),
        )
        database.run("INSERT INTO absorbed VALUES (?, 1, ?, ?)", log.no, earlier.log, height)
        for other, upto in database.rows("SELECT other, height FROM absorbed WHERE log_no = ?", log.no):
            other_no = database.value("SELECT no FROM log WHERE log = ?", other)
            self._add_judged(log, other_no, 0, upto)

    def absorb(self, log: Log, seq: int, other: Log, height: int) -> None:
        before = LogBooks(self._database, log).absorbed(other.log)
        if height > before:
            self._database.run("INSERT INTO absorbed VALUES (?, ?, ?, ?)", log.no, seq, other.log, height)
            self._add_judged(log, other.no, before, height)

    def _add_judged(self, log: Log, other_no: int, after: int, upto: int) -> None:
        """Count what `other` moved on accounts of this log's home."""
        accepted = self._database.each(
            "SELECT core, node FROM transfer JOIN record USING (log_no, seq) JOIN log ON log_no = log.no"
            " WHERE log_no = ? AND seq > ? AND seq <= ? AND verdict = ?",
            *(other_no, after, upto, Verdict.ACCEPTED.code),
        )
        for row in accepted:
            self._move(log.no, (posting for posting in _read(*row).postings if posting.account.node == log.node))

    def _move(self, log_no: int, postings: Iterable[Posting]) -> None:
        """Add to what a log has counted for its own checks; to what counts at all, where `log_no` is `ALL_LOGS`."""
        self._database.run_many(
            "INSERT INTO standing VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
            [(*posting.account, posting.currency, log_no, posting.amount) for posting in postings],
        )

    def member(self, log: Log, seq: int, record: Record) -> None:
        """Open an account. Where two logs of a node opened the same number, people see what the earlier log says."""
        member = Member.read(record)
        self._database.run(
            "INSERT INTO opened VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", log.node, member.number, log.no, seq
        )
        self._database.run(
            "INSERT INTO member (node, number, log_no, seq, name, folded) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            " ON CONFLICT DO UPDATE SET log_no = ?3, seq = ?4, name = ?5, folded = ?6"
            " WHERE (SELECT incarnation FROM log WHERE no = member.log_no) > ?7",
            *(log.node, member.number, log.no, seq, member.name, folded(member.name), log.incarnation),
        )

    def currency(self, log: Log, seq: int, record: Record) -> None:
        """Only the node that began the commons declares what it counts in; what its earlier log said stands."""
        if not self._is_founders(log):
            return
        rules = CurrencyRules.read(record)
        self._database.run(
            "INSERT INTO declared VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", rules.number, log.no, seq, rules.floor
        )
        self._database.run(
            "INSERT INTO currency (number, log_no, seq, code, decimals, floor, name, meaning)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE"
            " SET log_no = ?2, seq = ?3, code = ?4, decimals = ?5, floor = ?6, name = ?7, meaning = ?8"
            " WHERE (SELECT incarnation FROM log WHERE no = currency.log_no) > ?9",
            *(rules.number, log.no, seq, rules.code, rules.decimals, rules.floor, rules.name, rules.meaning),
            log.incarnation,
        )

    def _is_founders(self, log: Log) -> bool:
        first = self._database.value("SELECT node FROM founder")
        return bool(first == log.node)

    def transfer(self, log: Log, seq: int, record: Record) -> None:
        transfer = Transfer.read(record.fields(), log.node)
        verdict = judge(transfer, LogBooks(self._database, log))
        no = self._next_no(log, transfer)
        self._database.run(
            "INSERT INTO transfer (log_no, seq, no, verdict, reverses_log, reverses_seq) VALUES (?, ?, ?, ?, ?, ?)",
            *(log.no, seq, no, verdict.code, *(transfer.reverses or (None, None))),
        )
        if verdict is Verdict.ACCEPTED:
            self._post(log, seq, no, transfer)

    def _next_no(self, log: Log, transfer: Transfer) -> int:
        """Return a number above that of every payment before this one: in its log, and on each account that it moves."""
        value, accounts = self._database.value, {posting.account for posting in transfer.postings}
        here = value("SELECT no FROM transfer WHERE log_no = ? ORDER BY seq DESC LIMIT 1", log.no)
        there = [value("SELECT max(no) FROM posting WHERE node = ? AND number = ?", *account) for account in accounts]
        return max(no or 0 for no in (here, *there)) + 1

    def _post(self, log: Log, seq: int, no: int, transfer: Transfer) -> None:
        self._database.run_many(
            "INSERT INTO posting (node, number, no, currency, amount, log_no, seq) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*posting.account, no, posting.currency, posting.amount, log.no, seq) for posting in transfer.postings],
        )
        self._move(ALL_LOGS, transfer.postings)
        self._move(log.no, (posting for posting in transfer.postings if posting.account.node == log.node))


def read_transfer(database: Database, place: RecordId) -> Transfer:
    """Return what an accepted transfer that is here says."""
    row = database.row("SELECT core, node FROM log JOIN record ON log_no = no WHERE log = ? AND seq = ?", *place)
    assert row is not None
    return _read(*row)


def _read(core: bytes, node: bytes) -> Transfer:
    return Transfer.read(canonical.decode(core), NodeId(node))
