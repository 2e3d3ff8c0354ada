"""What differs between two sets, from a few sums: PinSketch, that is the syndromes of a BCH code over GF(2^32).

Y. Dodis, R. Ostrovsky, L. Reyzin, A. Smith, "Fuzzy Extractors", 2008, section 6. A sketch of t sums shows up to t - 1
differences, and is seen not to be enough where there are more: the last sum is the check. Many elements are added
up at once, a bit of each in one large integer; of what differs only elements are sought that can be told beforehand.

The field: x^32 + x^7 + x^3 + x^2 + 1. Pure; the work is bounded by t and by the elements given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

BITS: Final = 32
TAPS: Final = (0, 2, 3, 7)
SPREAD_LOW: Final = int.from_bytes(b"\1" * BITS, "big")
SPREAD_ALL: Final = int.from_bytes(b"\1" * (2 * BITS), "big")
DIGITS: Final = int.from_bytes(b"0" * BITS, "big")

Planes = list[int]  # plane i holds bit i of every element


def syndromes(elements: Sequence[int], count: int) -> list[int]:
    """Return the sums of the 1st, 3rd, 5th … powers of `elements`, each of them from 1 to 2^32 - 1 and no two alike."""
    power = _planes(elements)
    square = _reduced(_squared(power))
    found = []
    for _ in range(count):
        found.append(sum((plane.bit_count() & 1) << bit for bit, plane in enumerate(power)))
        power = _product(power, square)
    return found


class Difference:
    """What is in one of two sets and not in the other, given as the exclusive or of their sketches."""

    def __init__(self, sums: Sequence[int]) -> None:
        self._locator = _locator([_spread(one) for one in sums])
        self.size = len(self._locator) - 1
        """How many elements differ; meaningless unless `is_whole`."""
        self.is_whole = self.size < len(sums) and bool(self._locator[-1])
        """Whether the sketch was large enough."""

    def among(self, elements: Sequence[int]) -> list[int]:
        """Return which of these differ."""
        if not elements or not self.size:
            return []
        at, ones = _planes(elements), (1 << len(elements)) - 1
        value = [0] * BITS
        for coefficient in map(_gathered, self._locator):
            value = _product(value, at)
            value = [plane ^ (ones if coefficient >> bit & 1 else 0) for bit, plane in enumerate(value)]
        other = 0
        for plane in value:
            other |= plane
        return [element for place, element in enumerate(elements) if not other >> place & 1]


# --- many elements at once


def _planes(elements: Sequence[int]) -> Planes:
    columns = [f"{element:032b}" for element in reversed(elements)]
    return [int("".join(column), 2) for column in zip(*columns, strict=True)][::-1] if columns else [0] * BITS


def _product(one: Planes, other: Planes) -> Planes:
    wide = [0] * (2 * BITS - 1)
    for shift, plane in enumerate(one):
        if plane:
            for place, factor in enumerate(other, shift):
                wide[place] ^= plane & factor
    return _reduced(wide)


def _squared(one: Planes) -> Planes:
    wide = [0] * (2 * BITS - 1)
    wide[::2] = one
    return wide


def _reduced(wide: Planes) -> Planes:
    for high in range(len(wide) - 1, BITS - 1, -1):
        for tap in TAPS:
            wide[high - BITS + tap] ^= wide[high]
    return wide[:BITS]


# --- single elements: a bit in each byte of a large integer, so that a product is a product of integers without its carries


def _spread(element: int) -> int:
    return int.from_bytes(f"{element:032b}".encode(), "big") & SPREAD_LOW


def _gathered(spread: int) -> int:
    return int((spread | DIGITS).to_bytes(BITS, "big"), 2)


def _times(one: int, other: int) -> int:
    wide = one * other & SPREAD_ALL
    while high := wide >> 8 * BITS:
        wide &= SPREAD_LOW
        for tap in TAPS:
            wide ^= high << 8 * tap
    return wide


def _inverse(one: int) -> int:
    """Return one^(2^32 - 2)."""
    power, result = _times(one, one), SPREAD_LOW & 1
    for _ in range(BITS - 1):
        result = _times(result, power)
        power = _times(power, power)
    return result


def _locator(odd: Sequence[int]) -> list[int]:
    """Return the polynomial with the shortest recurrence through these sums, constant term first.

    J. Massey, "Shift-register synthesis and BCH decoding", 1969. The even sums are squares of those at half their place.
    """
    sums: list[int] = []
    for place in range(2 * len(odd)):
        sums.append(_times(sums[place // 2], sums[place // 2]) if place % 2 else odd[place // 2])
    locator, before, length, gap, last = [1], [1], 0, 1, 1
    for place, one in enumerate(sums):
        discrepancy = one
        for back in range(1, min(length, len(locator) - 1) + 1):
            discrepancy ^= _times(locator[back], sums[place - back])
        if not discrepancy:
            gap += 1
            continue
        factor = _times(discrepancy, _inverse(last))
        grown = locator + [0] * (len(before) + gap - len(locator))
        for offset, term in enumerate(before, gap):
            grown[offset] ^= _times(factor, term)
        if 2 * length <= place:
            length, before, last, gap = place + 1 - length, locator, discrepancy, 1
        else:
            gap += 1
        locator = grown
    return (locator + [0] * (length + 1 - len(locator)))[: length + 1]
