"""The framing of Meshtastic's serial and TCP links: 0x94 0xC3, a length of two bytes, a protobuf of at most 512 bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from meshtastic.protobuf import mesh_pb2

START: Final = b"\x94\xc3"
SIZE_MAX: Final = 512


def framed(message: Any) -> bytes:
    """Return a protobuf as it goes over the wire."""
    raw: bytes = message.SerializeToString()
    assert len(raw) <= SIZE_MAX, f"a frame of {len(raw)} bytes"
    return START + len(raw).to_bytes(2, "big") + raw


class Unframer:
    """Finds frames in a stream, between whatever else is there, as the firmware does."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, raw: bytes) -> Iterator[Any]:
        """Yield each `ToRadio` that is whole by now. Raises DecodeError for one that is none."""
        self._rest += raw
        while (frame := self._next()) is not None:
            yield mesh_pb2.ToRadio.FromString(frame)

    def _next(self) -> bytes | None:
        while True:
            begin = self._rest.find(START)
            if begin < 0:
                self._rest = self._rest[-1:] if self._rest.endswith(START[:1]) else b""
                return None
            self._rest = self._rest[begin:]
            size = int.from_bytes(self._rest[2:4], "big")
            if len(self._rest) < 4 or (size <= SIZE_MAX and len(self._rest) < 4 + size):
                return None
            if size <= SIZE_MAX:
                frame, self._rest = self._rest[4 : 4 + size], self._rest[4 + size :]
                return frame
            self._rest = self._rest[2:]
