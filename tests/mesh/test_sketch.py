"""Sketches show what differs, know when they are too small, and cost little whatever is in them."""

from __future__ import annotations

from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh import sketch
from mesh.sketch import Difference, syndromes
from tests.mesh.rateless import SYMBOL_SIZE, symbols_needed

ELEMENTS = st.integers(1, 2**32 - 1)


def slow_product(one: int, other: int) -> int:
    """The field by its definition: polynomials over GF(2), modulo x^32 + x^7 + x^3 + x^2 + 1."""
    product = 0
    for bit in range(32):
        if other >> bit & 1:
            product ^= one << bit
    for bit in range(62, 31, -1):
        if product >> bit & 1:
            product ^= 0x1_0000_008D << bit - 32
    return product


def slow_syndromes(elements: list[int], count: int) -> list[int]:
    found = [0] * count
    for element in elements:
        power = element
        for place in range(count):
            found[place] ^= power
            power = slow_product(power, slow_product(element, element))
    return found


@pytest.mark.parametrize(("differing", "symbols"), [(1, 1), (2, 3.2), (10, 17.3), (20, 32.5)])
def test_a_sketch_takes_less_than_a_rateless_table(differing: int, symbols: float) -> None:
    """The figures of gossip-v1.md, from fewer seeds."""
    heard = []
    for seed in range(60):
        elements = Random(1000 * differing + seed).sample(range(1, 2**32), differing)
        here, there = elements[: differing // 2], elements[differing // 2 :]
        heard.append(symbols_needed(here, there, seed))
        assert difference(here, there, differing + 1).is_whole
    assert mean(heard) == pytest.approx(symbols, rel=0.15)
    assert SYMBOL_SIZE * mean(heard) > 4 * (differing + 1)


def difference(one: list[int], other: list[int], count: int) -> Difference:
    return Difference([a ^ b for a, b in zip(syndromes(one, count), syndromes(other, count), strict=True)])


@given(st.lists(ELEMENTS, max_size=6, unique=True), st.integers(2, 6))
def test_the_sums_are_those_of_the_field(elements: list[int], count: int) -> None:
    assert syndromes(elements, count) == slow_syndromes(elements, count)


@given(ELEMENTS, ELEMENTS)
def test_single_elements_multiply_and_divide(one: int, other: int) -> None:
    spread = sketch._times(sketch._spread(one), sketch._spread(other))
    assert sketch._gathered(spread) == slow_product(one, other)
    assert sketch._gathered(sketch._times(spread, sketch._inverse(sketch._spread(other)))) == one


@given(st.sets(ELEMENTS, max_size=40), st.integers(2, 20), st.integers(0, 20), st.integers(0))
def test_what_differs_is_found_whole_or_known_to_be_too_much(
    common: set[int], count: int, differing: int, seed: int
) -> None:
    chance = Random(seed)
    odd = [one for one in chance.sample(range(1, 2**32), differing) if one not in common]
    mine, theirs = odd[: len(odd) // 2], odd[len(odd) // 2 :]
    found = difference([*common, *mine], [*common, *theirs], count)
    assert found.is_whole is (len(odd) < count)
    if found.is_whole:
        assert found.size == len(odd)
        assert found.among([*common, *mine]) == mine
        assert found.among([*theirs, *common]) == theirs


@given(st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=12))
def test_any_sums_are_taken_for_something_or_nothing_in_bounded_work(sums: list[int]) -> None:
    found = Difference(sums)
    assert found.size <= len(sums)
    assert set(found.among([1, 2, 3])) <= {1, 2, 3}


@pytest.mark.parametrize("logs", [100, 1000])
def test_the_most_work_that_a_stranger_can_cause(logs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products are what costs: their number is bounded by the sketch, not by what is held."""
    products = 0
    whole = sketch._product

    def counted(one: list[int], other: list[int]) -> list[int]:
        nonlocal products
        products += 1
        return whole(one, other)

    monkeypatch.setattr(sketch, "_product", counted)
    mine = Random(1).sample(range(1, 2**32), logs)
    Difference([a ^ 5 for a in syndromes(mine, 54)]).among(mine)
    assert products <= 54 + 55
