"""Roads for packets. What every road promises, and the box in which arrivals wait for the daemon.

A road carries opaque packets (bytes) to whoever hears it. It may lose, delay, repeat or reorder them; the engine above
repairs that. It never blocks, never grows without bound, and says with `TransportDown` when it can carry nothing.
"""

from __future__ import annotations

import re
import socket
from collections import Counter, deque
from contextlib import suppress
from threading import Condition
from typing import Final, NamedTuple, Protocol

INBOX_SIZE_MAX: Final = 256
STATION_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

# What each road counts, from zero since it was made. A road may count more.
COUNTED: Final = (
    "connections",  # times the medium was reached
    "sent_packets",
    "sent_bytes",
    "sent_air_us",  # microseconds of shared air that this took
    "heard_packets",  # well-formed ones, dropped or not
    "heard_bytes",
    "dropped",  # heard, but the inbox was full
    "refused",  # sent, but the medium would not take them
    "garbage",  # whatever is not in the form of the road's page
    "oversize",  # heard, but larger than `packet_size_max`
)


class Heard(NamedTuple):
    """One packet as it arrived. `peer` is what the road says, which proves nothing: only signatures do."""

    road: str
    peer: str
    packet: bytes


class Inbox:
    """Packets that arrived and wait to be looked at; bounded, and safe between threads.

    When it is full the newcomer is dropped and counted: what is lost here is asked for again.
    """

    def __init__(self, size_max: int = INBOX_SIZE_MAX) -> None:
        self.size_max: Final = size_max
        self.dropped = 0
        self._waiting: deque[Heard] = deque()
        self._arrival = Condition()

    def put(self, heard: Heard) -> bool:
        """Keep `heard` and wake who waits; False, and counted, when there is no room. Never blocks."""
        with self._arrival:
            if len(self._waiting) >= self.size_max:
                self.dropped += 1
                return False
            self._waiting.append(heard)
            self._arrival.notify_all()
            return True

    def drain(self) -> list[Heard]:
        """Take out everything, in order of arrival."""
        with self._arrival:
            taken = list(self._waiting)
            self._waiting.clear()
            return taken

    def wait(self, timeout_s: float) -> bool:
        """Sleep until something is there, at most `timeout_s` seconds; say whether something is."""
        with self._arrival:
            return self._arrival.wait_for(lambda: bool(self._waiting), timeout_s)


class Bell:
    """Wakes the thread that waits for it in a `select`, beside its sockets. Anybody may ring, as often as they like."""

    def __init__(self) -> None:
        self._rope, self._sound = socket.socketpair()
        self._rope.setblocking(False)
        self._sound.setblocking(False)

    def fileno(self) -> int:
        """What to wait for."""
        return self._sound.fileno()

    def ring(self) -> None:
        """Wake who waits, or who will wait next."""
        with suppress(OSError):  # full: it rings already; closed: nobody waits any more
            self._rope.send(b".")

    def hush(self) -> None:
        """Begin to wait anew."""
        with suppress(BlockingIOError):
            self._sound.recv(4096)

    def close(self) -> None:
        self._rope.close()
        self._sound.close()


class Transport(Protocol):
    """A road. Made with its settings, opened once, closed once; its threads call nothing but `inbox.put`."""

    road: str
    packet_size_max: int
    counters: Counter[str]

    @property
    def trouble(self) -> str | None:
        """Why this road carries nothing just now, in a sentence for the keeper; None while it does."""
        ...

    @property
    def waiting(self) -> int:
        """How many of the packets handed over may not have been on the air yet, the last ones; 0 where there is no air."""
        ...

    def open(self, inbox: Inbox) -> None:
        """Begin to listen, and to reach the medium in the background for as long as it takes."""

    def send(self, packet: bytes) -> None:
        """Hand `packet` to everybody in reach, within a second.

        Raises TransportDown (AirtimeSpent where the air is full) and then keeps nothing. A packet that is empty or
        larger than `packet_size_max` is our own bug: ValueError.
        """

    def airtime_ms(self, packet_size: int) -> float:
        """Milliseconds of shared air that a packet of this size takes; 0.0 where the road is no commons of air."""

    def close(self) -> None:
        """End for good and wait for the road's own threads. Closing twice is harmless."""


def fresh_counters(*more: str) -> Counter[str]:
    """Every key at zero, so that another thread may read them all while one of them grows."""
    return Counter(dict.fromkeys((*COUNTED, *more), 0))


def checked_station(name: str) -> str:
    """Return `name` if a station may be called so: 1 to 64 letters, digits, '-' or '_'. Raises ValueError if not."""
    if not STATION_NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a station: 1 to 64 letters, digits, '-' or '_'")
    return name


def checked_packet(packet: bytes, packet_size_max: int) -> bytes:
    """Return `packet` if a road with this limit may carry it. Raises ValueError if not."""
    if not 1 <= len(packet) <= packet_size_max:
        raise ValueError(f"a packet of {len(packet)} bytes; this road carries 1 to {packet_size_max}")
    return packet
