"""A payload on its way through the air, with what the air carries around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from mesh.airtime import on_air_bytes

BROADCAST: Final = 0xFFFFFFFF
SIGNED_SIZE_MAX: Final = 165  # firmware 2.8 signs broadcasts up to this size ...
SIGNATURE_SIZE: Final = 66  # ... and this is what it adds to them
SEAL_SIZE: Final = 12  # what the seal to one reader's public key adds
SMALL_PORT: Final = 128  # a number below takes a byte less

Channel = tuple[str, bytes]


@dataclass(frozen=True)
class Address:
    """Who says it, to whom, on which channel. `sealed_by` is the sender's public key, where only one reader can open it."""

    port: int
    sender: int
    channel: Channel
    to: int = BROADCAST
    packet: int = 0
    sealed_by: bytes = b""
    is_signed: bool = False
    via_mqtt: bool = False


class Frame(bytes):
    """The payload; who hears it sees the rest too."""

    address: Address

    @classmethod
    def of(cls, payload: bytes, address: Address) -> Self:
        made = cls(payload)
        made.address = address
        return made

    @property
    def size_on_air(self) -> int:
        """Bytes of the whole LoRa frame."""
        more = SIGNATURE_SIZE * self.address.is_signed + SEAL_SIZE * bool(self.address.sealed_by)
        return on_air_bytes(len(self)) - (self.address.port < SMALL_PORT) + more
