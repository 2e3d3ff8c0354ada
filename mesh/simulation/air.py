"""The air between many LoRa radios, and what a Meshtastic device does before it talks into it.

The rules of `transports.medium`, for hundreds of stations that do not all hear each other: a transmit queue of 16;
listen before talk with random slots in a window that widens with the channel's use; true airtime; half duplex; each
listener hears its own mixture, so hidden stations collide where both are heard. Of two frames at one antenna the one
that comes over a clearly better link survives (capture), else both are lost. A link loses packets by chance and in bursts.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from mesh.airtime import SIGNATURE_BYTES, SIGNED_PAYLOAD_MAX, airtime_ms, on_air_bytes, preset_named
from mesh.distress import HEAD as CALL
from mesh.simulation.clock import Clock
from mesh.simulation.dice import Dice, pause
from mesh.simulation.scenario import HOUR_S, Burst, Cut, Link
from mesh.transports.medium import QUEUE_SIZE_MAX, SENSE_SYMBOLS, TURNAROUND_MS, WINDOW_BITS_MAX, WINDOW_BITS_MIN

CAPTURE_LOSS: Final = 0.15  # a link is clearly better than another that loses so much more
USE_BUCKET_S: Final = 10
USE_BUCKETS: Final = 6

Hear = Callable[[int, int, bytes], None]  # listener, talker, packet


class Deafness:
    """The bursts of one link: deaf for a while, then well for a random time."""

    def __init__(self, burst: Burst, dice: Dice) -> None:
        self._length = burst.length_s
        self._gap = burst.length_s * (1.0 - burst.share) / burst.share
        self._dice = dice
        self._begin = 0.0
        self._end = 0.0

    def __call__(self, now: float) -> bool:
        """Whether the link is deaf; `now` never goes back."""
        while now >= self._end:
            self._begin = self._end + pause(self._dice, self._gap)
            self._end = self._begin + self._length
        return now >= self._begin


@dataclass(slots=True)
class _Ear:
    station: Station
    loss: float
    deaf: Deafness | None


@dataclass(slots=True)
class _Frame:
    talker: int
    packet: bytes
    start: float
    end: float
    ears: list[_Ear] = field(default_factory=list)
    spoiled: set[int] = field(default_factory=set)  # who cannot read it


@dataclass(slots=True)
class Station:
    """One radio. `spent` are (start, duration) of all that it said, in seconds."""

    number: int
    ears: list[_Ear] = field(default_factory=list)
    waiting: deque[bytes] = field(default_factory=deque)
    spent: list[tuple[float, float]] = field(default_factory=list)
    called: set[float] = field(default_factory=set)  # when calls for help began
    said_bytes: int = 0
    is_on: bool = False
    turn: int = 0  # a planned try belongs to one turn; switching off ends it
    is_trying: bool = False
    talking: _Frame | None = None
    hearing: list[tuple[_Frame, float]] = field(default_factory=list)  # with the loss of the link it comes over
    use: list[float] = field(default_factory=lambda: [0.0] * USE_BUCKETS)
    use_bucket: int = 0

    @property
    def spent_besides_calls(self) -> list[tuple[float, float]]:
        """What it said that was no call for help."""
        return [one for one in self.spent if one[0] not in self.called] if self.called else self.spent

    def note_use(self, now: float, duration: float) -> None:
        """Count a frame that this antenna met."""
        self._forget_use(now)
        self.use[self.use_bucket % USE_BUCKETS] += duration

    def use_share(self, now: float) -> float:
        """Return for how much of the last minute the channel was in use, as this station heard it."""
        self._forget_use(now)
        return min(1.0, sum(self.use) / (USE_BUCKET_S * USE_BUCKETS))

    def _forget_use(self, now: float) -> None:
        bucket = int(now) // USE_BUCKET_S
        for passed in range(max(self.use_bucket + 1, bucket - USE_BUCKETS + 1), bucket + 1):
            self.use[passed % USE_BUCKETS] = 0.0
        self.use_bucket = bucket


class Air:
    """One channel. All times are seconds of the run."""

    def __init__(
        self, preset: str, nodes: int, clock: Clock, dice: Dice, hear: Hear, *, is_signed: bool = False
    ) -> None:
        """`hear(listener, talker, packet)` is called for each packet that arrives whole; `is_signed` where radios sign them.

        `begins(talker, packet)` may be set by who wants to know what goes on the air.
        """
        self.begins: Callable[[int, bytes], None] = lambda _talker, _packet: None
        self._is_signed = is_signed
        self.stations = [Station(number) for number in range(nodes)]
        self.counters: Counter[str] = Counter()
        self._preset = preset
        self._slot = (SENSE_SYMBOLS * preset_named(preset).symbol_ms + TURNAROUND_MS) / 1000
        self._clock = clock
        self._dice = dice
        self._hear = hear
        self._cuts: tuple[Cut, ...] = ()
        self._airtimes: dict[int, float] = {}
        self.calm_from = float("inf")  # from here on there are no bursts

    def link(self, links: Sequence[Link], burst: Burst | None) -> None:
        """Let these pairs hear each other."""
        for link in links:
            deaf = Deafness(burst, self._dice) if burst and burst.share > 0 else None
            self.stations[link.one].ears.append(_Ear(self.stations[link.other], link.loss, deaf))
            self.stations[link.other].ears.append(_Ear(self.stations[link.one], link.loss, deaf))

    def plan_cut(self, cut: Cut) -> None:
        """Keep the groups of a cut apart while it lasts."""
        self._clock.at(cut.from_h * HOUR_S, self._set_cut, cut, True)
        self._clock.at(cut.until_h * HOUR_S, self._set_cut, cut, False)

    def _set_cut(self, cut: Cut, begins: bool) -> None:
        self._cuts = (*self._cuts, cut) if begins else tuple(one for one in self._cuts if one is not cut)

    def airtime(self, size: int) -> float:
        """Return how long a packet of `size` bytes takes, in seconds."""
        if size not in self._airtimes:
            self._airtimes[size] = airtime_ms(self._preset, self.on_air(size)) / 1000
        return self._airtimes[size]

    def on_air(self, size: int) -> int:
        """Return how many bytes of air a packet of `size` bytes takes."""
        return on_air_bytes(size) + SIGNATURE_BYTES * (self._is_signed and size <= SIGNED_PAYLOAD_MAX)

    def switch_on(self, number: int) -> None:
        """Let a station hear and talk, with an empty queue. It notices nothing of frames that are under way."""
        self.stations[number].is_on = True

    def switch_off(self, number: int) -> None:
        """Silence a station; what it says at this moment breaks off unheard."""
        station = self.stations[number]
        station.is_on = station.is_trying = False
        station.turn += 1
        station.waiting.clear()
        for frame, _ in station.hearing:
            frame.spoiled.add(number)
        station.hearing.clear()
        if station.talking:
            station.talking.spoiled.update(ear.station.number for ear in station.talking.ears)

    def offer(self, number: int, packet: bytes, *, is_urgent: bool = False) -> bool:
        """Queue a packet; False, and counted, when 16 wait already. An urgent one goes first, and puts the last one out."""
        station = self.stations[number]
        if len(station.waiting) >= QUEUE_SIZE_MAX:
            self.counters["queue full"] += 1
            if not is_urgent:
                return False
            station.waiting.pop()
        if is_urgent:
            station.waiting.appendleft(packet)
        else:
            station.waiting.append(packet)
        if station.talking is None and not station.is_trying:
            self._try_later(station, self._clock.now)
        return True

    def _try_later(self, station: Station, moment: float) -> None:
        use = station.use_share(self._clock.now)
        bits = WINDOW_BITS_MIN + int(use * (WINDOW_BITS_MAX - WINDOW_BITS_MIN))
        slots = 1 + int(self._dice.random() * 2**bits)
        station.is_trying = True
        self._clock.at(moment + slots * self._slot, self._try, station, station.turn)

    def _try(self, station: Station, turn: int) -> None:
        if turn != station.turn:
            return
        noticed = self._clock.now - self._slot  # what began later is not noticed yet
        busy_until = max((frame.end for frame, _ in station.hearing if frame.start <= noticed), default=None)
        if busy_until is not None:
            self._try_later(station, busy_until)
            return
        station.is_trying = False
        self._start(station, station.waiting.popleft())

    def _start(self, station: Station, packet: bytes) -> None:
        now, duration = self._clock.now, self.airtime(len(packet))
        frame = _Frame(station.number, packet, now, now + duration)
        self.begins(station.number, packet)
        for other, _ in station.hearing:
            other.spoiled.add(station.number)  # who talks hears nothing
        for ear in station.ears:
            if ear.station.is_on and not self._is_cut(station.number, ear.station.number):
                frame.ears.append(ear)
                self._arrive(frame, ear)
        station.talking = frame
        station.spent.append((now, duration))
        if packet.startswith(CALL):
            station.called.add(now)
        station.said_bytes += self.on_air(len(packet))
        station.note_use(now, duration)
        self._clock.at(frame.end, self._end, station, frame)

    def _is_cut(self, one: int, other: int) -> bool:
        return any(cut.parts(one, other) for cut in self._cuts)

    def _arrive(self, frame: _Frame, ear: _Ear) -> None:
        """A frame begins at one antenna, where others may be under way."""
        listener = ear.station
        if listener.talking:
            frame.spoiled.add(listener.number)
        for other, loss in listener.hearing:
            if loss - ear.loss < CAPTURE_LOSS:
                frame.spoiled.add(listener.number)
            if ear.loss - loss < CAPTURE_LOSS:
                other.spoiled.add(listener.number)
        listener.hearing.append((frame, ear.loss))
        listener.note_use(frame.start, frame.end - frame.start)

    def _end(self, station: Station, frame: _Frame) -> None:
        station.talking = None
        if station.waiting and station.is_on and not station.is_trying:
            self._try_later(station, frame.end)
        for ear in frame.ears:
            listener = ear.station
            listener.hearing[:] = [heard for heard in listener.hearing if heard[0] is not frame]
            if listener.number in frame.spoiled or not listener.is_on:
                self.counters["spoiled"] += 1
            elif self._is_lost(ear):
                self.counters["lost"] += 1
            else:
                self.counters["heard"] += 1
                self._hear(listener.number, frame.talker, frame.packet)

    def _is_lost(self, ear: _Ear) -> bool:
        now = self._clock.now
        return self._dice.random() < ear.loss or (ear.deaf is not None and now < self.calm_from and ear.deaf(now))


def worst_hour_s(spent: Sequence[tuple[float, float]]) -> float:
    """Return the most airtime that began within any one hour."""
    worst, total, first = 0.0, 0.0, 0
    for start, duration in spent:
        total += duration
        while spent[first][0] <= start - HOUR_S:
            total -= spent[first][1]
            first += 1
        worst = max(worst, total)
    return worst
