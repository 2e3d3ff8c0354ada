"""The books as they leave for other programs: every payment that counts here, log by log as it was written, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from appliance.answers import Account
from appliance.desks.payments import Payments
from appliance.ledger.export import Entry, Posting
from appliance.ledger.transfer import AccountId, Transfer
from appliance.ledger.verdicts import Verdict
from mesh import canonical
from mesh.keys import LogId, NodeId
from mesh.record import RecordId

ENTRIES = """SELECT log.log, transfer.seq, log.node, record.core, said.text
    FROM transfer JOIN log ON transfer.log_no = log.no
    JOIN record ON record.log_no = transfer.log_no AND record.seq = transfer.seq
    LEFT JOIN said ON said.log_no = transfer.log_no AND said.seq = transfer.seq
    WHERE verdict = ? ORDER BY transfer.log_no, transfer.seq"""


def entries(node: Payments) -> Iterator[Entry]:
    """Yield every accepted payment. All are of one moment: the outermost question keeps it until it was answered."""
    currencies = {currency.number: currency for currency in node.currencies()}

    @cache
    def account(place: AccountId) -> Account:
        return node.account_at(place)

    for log, seq, home, core, text in node.database.each(ENTRIES, Verdict.ACCEPTED.code):
        fields = canonical.decode(core)
        postings = []
        for place, currency_no, amount in Transfer.read(fields, NodeId(home)).postings:
            owner, currency = account(place), currencies[currency_no]
            name = owner.name or f"account {place.number}"
            postings.append(Posting(owner.id, owner.home_name, name, currency.code, currency.decimals, amount))
        yield Entry(str(RecordId(LogId(log), seq)), fields[1], _memo(text), tuple(postings))


def _memo(text: bytes | None) -> str:
    said = canonical.decode(text) if text else None
    return said[0] if type(said) is list and said and type(said[0]) is str else ""
