"""The records that hold logs together: openings and their rights, absorbs, withdrawals, admissions."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh import errors, links
from mesh.errors import BadSignature, Malformed, PeerFault
from mesh.keys import PUBLIC, Head, LogId, NodeKey, Scope, commons_scope
from mesh.links import Founding, Height, Invitation, Opening
from mesh.record import Record
from tests.mesh.islands import node_key
from tests.mesh.test_canonical import values
from tests.mesh.vectors import named, vectors

FOUNDER, GUEST, INVITE = node_key(1), node_key(2), NodeKey(bytes([9]) * 32)
NONCE = bytes([7]) * 16
COMMONS = commons_scope(FOUNDER.public_key, NONCE)
INVITATION = Invitation.sign(INVITE, COMMONS, GUEST.node_id)


@pytest.mark.parametrize("vector", vectors("record-v1", "openings"), ids=named)
def test_vector_of_an_opening(vector: dict[str, Any]) -> None:
    record = Record.parse(bytes.fromhex(vector["plain"]))
    opening = Opening.read(record)
    assert opening.record(record.fields()[1]) == record
    assert (opening.log.hex(), opening.node.hex()) == (vector["log"], vector["node"])
    assert (opening.scope.hex(), opening.incarnation) == (vector["scope"], vector["incarnation"])
    assert (type(opening.right).__name__.lower() if opening.right else None) == vector["right"]
    continues = opening.continues
    assert (continues and continues.log.hex()) == (vector["continues"] and vector["continues"]["log"])


@pytest.mark.parametrize("vector", vectors("record-v1", "opening_faults"), ids=named)
def test_vector_of_an_opening_that_fails(vector: dict[str, Any]) -> None:
    with pytest.raises(getattr(errors, vector["fault"])):
        Opening.read(Record.parse(bytes.fromhex(vector["plain"])))


@pytest.mark.parametrize("vector", vectors("record-v1", "links"), ids=named)
def test_vector_of_a_link(vector: dict[str, Any]) -> None:
    record = Record.parse(bytes.fromhex(vector["plain"]))
    read: dict[str, Any] = {
        "absorb": lambda: links.read_height(record).fields(),
        "held": lambda: links.read_height(record).fields(),
        "withdraw": lambda: list(links.read_withdrawal(record)),
        "admit": lambda: [links.read_admission(record)],
    }
    fields = read[vector["name"]]()
    assert [field.hex() if isinstance(field, bytes) else field for field in fields] == vector["fields"]


@given(st.lists(values, max_size=6))
def test_any_fields_are_read_or_are_a_peer_fault(fields: list[Any]) -> None:
    with suppress(Malformed):
        record = Record.new([0, 0, *fields])
        for read in (Opening.read, links.read_height, links.read_withdrawal, links.read_admission):
            with suppress(PeerFault):
                read(record)


@given(values, values)
def test_any_right_and_any_past_are_read_or_are_a_peer_fault(continues: object, right: object) -> None:
    with suppress(PeerFault):
        record = Record.new([links.OPEN, 0, GUEST.public_key, 0, COMMONS, continues, right])
        assert Opening.read(record).record(0) == record


def test_only_the_founder_founds() -> None:
    assert Opening.read(Opening(FOUNDER.public_key, 0, COMMONS, None, Founding(NONCE)).record(0)).founds
    with pytest.raises(BadSignature):
        Opening.read(Opening(GUEST.public_key, 0, COMMONS, None, Founding(NONCE)).record(0))


def test_an_invitation_is_for_one_node_in_one_commons() -> None:
    assert not Opening.read(Opening(GUEST.public_key, 0, COMMONS, None, INVITATION).record(0)).founds
    for thief, scope in ((node_key(3), COMMONS), (GUEST, Scope(bytes([1]) * 16))):
        with pytest.raises(BadSignature):
            Opening.read(Opening(thief.public_key, 0, scope, None, INVITATION).record(0))


def test_public_asks_for_no_right() -> None:
    Opening.read(Opening(GUEST.public_key, 0, PUBLIC).record(0))
    right = Invitation.sign(INVITE, PUBLIC, GUEST.node_id)
    with pytest.raises(Malformed):
        Opening.read(Opening(GUEST.public_key, 0, PUBLIC, None, right).record(0))


def test_each_incarnation_writes_its_own_log() -> None:
    past = Height(LogId(bytes(16)), 7, Head(bytes(32)))
    first, second = Opening(GUEST.public_key, 0, COMMONS), Opening(GUEST.public_key, 1, COMMONS, past)
    assert first.log != second.log
    assert Opening.read(second.record(0)).continues == past


def test_an_opening_says_nothing_that_could_be_withdrawn() -> None:
    record = Opening(GUEST.public_key, 0, PUBLIC).record(0)
    with_text = Record.new(record.fields(), "hello", bytes(16))
    for one in (with_text, with_text.without_text()):
        with pytest.raises(Malformed):
            Opening.read(one)
