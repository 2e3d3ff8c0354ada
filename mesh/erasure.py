"""Any n of many: a message of n equal parts, and as many more rows as are asked for, each a sum over all of them.

A systematic Cauchy Reed-Solomon code over GF(256): J. Blömer et al., "An XOR-Based Erasure-Resilient Coding Scheme" (ICSI
TR-95-048, 1995). Row r < n is part r itself; row r ≥ n is the sum of 1 / (r + j) times part j. Every square piece of such a
matrix can be solved, so whatever n rows were heard, by whomever they were sent, they give the message. The field is that of
the polynomial x^8 + x^4 + x^3 + x^2 + 1; adding is exclusive or.

Chosen by measurement: spec/gossip-v1.md compares it with random coefficients, with sums of bits, and with plain repeats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

ROWS_MAX: Final = 256
POLYNOMIAL: Final = 0x11D


@cache
def _powers() -> tuple[int, ...]:
    """Return 2^0 … 2^509: twice around the field, so that exponents need no remainder."""
    found = [1]
    while len(found) < 2 * ROWS_MAX - 2:
        double = found[-1] << 1
        found.append(double ^ POLYNOMIAL if double >= ROWS_MAX else double)
    return tuple(found)


@cache
def _logarithms() -> tuple[int, ...]:
    return (0, *(_powers().index(number) for number in range(1, ROWS_MAX)))


def inverse(number: int) -> int:
    """Return 1 / `number`, which is not zero."""
    return _powers()[ROWS_MAX - 1 - _logarithms()[number]]


@cache
def times(factor: int) -> bytes:
    """Return the products of `factor`, not zero, with all bytes: a table for `bytes.translate`."""
    powers, logarithms = _powers(), _logarithms()
    return bytes([0, *(powers[logarithms[factor] + logarithms[number]] for number in range(1, ROWS_MAX))])


def _weight(row: int, part: int) -> int:
    """Return how often `part` is in the coded `row`."""
    return inverse(row ^ part)


def coded(parts: Sequence[bytes], row: int) -> bytes:
    """Return row `row`, len(parts) … 255, of a message whose `parts` are of one size."""
    total = 0
    for place, part in enumerate(parts):
        total ^= int.from_bytes(part.translate(times(_weight(row, place))), "big")
    return total.to_bytes(len(parts[0]), "big")


def solved(rows: Mapping[int, bytes], count: int) -> list[bytes]:
    """Return the `count` parts of a message from `count` of its rows, all of one size. Any will do.

    Takes time with the square of the number of parts that are not among the rows, times the number of all.
    """
    missing = [part for part in range(count) if part not in rows]
    sums = [_without_known(rows, row, count) for row in sorted(rows) if row >= count]
    found = dict(zip(missing, _eliminated(sums, missing), strict=True))
    return [rows[part] if part in rows else found[part] for part in range(count)]


Sum = tuple[int, bytes]  # a coded row and what is left of it


def _without_known(rows: Mapping[int, bytes], row: int, count: int) -> Sum:
    """Take out of a coded row what is known."""
    content = int.from_bytes(rows[row], "big")
    for part in range(count):
        if part in rows:
            content ^= int.from_bytes(rows[part].translate(times(_weight(row, part))), "big")
    return row, content.to_bytes(len(rows[row]), "big")


def _eliminated(sums: Sequence[Sum], missing: Sequence[int]) -> list[bytes]:
    """Solve by elimination. No pivot is zero: what is left of a Cauchy matrix can always be solved.

    A row's weights stand before what it holds, so that each step is one look-up in a table for both.
    """
    lines = [bytes(_weight(row, part) for part in missing) + content for row, content in sums]
    for pivot in range(len(missing)):
        lines[pivot] = lines[pivot].translate(times(inverse(lines[pivot][pivot])))
        for other, line in enumerate(lines):
            if other != pivot and line[pivot]:
                lines[other] = _added(line, lines[pivot].translate(times(line[pivot])))
    return [line[len(missing) :] for line in lines]


def _added(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")
