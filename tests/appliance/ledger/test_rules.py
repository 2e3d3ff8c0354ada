"""Every answer a payment can get, in their order, over little ledgers that stand in the test."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.ledger.rules import CHECKS, judge
from appliance.ledger.transfer import AMOUNT_MAX, AccountId, Posting, Transfer
from appliance.ledger.verdicts import Verdict
from mesh.keys import LogId, NodeId
from mesh.record import RecordId

ELM: Final = NodeId(b"e" * 16)
OAK: Final = NodeId(b"o" * 16)
ANA, BEN, CARA = (AccountId(ELM, number) for number in (1, 2, 3))
DORA: Final = AccountId(OAK, 1)
NOBODY: Final = AccountId(ELM, 9)
HOURS, LOAVES, UNKNOWN = 0, 1, 7
FLOOR: Final = -2000


def place(seq: int) -> RecordId:
    return RecordId(LogId(b"l" * 16), seq)


@dataclass
class LittleBooks:
    """The books of one log of Elm, in dicts."""

    home: NodeId = ELM
    members: set[AccountId] = field(default_factory=lambda: {ANA, BEN, CARA})
    floors: dict[int, int] = field(default_factory=lambda: {HOURS: FLOOR, LOAVES: 0})
    balances: dict[tuple[AccountId, int], int] = field(default_factory=dict)
    accepted: dict[RecordId, Transfer] = field(default_factory=dict)

    def floor(self, _: AccountId, currency: int) -> int | None:
        return self.floors.get(currency)

    def has_member(self, account: AccountId) -> bool:
        return account in self.members

    def balance(self, account: AccountId, currency: int) -> int:
        return self.balances.get((account, currency), 0)

    def original(self, record: RecordId) -> Transfer | None:
        return self.accepted.get(record)

    def is_reversed(self, record: RecordId) -> bool:
        return any(transfer.reverses == record for transfer in self.accepted.values())

    def post(self, transfer: Transfer) -> RecordId:
        """Let an accepted transfer count."""
        for posting in transfer.postings:
            if posting.account.node == self.home:
                key = posting.account, posting.currency
                self.balances[key] = self.balances.get(key, 0) + posting.amount
        record = place(len(self.accepted) + 1)
        self.accepted[record] = transfer
        return record


def of(*postings: tuple[AccountId, int, int], reverses: RecordId | None = None) -> Transfer:
    return Transfer(tuple(Posting(*posting) for posting in postings), reverses)


def moved(amount: int, payer: AccountId = ANA, payee: AccountId = BEN, currency: int = HOURS) -> Transfer:
    return Transfer.simple(payer, payee, currency, amount)


WITH_A_GIFT: Final = LittleBooks()
GIFT: Final = WITH_A_GIFT.post(moved(300))
GIVEN_BACK: Final = LittleBooks()
GIVEN_BACK.post(moved(300))
BACK: Final = GIVEN_BACK.post(moved(300).reversed(GIFT))

TABLE: Final = (
    (Verdict.AMOUNT_MUST_BE_POSITIVE, moved(0), LittleBooks()),
    (Verdict.AMOUNT_MUST_BE_POSITIVE, of((ANA, HOURS, -5), (BEN, HOURS, 5), (CARA, HOURS, 0)), LittleBooks()),
    (Verdict.AMOUNT_MUST_BE_POSITIVE, of((ANA, HOURS, 5), (BEN, HOURS, 5)), LittleBooks()),
    (Verdict.AMOUNT_TOO_LARGE, moved(AMOUNT_MAX + 1), LittleBooks()),
    (Verdict.AMOUNT_TOO_LARGE, moved(2**63), LittleBooks()),
    (Verdict.POSTINGS_MUST_BALANCE, of((ANA, HOURS, -5), (BEN, HOURS, 6)), LittleBooks()),
    (Verdict.POSTINGS_MUST_BALANCE, of((ANA, HOURS, -5), (BEN, LOAVES, 5)), LittleBooks()),
    (Verdict.PAYER_UNKNOWN, moved(5, payer=NOBODY), LittleBooks()),
    (Verdict.PAYEE_UNKNOWN, moved(5, payee=NOBODY), LittleBooks()),
    (Verdict.ACCOUNTS_MUST_DIFFER, moved(5, payee=ANA), LittleBooks()),
    (Verdict.ACCOUNTS_MUST_DIFFER, of((ANA, HOURS, -5), (BEN, HOURS, 2), (BEN, HOURS, 3)), LittleBooks()),
    (Verdict.CURRENCY_UNKNOWN, moved(5, currency=UNKNOWN), LittleBooks()),
    (Verdict.HOME_IS_ELSEWHERE, moved(5, payer=DORA), LittleBooks()),
    (Verdict.HOME_IS_ELSEWHERE, moved(-5, payee=DORA), LittleBooks()),
    (Verdict.REVERSES_UNKNOWN, replace(moved(300, BEN, ANA), reverses=place(99)), LittleBooks()),
    (Verdict.REVERSES_TWICE, moved(300).reversed(GIFT), GIVEN_BACK),
    (Verdict.REVERSES_UNEQUAL, replace(moved(299, BEN, ANA), reverses=GIFT), WITH_A_GIFT),
    (Verdict.REVERSES_UNEQUAL, replace(moved(300, CARA, ANA), reverses=GIFT), WITH_A_GIFT),
    (Verdict.REVERSES_UNEQUAL, moved(300).reversed(GIFT).reversed(BACK), GIVEN_BACK),
    (Verdict.EXCEEDS_CREDIT_LIMIT, moved(2001), LittleBooks()),
    (Verdict.EXCEEDS_CREDIT_LIMIT, moved(1, currency=LOAVES), LittleBooks()),
    (Verdict.EXCEEDS_CREDIT_LIMIT, moved(2301, BEN, ANA), WITH_A_GIFT),
    (Verdict.ACCEPTED, moved(2000), LittleBooks()),
    (Verdict.ACCEPTED, moved(1, payee=DORA), LittleBooks()),
    (Verdict.ACCEPTED, moved(-5), LittleBooks()),  # Ben pays: postings have no first and second
    (Verdict.ACCEPTED, moved(2300, BEN, ANA), WITH_A_GIFT),
    (Verdict.ACCEPTED, moved(300).reversed(GIFT), WITH_A_GIFT),
    (Verdict.ACCEPTED, of((ANA, HOURS, -5), (BEN, HOURS, 2), (DORA, HOURS, 3)), LittleBooks()),
    (
        Verdict.ACCEPTED,
        of((ANA, LOAVES, 2), (BEN, LOAVES, -2), (ANA, HOURS, -1), (BEN, HOURS, 1)),
        LittleBooks(balances={(BEN, LOAVES): 2}),
    ),
)


@pytest.mark.parametrize(("verdict", "transfer", "books"), TABLE)
def test_the_verdict_is(verdict: Verdict, transfer: Transfer, books: LittleBooks) -> None:
    assert judge(transfer, books) is verdict


# What a person typed is looked at before there are postings, or by whoever may write at all; the rules judge the rest.
NEVER_ASKED: Final = {
    Verdict.AMOUNT_TOO_FINE,
    Verdict.AMOUNT_UNREADABLE,
    Verdict.PAYEE_AMBIGUOUS,
    Verdict.MEMO_TOO_LONG,
    Verdict.PAYEE_IN_QUESTION,
    Verdict.NODE_IS_READ_ONLY,
}


def test_every_verdict_of_the_list_stands_in_the_table_or_is_none_of_the_rules() -> None:
    assert {verdict for verdict, _, _ in TABLE} == set(Verdict) - NEVER_ASKED
    assert {verdict for verdict, _ in CHECKS} | {Verdict.ACCEPTED} == set(Verdict) - NEVER_ASKED


def test_every_answer_is_a_sentence_and_a_name() -> None:
    for verdict in Verdict:
        assert verdict.value[0].isupper() or verdict.value[0] == "{"
        assert verdict.value.endswith(".")
        assert verdict.code == verdict.name.lower()


# Each transfer breaks the rule of its line and all the rules below; the first is the answer.
WORSE_AND_WORSE: Final = (
    (Verdict.AMOUNT_MUST_BE_POSITIVE, of((NOBODY, UNKNOWN, 2**63), (NOBODY, UNKNOWN, 5))),
    (Verdict.AMOUNT_TOO_LARGE, of((NOBODY, UNKNOWN, -(2**63)), (NOBODY, UNKNOWN, 5))),
    (Verdict.POSTINGS_MUST_BALANCE, of((NOBODY, UNKNOWN, -5), (NOBODY, UNKNOWN, 6), (DORA, UNKNOWN, -2))),
    (Verdict.PAYER_UNKNOWN, of((NOBODY, UNKNOWN, -5), (NOBODY, UNKNOWN, 7), (DORA, UNKNOWN, -2))),
    (Verdict.PAYEE_UNKNOWN, of((ANA, UNKNOWN, -5), (NOBODY, UNKNOWN, 3), (NOBODY, UNKNOWN, 4), (DORA, UNKNOWN, -2))),
    (Verdict.ACCOUNTS_MUST_DIFFER, of((ANA, UNKNOWN, -5), (ANA, UNKNOWN, 7), (DORA, UNKNOWN, -2))),
    (Verdict.CURRENCY_UNKNOWN, of((ANA, UNKNOWN, -5), (BEN, UNKNOWN, 7), (DORA, UNKNOWN, -2))),
    (Verdict.HOME_IS_ELSEWHERE, of((ANA, HOURS, -5000), (BEN, HOURS, 5002), (DORA, HOURS, -2))),
    (Verdict.REVERSES_UNKNOWN, of((ANA, HOURS, -5000), (BEN, HOURS, 5000))),
)


@pytest.mark.parametrize(("verdict", "transfer"), WORSE_AND_WORSE)
def test_the_first_that_applies_is_the_answer(verdict: Verdict, transfer: Transfer) -> None:
    assert judge(replace(transfer, reverses=place(99)), LittleBooks()) is verdict


def test_what_was_given_back_twice_is_said_before_that_it_is_not_the_same_or_too_much() -> None:
    wrong = replace(moved(5000), reverses=GIFT)
    assert judge(wrong, GIVEN_BACK) is Verdict.REVERSES_TWICE
    assert judge(wrong, WITH_A_GIFT) is Verdict.REVERSES_UNEQUAL


def test_the_rules_are_asked_in_the_order_of_the_list() -> None:
    order = list(Verdict)
    for earlier, later in pairwise(verdict for verdict, _ in CHECKS):
        assert order.index(earlier) < order.index(later)


accounts = st.sampled_from([ANA, BEN, CARA, DORA, NOBODY])
amounts = st.one_of(st.integers(-2500, 2500), st.sampled_from([AMOUNT_MAX, AMOUNT_MAX + 1, -(2**63), 2**63 - 1]))
simple = st.builds(moved, amounts, accounts, accounts, st.sampled_from([HOURS, LOAVES, UNKNOWN]))
postings = st.builds(Posting, accounts, st.sampled_from([HOURS, LOAVES]), amounts)
transfers = st.one_of(simple, st.lists(postings, min_size=2, max_size=5).map(lambda rows: Transfer(tuple(rows))))


@given(st.lists(st.tuples(transfers, st.one_of(st.none(), st.integers(1, 8))), max_size=25))
def test_whatever_is_tried_floors_hold_and_sums_are_zero(tries: list[tuple[Transfer, int | None]]) -> None:
    books = LittleBooks()
    sums = dict.fromkeys((HOURS, LOAVES), 0)
    for tried, back in tries:
        original = books.original(place(back)) if back else None
        transfer = original.reversed(place(back)) if original and back else tried
        if judge(transfer, books) is Verdict.ACCEPTED:
            books.post(transfer)
            for posting in transfer.postings:
                sums[posting.currency] += posting.amount
        assert not any(sums.values())
        assert all(amount >= books.floors[currency] for (_, currency), amount in books.balances.items())
        assert {account for account, _ in books.balances} <= books.members
    given_back = [transfer.reverses for transfer in books.accepted.values() if transfer.reverses]
    assert len(given_back) == len(set(given_back))
