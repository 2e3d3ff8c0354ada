"""The one choke point: whether a transfer counts, asked once by the home before it signs, and again by every replica.

A log is judged on its own prefix plus what it absorbed, and on nothing else, so all replicas answer alike whatever arrived
first. Only an account's home may take from it; so a floor that is checked at home is exact, whatever the rest of the world does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from appliance.ledger.transfer import AMOUNT_MAX, AccountId, Transfer
from appliance.ledger.verdicts import Verdict
from mesh.keys import NodeId
from mesh.record import RecordId


class Books(Protocol):
    """What one log has counted at the record that is judged."""

    home: NodeId

    def floor(self, account: AccountId, currency: int) -> int | None:
        """Return how far below zero the account may go (0 or negative); None where this log knows no such currency."""

    def has_member(self, account: AccountId) -> bool:
        """Whether this account of the home was opened."""

    def balance(self, account: AccountId, currency: int) -> int:
        """Return what this log has counted for an account of its home."""

    def original(self, record: RecordId) -> Transfer | None:
        """Return the accepted transfer that stands there, if this log has counted it."""

    def is_reversed(self, record: RecordId) -> bool:
        """Whether this log has already counted a counter-entry to it."""


def judge(transfer: Transfer, books: Books) -> Verdict:
    """Return the first verdict of the closed list that applies; `ACCEPTED` where none does."""
    for verdict, applies in CHECKS:
        if applies(transfer, books):
            return verdict
    return Verdict.ACCEPTED


def _moves_nothing(transfer: Transfer, books: Books) -> bool:
    takers = [posting for posting in transfer.postings if posting.amount < 0]
    return not takers or any(posting.amount == 0 for posting in transfer.postings)


def _is_too_large(transfer: Transfer, books: Books) -> bool:
    return any(abs(posting.amount) > AMOUNT_MAX for posting in transfer.postings)


def _is_unbalanced(transfer: Transfer, books: Books) -> bool:
    return not transfer.is_balanced()


def _payer_is_unknown(transfer: Transfer, books: Books) -> bool:
    at_home = (posting for posting in transfer.postings if posting.account.node == books.home and posting.amount < 0)
    return any(not books.has_member(posting.account) for posting in at_home)


def _payee_is_unknown(transfer: Transfer, books: Books) -> bool:
    at_home = (posting for posting in transfer.postings if posting.account.node == books.home and posting.amount > 0)
    return any(not books.has_member(posting.account) for posting in at_home)


def _names_one_account_twice(transfer: Transfer, books: Books) -> bool:
    places = [(posting.account, posting.currency) for posting in transfer.postings]
    return len(set(places)) < len(places)


def _takes_from_elsewhere(transfer: Transfer, books: Books) -> bool:
    return any(posting.amount < 0 and posting.account.node != books.home for posting in transfer.postings)


def _has_unknown_currency(transfer: Transfer, books: Books) -> bool:
    return any(books.floor(posting.account, posting.currency) is None for posting in transfer.postings)


def _reverses_unknown(transfer: Transfer, books: Books) -> bool:
    return transfer.reverses is not None and books.original(transfer.reverses) is None


def _reverses_twice(transfer: Transfer, books: Books) -> bool:
    return transfer.reverses is not None and books.is_reversed(transfer.reverses)


def _reverses_unequally(transfer: Transfer, books: Books) -> bool:
    if transfer.reverses is None:
        return False
    original = books.original(transfer.reverses)
    counter = original.reversed(transfer.reverses) if original and original.reverses is None else None
    return counter is None or sorted(counter.postings) != sorted(transfer.postings)


def _passes_a_floor(transfer: Transfer, books: Books) -> bool:
    for posting in transfer.postings:
        floor = books.floor(posting.account, posting.currency)
        if posting.amount < 0 and (
            floor is None or books.balance(posting.account, posting.currency) + posting.amount < floor
        ):
            return True
    return False


Check = Callable[[Transfer, Books], bool]
CHECKS: Final[tuple[tuple[Verdict, Check], ...]] = (
    (Verdict.AMOUNT_MUST_BE_POSITIVE, _moves_nothing),
    (Verdict.AMOUNT_TOO_LARGE, _is_too_large),
    (Verdict.POSTINGS_MUST_BALANCE, _is_unbalanced),
    (Verdict.PAYER_UNKNOWN, _payer_is_unknown),
    (Verdict.PAYEE_UNKNOWN, _payee_is_unknown),
    (Verdict.ACCOUNTS_MUST_DIFFER, _names_one_account_twice),
    (Verdict.CURRENCY_UNKNOWN, _has_unknown_currency),
    (Verdict.HOME_IS_ELSEWHERE, _takes_from_elsewhere),
    (Verdict.REVERSES_UNKNOWN, _reverses_unknown),
    (Verdict.REVERSES_TWICE, _reverses_twice),
    (Verdict.REVERSES_UNEQUAL, _reverses_unequally),
    (Verdict.EXCEEDS_CREDIT_LIMIT, _passes_a_floor),
)
