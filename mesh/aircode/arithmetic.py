"""Bits of any probability, packed into as few bytes as they tell: a binary arithmetic coder on 32-bit integers.

After Witten, Neal and Cleary, "Arithmetic Coding for Data Compression" (1987), in the carryless form of M. Mahoney's lpaq.
A bit that was foreseen with probability p costs -log2 p bits. A probability here is that of a one, in 65,536ths.

A model is written once: it asks a `Bits` for each of its bits and hands in the one it would write. `Writer` writes that
one, `Listener` only repeats it, so that the model learns, and `Reader` gives the one that was written.
"""

from __future__ import annotations

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


class Listener:
    """Repeats each bit: a model that is taken through what is known learns from it."""

    def bit(self, chance: int, given: int) -> int:  # noqa: ARG002 whatever was foreseen
        return given

    def raw(self, given: int, width: int) -> int:  # noqa: ARG002
        return given


COUNT_MAX: Final = 255
RATES: Final = tuple(ONE * 10 // (10 * count + 16) for count in range(COUNT_MAX + 1))


class Chances:
    """Probabilities that learn: some under each key, at first quickly, later slowly.

    Each is the share of ones so far, with a little doubt; after 255 bits the last ones begin to weigh more.
    """

    def __init__(self) -> None:
        self._known: dict[object, tuple[list[int], list[int]]] = {}

    def copy(self) -> Chances:
        other = Chances()
        other._known = {key: (chances.copy(), counts.copy()) for key, (chances, counts) in self._known.items()}
        return other

    def bit(self, bits: Bits, key: object, given: int, first: int = EVEN) -> int:
        """Take or give one bit under `key`, which is foreseen with `first` when it was never seen."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = ([first], [0])
        chances, counts = known
        chance, count = chances[0], counts[0]
        found = bits.bit(LOWEST if chance < LOWEST else HIGHEST if chance > HIGHEST else chance, given)
        chances[0] = chance + (((ONE if found else 0) - chance) * RATES[count] >> 16)
        if count < COUNT_MAX:
            counts[0] = count + 1
        return found

    def choice(self, bits: Bits, key: object, given: int, width: int) -> int:
        """Take or give a number of `width` bits, the high ones first, each foreseen by those before it."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = ([EVEN] * (1 << width), [0] * (1 << width))
        chances, counts = known
        ask = bits.bit
        node = 1
        for place in range(width - 1, -1, -1):
            chance, count = chances[node], counts[node]
            found = ask(LOWEST if chance < LOWEST else HIGHEST if chance > HIGHEST else chance, given >> place & 1)
            chances[node] = chance + (((ONE if found else 0) - chance) * RATES[count] >> 16)
            if count < COUNT_MAX:
                counts[node] = count + 1
            node = node << 1 | found
        return node - (1 << width)
