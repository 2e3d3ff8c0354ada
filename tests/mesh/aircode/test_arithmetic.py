"""Bits of any probability come back as they were written, and cost what they tell."""

from __future__ import annotations

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.aircode.arithmetic import LOWEST, ONE, Chances, Listener, Reader, Writer
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
    writer, here, there, third = Writer(), Chances(), Chances(), Chances()
    for number in numbers:
        here.choice(writer, "high", number >> 15, 5)
        here.bit(writer, "odd", number & 1)
        writer.raw(number, 20)
        third.choice(Listener(), "high", number >> 15, 5)
    reader = Reader(writer.done())
    for number in numbers:
        assert there.choice(reader, "high", 0, 5) == number >> 15
        assert there.bit(reader, "odd", 0) == number & 1
        assert reader.raw(0, 20) == number
    assert third.copy().choice(Listener(), "high", 3, 5) == 3


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
