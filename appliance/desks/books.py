"""The books as they leave for other programs: every payment that counts here, oldest arrival first, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from appliance.answers import Account
from appliance.desks.payments import Payments
from appliance.ledger.export import Entry, Posting
from appliance.ledger.transfer import AccountId
from mesh import canonical
from mesh.keys import LogId, NodeId
from mesh.record import RecordId

ENTRIES = """SELECT transfer.no, log.log, transfer.seq, record.core, said.text
    FROM transfer JOIN log ON transfer.log_no = log.no
    JOIN record ON record.log_no = transfer.log_no AND record.seq = transfer.seq
    LEFT JOIN said ON said.log_no = transfer.log_no AND said.seq = transfer.seq
    WHERE transfer.no IN (SELECT transfer_no FROM posting) ORDER BY transfer.no"""
POSTINGS = "SELECT node, number, currency, amount FROM posting WHERE transfer_no = ? ORDER BY place"


def entries(node: Payments) -> Iterator[Entry]:
    """Yield every accepted payment. All are of one moment: the outermost question keeps it until it was answered."""
    currencies = {currency.number: currency for currency in node.currencies()}

    @cache
    def account(home: NodeId, number: int) -> Account:
        return node.account_at(AccountId(home, number))

    for no, log, seq, core, text in node.database.each(ENTRIES):
        postings = []
        for home, number, currency_no, amount in node.database.each(POSTINGS, no):
            owner, currency = account(NodeId(home), number), currencies[currency_no]
            name = owner.name or f"account {number}"
            postings.append(Posting(owner.id, owner.home_name, name, currency.code, currency.decimals, amount))
        yield Entry(str(RecordId(LogId(log), seq)), canonical.decode(core)[1], _memo(text), tuple(postings))


def _memo(text: bytes | None) -> str:
    said = canonical.decode(text) if text else None
    return said[0] if type(said) is list and said and type(said[0]) is str else ""
