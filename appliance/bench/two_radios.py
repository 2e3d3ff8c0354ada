"""Two radios that hear each other well, in a time that somebody turns: the road of a day that is over in minutes."""

from __future__ import annotations

from collections import Counter
from typing import Final

from mesh.airtime import airtime_ms, on_air_bytes
from mesh.transports import Heard, Inbox, checked_packet, fresh_counters

PRESET: Final = "LongFast"


class Radio:
    """One of the two, or one alone. What is handed over is on the air and heard at once."""

    road = "lora"
    packet_size_max = 231
    trouble: str | None = None
    waiting = 0

    def __init__(self, name: str) -> None:
        self.counters: Counter[str] = fresh_counters("own_air_us", "swaps")
        self.other: Radio | None = None
        self._name = name
        self._inbox: Inbox | None = None

    def open(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.counters["connections"] += 1

    def send(self, packet: bytes) -> None:
        checked_packet(packet, self.packet_size_max)
        self.counters["sent_packets"] += 1
        self.counters["sent_bytes"] += len(packet)
        self.counters["sent_air_us"] += round(1000 * self.airtime_ms(len(packet)))
        if self.other is not None:
            self.other.hear(self._name, packet)

    def hear(self, talker: str, packet: bytes) -> None:
        """Take what the other says; nothing where nobody listens."""
        if self._inbox is None:
            return
        self.counters["heard_packets"] += 1
        self.counters["heard_bytes"] += len(packet)
        if not self._inbox.put(Heard(self.road, talker, packet)):
            self.counters["dropped"] += 1

    def airtime_ms(self, packet_size: int) -> float:
        return airtime_ms(PRESET, on_air_bytes(packet_size))

    def close(self) -> None:
        self._inbox = None


def pair() -> tuple[Radio, Radio]:
    """Return two radios in reach of each other."""
    one, other = Radio("elm"), Radio("oak")
    one.other, other.other = other, one
    return one, other
