"""Bits of any probability come back as they were written, and cost what they tell."""

from __future__ import annotations

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.aircode.arithmetic import LOWEST, ONE, Choice, Flag, Reader, Writer
from mesh.aircode.logistic import squash, stretches
from mesh.errors import Malformed

SIGNED = [(ONE >> 1, place & 1) for place in range(64)]  # as a signature ends each stream, so none ends in long zeros
chances = st.integers(LOWEST, ONE - LOWEST)


@given(st.lists(st.tuples(chances, st.integers(0, 1)), max_size=400))
def test_what_is_written_is_read(told: list[tuple[int, int]]) -> None:
    bits = told + SIGNED
    writer = Writer()
    for chance, bit in bits:
        assert writer.bit(chance, bit) == bit
    packed = writer.done()
    assert not packed.endswith(b"\0")
    reader = Reader(packed)
    assert [reader.bit(chance, 0) for chance, _ in bits] == [bit for _, bit in bits]
    ideal = -sum(log2((chance if bit else ONE - chance) / ONE) for chance, bit in bits)
    assert 8 * len(packed) <= 1.001 * ideal + 9


@given(st.lists(st.integers(0, 2**20 - 1), max_size=60))
def test_models_on_both_ends_stay_the_same(numbers: list[int]) -> None:
    writer = Writer()
    (high, odd), (high_there, odd_there), (high_third, odd_third) = [(Choice(5), Flag()) for _ in range(3)]
    for number in numbers:
        high.take(writer, number >> 15)
        odd.bit(writer, number & 1)
        writer.raw(number, 20)
        high_third.take(None, number >> 15)
        odd_third.bit(None, number & 1)
    reader = Reader(writer.done())
    for number in numbers:
        assert high_there.take(reader, 0) == number >> 15
        assert odd_there.bit(reader, 0) == number & 1
        assert reader.raw(0, 20) == number
    assert _said(high, odd) == _said(high_there, odd_there) == _said(high_third.copy(), odd_third)


def _said(high: Choice, odd: Flag) -> bytes:
    """Return what these models make of the same bits."""
    writer = Writer()
    for number in range(32):
        high.take(writer, number)
        odd.bit(writer, number & 1)
    return writer.done()


def test_whoever_reads_far_behind_the_end_is_stopped() -> None:
    reader = Reader(b"\x80")
    with pytest.raises(Malformed):
        reader.raw(0, 1000)


def test_a_probability_and_its_logit_are_each_others_inverse() -> None:
    table = stretches()
    assert len(table) == 4096
    assert list(table) == sorted(table)
    assert all(abs(squash(table[chance]) - chance) <= 8 for chance in range(1, 4095))
    assert (squash(-5000), squash(0), squash(5000)) == (1, 2047, 4095)
