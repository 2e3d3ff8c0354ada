"""A simulated LoRa radio: one station of an ether on this machine, with true airtime. See mesh/spec/loopback-v1.md."""

from __future__ import annotations

import socket
import time
from collections import Counter
from selectors import EVENT_READ, DefaultSelector
from threading import Lock, Thread
from typing import Final

from mesh.airtime import airtime_ms, on_air_bytes, preset_named
from mesh.errors import AirtimeSpent, PeerFault, TransportDown
from mesh.transports import Bell, Heard, Inbox, checked_packet, checked_station, fresh_counters
from mesh.transports.datagram import (
    DATAGRAM_SIZE_MAX,
    Bye,
    Datagram,
    Hello,
    Offer,
    Overheard,
    Reason,
    Refusal,
    Report,
    encode,
    parse,
)

QUEUE_SIZE_MAX: Final = 16
HELLO_EVERY_S: Final = 15.0
ANSWER_WITHIN_S: Final = 2.0
KNOCK_MIN_S: Final = 0.1
KNOCK_MAX_S: Final = 2.0
REST_MIN_S: Final = 0.001

UNREACHED: Final = "The simulated radio does not answer. Everything is saved and will leave by itself."
QUEUE_FULL: Final = "The radio has as much to say as it can hold. Everything is saved and will leave by itself."
TROUBLE: Final = {
    Reason.UNKNOWN_STATION: UNREACHED,
    Reason.TOO_MANY_STATIONS: "The simulated radio has no room for another station.",
    Reason.OTHER_PRESET: "The simulated radio is set to another modem preset than this station.",
}


class Line:
    """What a station knows of its ether: whether it answers, when to greet it next, how much of our talk it holds.

    Time is an argument, in seconds. Made unreached; greets until an answer comes, then every 15 s.
    """

    def __init__(self) -> None:
        self.trouble: str | None = UNREACHED
        self.offered = 0  # number of the last offer
        self._report = Report(0, 0)
        self._unanswered = False
        self._hello_due_s = 0.0
        self._knock_s = KNOCK_MIN_S

    @property
    def in_flight(self) -> int:
        """Packets that the ether has not looked at or that wait in its queue."""
        return self.offered - self._report.number + self._report.waiting

    def hello_due(self, now_s: float) -> bool:
        """Whether to say hello now; saying it is then taken as done."""
        if now_s < self._hello_due_s:
            return False
        if self._unanswered and self.trouble is None:
            self.trouble = UNREACHED
        self._unanswered = True
        self._hello_due_s = now_s + (ANSWER_WITHIN_S if self.trouble is None else self._knock_s)
        self._knock_s = min(2 * self._knock_s, KNOCK_MAX_S)
        return True

    def rest_s(self, now_s: float) -> float:
        """Seconds until the next hello, a little above zero at least."""
        return max(REST_MIN_S, self._hello_due_s - now_s)

    def reported(self, report: Report, now_s: float) -> bool:
        """Note a report; True when the line was down until now."""
        if self._unanswered:
            self._unanswered = False
            self._hello_due_s = now_s + HELLO_EVERY_S
            self._knock_s = KNOCK_MIN_S
        restored = self.trouble is not None
        self.trouble, self._report = None, report
        return restored

    def lost(self, why: str, now_s: float) -> None:
        """Note that the ether is gone or will not have us; greet again soon, then ever more rarely."""
        if self.trouble is None:
            self._hello_due_s, self._knock_s = now_s, KNOCK_MIN_S
        self.trouble = why


class LoopbackRadio:
    """The road "loopback". Greets its ether for as long as it is open, so that either may be restarted at any time."""

    road = "loopback"

    def __init__(self, ether: tuple[str, int], station: str, preset: str, packet_size_max: int = 231) -> None:
        """`packet_size_max` 231 is what a private port carries; 165 where the radios sign."""
        preset_named(preset)
        self.packet_size_max = packet_size_max
        self.counters: Counter[str] = fresh_counters()
        self._ether = ether
        self._station = checked_station(station)
        self._preset = preset
        self._line = Line()
        self._lock = Lock()  # over the line, the socket and the end
        self._socket: socket.socket | None = None
        self._bell: Bell | None = None
        self._thread: Thread | None = None

    @property
    def trouble(self) -> str | None:
        """Why this road carries nothing just now, in a sentence for the keeper; None while it does."""
        return UNREACHED if self._socket is None else self._line.trouble

    @property
    def waiting(self) -> int:
        """How many packets may not have been on the air yet."""
        return self._line.in_flight if self.trouble is None else 0

    def open(self, inbox: Inbox) -> None:
        """Begin to listen and to greet the ether; returns at once, whether it is there or not."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(self._ether)  # the kernel drops what comes from anywhere else
        self._bell = Bell()
        self._thread = Thread(target=self._listen, args=(self._socket, self._bell, inbox), name="loopback", daemon=True)
        self._thread.start()

    def send(self, packet: bytes) -> None:
        """Queue `packet` in the simulated device. Raises AirtimeSpent when 16 wait, TransportDown without an ether."""
        checked_packet(packet, self.packet_size_max)
        with self._lock:
            if self._socket is None or self._line.trouble is not None:
                raise TransportDown(self._line.trouble or UNREACHED)
            if self._line.in_flight >= QUEUE_SIZE_MAX:
                raise AirtimeSpent(QUEUE_FULL)
            if not self._tell(self._socket, Offer(self._line.offered + 1, packet)):
                self._line.lost(UNREACHED, time.monotonic())
                if self._bell is not None:
                    self._bell.ring()
                raise TransportDown(UNREACHED)
            self._line.offered += 1
        self.counters["sent_packets"] += 1
        self.counters["sent_bytes"] += len(packet)
        self.counters["sent_air_us"] += round(1000 * self.airtime_ms(len(packet)))

    def airtime_ms(self, packet_size: int) -> float:
        """Milliseconds on air, Meshtastic's framing included."""
        return airtime_ms(self._preset, on_air_bytes(packet_size))

    def close(self) -> None:
        """Leave the ether and end the thread."""
        with self._lock:
            ether, self._socket = self._socket, None
        if ether is None or self._bell is None or self._thread is None:
            return
        self._tell(ether, Bye())
        self._bell.ring()
        self._thread.join()
        self._bell.close()
        ether.close()

    def _listen(self, ether: socket.socket, bell: Bell, inbox: Inbox) -> None:
        ether.setblocking(False)
        with DefaultSelector() as selector:
            selector.register(ether, EVENT_READ)
            selector.register(bell, EVENT_READ)
            while self._socket is not None:
                for ready, _ in selector.select(self._greet_when_due(ether)):
                    if ready.fileobj is bell:
                        bell.hush()
                    else:
                        self._read(ether, inbox)

    def _read(self, ether: socket.socket, inbox: Inbox) -> None:
        try:
            with self._lock:  # lest this thread takes the kernel's refusal from under a `send` that looks for it
                raw = ether.recv(DATAGRAM_SIZE_MAX + 1)
        except BlockingIOError:
            return  # a spoilt datagram wakes us too
        except ConnectionRefusedError:  # nobody at that port; the kernel tells, on a machine's own loopback
            self._lose(UNREACHED)
        else:
            self._receive(raw, inbox)

    def _greet_when_due(self, ether: socket.socket) -> float:
        """Say hello if it is time; return how many seconds to listen."""
        now_s = time.monotonic()
        with self._lock:
            if self._line.hello_due(now_s) and not self._tell(
                ether, Hello(self._station, self._preset, self._line.offered)
            ):
                self._line.lost(UNREACHED, now_s)
            return self._line.rest_s(now_s)

    def _receive(self, raw: bytes, inbox: Inbox) -> None:
        try:
            datagram = parse(raw)
        except PeerFault:
            self.counters["garbage"] += 1
            return
        match datagram:
            case Overheard(talker, packet):
                self._hear(talker, packet, inbox)
            case Report():
                with self._lock:
                    restored = self._line.reported(datagram, time.monotonic())
                self.counters["connections"] += restored
            case Refusal(number, reason):
                self.counters["refused"] += number > 0
                if reason in TROUBLE:
                    self._lose(TROUBLE[reason])
            case Bye():
                self._lose(UNREACHED)
            case _:
                self.counters["garbage"] += 1  # an ether says nothing else

    def _hear(self, talker: str, packet: bytes, inbox: Inbox) -> None:
        if len(packet) > self.packet_size_max:
            self.counters["oversize"] += 1
            return
        self.counters["heard_packets"] += 1
        self.counters["heard_bytes"] += len(packet)
        if not inbox.put(Heard(self.road, talker, packet)):
            self.counters["dropped"] += 1

    def _lose(self, why: str) -> None:
        with self._lock:
            self._line.lost(why, time.monotonic())

    @staticmethod
    def _tell(ether: socket.socket, datagram: Datagram) -> bool:
        """Send to the ether; False when the kernel knows that nobody is there."""
        try:
            ether.send(encode(datagram))
        except OSError:
            return False
        return ether.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
