"""Several that pay at the same moment: threads of the portal, and processes over one file."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from appliance.answers import Account
from appliance.errors import Refused
from appliance.ledger.verdicts import Verdict
from appliance.node import Node
from tests.appliance.street import Street

PAYERS = 2
TRIES = 15


@pytest.fixture
def elm(street: Street) -> Node:
    street.neighbour(street.elm, "Ana")
    street.neighbour(street.elm, "Ben")
    return street.elm


def pay_until_refused(data: Path, payer: int) -> list[str]:
    """Pay from Ana's account as often as it goes, as a process of its own would. Returns what was confirmed."""
    with closing(Node.open(data)) as node:
        return list(confirmed(node, payer))


def confirmed(node: Node, payer: int) -> Iterator[str]:
    ana, ben = accounts(node)
    for number in range(TRIES):
        try:
            yield node.pay(ana, ben, 100, node.currency("hours"), idempotency_key=f"{payer} {number}").id
        except Refused as refused:
            if refused.verdict is not Verdict.EXCEEDS_CREDIT_LIMIT:
                raise
            return


def accounts(node: Node) -> tuple[Account, Account]:
    ana, ben = node.accounts()
    return ana, ben


@pytest.mark.real
@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_many_that_pay_at_once_never_pass_the_floor(elm: Node, kind: str) -> None:
    with many(kind) as pool:
        answers = list(pool.map(pay_until_refused, [elm.settings.data] * PAYERS, range(PAYERS)))
    ids = [one for answer in answers for one in answer]
    assert len(ids) == len(set(ids)) == 20, "twenty hours below zero is the floor"
    assert {elm.transfer(one).verdict for one in ids} == {"accepted"}
    ana, ben = accounts(elm)
    assert (elm.rooms(ana)[0].balance, elm.rooms(ben)[0].balance) == (-2000, 2000)
    assert list(elm.verify()) == []
    elm.seal()
    assert elm.trouble is None, "the keel mark agrees with the card, whoever wrote it last"


def many(kind: str) -> Executor:
    if kind == "threads":
        return ThreadPoolExecutor(PAYERS)
    return ProcessPoolExecutor(PAYERS, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.real
def test_one_key_from_two_sides_at_once_pays_once(elm: Node) -> None:
    with ThreadPoolExecutor(PAYERS) as pool:
        answers = list(pool.map(pay_until_refused, [elm.settings.data] * PAYERS, [0] * PAYERS))
    assert answers[0] == answers[1]
    assert elm.rooms(accounts(elm)[0])[0].balance == -100 * TRIES


@pytest.mark.real
def test_threads_share_one_node(elm: Node) -> None:
    """The portal's threads all ask one node; each closes its own connection."""

    def serve(payer: int) -> int:
        try:
            return len(list(confirmed(elm, payer)))
        finally:
            elm.close()

    with ThreadPoolExecutor(PAYERS) as pool:
        assert sum(pool.map(serve, range(PAYERS))) == 20
    assert elm.rooms(accounts(elm)[0])[0].balance == -2000
