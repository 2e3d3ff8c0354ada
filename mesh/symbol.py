"""One row of a small file in coded form, as it is played to whoever listens. See spec/gossip-v1.md and `erasure`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mesh.errors import Malformed
from mesh.wire import VERSION, Reader

SYMBOL: Final = 16  # its kind of packet
PREFIX_SIZE: Final = 8
SYMBOL_OVERHEAD: Final = 2 + PREFIX_SIZE + 1


@dataclass(frozen=True, slots=True)
class Symbol:
    """`prefix` begins the file's name. How many parts the file has follows from its size and that of the content."""

    prefix: bytes
    row: int
    content: bytes

    def encode(self) -> bytes:
        return bytes([VERSION, SYMBOL]) + self.prefix + bytes([self.row]) + self.content

    @classmethod
    def read(cls, reader: Reader) -> Symbol:
        prefix, (row,), content = reader.take(PREFIX_SIZE), reader.take(1), reader.rest()
        if not content:
            raise Malformed("a symbol is not empty")
        return cls(prefix, row, content)
