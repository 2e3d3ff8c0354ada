"""Bits of any probability, packed into as few bytes as they tell: a binary arithmetic coder on 32-bit integers.

After Witten, Neal and Cleary, "Arithmetic Coding for Data Compression" (1987), in the carryless form of M. Mahoney's lpaq.
A bit that was foreseen with probability p costs -log2 p bits. A probability here is that of a one, in 65,536ths.

A model is written once: it asks a `Bits` for each of its bits and hands in the one it would write. `Writer` writes that
one, and `Reader` gives the one that was written. Where nobody is there to be asked (None) the model takes what it hands in,
and only learns.
"""

from __future__ import annotations

from array import array
from typing import Final, Protocol

from mesh.errors import Malformed

ONE: Final = 1 << 16
EVEN: Final = ONE >> 1
LOWEST: Final = 24  # no bit is foreseen more surely than this: 0.0005 bits for one that was
HIGHEST: Final = ONE - LOWEST
SPAN: Final = 0xFFFFFFFF
TOP: Final = 0xFF000000
BEYOND_MAX: Final = 8  # zero bytes that may be thought behind the end


class Bits(Protocol):
    """One side of a conversation in bits."""

    def bit(self, chance: int, given: int) -> int:
        """Take or give one bit; `chance` is the probability of a one, in 65,536ths, within LOWEST … HIGHEST."""
        ...

    def raw(self, given: int, width: int) -> int:
        """Take or give a number of `width` bits of which nothing is known."""
        ...


class Writer:
    """Writes bits. `done` returns the bytes; zeros at their end are left out."""

    def __init__(self) -> None:
        self._low = 0
        self._high = SPAN
        self._out = bytearray()

    def bit(self, chance: int, given: int) -> int:
        middle = self._low + ((self._high - self._low) * chance >> 16)
        if given:
            self._high = middle
        else:
            self._low = middle + 1
        while not (self._low ^ self._high) & TOP:
            self._out.append(self._high >> 24)
            self._low = self._low << 8 & SPAN
            self._high = self._high << 8 & SPAN | 0xFF
        return given

    def raw(self, given: int, width: int) -> int:
        low, high, out = self._low, self._high, self._out
        for place in range(width - 1, -1, -1):
            middle = low + (high - low >> 1)
            if given >> place & 1:
                high = middle
            else:
                low = middle + 1
            while not (low ^ high) & TOP:
                out.append(high >> 24)
                low = low << 8 & SPAN
                high = high << 8 & SPAN | 0xFF
        self._low, self._high = low, high
        return given

    def done(self) -> bytes:
        """Return all that was written. Of the numbers that would do as an end, the shortest is taken."""
        ends = [-(-self._low >> shift) << shift for shift in (32, 24, 16, 8, 0)]
        end = next(end for end in ends if end <= self._high)
        return (bytes(self._out) + end.to_bytes(4, "big")).rstrip(b"\0")


class Reader:
    """Gives the bits that were written. Raises `Malformed` where they go on far behind the end."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 4
        self._low = 0
        self._high = SPAN
        self._code = int.from_bytes(raw[:4].ljust(4, b"\0"), "big")

    def bit(self, chance: int, given: int) -> int:  # noqa: ARG002 a reader is given nothing
        middle = self._low + ((self._high - self._low) * chance >> 16)
        found = int(self._code <= middle)
        if found:
            self._high = middle
        else:
            self._low = middle + 1
        while not (self._low ^ self._high) & TOP:
            self._low = self._low << 8 & SPAN
            self._high = self._high << 8 & SPAN | 0xFF
            self._code = self._code << 8 & SPAN | self._next()
        return found

    def raw(self, given: int, width: int) -> int:  # noqa: ARG002
        low, high, code, number = self._low, self._high, self._code, 0
        for _ in range(width):
            middle = low + (high - low >> 1)
            number <<= 1
            if code <= middle:
                high = middle
                number |= 1
            else:
                low = middle + 1
            while not (low ^ high) & TOP:
                low = low << 8 & SPAN
                high = high << 8 & SPAN | 0xFF
                code = code << 8 & SPAN | self._next()
        self._low, self._high, self._code = low, high, code
        return number

    def _next(self) -> int:
        self._at += 1
        if self._at > len(self._raw) + BEYOND_MAX:
            raise Malformed("more is said than the bytes of this packet hold")
        return self._raw[self._at - 1] if self._at <= len(self._raw) else 0


COUNT_MAX: Final = 255
RATES: Final = tuple(ONE * 10 // (10 * count + 16) for count in range(COUNT_MAX + 1))


class Flag:
    """The chance of one bit, which learns: at first quickly, later slowly.

    It is the share of ones so far, with a little doubt; after 255 bits the last ones begin to weigh more.
    """

    __slots__ = ("_chance", "_count")

    def __init__(self, first: int = EVEN) -> None:
        self._chance = first
        self._count = 0

    def bit(self, bits: Bits | None, given: int) -> int:
        """Take or give one bit."""
        chance, count = self._chance, self._count
        if bits is not None:
            given = bits.bit(LOWEST if chance < LOWEST else HIGHEST if chance > HIGHEST else chance, given)
        self._chance = chance + (((ONE if given else 0) - chance) * RATES[count] >> 16)
        if count < COUNT_MAX:
            self._count = count + 1
        return given


class Choice:
    """The chances of the bits of a number of `width` bits, the high ones first, each foreseen by those before it."""

    __slots__ = ("_chances", "_counts", "_width")

    def __init__(self, width: int) -> None:
        self._width = width
        self._chances = array("H", [EVEN]) * (1 << width)
        self._counts = bytearray(1 << width)

    def copy(self) -> Choice:
        other = Choice(self._width)
        other._chances, other._counts = self._chances[:], self._counts[:]
        return other

    def take(self, bits: Bits | None, given: int) -> int:
        """Take or give a number."""
        chances, counts = self._chances, self._counts
        node = 1
        for place in range(self._width - 1, -1, -1):
            chance, count = chances[node], counts[node]
            bit = given >> place & 1
            if bits is not None:
                bit = bits.bit(LOWEST if chance < LOWEST else HIGHEST if chance > HIGHEST else chance, bit)
            chances[node] = chance + (((ONE if bit else 0) - chance) * RATES[count] >> 16)
            if count < COUNT_MAX:
                counts[node] = count + 1
            node = node << 1 | bit
        return node - (1 << self._width)
