"""Files that cross a lossy channel in pieces."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.blob import PIECE_SIZE, blob_id, piece, piece_count, piece_size
from mesh.errors import Malformed
from mesh.packet import Kind
from tests.mesh.islands import Air, Island, MemoryHoldings, node_key

ZINE = Random(1).randbytes(8000)


def readers(count: int, loss: float = 0.0, seed: int = 0, packet_size: int = 231) -> tuple[Air, list[Island]]:
    found = [
        Island("abcdef"[number], MemoryHoldings(node_key(number + 1)), seed, packet_size) for number in range(count)
    ]
    return Air(*found, loss=loss, seed=seed), found


def all_hold(islands: list[Island]) -> bool:
    return all(island.holdings.blobs.get(blob_id(ZINE)) == ZINE for island in islands)


@given(st.binary(max_size=1000))
def test_the_pieces_of_a_file_are_the_file(content: bytes) -> None:
    pieces = [piece(content, index) for index in range(piece_count(len(content)))]
    assert b"".join(one for one in pieces if one) == content
    assert [len(one) for one in pieces if one] == [piece_size(len(content), index) for index in range(len(pieces))]
    assert piece(content, len(pieces)) is None
    with pytest.raises(Malformed):
        piece_size(len(content), len(pieces))


@pytest.mark.parametrize(("loss", "packets_max"), [(0.0, 42), (0.2, 95)])
def test_eight_kilobytes_cross_to_two_readers(loss: float, packets_max: int) -> None:
    air, (a, b, c) = readers(3, loss, seed=3)
    a.holdings.blobs[blob_id(ZINE)] = ZINE
    b.holdings.wish(ZINE)
    c.holdings.wish(ZINE)
    air.run(3600, lambda: all_hold([b, c]))
    assert all_hold([b, c])
    assert air.kinds()[Kind.PIECES] <= packets_max


def test_packets_are_full() -> None:
    air, (a, b) = readers(2)
    a.holdings.blobs[blob_id(ZINE)] = ZINE
    b.holdings.wish(ZINE)
    air.run(3600, lambda: all_hold([b]))
    pieces = [packet for _, _, packet in air.log if packet[1] == Kind.PIECES]
    assert len(pieces) == -(-piece_count(len(ZINE)) // 3)
    assert len(pieces[0]) == 2 + 8 + 1 + 3 * PIECE_SIZE


def test_where_the_radio_signs_two_pieces_fit() -> None:
    air, (a, b) = readers(2, packet_size=165)
    a.holdings.blobs[blob_id(ZINE)] = ZINE
    b.holdings.wish(ZINE)
    air.run(3600, lambda: all_hold([b]))
    assert all_hold([b])
    assert all(len(packet) <= 165 for _, _, packet in air.log)


def test_of_two_who_hold_a_file_one_sends_most_of_it() -> None:
    air, (a, b, c) = readers(3)
    for holder in (a, b):
        holder.holdings.blobs[blob_id(ZINE)] = ZINE
    c.holdings.wish(ZINE)
    air.run(3600, lambda: all_hold([c]))
    assert air.kinds()[Kind.PIECES] <= 1.5 * piece_count(len(ZINE)) / 3


def test_a_file_nobody_has_is_asked_for_ever_more_seldom() -> None:
    air, (a, b) = readers(2)
    b.holdings.wish(ZINE)
    air.run(86_400)
    assert 70 <= air.kinds()[Kind.PIECES_WANT] <= 80
    began = air.now
    a.holdings.blobs[blob_id(ZINE)] = ZINE
    air.run(1800, lambda: all_hold([b]))
    assert all_hold([b])
    assert air.now - began < 1800


def test_records_go_before_files() -> None:
    air, (a, b) = readers(2)
    a.holdings.blobs[blob_id(ZINE)] = ZINE
    b.holdings.wish(ZINE)
    air.run(40)
    assert not all_hold([b])
    a.holdings.write("a payment")
    air.stir()
    air.run(15, air.agree)
    assert air.agree()


def test_what_nobody_wants_is_not_kept() -> None:
    air, (a, b, c) = readers(3)
    a.holdings.blobs[blob_id(ZINE)] = ZINE
    b.holdings.wish(ZINE)
    air.run(3600, lambda: all_hold([b]))
    assert not c.holdings.blobs
    assert not c.holdings.partial


def test_a_holder_that_dies_half_way_is_replaced_by_another() -> None:
    air, (a, b, c) = readers(3)
    for holder in (a, b):
        holder.holdings.blobs[blob_id(ZINE)] = ZINE
    c.holdings.wish(ZINE)
    air.run(50)
    first = next(speaker for _, speaker, packet in air.log if packet[1] == Kind.PIECES)
    air.hears = lambda hearer, speaker: first not in (hearer, speaker)
    air.run(3600, lambda: all_hold([c]))
    assert all_hold([c])
