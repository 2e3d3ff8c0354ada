"""The process that owns the radio: `python -m mesh.transports.lora_child --line FD --parent PID DEVICE`.

The daemon starts, watches and ends it (`lora.py`). Three threads of ours: the first reads what the daemon wishes and
never waits for anything else, so that the end of the pipe ends the process at once; the second writes; the third is the
only one that calls into the library, where it may hang for as long as the daemon has patience.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue
from typing import TYPE_CHECKING, Final

from mesh.distress import HEAD as CALL
from mesh.errors import PeerFault
from mesh.transports.lora_pipe import (
    BEARABLE,
    WISHES,
    Ask,
    Bye,
    Changed,
    Dated,
    Dropped,
    Ended,
    Fault,
    HeardBy,
    Misfit,
    Offer,
    Reader,
    Ready,
    Say,
    Spoke,
    Stray,
    TextBy,
    Took,
    Tune,
    Well,
    Wish,
    Word,
    encode,
)

if TYPE_CHECKING:
    from mesh.transports.lora_device import Device, Status

PR_SET_PDEATHSIG: Final = 1
OFFERS_MAX: Final = 64
WORDS_MAX: Final = 512
FULL_CODE: Final = 32  # the device's transmit queue has no room: the packet is offered again, under a new number
LOOK_AGAIN_S: Final = 0.5  # at a full queue
MEMORY_MAX: Final = 96 << 20  # the library remembers every number it ever heard
FREE_MAX: Final = 255
SPOKE_MAX: Final = 65_535
DATE_EVERY_S: Final = 600.0  # a clock that is heard once runs on by itself


class Mouth:
    """Writes to the daemon in a thread of its own; whoever speaks never waits. What finds no room is dropped."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._words: Queue[Word] = Queue(WORDS_MAX)
        self._thread = threading.Thread(target=self._write, name="mouth", daemon=True)
        self._thread.start()

    def say(self, word: Word) -> bool:
        """Whether there was room for this word."""
        try:
            self._words.put_nowait(word)
        except Full:
            return False
        return True

    def end(self, word: Ended) -> None:
        """Say the last word and wait until it is said."""
        self._words.put(word)
        self._thread.join()

    def _write(self) -> None:
        with suppress(OSError):  # nobody listens any more: the first thread ends the process
            while True:
                word = self._words.get()
                self._line.sendall(encode(word))
                if isinstance(word, Ended):
                    return


class Wishes:
    """What the daemon wishes and the device has not been asked yet."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._offers: deque[Offer | Say] = deque()
        self.asked: Ask | None = None
        self.is_over = False

    def take(self, wish: Wish) -> bool:
        """Keep a wish; False where there are too many."""
        with self._change:
            if isinstance(wish, Offer) and wish.packet.startswith(CALL):
                self._offers.insert(1, wish)  # behind what may be on its way to the device just now
            elif isinstance(wish, Offer | Say):
                self._offers.append(wish)
            elif isinstance(wish, Ask):
                self.asked = wish
            elif isinstance(wish, Bye):
                self.is_over = True
            self._change.notify_all()
            return not isinstance(wish, Tune) and len(self._offers) <= OFFERS_MAX

    def wake(self) -> None:
        with self._change:
            self._change.notify_all()

    def wait(self, timeout_s: float | None, unless: threading.Event) -> None:
        """Sleep until there is something to do."""
        with self._change:
            self._change.wait_for(
                lambda: unless.is_set() or self.is_over or self.asked or (self._offers and timeout_s is None), timeout_s
            )

    @property
    def offer(self) -> Offer | Say | None:
        """The offer whose turn it is."""
        return self._offers[0] if self._offers else None

    def done(self) -> None:
        """Strike off the offer whose turn it was."""
        self._offers.popleft()


class Service:
    """The thread that calls into the library: opens the device, sets it, hands over packets at the device's pace."""

    def __init__(self, where: str, tune: Tune, wishes: Wishes, mouth: Mouth) -> None:
        self._where = where
        self._tune = tune
        self._wishes = wishes
        self._mouth = mouth
        self._free = 0
        self._borne = Misfit(0)
        self._lost = threading.Event()
        self._date_at = time.monotonic()

    def run(self) -> None:
        """Serve until the end, and say why it came. `SystemExit` is one way in which the library gives up.

        The device is not taken leave of: that can hang as well, and the end of the process closes the link.
        """
        ended = Ended(Fault.BROKEN)
        try:
            ended = self._serve()
        finally:
            self._mouth.end(ended)
            os._exit(0)

    def _serve(self) -> Ended:
        # The library is loaded only here: it takes seconds on a small computer, and there may be no device to use it on.
        if self._where.startswith("/") and not Path(self._where).exists():
            return Ended(Fault.ABSENT)
        from mesh.transports.lora_device import Device, Unusable  # noqa: PLC0415 (see above)

        device = Device(self._tune, self)
        try:
            device.open(self._where)
            return self._fit(device) or self._carry(device)
        except Unusable as unusable:
            return Ended(unusable.fault)

    def _fit(self, device: Device) -> Ended | None:
        """See that the device is set as it should be; None when it is."""
        misfits = device.misfits()
        if not misfits:
            return None
        if not self._tune.may_set or not device.adjust():
            self._borne = misfits
            return Ended(Fault.UNFIT, device.node, misfits) if misfits & ~BEARABLE else None
        self._mouth.say(Changed(device.node))
        return Ended(Fault.LEFT, device.node)

    def _carry(self, device: Device) -> Ended:
        node, status = device.node, device.ask()
        if status is None:
            return Ended(Fault.SILENT, node)
        self._free = status.free
        self._mouth.say(Ready(node, min(status.free, FREE_MAX), self._borne))
        while not self._wishes.is_over:
            if not self._answers(device):
                return Ended(Fault.SILENT, node)
            if self._lost.is_set() or not device.is_same:
                return Ended(Fault.LEFT, node)
            if _memory() > MEMORY_MAX:
                return Ended(Fault.CROWDED, node)
            self._rest()
        return Ended(Fault.LEFT, node)

    def _rest(self) -> None:
        is_full = self._wishes.offer is not None and self._free <= 0
        self._wishes.wait(LOOK_AGAIN_S if is_full else None, self._lost)

    def _answers(self, device: Device) -> bool:
        """Do the next thing that is wished; False where the device does not answer."""
        offer, asked = self._wishes.offer, self._wishes.asked
        if asked or (offer and self._free <= 0):
            return self._look(device, asked)
        if offer is None:
            return True
        return self._hand_over(device, offer)

    def _look(self, device: Device, asked: Ask | None) -> bool:
        self._wishes.asked = None
        status = device.ask()
        if status is None:
            return False
        self._free = status.free
        self._mouth.say(Well(asked.number if asked else 0, min(max(status.free, 0), FREE_MAX)))
        return True

    def _hand_over(self, device: Device, offer: Offer | Say) -> bool:
        status = device.send(offer.packet) if isinstance(offer, Offer) else device.say(offer)
        if status is None:
            return False
        self._free = status.free
        if status.code == FULL_CODE:
            self._free = 0
            return True  # it stays the oldest offer
        self._wishes.done()
        self._tell(offer, status)
        return True

    def _tell(self, offer: Offer | Say, status: Status) -> None:
        if status.code == 0:
            self._mouth.say(Took(offer.number, min(max(status.free, 0), FREE_MAX)))
        else:
            self._mouth.say(Dropped(offer.number, status.code & 0xFF))

    def hear(self, talker: int, packet: bytes) -> None:
        self._mouth.say(HeardBy(talker, packet) if packet else Stray(1))

    def read(self, text: TextBy) -> None:
        self._mouth.say(text)

    def count(self, packets: int) -> None:
        self._mouth.say(Spoke(min(packets, SPOKE_MAX)))

    def date(self, at: int) -> None:
        if time.monotonic() >= self._date_at and self._mouth.say(Dated(at)):
            self._date_at = time.monotonic() + DATE_EVERY_S

    def lose(self) -> None:
        self._lost.set()
        self._wishes.wake()


def _memory() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve(line: socket.socket, where: str) -> None:
    """Do what the daemon wishes until it hangs up."""
    reader, wishes = Reader(WISHES), Wishes()
    mouth: Mouth | None = None
    with suppress(OSError, PeerFault):
        while raw := line.recv(4096):
            for wish in reader.feed(raw):
                if mouth is None and isinstance(wish, Tune):
                    mouth = Mouth(line)
                    service = Service(where, wish, wishes, mouth)
                    threading.Thread(target=service.run, name="service", daemon=True).start()
                elif mouth is None or not isinstance(wish, Wish) or not wishes.take(wish):
                    return


def main() -> None:
    """Serve one device, and end with the daemon however it ends."""
    parser = argparse.ArgumentParser(prog="python -m mesh.transports.lora_child", description=__doc__)
    parser.add_argument("--line", type=int, required=True, help="descriptor of the pipe to the daemon")
    parser.add_argument("--parent", type=int, required=True, help="process that started this one")
    parser.add_argument("device", help="path of a serial device, or host:port")
    chosen = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() == chosen.parent:
        with socket.socket(fileno=chosen.line) as line:
            serve(line, chosen.device)
    sys.stdout.flush()
    os._exit(0)  # no thread of the library may keep us


if __name__ == "__main__":
    main()
