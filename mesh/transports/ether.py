"""A simulated LoRa channel for the processes of one machine: a small UDP server around `Medium`.

`Ether` runs in a thread of a test or of the demo; `python -m mesh.transports.ether` is one as a process of its own.
The datagrams are those of mesh/spec/loopback-v1.md. Only this machine can reach it.
"""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Final

from mesh.airtime import PRESETS
from mesh.errors import PeerFault, TransportDown
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
from mesh.transports.medium import COUNTED, PACKET_SIZE_MAX, Delivered, Effect, Medium

HOST: Final = "127.0.0.1"
STATIONS_MAX: Final = 64
SILENCE_MAX_S: Final = 60.0
REST_MAX_S: Final = 5.0  # how late a silent station may be noticed

LOG: Final = logging.getLogger("hedgerow.ether")

Address = tuple[str, int]


@dataclass
class Visitor:
    """A station in the register. `looked_at` is the number of its last offer that was accepted or refused."""

    name: str
    address: Address
    heard_s: float
    looked_at: int


class Register:
    """Which station speaks from which address. The newest hello wins a name: a restarted program gets in at once."""

    def __init__(self) -> None:
        self._visitors: dict[Address, Visitor] = {}

    def greet(self, hello: Hello, address: Address, now_s: float) -> tuple[Visitor | None, list[Visitor]]:
        """Note a hello. Returns the visitor (None when the register is full) and those whose place it took."""
        known = self._visitors.get(address)
        if known is not None and known.name == hello.station:
            known.heard_s, known.looked_at = now_s, hello.number
            return known, []
        replaced = [visitor for visitor in self.everybody() if hello.station == visitor.name or visitor is known]
        if len(self._visitors) - len(replaced) >= STATIONS_MAX:
            return None, []
        for visitor in replaced:
            self.forget(visitor)
        self._visitors[address] = Visitor(hello.station, address, now_s, hello.number)
        return self._visitors[address], replaced

    def forget(self, visitor: Visitor) -> None:
        """Strike a visitor off."""
        del self._visitors[visitor.address]

    def at(self, address: Address) -> Visitor | None:
        """Who speaks from here."""
        return self._visitors.get(address)

    def named(self, name: str) -> Visitor:
        """Where this station is; it must be in the register."""
        return next(visitor for visitor in self._visitors.values() if visitor.name == name)

    def everybody(self) -> list[Visitor]:
        """All visitors, longest known first."""
        return list(self._visitors.values())

    def silent(self, now_s: float) -> list[Visitor]:
        """Who has not said hello for a minute."""
        return [visitor for visitor in self._visitors.values() if now_s - visitor.heard_s > SILENCE_MAX_S]


class Ether:
    """The channel as a server on 127.0.0.1. `speed` 10 lets ten seconds of air pass in one, for tests."""

    def __init__(
        self, preset: str = "LongFast", loss: float = 0.0, seed: int = 0, port: int = 0, *, speed: float = 1.0
    ) -> None:
        if not speed > 0.0:
            raise ValueError(f"time passes at a speed above 0, not at {speed}")
        self.counters: Counter[str] = Counter(dict.fromkeys(("hellos", "refused", "garbage", *COUNTED), 0))
        self.address: Address = (HOST, port)
        self._medium = Medium(preset, loss, seed, self.counters)
        self._register = Register()
        self._door = Lock()  # the medium is changed by this thread and by whoever calls cut, heal, set_loss
        self._speed = speed
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = Thread(target=self._run, name="ether", daemon=True)
        self._closing = Event()

    def start(self) -> None:
        """Begin to carry frames; `address` tells the port from now on. Raises TransportDown if the port is taken."""
        try:
            self._socket.bind(self.address)
        except OSError as fault:
            self._socket.close()
            raise TransportDown(f"The simulated radio cannot use port {self.address[1]}: {fault.strerror}.") from fault
        self.address = self._socket.getsockname()
        self._thread.start()

    def close(self) -> None:
        """Say bye to every station and end the thread. Closing twice is harmless."""
        self._closing.set()
        if self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
                bell.sendto(encode(Bye()), self.address)  # the thread sleeps in recvfrom until a datagram comes
            self._thread.join()
        self._socket.close()

    def set_loss(self, loss: float) -> None:
        """Change the share of frames that each listener loses: 0.0 to 1.0."""
        with self._door:
            self._medium.set_loss(loss)

    def cut(self, islands: Iterable[Collection[str]]) -> None:
        """Split the stations into islands that do not hear each other; those not named share one more."""
        with self._door:
            self._medium.cut(islands)

    def heal(self) -> None:
        """Let everybody hear everybody again."""
        self.cut(())

    def _run(self) -> None:
        with self._socket:
            while not self._closing.is_set():
                self._socket.settimeout(self._rest_s())
                try:
                    raw, address = self._socket.recvfrom(DATAGRAM_SIZE_MAX + 1)
                except (TimeoutError, BlockingIOError):
                    self._tend()
                else:
                    self._tend()
                    self._receive(raw, address)
            for visitor in self._register.everybody():
                self._tell(visitor.address, Bye())

    def _now_ms(self) -> float:
        return time.monotonic() * 1000 * self._speed

    def _rest_s(self) -> float:
        with self._door:
            next_ms = self._medium.next_ms()
        if next_ms is None:
            return REST_MAX_S
        return min(REST_MAX_S, max(0.0, (next_ms - self._now_ms()) / 1000 / self._speed))

    def _tend(self) -> None:
        """Do what time has brought."""
        with self._door:
            effects = self._medium.advance(self._now_ms())
        for effect in effects:
            self._pass_on(effect)
        for visitor in self._register.silent(time.monotonic()):
            self._part(visitor)

    def _pass_on(self, effect: Effect) -> None:
        if isinstance(effect, Delivered):
            self._tell(self._register.named(effect.listener).address, Overheard(effect.talker, effect.packet))
        else:
            self._report(self._register.named(effect.talker))

    def _receive(self, raw: bytes, address: Address) -> None:
        try:
            datagram = parse(raw)
        except PeerFault:
            self.counters["garbage"] += 1
            return
        visitor = self._register.at(address)
        match datagram:
            case Hello():
                self._greet(datagram, address)
            case Offer(number) if visitor is None:
                self._refuse(address, number, Reason.UNKNOWN_STATION)
            case Offer() if visitor is not None:
                self._take(datagram, visitor)
            case Bye():
                if visitor is not None:
                    self._part(visitor)
            case _:
                self.counters["garbage"] += 1  # a station says nothing else

    def _greet(self, hello: Hello, address: Address) -> None:
        if hello.preset != self._medium.preset:
            self._refuse(address, 0, Reason.OTHER_PRESET)
            return
        newcomer = self._register.at(address) is None
        visitor, replaced = self._register.greet(hello, address, time.monotonic())
        if visitor is None:
            self._refuse(address, 0, Reason.TOO_MANY_STATIONS)
            return
        with self._door:
            for gone in replaced:
                self._medium.leave(gone.name)
            if newcomer or replaced:
                self._medium.join(visitor.name)
        self.counters["hellos"] += 1
        self._report(visitor)

    def _take(self, offer: Offer, visitor: Visitor) -> None:
        visitor.looked_at = offer.number
        if len(offer.packet) > PACKET_SIZE_MAX:
            self._refuse(visitor.address, offer.number, Reason.TOO_LARGE)
            return
        with self._door:
            taken = self._medium.offer(visitor.name, offer.packet, self._now_ms())
        if taken:
            self._report(visitor)
        else:
            self._refuse(visitor.address, offer.number, Reason.QUEUE_FULL)

    def _part(self, visitor: Visitor) -> None:
        self._register.forget(visitor)
        with self._door:
            self._medium.leave(visitor.name)

    def _report(self, visitor: Visitor) -> None:
        with self._door:
            waiting = self._medium.waiting(visitor.name)
        self._tell(visitor.address, Report(visitor.looked_at, waiting))

    def _refuse(self, address: Address, number: int, reason: Reason) -> None:
        self.counters["refused"] += 1
        self._tell(address, Refusal(number, reason))

    def _tell(self, address: Address, datagram: Datagram) -> None:
        self._socket.sendto(encode(datagram), address)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run an ether until SIGINT or SIGTERM; its address goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m mesh.transports.ether", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="UDP port on 127.0.0.1; 0 lets the system pick")
    parser.add_argument("--loss", type=float, default=0.0, help="share of frames that each listener loses, 0 to 1")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="LongFast", help="Meshtastic's modem preset")
    parser.add_argument("--seed", type=int, default=0, help="the same seed loses the same frames")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of air that pass in one")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        ether = Ether(chosen.preset, chosen.loss, chosen.seed, chosen.port, speed=chosen.speed)
        ether.start()
    except (ValueError, OverflowError, TransportDown) as fault:
        parser.error(str(fault))
    LOG.info("The simulated radio is on %s:%d.", *ether.address)
    ended.wait()
    ether.close()


if __name__ == "__main__":
    main()
