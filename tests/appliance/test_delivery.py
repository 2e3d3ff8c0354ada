"""Held by so many of so many neighbours: who counts, and what a silence, a restart and a card that was put back change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.answers import LATELY_S, Board, Delivery, Standing, Transfer
from appliance.clock import Clock
from appliance.errors import Objection, Refused
from appliance.node import Node
from mesh.keys import PUBLIC
from mesh.record import RecordId
from tests.appliance.shell import done, refused, told
from tests.appliance.street import Street


@dataclass
class Moment:
    """The uptime of the first node, in seconds, which a test moves on."""

    now: float = 1000.0


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def street(tmp_path: Path, moment: Moment) -> Iterator[Street]:
    with Street(tmp_path) as street:
        street.close(street.elm)
        street.elm = Node(street._settings("Elm"), Clock(ticks=lambda: moment.now))
        street.nodes.append(street.elm)
        for name in ("Oak", "Ash"):
            street.invite(name)
        street.settle()
        for name in ("Ana", "Ben"):
            street.neighbour(street.elm, name)
        street.settle()
        yield street


def paid(street: Street) -> Transfer:
    elm = street.elm
    return elm.pay(elm.find_payee("Ana"), elm.find_payee("Ben"), 100, elm.currency("hours"), "bread")


def shown(street: Street) -> None:
    for node in (one for one in street.nodes if one.node_id != street.elm.node_id):
        street.show(node, to=street.elm)


def test_a_payment_and_a_notice_are_held_by_ever_more_neighbours(street: Street) -> None:
    elm, oak, ash = street.nodes
    shown(street)
    payment = paid(street)
    notice = elm.post(Board.NOTICE, "Street breakfast", "", elm.find_payee("Ana"))
    assert payment.delivery == elm.delivery(notice.id) == Delivery(0, 2, 0)
    street.settle()
    assert elm.transfer(payment.id).delivery == Delivery(0, 2, 0), "that it was sent is no word of theirs"
    for count, holder in enumerate((oak, ash), 1):
        street.show(holder, to=elm)
        assert elm.transfer(payment.id).delivery == elm.delivery(notice.id) == Delivery(count, 2, 0)


def test_a_neighbour_that_was_silent_for_a_day_is_told_apart(street: Street, moment: Moment) -> None:
    payment = paid(street)
    street.settle()
    shown(street)
    moment.now += LATELY_S / 2
    street.show(street.nodes[1], to=street.elm)
    moment.now += LATELY_S / 2 + 1
    late = street.elm.transfer(payment.id)
    assert (late.delivery, late.standing) == (Delivery(1, 1, 1), Standing.SETTLED)


def test_after_a_new_start_nobody_was_heard_yet_and_what_was_known_is_kept(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid(street)
    street.settle()
    shown(street)
    street.close(street.elm)
    again = street.open("Elm")
    monkeypatch.setattr(type(again.private), "boot", "another boot")
    assert again.transfer(payment.id).delivery == Delivery(0, 0, 2)
    assert again.transfer(payment.id).standing is Standing.SETTLED
    street.show(street.nodes[0], to=again)
    assert again.transfer(payment.id).delivery == Delivery(1, 1, 1)


def test_a_neighbour_whose_card_was_put_back_holds_what_it_shows_and_no_more(street: Street) -> None:
    elm, oak, _ = street.nodes
    street.show(oak, to=elm)
    before = {log: reach.height for log, reach in oak.frontier(elm.commons).reaches.items()}
    payment = paid(street)
    street.settle()
    street.show(oak, to=elm)
    assert elm.transfer(payment.id).standing is Standing.SETTLED
    elm.peer_holds("loopback", oak.node_id, elm.commons, before)
    shrunk = elm.transfer(payment.id)
    assert (shrunk.delivery, shrunk.standing) == (Delivery(0, 1, 0), Standing.GOOD)
    street.show(oak, to=elm)
    assert elm.transfer(payment.id).delivery == Delivery(1, 1, 0)


def test_a_neighbour_that_shows_something_else_was_heard_all_the_same(street: Street) -> None:
    elm, oak, ash = street.nodes
    payment = paid(street)
    street.settle()
    street.show(oak, to=elm)
    elm.peer_holds("mqtt", ash.node_id[:4], elm.commons, {})
    assert elm.transfer(payment.id).delivery == Delivery(1, 2, 0)


def test_what_was_said_earlier_is_no_sign_of_life(street: Street, moment: Moment) -> None:
    elm, oak, _ = street.nodes
    street.show(oak, to=elm)
    payment = paid(street)
    street.settle()
    moment.now += LATELY_S + 1
    heights = {log: reach.height for log, reach in oak.frontier(elm.commons).reaches.items()}
    elm.peer_holds("loopback", oak.node_id, elm.commons, heights, is_heard=False)
    assert elm.transfer(payment.id).delivery == Delivery(0, 0, 1)


def test_who_was_not_let_in_holds_nothing_of_the_commons_but_what_is_public(street: Street, tmp_path: Path) -> None:
    elm, payment = street.elm, paid(street)
    with Street(tmp_path / "elsewhere") as other:
        other.settle()
        (run,) = (other.elm.records.run(other.elm.own_log(PUBLIC).log, 0, 10_000),)
        assert run
        assert elm.accept(run).new
        stranger = other.elm.node_id
        for scope in elm.scopes():
            own = elm.own_log(scope)
            elm.peer_holds("mqtt", stranger[:4], scope, {own.log: own.height})
    assert elm.transfer(payment.id).delivery == Delivery(0, 0, 0)
    assert elm.delivery(str(RecordId(elm.own_log(PUBLIC).log, 1))) == Delivery(1, 1, 0)


def test_of_what_is_not_here_nothing_is_told(street: Street) -> None:
    for strange in ("", "x", paid(street).id[:-1] + "99"):
        with pytest.raises(Refused) as refused:
            street.elm.delivery(strange)
        assert refused.value.verdict is Objection.NOT_FOUND


@pytest.mark.real
def test_a_keeper_types_it(street: Street) -> None:
    payment = paid(street)
    street.settle()
    street.elm = street.open("Elm")  # by the clock that the command has as well
    shown(street)
    elm = street.elm.settings.data
    assert told("held", payment.id, data=elm) == {"id": payment.id, "held_by": 2, "neighbours": 2, "silent": 0}
    assert done("held", payment.id, data=elm) == ("Held by 2 of 2 neighbour nodes that were heard in the last day.\n")
    assert refused("held", "nothing", data=elm) == refused("held", payment.id + "99", data=elm)
