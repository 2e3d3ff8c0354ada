"""Messages in parts: put together in any order, holes asked for, and no flood grows past the bounds."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.erasure import coded
from mesh.errors import Malformed
from mesh.packet import PARTS_MAX, Part, PartsWant
from mesh.reassembly import (
    AGE_MAX_S,
    ASKED_MAX,
    BYTES_MAX,
    MESSAGE_SIZE_MAX,
    MESSAGES_MAX,
    PADDED_MAX,
    Reassembly,
    cut,
    size_in_parts,
)

PACKET_SIZE = 231


def message(size: int, seed: int = 0) -> bytes:
    return Random(seed).randbytes(size)


def nothing_known(begin: bytes) -> bool:
    return False


def reassembly() -> Reassembly:
    return Reassembly(2.0, 5.0)


@given(st.integers(232, MESSAGE_SIZE_MAX - 1), st.integers(140, 231), st.randoms(use_true_random=False))
def test_parts_in_any_order_and_any_number_give_the_message_once(size: int, packet_size: int, chance: Random) -> None:
    parts = cut(message(size), packet_size)
    assert all(len(part.encode()) <= packet_size for part in parts)
    assert len(parts) <= PARTS_MAX
    contents = [part.content for part in parts]
    sums = [
        Part(parts[0].message, row, parts[0].last, coded(contents, row))
        for row in chance.sample(range(len(parts), 256), 9)
    ]
    heard = parts + chance.sample(parts, len(parts) // 2) + sums
    chance.shuffle(heard)
    whole = reassembly()
    found = [whole.add(part, 0.0, 0.0) for part in heard]
    assert [one for one in found if one is not None] == [message(size)]
    assert whole.size == 0


def test_cutting_again_gives_the_same_parts_so_that_a_repeat_fills_holes() -> None:
    assert cut(message(1000), PACKET_SIZE) == cut(message(1000), PACKET_SIZE)


@given(st.integers(140, 1000), st.integers(2, 8))
def test_a_message_of_the_planned_size_fills_its_packets(packet_size: int, parts: int) -> None:
    found = cut(message(size_in_parts(packet_size, parts))[1:], packet_size)
    assert len(found) == parts
    assert {len(part.encode()) for part in found} == {packet_size}


def test_one_lost_part_is_asked_for_and_any_row_will_do() -> None:
    parts = cut(message(1000), PACKET_SIZE)
    whole = reassembly()
    for part in parts[:2] + parts[3:]:
        assert whole.add(part, 10.0, 1.0) is None
    assert whole.wants(15.9, nothing_known) == []
    assert whole.wants(16.0, nothing_known) == [PartsWant(parts[0].message, 1)]
    row = Part(parts[0].message, 200, parts[0].last, coded([part.content for part in parts], 200))
    assert whole.add(row, 20.0, 1.0) == message(1000)
    assert whole.wants(500.0, nothing_known) == []


def test_while_more_parts_can_be_expected_none_is_asked_for() -> None:
    parts = cut(message(1600), PACKET_SIZE)
    whole = reassembly()
    whole.add(parts[0], 0.0, 0.0)
    assert len(parts) == 8
    assert whole.is_streaming(18.0)
    assert whole.wants(18.9, nothing_known) == []
    assert len(whole.wants(19.0, nothing_known)) == 1
    assert not whole.is_streaming(19.0)


def test_holes_are_asked_for_a_few_times_and_seldomer_each_time() -> None:
    whole = reassembly()
    whole.add(cut(message(1000), PACKET_SIZE)[-1], 0.0, 0.0)
    asked = [now for now in range(1000) if whole.wants(float(now), nothing_known)]
    assert len(asked) == ASKED_MAX
    pauses = [later - sooner for sooner, later in pairwise(asked)]
    assert pauses == sorted(set(pauses))
    assert not whole.is_mending(1000.0)


def test_who_gets_on_goes_on_asking() -> None:
    parts = cut(message(1600), PACKET_SIZE)
    whole = reassembly()
    asked = 0
    for number, part in enumerate(parts[:3]):
        whole.add(part, number * 200.0, 0.0)
        asked += sum(len(whole.wants(number * 200.0 + second, nothing_known)) for second in range(200))
    assert asked == 3 * ASKED_MAX
    whole.add(parts[3], 600.0, 0.0)
    assert whole.wants(700.0, nothing_known) == []
    assert len(whole) == 0, "ten minutes are the end all the same"


def test_a_message_that_can_hold_nothing_new_is_not_asked_for() -> None:
    parts = cut(message(1000), PACKET_SIZE)
    whole = reassembly()
    for part in parts[:2]:
        whole.add(part, 0.0, 0.0)
    assert whole.wants(100.0, lambda begin: begin == parts[0].content) == []
    assert len(whole) == whole.size == 0


def test_nobody_asks_for_what_another_has_just_asked_for() -> None:
    parts = cut(message(1000), PACKET_SIZE)
    whole = reassembly()
    for part in parts[2:]:
        whole.add(part, 0.0, 1.0)
    whole.overheard(PartsWant(parts[0].message, 3), 5.0, 2.0)
    assert whole.wants(17.9, nothing_known) == [], "three rows take six seconds, and then a pause"
    whole.overheard(PartsWant(parts[0].message, 1), 17.9, 2.0)
    assert whole.wants(18.0, nothing_known) == [PartsWant(parts[0].message, 2)], "one row would not do here"


def forged(part: Part) -> Part:
    return Part(part.message, part.row, part.last, message(len(part.content), seed=9))


def row_of(parts: list[Part], row: int) -> Part:
    return Part(parts[0].message, row, parts[0].last, coded([part.content for part in parts], row))


def test_one_false_row_costs_one_row() -> None:
    parts = cut(message(1000), PACKET_SIZE)
    whole = reassembly()
    for part in (parts[0], forged(parts[1]), *parts[2:-1]):
        assert whole.add(part, 0.0, 0.0) is None
    with pytest.raises(Malformed):
        whole.add(parts[-1], 0.0, 0.0)
    assert whole.wants(100.0, nothing_known) == [PartsWant(parts[0].message, 1)]
    assert whole.add(row_of(parts, 77), 110.0, 0.0) == message(1000)
    assert len(whole) == whole.size == 0


def test_two_false_rows_end_it_and_it_can_be_heard_again() -> None:
    parts = cut(message(1000), PACKET_SIZE)
    whole = reassembly()
    for part in (forged(parts[0]), forged(parts[1]), *parts[2:-1]):
        whole.add(part, 0.0, 0.0)
    for part in (parts[-1], row_of(parts, 77)):
        with pytest.raises(Malformed):
            whole.add(part, 0.0, 0.0)
    assert len(whole) == whole.size == 0
    assert [whole.add(part, 1.0, 0.0) for part in parts][-1] == message(1000)


@given(st.integers(2, 8), st.sets(st.integers(0, 255), max_size=12), st.randoms(use_true_random=False))
def test_whatever_a_liar_mixes_in_nothing_false_is_believed_and_the_true_parts_come_through(
    count: int, false: set[int], chance: Random
) -> None:
    said = message(size_in_parts(PACKET_SIZE, count))[1:]
    parts = cut(said, PACKET_SIZE)
    whole = reassembly()
    heard = [row_of(parts, row) if row >= count else parts[row] for row in chance.sample(range(256), 40)]
    heard += [forged(row_of(parts, row) if row >= count else parts[row]) for row in false]
    chance.shuffle(heard)
    found = []
    for part in [*heard, *parts]:
        try:
            found.append(whole.add(part, 0.0, 0.0))
        except Malformed:
            assert whole.size <= PADDED_MAX + len(part.content)
    assert [one for one in found if one is not None] == [said]


def test_a_message_that_is_whole_is_not_begun_again_while_others_mend_it() -> None:
    parts = cut(message(1000), PACKET_SIZE)
    whole = reassembly()
    for part in parts:
        whole.add(part, 0.0, 0.0)
    assert whole.add(parts[1], 10.0, 0.0) is None
    assert len(whole) == 0
    assert [whole.add(part, 60.0, 0.0) for part in parts][-1] == message(1000), (
        "much later it is a message like any other"
    )


def test_parts_of_another_shape_do_not_spoil_a_message_under_way() -> None:
    parts = cut(message(1000), PACKET_SIZE)
    whole = reassembly()
    whole.add(parts[0], 0.0, 0.0)
    assert whole.add(Part(parts[0].message, 1, 60, parts[1].content), 0.0, 0.0) is None
    assert whole.add(Part(parts[0].message, 1, parts[1].last, b"short"), 0.0, 0.0) is None
    assert len(whole) == 3
    assert [whole.add(part, 0.0, 0.0) for part in parts][-1] == message(1000)


def test_a_message_that_would_be_too_long_is_malformed_at_its_first_part() -> None:
    whole = reassembly()
    with pytest.raises(Malformed):
        whole.add(Part(b"big", 0, 127, bytes(225)), 0.0, 0.0)
    assert len(whole) == whole.size == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 254), st.integers(1, 4000)), max_size=200))
def test_no_flood_grows_past_the_bounds(flood: list[tuple[int, int, int]]) -> None:
    whole = reassembly()
    for name, index, size in flood:
        try:
            whole.add(Part(name.to_bytes(3, "big"), index, 1 + size % 60, bytes(size)), 0.0, 0.0)
        except Malformed:
            continue
        assert len(whole) <= MESSAGES_MAX
        assert whole.size <= BYTES_MAX


def test_what_nobody_completes_is_forgotten() -> None:
    whole = reassembly()
    whole.add(cut(message(1000), PACKET_SIZE)[0], 0.0, 0.0)
    whole.wants(AGE_MAX_S, nothing_known)
    assert len(whole) == 1
    whole.wants(AGE_MAX_S + 1, nothing_known)
    assert len(whole) == whole.size == 0


def test_who_hears_only_what_others_had_asked_for_does_not_ask_as_well() -> None:
    """Else one who lacks a row makes the whole street ask, from hearer to hearer."""
    parts = cut(message(1000), PACKET_SIZE)
    contents = [part.content for part in parts]
    rows = [Part(parts[0].message, row, parts[0].last, coded(contents, row)) for row in range(7, 7 + len(parts))]
    whole = reassembly()
    assert [whole.add(row, 0.0, 0.0) for row in rows[:-1]] == [None] * (len(parts) - 1)
    assert whole.next_wake() is None
    assert whole.wants(60.0, nothing_known) == []
    assert whole.add(rows[-1], 61.0, 0.0) == message(1000)


def test_what_was_whole_here_is_not_asked_for_however_late_it_is_said_again() -> None:
    parts = cut(message(1000), PACKET_SIZE)
    whole = reassembly()
    assert [whole.add(part, 0.0, 0.0) for part in parts][-1] == message(1000)
    whole.add(parts[0], 2 * AGE_MAX_S, 0.0)
    assert whole.wants(2 * AGE_MAX_S + 60, nothing_known) == []
    assert [whole.add(part, 2 * AGE_MAX_S + 60, 0.0) for part in parts[1:]][-1] == message(1000)
