"""What arrives before what stands below it: checked by the head it stands on, shown, and counted when the gap closes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from appliance.answers import Account, Board
from appliance.node import Node
from appliance.store.aside import RUNS_MAX
from mesh.errors import BadSignature
from mesh.keys import Head
from mesh.log import Run
from tests.appliance.gap import bring_own
from tests.appliance.street import Street


@dataclass
class Gap:
    """Oak lacks the middle of what Elm wrote: payments, and a notice at the end."""

    street: Street
    oak: Node
    ana: Account
    ben: Account
    dan: Account
    run: Run
    head: Head


@pytest.fixture
def gap(tmp_path: Path) -> Iterator[Gap]:
    with Street(tmp_path) as street:
        yield make_gap(street)


def make_gap(street: Street) -> Gap:
    elm, oak = street.elm, street.invite("Oak")
    ana, ben = street.neighbour(elm, "Ana"), street.neighbour(elm, "Ben")
    street.settle()
    street.neighbour(oak, "Dan")
    street.settle()
    dan = elm.find_payee("Dan")
    hours = elm.currency("hours")
    for words in ("bread", "eggs"):
        elm.pay(ana, ben, 60, hours, words)
        elm.seal()
    elm.pay(ana, dan, 90, hours, "a lamp")
    elm.post(Board.NOTICE, "The pump is mended", "", ana)
    elm.seal()
    log = elm.own_log(elm.commons)
    run = elm.records.run(log.log, log.height - 2, 10_000)
    assert run
    return Gap(street, oak, ana, ben, dan, run, elm.records.head_at(log, run.after))


def test_it_is_shown_and_counts_nowhere(gap: Gap) -> None:
    oak = gap.oak
    before = oak.frontier(oak.commons).digest()
    assert oak.accept_aside(gap.run, gap.head)
    notice, payment = oak.coming("notice", "payment")
    assert (notice.kind, notice.words) == ("notice", "The pump is mended")
    assert payment.payer
    assert payment.payee
    assert (payment.words, payment.amount) == ("a lamp", 90)
    assert (payment.payer.id, payment.payee.id) == (gap.ana.id, gap.dan.id)
    assert oak.coming("zine") == []
    assert [room.balance for room in oak.rooms(gap.dan)] == [0]
    assert [post.title for post in oak.posts(Board.NOTICE).rows] == []
    assert oak.frontier(oak.commons).digest() == before
    assert not oak.accept_aside(gap.run, gap.head)


def test_it_counts_when_the_gap_has_closed_also_after_a_restart(gap: Gap) -> None:
    street, oak = gap.street, gap.oak
    oak.accept_aside(gap.run, gap.head)
    street.close(oak)
    oak = street.open("Oak")
    log, held = gap.run.log, oak.records.log(gap.run.log)
    assert held
    middle = street.elm.records.run(log, held.height, 1)
    while middle and middle.upto <= gap.run.after:
        assert oak.accept(middle).new
        middle = street.elm.records.run(log, middle.upto, 1)
    assert oak.coming("notice", "payment") == []
    assert [room.balance for room in oak.rooms(gap.dan)] == [90]
    assert [post.title for post in oak.posts(Board.NOTICE).rows] == ["The pump is mended"]


def test_a_head_that_was_made_up_proves_nothing(gap: Gap) -> None:
    with pytest.raises(BadSignature):
        gap.oak.accept_aside(gap.run, Head(bytes(32)))
    false = replace(gap.run, signature=bytes(64))
    with pytest.raises(BadSignature):
        gap.oak.accept_aside(false, gap.head)
    assert gap.oak.coming("notice", "payment") == []


def test_what_is_here_already_or_of_a_stranger_is_not_kept_aside(gap: Gap) -> None:
    bring_own(gap.street.elm, gap.oak)
    assert not gap.oak.accept_aside(gap.run, gap.head)
    stranger = replace(gap.run, log=type(gap.run.log)(bytes(16)))
    assert not gap.oak.accept_aside(stranger, gap.head)


def test_a_text_that_is_taken_back_does_not_lie_there(gap: Gap) -> None:
    elm, oak = gap.street.elm, gap.oak
    oak.accept_aside(gap.run, gap.head)
    (post,) = elm.posts(Board.NOTICE).rows
    elm.withdraw_post(post.id)
    elm.seal()
    bring_own(elm, oak)
    assert oak.aside.runs() == []
    assert [one.title for one in oak.posts(Board.NOTICE).rows] == []


def test_there_is_room_for_so_many(gap: Gap) -> None:
    for number in range(RUNS_MAX + 5):
        gap.oak.aside.keep(replace(gap.run, after=100 + 10 * number))
    assert len(gap.oak.aside.runs()) == RUNS_MAX
