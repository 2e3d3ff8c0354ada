"""A payload on its way through the air, with what the air carries around it."""

from __future__ import annotations

from typing import Final

from mesh.airtime import on_air_bytes

SIGNED_SIZE_MAX: Final = 165  # firmware 2.8 signs broadcasts up to this size ...
SIGNATURE_SIZE: Final = 66  # ... and this is what it adds to them


class Frame(bytes):
    """The payload; who hears it sees the rest too."""

    port: int
    sender: int
    channel: tuple[str, bytes]
    via_mqtt: bool
    is_signed: bool

    @property
    def size_on_air(self) -> int:
        """Bytes of the whole LoRa frame."""
        return on_air_bytes(len(self)) + SIGNATURE_SIZE * self.is_signed


def frame(
    payload: bytes,
    port: int,
    sender: int,
    channel: tuple[str, bytes],
    via_mqtt: bool = False,
    is_signed: bool = False,
) -> Frame:
    made = Frame(payload)
    made.port, made.sender, made.channel = port, sender, channel
    made.via_mqtt, made.is_signed = via_mqtt, is_signed
    return made
