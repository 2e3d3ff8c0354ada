"""Payments: judged before they are signed, on the card before anybody hears of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Final

from appliance.answers import Account, Currency, Delivery, Page, Room, Session, Standing, Transfer, goes_on_below
from appliance.commons.names import visible
from appliance.desks.people import People
from appliance.desks.places import place_of
from appliance.desks.receipts import paper
from appliance.errors import Objection, Refused
from appliance.ledger import transfer as entries
from appliance.ledger.amounts import read_amount, write_amount
from appliance.ledger.rules import judge
from appliance.ledger.transfer import AMOUNT_MAX, MEMO_LENGTH_MAX, AccountId
from appliance.ledger.verdicts import Verdict
from appliance.store.database import Row
from appliance.store.ledger_views import LogBooks, read_transfer
from mesh import canonical, links
from mesh.errors import Malformed
from mesh.keys import LogId, NodeId
from mesh.record import Record, RecordId

TRANSFER_COLUMNS: Final = "log.log, transfer.seq, log.node, verdict, reverses_log, reverses_seq, record.core, said.text"
TRANSFER_TABLES: Final = (
    "transfer JOIN log ON transfer.log_no = log.no"
    " JOIN record ON record.log_no = transfer.log_no AND record.seq = transfer.seq"
    " LEFT JOIN said ON said.log_no = transfer.log_no AND said.seq = transfer.seq"
)
CURRENCY_COLUMNS: Final = (
    "number, code, name, meaning, decimals, floor,"
    " (SELECT coalesce(sum(amount), 0) FROM balance WHERE currency = currency.number)"
)
# The logs that paid into an account, the largest sum first.
PAID_IN: Final = (
    "SELECT log_no AS no FROM posting WHERE node = ? AND number = ? AND currency = ? AND amount > 0"
    " GROUP BY log_no ORDER BY sum(amount) DESC"
)
NOT_COUNTED: Final = "not_counted"
UNCOUNTED_MAX: Final = 500  # looked at for one page
# Payments above the place up to which their log counts, of nodes that were let in, the newest of each log first.
UNCOUNTED: Final = (
    f"SELECT log.log, record.seq, log.node, '{NOT_COUNTED}', NULL, NULL, record.core, said.text FROM log"
    " JOIN record ON record.log_no = log.no AND record.seq > counted"
    " LEFT JOIN said ON said.log_no = record.log_no AND said.seq = record.seq"
    " WHERE scope = ? AND kind = ? AND node IN (SELECT node FROM admitted) AND log.log NOT IN (SELECT log FROM ended)"
    " ORDER BY log.no, record.seq DESC LIMIT ?"
)


class Payments(People):
    def currencies(self) -> list[Currency]:
        return [
            Currency(*row) for row in self.database.rows(f"SELECT {CURRENCY_COLUMNS} FROM currency ORDER BY number")
        ]

    def currency(self, code: str) -> Currency:
        """Return the currency that people call `code`. Raises `Refused`."""
        for currency in self.currencies():
            if code.strip().casefold() in (currency.code.casefold(), currency.name.casefold()):
                return currency
        raise Refused(Verdict.CURRENCY_UNKNOWN, currency=repr(code[:24]))

    def read_amount(self, text: str, currency: Currency) -> int:
        """Return an amount as typed in smallest units. Raises `Refused`."""
        return read_amount(text, currency.name, currency.decimals)

    def pay(
        self,
        payer: Account,
        payee: Account,
        amount: int,
        currency: Currency,
        memo: str = "",
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Pay. When this returns the payment is on the card. Raises `Refused` with the first verdict that applies.

        The same `idempotency_key` with the same request returns the first answer and pays nothing again.
        """
        if amount <= 0:
            raise Refused(Verdict.AMOUNT_MUST_BE_POSITIVE)
        if amount > AMOUNT_MAX:
            raise Refused(Verdict.AMOUNT_TOO_LARGE)
        if payer.id == payee.id:
            raise Refused(Verdict.ACCOUNTS_MUST_DIFFER)
        if len(memo) > MEMO_LENGTH_MAX:
            raise Refused(Verdict.MEMO_TOO_LONG, limit=MEMO_LENGTH_MAX)
        if self.database.row("SELECT 1 FROM member WHERE node = ? AND number = ?", *AccountId.read(payee.id)) is None:
            raise Refused(Verdict.PAYEE_UNKNOWN, name=payee.name or payee.id)
        memo = " ".join(visible(memo).split())
        wanted = entries.Transfer.simple(AccountId.read(payer.id), AccountId.read(payee.id), currency.number, amount)
        return self._settle_once(payer, wanted, memo, idempotency_key)

    def _is_forked(self, node: NodeId) -> bool:
        """Whether a log of that node was written twice from one place on: no new credit goes there until that log was left."""
        row = self.database.row(
            "SELECT 1 FROM fork_proof JOIN log USING (log) WHERE node = ? AND log NOT IN (SELECT log FROM ended)", node
        )
        return row is not None

    def give_back(self, payer: Account, transfer_id: str, idempotency_key: str | None = None) -> Transfer:
        """Undo a payment that `payer` got, by a counter-entry that names it."""
        place = place_of(transfer_id)
        row = self._row(place)
        if row is None or row[3] != Verdict.ACCEPTED.code:
            raise Refused(Verdict.REVERSES_UNKNOWN)
        original = read_transfer(self.database, place)
        if all(posting.account != AccountId.read(payer.id) for posting in original.postings if posting.amount > 0):
            raise Refused(Verdict.REVERSES_UNEQUAL)
        return self._settle_once(payer, original.reversed(place), "", idempotency_key)

    def _settle_once(self, payer: Account, wanted: entries.Transfer, memo: str, key: str | None) -> Transfer:
        if not payer.is_here:
            raise Refused(Verdict.HOME_IS_ELSEWHERE, name=payer.name, home=payer.home_name)
        number, body = AccountId.read(payer.id).number, _request_digest(wanted, memo)
        with self.saying():
            place = self._once(number, key, body, lambda: self._sign(payer, wanted, memo))
            self._seal_if_alone()
        return self.transfer(str(place))

    def _seal_if_alone(self) -> None:
        """Certify in the same commit, which spares the card one, what nobody paid shortly before; the rest waits for company."""
        before, self.spoke_at = self.spoke_at, self.clock.ticks()
        if self.spoke_at - before >= self.settings.gossip.batch_s:
            self.seal()

    def _sign(self, payer: Account, wanted: entries.Transfer, memo: str) -> RecordId:
        """Absorb what the payment needs to be covered, judge it, and only then sign."""
        for posting in wanted.postings:
            if posting.amount > 0 and not wanted.reverses and self._is_forked(posting.account.node):
                raise Refused(Verdict.PAYEE_IN_QUESTION, home=self.account_at(posting.account).home_name)
        for record in self._needed(wanted):
            self.say(self.commons, record)
        books = LogBooks(self.database, self.own_log(self.commons))
        verdict = judge(wanted, books)
        if verdict is not Verdict.ACCEPTED:
            raise Refused(verdict, **self._details(verdict, payer, wanted))
        salt = self.salt(self.commons)
        return self.say(self.commons, wanted.record(self.clock.now(), self.node_id, memo, salt))

    def _needed(self, wanted: entries.Transfer) -> Iterator[Record]:
        """Yield absorbs for this payment: of what was paid in from elsewhere, only until the payment is covered."""
        books = LogBooks(self.database, self.own_log(self.commons))
        if wanted.reverses:
            yield from self._absorb_of(books, wanted.reverses.log)
        for posting in wanted.postings:
            if books.floor(posting.account, posting.currency) is None:
                for log in self._logs("SELECT log_no AS no FROM currency WHERE number = ?", posting.currency):
                    yield from self._absorb_of(books, log)
        for posting in wanted.postings:
            for log in self._logs(PAID_IN, *posting.account, posting.currency):
                if self._is_covered(books, posting):
                    break
                yield from self._absorb_of(books, log)

    def _absorb_of(self, books: LogBooks, log_id: LogId) -> Iterator[Record]:
        log = self.records.log(log_id)
        if log and log.log != self.own_log(self.commons).log and self.counting.counted(log) > books.absorbed(log_id):
            yield links.absorb(self.clock.now(), self.counted_place(log))

    def _is_covered(self, books: LogBooks, posting: entries.Posting) -> bool:
        """Whether this node's own books cover what a posting takes. What is taken elsewhere is not for this node to cover."""
        floor = books.floor(posting.account, posting.currency)
        if posting.amount >= 0 or posting.account.node != self.node_id or floor is None:
            return True
        return books.balance(posting.account, posting.currency) + posting.amount >= floor

    def _logs(self, nos: str, *values: object) -> list[LogId]:
        return [LogId(log) for (log,) in self.database.rows(f"SELECT log FROM ({nos}) JOIN log USING (no)", *values)]

    def _details(self, verdict: Verdict, payer: Account, wanted: entries.Transfer) -> dict[str, object]:
        number = next(posting.currency for posting in wanted.postings)
        currency = next((known for known in self.currencies() if known.number == number), None)
        details: dict[str, object] = {
            "name": payer.name,
            "home": payer.home_name,
            "currency": currency.name if currency else number,
        }
        if currency and verdict is Verdict.EXCEEDS_CREDIT_LIMIT:
            room = self.room(payer, currency)
            details["room"] = write_amount(max(0, room.payable), currency.decimals)
        return details

    # what people ask

    def transfer(self, transfer_id: str) -> Transfer:
        """Return a payment. Raises `Refused`."""
        place = place_of(transfer_id)
        row = self._row(place) or self._uncounted_row(place)
        if row is None:
            raise Refused(Objection.NOT_FOUND)
        return self._read(row, {currency.number: currency for currency in self.currencies()})

    def receipt(self, transfer_id: str) -> dict[str, object]:
        """Return what proves a payment to anybody, without this node. Raises `Refused` where there is none, or not sealed yet."""
        place = place_of(transfer_id)
        if self._row(place) is None:
            raise Refused(Objection.NOT_FOUND)
        self.seal()
        proof = paper(self.records, place)
        if proof is None:
            raise Refused(Objection.NOT_SEALED_YET)
        return proof

    def statement(self, account: Account, older: str = "", limit: int = 20) -> Page[Transfer]:
        """Return what moved on an account, newest first."""
        below = goes_on_below(older)
        rows = self.database.rows(
            f"SELECT moved.no, {TRANSFER_COLUMNS} FROM (SELECT DISTINCT no, log_no, seq FROM posting"
            "  WHERE node = ? AND number = ? AND no < ? ORDER BY no DESC LIMIT ?) AS moved"
            f" CROSS JOIN {TRANSFER_TABLES} WHERE transfer.log_no = moved.log_no AND transfer.seq = moved.seq"
            " ORDER BY moved.no DESC",
            *(*AccountId.read(account.id), below, limit + 1),
        )
        currencies = {currency.number: currency for currency in self.currencies()}
        return Page.cut(rows, limit, lambda row: self._read(row[1:], currencies))

    def rooms(self, account: Account) -> list[Room]:
        """Return how much can be paid from `account` here, now, in each currency."""
        return [self.room(account, currency) for currency in self.currencies()]

    def room(self, account: Account, currency: Currency) -> Room:
        place = AccountId.read(account.id)
        balance = int(
            self.database.value(
                "SELECT amount FROM balance WHERE node = ? AND number = ? AND currency = ?", *place, currency.number
            )
            or 0
        )
        only_reads = self.trouble is not None
        payable = max(0, balance - currency.floor) if account.is_here and not only_reads else 0
        return Room(
            currency, balance, payable, currency.floor, self._waiting(), account.is_here, account.home_name, only_reads
        )

    def _waiting(self) -> int:
        """Return how many records that are here still wait for another; none of them is in any balance."""
        return int(
            self.database.value("SELECT coalesce(sum(height - counted), 0) FROM log WHERE scope = ?", self.commons)
        )

    def may_see_account(self, session: Session | None, account_id: str) -> bool:
        """Members see their own statement, nobody else's."""
        return session is not None and session.account.id == account_id

    def _row(self, place: RecordId) -> Row | None:
        return self.database.row(
            f"SELECT {TRANSFER_COLUMNS} FROM {TRANSFER_TABLES} WHERE log.log = ? AND transfer.seq = ?", *place
        )

    def _uncounted_row(self, place: RecordId) -> Row | None:
        """Return a payment that is held but counts nowhere: it waits for another entry, or its log was left behind."""
        record, log = self.records.record(place), self.records.log(place.log)
        if record is None or log is None or log.scope != self.commons or record.kind != entries.TRANSFER:
            return None
        try:
            entries.Transfer.read(record.fields(), log.node)
        except Malformed:
            return None
        return (log.log, place.seq, log.node, NOT_COUNTED, None, None, record.core, record.text)

    def on_their_way(self, account: Account, limit: int = 20) -> list[Transfer]:
        """Return payments of `account` that are here and verified, and in no balance: what they build on is not here yet."""
        currencies = {currency.number: currency for currency in self.currencies()}
        mine = AccountId.read(account.id)
        rows = self.database.rows(UNCOUNTED, self.commons, entries.TRANSFER, UNCOUNTED_MAX)
        return [self._read(row, currencies) for row in rows if mine in _accounts(row)][:limit]

    def _will_count(self, place: RecordId) -> bool:
        """Whether a record waits for others, and not for people: its node was let in and goes on in this log."""
        row = self.database.row(
            "SELECT 1 FROM log WHERE log = ? AND node IN (SELECT node FROM admitted) AND log NOT IN (SELECT log FROM ended)",
            place.log,
        )
        return row is not None

    def _read(self, row: Row, currencies: Mapping[int, Currency]) -> Transfer:
        log, seq, node, verdict, reverses_log, reverses_seq, core, text = row
        fields = canonical.decode(core)
        stated = entries.Transfer.read(fields, NodeId(node))
        payer = min(stated.postings, key=lambda posting: posting.amount)
        payee = max(stated.postings, key=lambda posting: posting.amount)
        place = RecordId(LogId(log), seq)
        delivery = self.delivery_of(place)
        return Transfer(
            id=str(place),
            payer=self.account_at(payer.account),
            payee=self.account_at(payee.account),
            amount=payee.amount,
            currency=currencies.get(payer.currency) or Currency(payer.currency, "?", "?", "", 0, 0, 0),
            memo=_memo(text),
            at=fields[1],
            standing=self._standing(verdict, NodeId(node), delivery),
            verdict=verdict,
            reverses=str(RecordId(LogId(reverses_log), reverses_seq)) if reverses_log else None,
            reversed_by=self._reversed_by(place),
            delivery=delivery,
            on_its_way=verdict == NOT_COUNTED and self._will_count(place),
        )

    def _standing(self, verdict: str, node: NodeId, delivery: Delivery) -> Standing:
        """What another node wrote is on two cards already; what this one wrote is so once a neighbour holds it."""
        if verdict != Verdict.ACCEPTED.code:
            return Standing.IN_QUESTION
        return Standing.SETTLED if node != self.node_id or delivery.is_elsewhere else Standing.GOOD

    def _reversed_by(self, place: RecordId) -> str | None:
        row = self.database.row(
            "SELECT log.log, seq FROM transfer JOIN log ON log_no = log.no"
            " WHERE reverses_log = ? AND reverses_seq = ? AND verdict = ?",
            *(*place, Verdict.ACCEPTED.code),
        )
        return str(RecordId(LogId(row[0]), row[1])) if row else None


def _accounts(row: Row) -> set[AccountId]:
    """Return whose accounts the payment of an uncounted row moves; none where it is signed nonsense."""
    try:
        stated = entries.Transfer.read(canonical.decode(row[6]), NodeId(row[2]))
    except Malformed:
        return set()
    return {posting.account for posting in stated.postings}


def _memo(text: bytes | None) -> str:
    said = canonical.decode(text) if text else None
    return said[0] if type(said) is list and said and type(said[0]) is str else ""


def _request_digest(wanted: entries.Transfer, memo: str) -> bytes:
    rows = [[str(posting.account), posting.currency, posting.amount] for posting in wanted.postings]
    request = [rows, str(wanted.reverses), memo]
    return blake2b(canonical.encode(request), digest_size=16).digest()
