"""How numbers and names lie in a packet: bytes of fixed size, LEB128 numbers in their shortest form, bitmaps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mesh.canonical import INT_MAX
from mesh.errors import Malformed

VERSION: Final = 0x11  # the first byte of a packet
VARINT_SIZE_MAX: Final = 9  # 63 bits


def varint(number: int) -> bytes:
    """Return `number` (0 … 2^63 - 1) as LEB128: seven bits a byte, the low ones first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Reader:
    """Takes bytes apart from the front. Whatever is not there, or not in its shortest form, is `Malformed`."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes are still unread."""
        return len(self._raw) - self._at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        if size > self.left:
            raise Malformed(f"{size} bytes should follow where {self.left} are left")
        self._at += size
        return self._raw[self._at - size : self._at]

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(self.left)

    def varint(self) -> int:
        """Return the next number."""
        number = 0
        for place in range(VARINT_SIZE_MAX):
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                if byte == 0 and place:
                    raise Malformed("a number takes more bytes than it needs")
                return number
        raise Malformed(f"a number is over {INT_MAX}")

    def end(self) -> None:
        """Check that nothing follows."""
        if self.left:
            raise Malformed(f"{self.left} bytes follow where a packet should end")


def bitmap(indices: Iterable[int]) -> bytes:
    """Return the set of `indices` (≥ 0) as bits, index 0 the lowest of the first byte; no zero bytes at the end."""
    bits = 0
    for index in indices:
        bits |= 1 << index
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def indices(bits: bytes) -> list[int]:
    """Return the set that `bitmap` wrote. Raises `Malformed` for an empty one, and one with a zero byte at the end."""
    if not bits or not bits[-1]:
        raise Malformed("a bitmap ends in a byte that is not zero")
    return [8 * place + bit for place, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1]
