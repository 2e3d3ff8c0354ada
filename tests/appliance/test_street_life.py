"""Real nodes on a street whose links come and go: whatever they pay and wherever they are heard, the books hold at every step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from appliance.answers import Account, Board
from appliance.errors import Refused
from appliance.node import Node
from tests.appliance.street import Street, deliver, lacking

STEPS = 60


@pytest.fixture(params=range(4))
def street(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Street]:
    with Street(tmp_path, Random(request.param)) as street:
        for name in ("Oak", "Ash"):
            street.invite(name)
        street.settle()
        for node, names in zip(street.nodes, (("Ana", "Ben"), ("Cara",), ("Dora",)), strict=True):
            for name in names:
                street.neighbour(node, name)
        street.settle()
        yield street


def live(street: Street, chance: Random) -> None:
    """Let one thing happen: a payment, a gift back, a note, a link that is cut or mended, or some records that are heard."""
    one, other = chance.sample(street.nodes, 2)
    match chance.randrange(12):
        case 0 | 1 | 2 | 3:
            pay(one, chance)
        case 4:
            give_back(one, chance)
        case 5:
            post = one.post(Board.OFFER, f"Offer {chance.random()}", "", neighbour(one, chance))
            if chance.random() < 0.5:
                one.withdraw_post(post.id)
        case 6:
            street.cut(one, other)
        case 7:
            street.join(one, other)
        case 8:
            one.do_duties()
        case _:
            one.seal()
            runs = list(lacking(one, other))
            for run in chance.sample(runs, min(len(runs), 3)):
                deliver(other, run)


def neighbour(node: Node, chance: Random) -> Account:
    return chance.choice([account for account in node.accounts() if account.is_here])


def pay(node: Node, chance: Random) -> None:
    payer, payee = neighbour(node, chance), chance.choice(node.accounts())
    amount = chance.choice((1, 150, 700, 1500, max(1, node.rooms(payer)[0].payable)))
    with suppress(Refused):
        node.pay(
            payer, payee, amount, node.currency("hours"), "bread", chance.choice((None, f"key {chance.randrange(9)}"))
        )


def give_back(node: Node, chance: Random) -> None:
    account = neighbour(node, chance)
    got = [row for row in node.statement(account).rows if row.payee == account]
    if got:
        with suppress(Refused):
            node.give_back(account, chance.choice(got).id)


def look(node: Node) -> None:
    assert [currency.total for currency in node.currencies()] == [0]
    for account in node.accounts():
        (room,) = node.rooms(account)
        assert room.balance >= room.floor
        assert room.payable == (room.balance - room.floor if account.is_here else 0)


def test_the_books_hold_at_every_step_and_agree_in_the_end(street: Street) -> None:
    chance = street.chance
    assert chance is not None
    for _ in range(STEPS):
        live(street, chance)
        for node in street.nodes:
            look(node)
    for one in street.nodes:
        for other in street.nodes:
            street.join(one, other)
    street.settle()
    assert len(street.hashes()) == 1
    for node in street.nodes:
        look(node)
        assert list(node.verify()) == []


def test_all_that_a_page_says_can_be_paid_can_be_paid(street: Street) -> None:
    chance = street.chance
    assert chance is not None
    for _ in range(STEPS // 2):
        live(street, chance)
    for node in street.nodes:
        for account in (account for account in node.accounts() if account.is_here):
            (room,) = node.rooms(account)
            if room.payable:
                payee = next(other for other in node.accounts() if other != account)
                node.pay(account, payee, room.payable, room.currency)
            assert node.rooms(account)[0].payable == 0
