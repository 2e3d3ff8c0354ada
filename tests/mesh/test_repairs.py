"""What is sent again: as many rows as the one who lacks most needs, by whoever sent the message, else by who heard it."""

from __future__ import annotations

from random import Random

from mesh.packet import Part, PartsWant
from mesh.reassembly import BYTES_MAX, MESSAGE_SIZE_MAX, Reassembly, cut
from mesh.repairs import KEPT_MAX, ROWS_PER_PART, Repairs

PACKET_SIZE = 231


def parts_of(seed: int = 0, size: int = 1000) -> list[Part]:
    return cut(Random(seed).randbytes(size), PACKET_SIZE)


def test_the_largest_want_is_served_and_all_rows_are_new() -> None:
    parts, repairs = parts_of(), Repairs()
    repairs.keep(parts, is_ours=True)
    for lacking in (1, 3, 2):
        repairs.hear_want(PartsWant(parts[0].message, lacking), 10.0, 5.0)
    assert repairs.due(9.9, 8) == []
    rows = repairs.due(10.0, 8)
    assert [row.row for row in rows] == [len(parts), len(parts) + 1, len(parts) + 2]
    assert repairs.due(100.0, 8) == []
    whole = Reassembly(2.0, 5.0)
    found = [whole.add(part, 0.0, 0.0) for part in [*parts[3:], *rows]]
    assert found[-1] == Random(0).randbytes(1000)


def test_a_long_repair_lets_others_speak_in_between() -> None:
    parts, repairs = parts_of(size=4000), Repairs()
    repairs.keep(parts, is_ours=True)
    repairs.hear_want(PartsWant(parts[0].message, 11), 0.0, 5.0)
    assert [len(repairs.due(0.0, 8)) for _ in range(3)] == [8, 3, 0]


def test_rows_begin_anew_when_all_were_sent() -> None:
    parts, repairs = parts_of(), Repairs()
    for _ in range(100):
        repairs.keep(parts, is_ours=True)
        repairs.hear_want(PartsWant(parts[0].message, 5), 0.0, 5.0)
        rows = [row.row for row in repairs.due(0.0, 8)]
        assert all(len(parts) <= row <= 255 for row in rows)
        assert len(set(rows)) == 5


def test_who_only_heard_a_message_steps_in_when_nobody_answers() -> None:
    parts, repairs = parts_of(), Repairs()
    repairs.keep(parts, is_ours=False, luck=0.5)
    want = PartsWant(parts[0].message, 1)
    repairs.hear_want(want, 10.0, 5.0)
    assert repairs.next_wake() is None
    repairs.hear(parts[1])
    repairs.hear_want(want, 20.0, 5.0)
    assert repairs.next_wake() is None, "somebody had answered"
    repairs.hear_want(want, 30.0, 5.0)
    assert repairs.next_wake() == 35.0
    repairs.hear(parts[1])
    assert repairs.next_wake() is None, "the sender was quicker"


def test_what_is_kept_is_bounded_in_number_and_bytes() -> None:
    repairs = Repairs()
    for seed in range(KEPT_MAX + 10):
        repairs.keep(parts_of(seed), is_ours=True)
    assert len(repairs._kept) == KEPT_MAX
    repairs.hear_want(PartsWant(parts_of(0)[0].message, 1), 0.0, 5.0)
    assert repairs.due(0.0, 8) == [], "the first ones are gone"
    for seed in range(10):
        repairs.keep(parts_of(seed, MESSAGE_SIZE_MAX - 1), is_ours=True)
        assert repairs.size <= BYTES_MAX


def test_nobody_is_sent_rows_of_one_message_for_ever() -> None:
    parts, repairs = parts_of(), Repairs()
    repairs.keep(parts, is_ours=True)
    rows: list[Part] = []
    for now in range(50):
        repairs.hear_want(PartsWant(parts[0].message, 2), float(now), 5.0)
        rows += repairs.due(float(now), 8)
    assert len(rows) == ROWS_PER_PART * len(parts)
    repairs.keep(parts, is_ours=True)  # it was sent anew, for somebody asked for what it holds
    repairs.hear_want(PartsWant(parts[0].message, 2), 60.0, 5.0)
    assert len(repairs.due(60.0, 8)) == 2
