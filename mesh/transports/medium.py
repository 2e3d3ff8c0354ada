"""The air between simulated LoRa radios, and what a Meshtastic device does before it talks into it.

No socket and no clock here: time is an argument, in milliseconds. Chance is a digest of the seed and of what is
decided, so one seed decides alike whatever the order of events.

Modelled: a transmit queue of 16 per station; listen before talk, with random slots of the firmware's length and a
window that widens with the channel's use (`computeSlotTimeMsec`, `getTxDelayMsec`); true airtime; half duplex;
collisions, in which a listener loses every frame that overlaps another (real radios sometimes save the stronger);
independent loss on each link; islands that do not hear each other. A frame that began less than a slot ago is not
noticed yet: that is how two stations come to talk at once.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, NamedTuple

from mesh.airtime import airtime_ms, on_air_bytes, preset_named

QUEUE_SIZE_MAX: Final = 16
PACKET_SIZE_MAX: Final = 231  # facts of Meshtastic: what a private port really carries

TURNAROUND_MS: Final = 7.6
SENSE_SYMBOLS: Final = 2.5
WINDOW_BITS_MIN: Final = 3
WINDOW_BITS_MAX: Final = 8
USE_WINDOW_MS: Final = 60_000

COUNTED: Final = ("frames", "frame_bytes", "airtime_ms", "delivered", "lost", "spoiled", "queue_full")


class Delivered(NamedTuple):
    """`listener` received `packet` whole."""

    listener: str
    talker: str
    packet: bytes


class WentOnAir(NamedTuple):
    """A packet of `talker` left its queue."""

    talker: str


Effect = Delivered | WentOnAir


def _private_broadcast(packet: bytes) -> int:
    return on_air_bytes(len(packet))


@dataclass
class _Frame:
    talker: str
    packet: bytes
    number: int
    start_ms: float
    end_ms: float
    audible: frozenset[str]  # who has it on the antenna
    whole: set[str]  # who has heard nothing else so far


@dataclass
class _Station:
    waiting: deque[bytes] = field(default_factory=deque)
    frames: int = 0
    draws: int = 0
    try_ms: float | None = None  # when it listens next, to talk if the air is free


class Medium:
    """One channel of air. Call `advance` up to now before every other call; see `next_ms` for when to come back."""

    def __init__(
        self,
        preset: str,
        loss: float,
        seed: int,
        counters: Counter[str] | None = None,
        frame_bytes: Callable[[bytes], int] = _private_broadcast,
    ) -> None:
        """`loss` is the share of frames that each listener loses for no visible reason.

        `frame_bytes` tells how large a packet is on air, where packets are not all broadcasts on a private port.
        """
        self.preset: Final = preset
        self.slot_ms: Final = SENSE_SYMBOLS * preset_named(preset).symbol_ms + TURNAROUND_MS
        self.counters = Counter(dict.fromkeys(COUNTED, 0)) if counters is None else counters
        self._seed = seed
        self._frame_bytes = frame_bytes
        self._stations: dict[str, _Station] = {}
        self._on_air: list[_Frame] = []
        self._heard_use: deque[tuple[float, float]] = deque()  # (end, duration) of the last minute's frames
        self._islands: tuple[frozenset[str], ...] = ()
        self.set_loss(loss)

    def set_loss(self, loss: float) -> None:
        """Change the share of frames that a listener loses: 0.0 to 1.0."""
        if not 0.0 <= loss <= 1.0:
            raise ValueError(f"a loss lies between 0 and 1, not at {loss}")
        self._loss = loss

    def cut(self, islands: Iterable[Collection[str]]) -> None:
        """From now on a frame is heard within its island only; stations that no island names share one more."""
        self._islands = tuple(frozenset(island) for island in islands)

    def join(self, name: str) -> None:
        """Switch a station on, with an empty queue."""
        self._stations[name] = _Station()

    def leave(self, name: str) -> None:
        """Switch a station off; what it says at this moment breaks off unheard."""
        self._stations.pop(name, None)
        self.counters["spoiled"] += sum(len(frame.whole) for frame in self._on_air if frame.talker == name)
        self._on_air = [frame for frame in self._on_air if frame.talker != name]
        for frame in self._on_air:
            frame.whole.discard(name)

    def waiting(self, name: str) -> int:
        """How many packets of this station wait to be sent."""
        return len(self._stations[name].waiting)

    def offer(self, name: str, packet: bytes, now_ms: float) -> bool:
        """Queue a packet of 1 to 231 bytes; False, and counted, when 16 wait already: the older ones stay."""
        station = self._stations[name]
        if len(station.waiting) >= QUEUE_SIZE_MAX:
            self.counters["queue_full"] += 1
            return False
        station.waiting.append(packet)
        if station.try_ms is None and not self._talks(name):
            self._try_later(name, now_ms)
        return True

    def next_ms(self) -> float | None:
        """When `advance` next has something to do, or None."""
        tries = (station.try_ms for station in self._stations.values() if station.try_ms is not None)
        return min((*tries, *(frame.end_ms for frame in self._on_air)), default=None)

    def advance(self, now_ms: float) -> list[Effect]:
        """Let everything happen that is due by now, each thing at its own time; ends before beginnings."""
        effects: list[Effect] = []
        while (at_ms := self.next_ms()) is not None and at_ms <= now_ms:
            for frame in [frame for frame in self._on_air if frame.end_ms == at_ms]:
                effects += self._end(frame)
            for name in sorted(name for name, station in self._stations.items() if station.try_ms == at_ms):
                effects += self._try(name, at_ms)
        return effects

    def _try(self, name: str, now_ms: float) -> list[Effect]:
        station = self._stations[name]
        station.try_ms = None
        busy_until_ms = self._busy_until(name, now_ms)
        if busy_until_ms is not None:
            self._try_later(name, busy_until_ms)
            return []
        self._start(name, station, now_ms)
        return [WentOnAir(name)]

    def _try_later(self, name: str, from_ms: float) -> None:
        station = self._stations[name]
        station.draws += 1
        slots = int(self._chance("slot", name, station.draws) * 2 ** self._window_bits(from_ms))
        station.try_ms = from_ms + (1 + slots) * self.slot_ms

    def _start(self, name: str, station: _Station, now_ms: float) -> None:
        packet = station.waiting.popleft()
        station.frames += 1
        size = self._frame_bytes(packet)
        duration_ms = airtime_ms(self.preset, size)
        audible = frozenset(other for other in self._stations if other != name and self._in_reach(name, other))
        frame = _Frame(name, packet, station.frames, now_ms, now_ms + duration_ms, audible, set(audible))
        for other in self._on_air:
            self._collide(frame, other)
        self._on_air.append(frame)
        self._heard_use.append((frame.end_ms, duration_ms))
        self.counters.update(frames=1, frame_bytes=size, airtime_ms=round(duration_ms))

    def _collide(self, new: _Frame, old: _Frame) -> None:
        """Whoever has both on the antenna has neither, and who talks hears nothing."""
        both = new.audible & old.audible
        for frame, other in ((new, old), (old, new)):
            spoiled = frame.whole & (both | {other.talker})
            frame.whole -= spoiled
            self.counters["spoiled"] += len(spoiled)

    def _end(self, frame: _Frame) -> list[Effect]:
        self._on_air.remove(frame)
        talker = self._stations.get(frame.talker)
        if talker is not None and talker.waiting:
            self._try_later(frame.talker, frame.end_ms)
        return [
            Delivered(name, frame.talker, frame.packet) for name in sorted(frame.whole) if self._received(frame, name)
        ]

    def _received(self, frame: _Frame, listener: str) -> bool:
        lost = self._chance("loss", frame.talker, frame.number, listener) < self._loss
        received = not lost and self._in_reach(frame.talker, listener)
        self.counters["delivered" if received else "lost"] += 1
        return received

    def _talks(self, name: str) -> bool:
        return any(frame.talker == name for frame in self._on_air)

    def _busy_until(self, name: str, now_ms: float) -> float | None:
        """When the last frame ends that this station notices now; None when it finds the air free."""
        noticed_since_ms = now_ms - self.slot_ms
        ends = [frame.end_ms for frame in self._on_air if name in frame.audible and frame.start_ms <= noticed_since_ms]
        return max(ends, default=None)

    def _window_bits(self, now_ms: float) -> int:
        while self._heard_use and self._heard_use[0][0] <= now_ms - USE_WINDOW_MS:
            self._heard_use.popleft()
        use = min(1.0, sum(duration for _, duration in self._heard_use) / USE_WINDOW_MS)
        return WINDOW_BITS_MIN + int(use * (WINDOW_BITS_MAX - WINDOW_BITS_MIN))

    def _in_reach(self, one: str, other: str) -> bool:
        return self._island_of(one) == self._island_of(other)

    def _island_of(self, name: str) -> int:
        return next((number for number, island in enumerate(self._islands) if name in island), -1)

    def _chance(self, *what: str | int) -> float:
        """A number from 0 up to 1, always the same for the same seed and the same `what`."""
        named = "/".join(map(str, (self._seed, *what)))
        return int.from_bytes(blake2b(named.encode(), digest_size=6).digest()) / 2**48
