"""Newest first for somebody who is far behind: the end of a log comes with its proof, above a gap, and only once in a while."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.ahead import Ahead
from mesh.airform import AirRecord, AirRun, Form, log_handle, scope_handle
from mesh.effects import Deliver, DeliverAside, Effect
from mesh.errors import BadSignature, Malformed, PeerFault
from mesh.keys import PUBLIC, LogId
from mesh.packet import FIRST_HANDLE, LAST_HANDLE, Claim, Want, parse
from tests.mesh.islands import Air, Island, MemoryHoldings, node_key

MANY = 260  # records of some 100 bytes: more than 16 KiB


def behind(count: int = MANY) -> tuple[Island, Island, LogId]:
    """A node with a long log, and one that holds its first records only."""
    author = MemoryHoldings(node_key(50))
    log = author.write("opened")
    taker = Island("b", MemoryHoldings(node_key(2)))
    first = author.run(log, 0, 10**6)
    assert first
    taker.holdings.accept(first)
    for number in range(count):
        author.write(f"number {number}: something to say, and a little more of it")
    giver = Island("a", MemoryHoldings(node_key(1)))
    giver.holdings.logs[log] = author.logs[log]
    return giver, taker, log


def asked(giver: Island, log: LogId, height: int, now: float) -> list[Ahead]:
    want = Want(scope_handle(PUBLIC), b"kind", FIRST_HANDLE, LAST_HANDLE, (Claim(log_handle(log), height),))
    giver.receive("kind", want.encode(), now)
    said = [parse(packet) for later in range(40) for packet in giver.tick(now + later)]
    return [packet for packet in said if isinstance(packet, Ahead)]


def heard(taker: Island, ahead: Ahead, now: float = 50.0) -> list[Effect]:
    return taker.engine.receive("a", ahead.encode(), now)


def test_whoever_is_far_behind_is_told_the_end_first_with_its_proof() -> None:
    giver, taker, log = behind()
    (ahead,) = asked(giver, log, 2, 100.0)
    assert len(ahead.encode()) <= 231
    (aside,) = heard(taker, ahead)
    assert isinstance(aside, DeliverAside)
    assert aside.run.upto == giver.frontier().height(log)
    assert aside.run.after > taker.frontier().height(log) + 200
    opening = taker.holdings.logs[log].opening
    assert aside.run.check(opening.public_key, aside.head).seq == aside.run.upto
    with pytest.raises(BadSignature):
        aside.run.check(opening.public_key, type(aside.head)(bytes(32)))


def test_whoever_lacks_little_is_told_in_order() -> None:
    giver, _, log = behind(60)
    assert asked(giver, log, 2, 100.0) == []
    giver, _, log = behind()
    assert asked(giver, log, MANY - 20, 100.0) == []


def test_it_is_not_said_again_for_a_while_unless_there_is_news() -> None:
    giver, taker, log = behind()
    (ahead,) = asked(giver, log, 2, 100.0)
    assert asked(giver, log, 2, 200.0) == []
    assert len(asked(giver, log, 2, 2000.0)) == 1
    other, _, _ = behind()
    other.receive("a", ahead.encode(), 90.0)  # it is all there already, and was just said
    assert heard(other, ahead) == []
    assert taker.frontier().height(log) == 2


def test_the_end_counts_when_the_gap_has_closed_and_is_not_asked_for_again() -> None:
    giver, taker, log = behind()
    air = Air(giver, taker)
    air.run(3 * 3600, air.agree)
    assert air.agree()
    assert taker.frontier().height(log) == giver.frontier().height(log)
    assert taker.refusals == []


def test_an_end_that_fits_on_what_is_held_is_taken_in_at_once() -> None:
    giver, taker, log = behind()
    (ahead,) = asked(giver, log, 2, 100.0)
    run = giver.holdings.run(log, 2, 10**6)
    assert run
    records = giver.holdings.logs[log].records[2 : ahead.run.after]
    near = MemoryHoldings(node_key(3))
    near.logs[log] = replace(taker.holdings.logs[log], records=[], checkpoints=[])
    near.logs[log].add([*taker.holdings.logs[log].records, *records])
    below = [one for one in giver.holdings.logs[log].checkpoints if one.seq <= ahead.run.after]
    near.logs[log].checkpoints = below
    (effect,) = heard(Island("c", near), ahead)
    assert isinstance(effect, Deliver)


def test_of_a_log_that_is_not_known_nothing_can_be_said_ahead() -> None:
    giver, _, log = behind()
    (ahead,) = asked(giver, log, 2, 100.0)
    assert heard(Island("c", MemoryHoldings(node_key(3))), ahead) == []


@given(st.binary(max_size=200))
def test_whatever_follows_its_kind_is_taken_or_malformed(rest: bytes) -> None:
    raw = bytes([0x11, 18]) + rest
    try:
        packet = parse(raw)
    except PeerFault:
        return
    assert packet.encode() == raw


def test_what_begins_its_log_is_not_ahead_of_anything() -> None:
    run = AirRun(b"logs", 0, (AirRecord(Form.BARE, b"core"),), 1, bytes(64))
    ahead = Ahead(b"\0\0", b"node", bytes(5), bytes(32), run)
    with pytest.raises(Malformed):
        parse(ahead.encode())
