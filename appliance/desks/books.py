"""The books as they leave for other programs: every payment that counts here, oldest arrival first, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from heapq import merge
from itertools import takewhile
from operator import itemgetter
from typing import Final

from appliance.answers import Account
from appliance.desks.payments import Payments
from appliance.ledger.export import Entry, Posting
from appliance.ledger.transfer import AccountId, Transfer
from appliance.ledger.verdicts import Verdict
from appliance.store.database import Database, Row
from mesh import canonical
from mesh.keys import LogId, NodeId
from mesh.record import RecordId

# The sentinel stands twice, as one row is read ahead: see `_by_arrival`.
LOGS: Final = "SELECT no FROM log WHERE EXISTS (SELECT 1 FROM transfer WHERE log_no = log.no) UNION ALL VALUES (0), (0)"
ENTRIES: Final = """SELECT transfer.no, log.log, transfer.seq, log.node, record.core, said.text
    FROM transfer JOIN log ON transfer.log_no = log.no
    JOIN record ON record.log_no = transfer.log_no AND record.seq = transfer.seq
    LEFT JOIN said ON said.log_no = transfer.log_no AND said.seq = transfer.seq
    WHERE transfer.log_no = ? AND verdict = ? ORDER BY transfer.seq"""


def entries(node: Payments) -> Iterator[Entry]:
    """Yield every accepted payment, on each account in the order in which it came to count here. All are of one moment."""
    currencies = {currency.number: currency for currency in node.currencies()}

    @cache
    def account(place: AccountId) -> Account:
        return node.account_at(place)

    for _, log, seq, home, core, text in _by_arrival(node.database):
        fields = canonical.decode(core)
        postings = []
        for place, currency_no, amount in Transfer.read(fields, NodeId(home)).postings:
            owner, currency = account(place), currencies[currency_no]
            name = owner.name or f"account {place.number}"
            postings.append(Posting(owner.id, owner.home_name, name, currency.code, currency.decimals, amount))
        yield Entry(str(RecordId(LogId(log), seq)), fields[1], _memo(text), tuple(postings))


def _by_arrival(database: Database) -> Iterator[Row]:
    """Yield the rows of all logs, merged: they are in order within each. A question that stays open keeps the moment for all."""
    open_question = database.each(LOGS)
    logs = list(takewhile(bool, (no for (no,) in open_question)))
    yield from merge(*(database.each(ENTRIES, no, Verdict.ACCEPTED.code) for no in logs), key=itemgetter(0))
    open_question.close()


def _memo(text: bytes | None) -> str:
    said = canonical.decode(text) if text else None
    return said[0] if type(said) is list and said and type(said[0]) is str else ""
