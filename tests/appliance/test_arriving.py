"""Files of zines that arrive piece by piece: in any order, wrong, unasked for, or on a full card."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance import settings
from appliance.answers import Account
from appliance.errors import CardFull, Objection, Refused
from appliance.kinds import ZineCard
from appliance.library import Zine
from appliance.node import Node
from appliance.settings import Archive
from mesh.blob import PIECE_SIZE, blob_id
from tests.appliance.scribes import SALT, Scribe, key_of
from tests.appliance.shelves import BREAD, files, publish
from tests.appliance.street import Street


@pytest.fixture
def elm(street: Street) -> Node:
    return street.elm


@pytest.fixture
def oak(street: Street, elm: Node) -> Node:
    return street.welcome("Oak")


@pytest.fixture
def ana(street: Street, elm: Node) -> Account:
    return street.neighbour(elm, "Ana", keeper=True)


def bring(giver: Node, taker: Node, zine: Zine) -> bool:
    """Bring all pieces that the taker wants of a zine."""
    whole = False
    for want in taker.wanted_blobs():
        if want.blob.hex() == zine.blob:
            for index in want.missing:
                piece = giver.blob_piece(want.blob, index)
                assert piece is not None
                whole = taker.accept_piece(want.blob, index, piece)
    return whole


def test_a_file_arrives_in_pieces_in_any_order(street: Street, elm: Node, oak: Node) -> None:
    zine = publish(elm)
    blob = bytes.fromhex(zine.blob)
    street.settle()
    (want,) = oak.wanted_blobs()
    assert (want.blob, want.size, len(want.missing)) == (blob, len(BREAD), -(-len(BREAD) // PIECE_SIZE))
    for index in reversed(want.missing[1:]):
        assert not oak.accept_piece(blob, index, elm.blob_piece(blob, index) or b"")
    assert oak.zines("Flour").rows == ()
    again = street.open("Oak")
    assert again.wanted_blobs()[0].missing == [0], "what arrived outlives a restart"
    assert again.accept_piece(blob, 0, BREAD[:PIECE_SIZE])
    assert oak.zine_file(zine.id).path.read_bytes() == BREAD
    assert [found.id for found in oak.zines("Flour").rows] == [zine.id]
    assert oak.wanted_blobs() == []
    assert oak.blob_piece(blob, 0) == BREAD[:PIECE_SIZE]
    assert oak.blob_piece(blob, len(want.missing)) is None


def test_a_wrong_piece_drops_the_file_and_it_is_asked_for_again(street: Street, elm: Node, oak: Node) -> None:
    zine = publish(elm)
    blob = bytes.fromhex(zine.blob)
    street.settle()
    oak.accept_piece(blob, 0, b"?" * PIECE_SIZE)
    assert not bring(elm, oak, zine)
    assert files(oak) == []
    assert len(oak.wanted_blobs()[0].missing) == -(-len(BREAD) // PIECE_SIZE)
    assert bring(elm, oak, zine)


def test_pieces_that_nobody_asked_for_leave_nothing(street: Street, elm: Node, oak: Node) -> None:
    zine = publish(elm)
    street.settle()
    blob, last = bytes.fromhex(zine.blob), -(-len(BREAD) // PIECE_SIZE)
    for index, content in (
        (last, b""),
        (last, b"x" * PIECE_SIZE),
        (2**40, b"x"),
        (0, b""),
        (0, b"x" * (PIECE_SIZE + 1)),
    ):
        assert not oak.accept_piece(blob, index, content)
    assert not oak.accept_piece(b"?" * 32, 0, b"x" * PIECE_SIZE)
    assert files(oak) == []


def test_large_files_come_only_when_asked_for(street: Street, elm: Node, oak: Node) -> None:
    zine = publish(elm, content=b"x" * (Archive().fetch_limit_bytes + 1))
    street.settle()
    assert not oak.zine(zine.id).wanted
    oak.ask_for(zine.id)
    assert oak.zine(zine.id).wanted
    assert bring(elm, oak, zine)
    assert not oak.zine(zine.id).wanted


def test_a_full_card_takes_no_files_but_payments(elm: Node, oak: Node, street: Street, ana: Account) -> None:
    ben = street.neighbour(elm, "Ben")
    publish(elm)
    street.settle()
    data = oak.settings.data
    for node in (elm, oak):
        street.close(node)
    full = Archive(free_space_floor_bytes=2**60)
    node = Node(replace(settings.load(elm.settings.data), archive=full))
    with pytest.raises(CardFull, match="Payments still work"):
        publish(node, "Full", b"more")
    assert files(node) == [blob_id(BREAD).hex()]
    assert node.pay(ana, ben, 1, node.currency("hours")).verdict == "accepted"
    node.close()
    other = Node(replace(settings.load(data), archive=full))
    with pytest.raises(CardFull):
        other.accept_piece(blob_id(BREAD), 0, BREAD[:PIECE_SIZE])
    other.close()


@pytest.mark.timeout(30)
def test_a_file_that_is_said_to_be_immense_costs_nothing(elm: Node) -> None:
    liar = Scribe.public(key_of(7))
    liar.say(ZineCard(b"?" * 32, 2**60, "text/plain", "Immense", "", "en", "", "", "", "", ()).record(0, SALT))
    elm.accept(liar.run())
    (zine,) = elm.zines("Immense").rows
    assert not zine.wanted
    with pytest.raises(Refused) as refusal:
        elm.ask_for(zine.id)
    assert refusal.value.verdict is Objection.ARCHIVE_FULL
    elm.shelve([zine.id])
    assert elm.wanted_blobs() == []
    assert not elm.accept_piece(b"?" * 32, 2**53, b"x" * PIECE_SIZE)
    elm.finish_arrivals()
    assert files(elm) == []
