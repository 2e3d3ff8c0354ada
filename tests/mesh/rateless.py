"""Rateless Invertible Bloom Lookup Tables, to compare sketches with. No node speaks this.

L. Yang, Y. Gilad, M. Alizadeh, "Practical Rateless Set Reconciliation", SIGCOMM 2024: an endless stream of coded symbols, each a
sum of elements, a sum of their checks, and their number. An element is in symbol 0, and in symbol i with probability
1 / (1 + i / 2). Streams of two sets subtract; what differs is peeled off wherever one element stands alone. What both hold
cancels, so only what differs is looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import count
from math import ceil
from random import Random

SUM_SIZE = 4  # bytes, as large as an element of our sketches
CHECK_SIZE = (
    4  # whoever reads 54 symbols must not take a mixture for an element: with two bytes one in 1,200 packets would
)
COUNT_SIZE = 1  # told by how far it is from what is expected
SYMBOL_SIZE = SUM_SIZE + CHECK_SIZE + COUNT_SIZE


def check(element: int) -> int:
    return int.from_bytes(blake2b(element.to_bytes(SUM_SIZE, "big"), digest_size=CHECK_SIZE).digest(), "big")


def places(element: int, salt: int) -> Iterator[int]:
    """Yield the coded symbols that an element is in, in order: those that the paper's section 4.2 draws."""
    dice, place = Random(salt << 32 | element), 0
    while True:
        yield place
        place += max(1, ceil((place + 1.5) * ((1.0 - dice.random()) ** -0.5 - 1.0)))


class Peeling:
    """The difference of two streams, symbol by symbol."""

    def __init__(self, here: Iterable[int], there: Iterable[int], salt: int) -> None:
        self._salt = salt
        signed = [(element, 1) for element in here] + [(element, -1) for element in there]
        self._streams = [(element, sign, places(element, salt)) for element, sign in signed]
        self._due: dict[int, list[int]] = {}
        self._symbols: list[list[int]] = []
        self._found: dict[int, int] = {}
        for number, (_, _, stream) in enumerate(self._streams):
            self._due.setdefault(next(stream), []).append(number)

    def add(self) -> None:
        """Hear one symbol more, and peel."""
        place = len(self._symbols)
        symbol = [0, 0, 0]
        for number in self._due.pop(place, []):
            element, sign, stream = self._streams[number]
            if element not in self._found:
                self._mix(symbol, element, sign)
            self._due.setdefault(next(stream), []).append(number)
        self._symbols.append(symbol)
        waiting = [place]
        while waiting:
            total, checks, many = self._symbols[waiting.pop()]
            if abs(many) == 1 and total not in self._found and check(total) == checks:
                self._found[total] = many
                for other in places(total, self._salt):
                    if other >= len(self._symbols):
                        break
                    self._mix(self._symbols[other], total, -many)
                    waiting.append(other)

    def _mix(self, symbol: list[int], element: int, sign: int) -> None:
        symbol[0] ^= element
        symbol[1] ^= check(element)
        symbol[2] += sign

    @property
    def is_done(self) -> bool:
        """Whether all is found: everything is in symbol 0."""
        return bool(self._symbols) and self._symbols[0] == [0, 0, 0]


def symbols_needed(here: Iterable[int], there: Iterable[int], salt: int) -> int:
    """Return how many coded symbols show what differs."""
    peeling = Peeling(here, there, salt)
    for heard in count(1):
        peeling.add()
        if peeling.is_done:
            return heard
    raise AssertionError
