"""A node is cut off, people go on paying on both sides, and it is joined again: by radio, by a stick, by a phone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mesh.transports.ether import Ether
from tests.street.books import check_balances, check_books
from tests.street.node import RunningNode
from tests.street.street import Street, air
from tests.street.waiting import wait_until, wait_until_equal

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

SPEED = 30.0
WITHIN_S = 90
BUNDLE = "application/vnd.hedgerow.bundle"
Nodes = tuple[RunningNode, RunningNode, RunningNode]


@pytest.fixture(scope="module")
def ether() -> Iterator[Ether]:
    """Air in this process: it counts, and it knows who is on it."""
    with closing(Ether(seed=7, speed=SPEED)) as ether:
        ether.start()
        yield ether


@pytest.fixture(scope="module")
def nodes(ether: Ether, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Elm, Mill and Bay, who have heard all of each other."""
    with Street(tmp_path_factory.mktemp("street")) as street:
        for name, *people in (("Elm", "Ana", "Ben"), ("Mill", "Dora", "Emre"), ("Bay", "Goran", "Hana")):
            node = street.make(name, air(ether, SPEED))
            node.start()
            street.move_in(node, *people)
        wait_until_equal("all three agree", street.nodes, WITHIN_S)
        elm, mill, bay = street.nodes
        yield elm, mill, bay


def cut_off(node: RunningNode, ether: Ether) -> None:
    """Switch a node's roads off, and see that its station left the air."""
    node.does("radio", "off")
    station = node.status["node_id"]
    wait_until(
        f"{node.name} is off the air",
        lambda: station not in {visitor.name for visitor in ether._register.everybody()},
        10,
    )
    assert node.status["radio"] == "off"


def pay_on_both_sides(nodes: Nodes, memo: str) -> None:
    """Make payments within each side and across the cut, by the API and by commands."""
    elm, mill, bay = nodes
    elm.pay(elm.sign_in("Ana"), "Hana@Bay", 300, f"{memo}: over there")
    mill.pay(mill.sign_in("Dora"), "Ben@Elm", 125, f"{memo}: next door")
    bay.does("pay", "--from", "Goran", "--to", "Ben@Elm", "2.5", "hours", "--memo", f"{memo}: back")
    bay.does("pay", "--from", "Hana", "--to", "Goran", "1", "hours", "--memo", f"{memo}: at home")
    assert bay.state != elm.state


def carry(giver: RunningNode, taker: RunningNode, file: Path) -> None:
    """Bring a stick from one node to another."""
    giver.does("bundle", "export", file, "--for", taker.name)
    assert giver.tells("bundle", "show", file)["whole"]
    taken = taker.tells("bundle", "import", file)
    assert (taken["refused"], taken["torn"], taken["waiting"]) == (0, False, 0)
    assert taken["records"] > 0
    assert taker.tells("bundle", "import", file)["records"] == 0


def carry_by_phone(giver: RunningNode, taker: RunningNode) -> None:
    """Take a bundle at one portal and hand it in at the other: first a torn half, then all of it."""
    bundle = giver.ask("GET", f"/bundle?for={taker.name}")
    assert bundle.status == 200
    half = taker.ask("POST", "/bundle", bundle.body[: len(bundle.body) // 2], kind=BUNDLE)
    assert (half.status, half.json["torn"]) == (200, True)
    whole = taker.ask("POST", "/bundle", bundle.body, kind=BUNDLE)
    assert (whole.status, whole.json["torn"], whole.json["refused"]) == (200, False, 0)
    assert half.json["records"] + whole.json["records"] > 0


def test_two_sides_go_on_and_agree_again(nodes: Nodes, ether: Ether) -> None:
    elm, _, bay = nodes
    before = elm.state
    cut_off(bay, ether)
    pay_on_both_sides(nodes, "cut")
    check_books(elm)
    check_books(bay)
    bay.does("radio", "on")
    wait_until_equal("the radio has joined them", nodes, WITHIN_S, other_than=before)
    check_books(*nodes)


def test_nobody_spends_one_account_at_two_nodes(nodes: Nodes, ether: Ether) -> None:
    elm, _, bay = nodes
    before = wait_until_equal("all three agree", nodes, WITHIN_S)
    cut_off(bay, ether)
    said = bay.does("pay", "--from", "Ana", "--to", "Goran", "1", "hours", code=1)
    assert said == "The account of Ana is kept at Elm. Please pay there.\n"
    there = bay.ask("POST", "/sessions", {"name": "Ana", "pin": "1234"})
    assert (there.status, there.json["verdict"]) == (403, "sign_in_elsewhere")
    assert "Elm" in there.json["detail"]

    token = elm.sign_in("Ana")
    room = elm.tells("balance", "Ana")["balances"][0]["payable"]
    elm.pay(token, "Ben", room, "all that she may")
    more = {"to": "Ben", "amount": 1, "currency": "hours"}
    beyond = elm.ask("POST", "/transfers", more, token)
    assert (beyond.status, beyond.json["verdict"]) == (409, "exceeds_credit_limit")
    bay.does("pay", "--from", "Hana", "--to", "Ana@Elm", "0.75", "hours", "--memo", "so that she can go on")

    bay.does("radio", "on")
    wait_until_equal("the radio has joined them", nodes, WITHIN_S, other_than=before)
    assert elm.ask("POST", "/transfers", more | {"amount": 76}, token).json["verdict"] == "exceeds_credit_limit"
    elm.pay(token, "Ben", 75, "what came from the other side")
    wait_until_equal("all three agree again", nodes, WITHIN_S, other_than=before)
    check_books(*nodes)


def test_a_stick_joins_them_as_the_radio_does(nodes: Nodes, ether: Ether, tmp_path: Path) -> None:
    elm, _, bay = nodes
    before = wait_until_equal("all three agree", nodes, WITHIN_S)
    bay.pay(bay.sign_in("Goran"), "Ana@Elm", 400, "room for what follows")
    before = wait_until_equal("all three agree", nodes, WITHIN_S, other_than=before)
    cut_off(bay, ether)
    pay_on_both_sides(nodes, "stick")
    wait_until_equal("the two in reach agree", nodes[:2], WITHIN_S, other_than=before)
    carry(elm, bay, tmp_path / "there.hedge")
    carry(bay, elm, tmp_path / "back.hedge")
    wait_until_equal("the stick has joined them", nodes, WITHIN_S, other_than=before)
    assert bay.status["radio"] == "off"
    check_books(*nodes)


def test_a_phone_joins_them_as_the_radio_does(nodes: Nodes, ether: Ether) -> None:
    elm, mill, bay = nodes
    bay.does("radio", "on")
    before = wait_until_equal("all three agree", nodes, WITHIN_S)
    bay.pay(bay.sign_in("Goran"), "Ana@Elm", 400, "room for what follows")
    before = wait_until_equal("all three agree", nodes, WITHIN_S, other_than=before)
    cut_off(bay, ether)
    pay_on_both_sides(nodes, "phone")
    wait_until_equal("the two in reach agree", nodes[:2], WITHIN_S, other_than=before)
    carry_by_phone(elm, bay)
    carry_by_phone(bay, elm)
    wait_until_equal("the phone has joined them", nodes, WITHIN_S, other_than=before)
    assert bay.status["radio"] == "off"
    bay.does("radio", "on")
    check_books(*nodes)
    check_balances(mill)
    for node in nodes:
        node.does("verify")
