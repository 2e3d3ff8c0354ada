"""Whatever rows are heard, as many as there are parts give all of them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.erasure import ROWS_MAX, coded, inverse, solved, times


def parts_of(count: int, size: int) -> list[bytes]:
    chance = Random(f"{count}/{size}")
    return [chance.randbytes(size) for _ in range(count)]


@given(st.integers(1, 20), st.integers(1, 60), st.randoms(use_true_random=False))
def test_any_rows_give_the_parts(count: int, size: int, chance: Random) -> None:
    parts = parts_of(count, size)
    heard = chance.sample(range(ROWS_MAX), count)
    rows = {row: parts[row] if row < count else coded(parts, row) for row in heard}
    assert solved(rows, count) == parts


def test_the_longest_message_is_solved_from_sums_alone() -> None:
    parts = parts_of(123, 30)
    assert solved({row: coded(parts, row) for row in range(123, 246)}, 123) == parts


def test_the_field_is_a_field() -> None:
    for number in range(1, ROWS_MAX):
        assert times(number)[inverse(number)] == 1
        assert len({times(number)[other] for other in range(ROWS_MAX)}) == ROWS_MAX
    assert times(0x80)[2] == 0x1D
    assert times(7)[0] == 0


@pytest.mark.parametrize("count", [2, 3, 8])
def test_one_false_row_gives_other_parts(count: int) -> None:
    """The code finds no fault by itself: the name of the message does."""
    parts = parts_of(count, 10)
    rows = {row: coded(parts, row) for row in range(count, 2 * count)}
    rows[count] = bytes(10)
    assert solved(rows, count) != parts
