"""Paying, giving back and looking at it: the whole contract of the payments desk, between real nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.answers import Account, Currency, Delivery, Standing
from appliance.errors import Answer, Objection, Refused
from appliance.ledger.transfer import AMOUNT_MAX, MEMO_LENGTH_MAX
from appliance.ledger.verdicts import Verdict
from appliance.node import Node
from mesh import links
from tests.appliance.street import Street


@pytest.fixture
def elm(street: Street) -> Node:
    return street.elm


@pytest.fixture
def oak(street: Street) -> Node:
    return street.welcome("Oak")


@pytest.fixture
def ana(street: Street, elm: Node) -> Account:
    return street.neighbour(elm, "Ana", keeper=True)


@pytest.fixture
def cara(street: Street, elm: Node) -> Account:
    return street.neighbour(elm, "Cara")


@pytest.fixture
def ben(street: Street, oak: Node) -> Account:
    """Ben of Oak, as everybody on the street knows him."""
    street.neighbour(oak, "Ben")
    street.settle()
    return street.elm.find_payee("Ben")


@pytest.fixture
def hours(elm: Node) -> Currency:
    return elm.currency("hours")


def refusal(verdict: Answer, node: Node, *wanted: Any, **more: Any) -> str:
    """Ask for a payment that must be refused, and see that nothing at all was written. Returns the sentence."""
    before = node.records.count()
    with pytest.raises(Refused) as refused:
        node.pay(*wanted, **more)
    assert refused.value.verdict is verdict
    assert node.records.count() == before
    return str(refused.value)


def balance(node: Node, account: Account) -> int:
    return node.rooms(account)[0].balance


# what is paid, and what is not


def test_a_payment_is_here_at_once_and_there_when_it_is_heard(
    street: Street, elm: Node, oak: Node, ana: Account, ben: Account, hours: Currency
) -> None:
    paid = elm.pay(ana, ben, 150, hours, " two  loaves,\nrye ")
    assert (paid.payer.name, paid.payee.name, paid.amount, paid.memo) == ("Ana", "Ben", 150, "two loaves, rye")
    assert (paid.verdict, paid.standing) == ("accepted", Standing.GOOD)
    assert (balance(elm, ana), balance(elm, ben), balance(oak, ben)) == (-150, 150, 0)
    street.settle()
    assert balance(oak, ben) == 150
    there = oak.transfer(paid.id)
    assert (there.memo, there.standing) == ("two loaves, rye", Standing.SETTLED)
    assert [currency.total for currency in (*elm.currencies(), *oak.currencies())] == [0, 0]
    assert len(street.hashes()) == 1


@pytest.mark.parametrize(
    ("amount", "verdict"),
    [
        (0, Verdict.AMOUNT_MUST_BE_POSITIVE),
        (-1, Verdict.AMOUNT_MUST_BE_POSITIVE),
        (AMOUNT_MAX + 1, Verdict.AMOUNT_TOO_LARGE),
        (2**63, Verdict.AMOUNT_TOO_LARGE),
        (AMOUNT_MAX, Verdict.EXCEEDS_CREDIT_LIMIT),
        (2001, Verdict.EXCEEDS_CREDIT_LIMIT),
    ],
)
def test_amounts_out_of_range(
    elm: Node, ana: Account, cara: Account, hours: Currency, amount: int, verdict: Verdict
) -> None:
    refusal(verdict, elm, ana, cara, amount, hours)


def test_the_floor_is_reached_and_not_passed(elm: Node, ana: Account, cara: Account, hours: Currency) -> None:
    elm.pay(ana, cara, 1999, hours)
    assert refusal(Verdict.EXCEEDS_CREDIT_LIMIT, elm, ana, cara, 2, hours).endswith("At most 0.01 hours.")
    elm.pay(ana, cara, 1, hours)
    assert refusal(Verdict.EXCEEDS_CREDIT_LIMIT, elm, ana, cara, 1, hours).endswith("At most 0 hours.")
    assert elm.rooms(ana)[0].payable == 0
    assert elm.rooms(cara)[0].payable == 4000


def test_nobody_pays_himself_or_nobody_or_in_nothing(
    elm: Node, oak: Node, ana: Account, ben: Account, hours: Currency
) -> None:
    refusal(Verdict.ACCOUNTS_MUST_DIFFER, elm, ana, ana, 1, hours)
    for nobody in (replace(ana, id=f"{elm.id}.99", name="Dora"), replace(ben, id=f"{oak.id}.99", name="Dora")):
        assert "Dora" in refusal(Verdict.PAYEE_UNKNOWN, elm, ana, nobody, 1, hours)
        refusal(Verdict.PAYER_UNKNOWN, elm, replace(nobody, id=f"{elm.id}.99", is_here=True), ana, 1, hours)
    refusal(Verdict.CURRENCY_UNKNOWN, elm, ana, ben, 1, replace(hours, number=7))


@pytest.mark.parametrize("typed", ["", "nobody", "Ben@nowhere", "@Oak", "a" * 10_000, "\u202e", "x.1", "1"])
def test_nobody_is_found_by_a_wrong_name(elm: Node, ben: Account, typed: str) -> None:
    with pytest.raises(Refused) as refused:
        elm.find_payee(typed)
    assert refused.value.verdict is Verdict.PAYEE_UNKNOWN
    assert len(str(refused.value)) < 200


def test_two_of_one_name_are_told_apart_by_their_node(street: Street, elm: Node, oak: Node) -> None:
    ash = street.welcome("Ash")
    for node in (oak, ash):
        street.neighbour(node, "Ben")
    street.settle()
    with pytest.raises(Refused) as refused:
        elm.find_payee("ben")
    assert refused.value.verdict is Verdict.PAYEE_AMBIGUOUS
    assert elm.find_payee("BEN@oak").node_id == oak.id
    assert oak.find_payee("Ben").node_id == oak.id, "a neighbour of this node comes before others"
    assert elm.find_payee(elm.find_payee("Ben@Ash").id).node_id == ash.id


def test_who_lives_elsewhere_is_sent_home(elm: Node, oak: Node, ana: Account, ben: Account, hours: Currency) -> None:
    there = oak.find_payee("Ana")
    words = refusal(Verdict.HOME_IS_ELSEWHERE, oak, there, oak.find_payee("Ben"), 1, hours)
    assert words == "The account of Ana is kept at Elm. Please pay there."
    room = oak.room(there, hours)
    assert (room.payable, room.is_home, room.home_name) == (0, False, "Elm")


def test_a_memo_has_its_limit(elm: Node, ana: Account, cara: Account, hours: Currency) -> None:
    refusal(Verdict.MEMO_TOO_LONG, elm, ana, cara, 1, hours, "x" * (MEMO_LENGTH_MAX + 1))
    assert elm.pay(ana, cara, 1, hours, "\U0001f35e" * MEMO_LENGTH_MAX).memo == "\U0001f35e" * MEMO_LENGTH_MAX
    assert elm.pay(ana, cara, 1, hours, "\u202ebr\x00ead\u2066").memo == "bread"


# the same request twice


def test_a_request_that_is_made_twice_is_done_once(elm: Node, ana: Account, cara: Account, hours: Currency) -> None:
    paid = elm.pay(ana, cara, 100, hours, "bread", "key")
    before = elm.records.count()
    assert elm.pay(ana, cara, 100, hours, "bread", "key").id == paid.id
    assert elm.pay(ana, cara, 100, hours, " bread ", "key").id == paid.id
    assert elm.records.count() == before
    refusal(Objection.KEY_REUSED, elm, ana, cara, 101, hours, "bread", "key")
    refusal(Objection.KEY_REUSED, elm, ana, cara, 100, hours, "milk", "key")
    assert elm.pay(cara, ana, 100, hours, "bread", "key").id != paid.id, "keys of two people are two keys"
    assert elm.pay(ana, cara, 100, hours, "bread", "other").id != paid.id
    assert elm.pay(ana, cara, 100, hours, "bread").id != elm.pay(ana, cara, 100, hours, "bread").id


def test_a_key_outlives_a_restart_but_not_a_refusal(
    street: Street, elm: Node, ana: Account, cara: Account, hours: Currency
) -> None:
    refusal(Verdict.EXCEEDS_CREDIT_LIMIT, elm, ana, cara, 2100, hours, "", "key")
    elm.pay(cara, ana, 100, hours)
    paid = elm.pay(ana, cara, 2100, hours, "", "key")
    street.close(elm)
    assert street.open("Elm").pay(ana, cara, 2100, hours, "", "key").id == paid.id


# credits from elsewhere


def absorbs(node: Node) -> int:
    own = node.own_log(node.commons)
    return int(node.database.value("SELECT count(*) FROM record WHERE log_no = ? AND kind = ?", own.no, links.ABSORB))


def test_what_came_from_elsewhere_is_taken_in_only_when_it_is_needed(
    street: Street, elm: Node, oak: Node, ana: Account, ben: Account, cara: Account, hours: Currency
) -> None:
    street.settle()
    oak.pay(ben_here := oak.find_payee("Ben"), oak.find_payee("Ana"), 500, hours)
    assert elm.rooms(ana)[0].payable == 2000
    street.settle()
    before = absorbs(elm)
    assert elm.rooms(ana)[0].payable == 2500
    elm.pay(ana, cara, 2000, hours)
    assert absorbs(elm) == before
    elm.pay(ana, cara, 500, hours)
    assert absorbs(elm) == before + 1
    assert elm.rooms(ana)[0].payable == 0
    street.settle()
    assert len(street.hashes()) == 1
    assert balance(oak, ben_here) == -500


def test_of_many_that_paid_in_no_more_are_taken_in_than_needed(street: Street, elm: Node, ana: Account) -> None:
    others = [street.invite(f"Ash {number}") for number in range(4)]
    street.settle()
    for number, node in enumerate(others, 1):
        street.neighbour(node, f"Ben {number}")
    street.neighbour(elm, "Cara")
    street.settle()
    for number, node in enumerate(others, 1):
        node.pay(node.find_payee(f"Ben {number}"), node.find_payee("Ana"), 100 * number, node.currency("hours"))
    street.settle()
    before = absorbs(elm)
    elm.pay(ana, elm.find_payee("Cara"), 2000 + 700, elm.currency("hours"))
    assert absorbs(elm) == before + 2, "the two largest sums cover it"
    elm.pay(ana, elm.find_payee("Cara"), 300, elm.currency("hours"))
    assert absorbs(elm) == before + 4


# giving back


def test_a_payment_is_given_back_once_and_only_by_who_got_it(
    street: Street, elm: Node, oak: Node, ana: Account, ben: Account, cara: Account, hours: Currency
) -> None:
    paid = elm.pay(ana, ben, 300, hours)
    street.settle()
    here = oak.find_payee("Ben")
    for node, who, verdict in (
        (elm, ana, Verdict.REVERSES_UNEQUAL),
        (elm, cara, Verdict.REVERSES_UNEQUAL),
        (elm, ben, Verdict.HOME_IS_ELSEWHERE),
    ):
        with pytest.raises(Refused) as refused:
            node.give_back(who, paid.id)
        assert refused.value.verdict is verdict
    back = oak.give_back(here, paid.id, "key")
    assert oak.give_back(here, paid.id, "key").id == back.id
    for again in (paid.id, back.id):
        with pytest.raises(Refused) as refused:
            oak.give_back(here, again)
        assert refused.value.verdict in (Verdict.REVERSES_TWICE, Verdict.REVERSES_UNEQUAL)
    street.settle()
    assert (elm.transfer(paid.id).reversed_by, elm.transfer(back.id).reverses) == (back.id, paid.id)
    assert balance(elm, ana) == balance(oak, here) == 0
    assert list(oak.verify()) == []


def test_what_is_spent_already_cannot_be_given_back(elm: Node, ana: Account, cara: Account, hours: Currency) -> None:
    paid = elm.pay(ana, cara, 300, hours)
    elm.pay(cara, ana, 2200, hours)
    with pytest.raises(Refused) as refused:
        elm.give_back(cara, paid.id)
    assert refused.value.verdict is Verdict.EXCEEDS_CREDIT_LIMIT


@pytest.mark.parametrize("number", ["", "x", "a" * 26 + "-1", "a" * 26 + "-0", "-1", "a" * 10_000])
def test_a_payment_that_is_none(elm: Node, ana: Account, number: str) -> None:
    for ask in (elm.transfer, lambda number: elm.give_back(ana, number)):
        with pytest.raises(Refused) as refused:
            ask(number)
        assert refused.value.verdict in (Objection.NOT_FOUND, Verdict.REVERSES_UNKNOWN)


# looking


def test_a_statement_is_paged_newest_first(elm: Node, ana: Account, cara: Account, hours: Currency) -> None:
    ids = [elm.pay(ana, cara, 1, hours, str(number)).id for number in range(7)]
    first = elm.statement(cara, limit=4)
    rest = elm.statement(cara, first.older, limit=4)
    assert [row.id for row in (*first.rows, *rest.rows)] == ids[::-1]
    assert (len(first.rows), rest.older) == (4, "")
    for strange in ("x", "-1", "9" * 30, "\u0663"):
        assert len(elm.statement(cara, strange).rows) == 7


def test_a_payment_is_settled_once_a_neighbour_shows_that_it_holds_it(
    street: Street, elm: Node, oak: Node, ana: Account, ben: Account, hours: Currency
) -> None:
    street.show(oak, to=elm)
    paid = elm.pay(ana, ben, 100, hours)
    street.settle()
    assert elm.transfer(paid.id).standing is Standing.GOOD
    street.show(oak, to=elm)
    settled = elm.transfer(paid.id)
    assert (settled.standing, settled.delivery) == (Standing.SETTLED, Delivery(1, 1, 0))
    assert next(other for other in elm.neighbours() if other.node_id == oak.id).holds_ours
    elm.peer_holds("loopback", b"?" * 16, elm.commons, {elm.own_log(elm.commons).log: 10**6})
    assert elm.transfer(elm.pay(ana, ben, 1, hours).id).standing is Standing.GOOD, "a stranger's word settles nothing"
