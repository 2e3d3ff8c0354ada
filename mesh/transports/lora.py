"""Packets over a Meshtastic radio, on a serial line or on the network: mesh/spec/lora-v1.md.

The library that speaks to the radio blocks, hangs and dies, so it lives in a process of its own (`lora_child.py`). This
side never loads it. A thread watches that process and trusts nothing but the device's own answers; the daemon's thread
only puts packets into a short queue.
"""

from __future__ import annotations

import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import closing, suppress
from select import select
from threading import Event, Lock, Thread
from typing import Final, NamedTuple

from mesh.airtime import airtime_ms, on_air_bytes, preset_named, text_on_air_bytes
from mesh.distress import HEAD as CALL
from mesh.errors import AirtimeSpent, PeerFault, TransportDown
from mesh.transports import Bell, Heard, Inbox, checked_packet, fresh_counters
from mesh.transports.lora_owner import Owner
from mesh.transports.lora_pipe import (
    PACKET_SIZE_MAX,
    TEXT_SIZE_MAX,
    WORDS,
    Ask,
    Bye,
    Changed,
    Dated,
    Dropped,
    Ended,
    Fault,
    HeardBy,
    Message,
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
)
from mesh.transports.lora_watch import SAVED, Due, Patience, Watch, at_first, being_set, sentence

SIGNED_PACKET_SIZE_MAX: Final = 165
SIGNATURE_SIZE: Final = 66
EVERYBODY: Final = 0xFFFFFFFF
OWN_PACKET_SIZE: Final = 85  # what a device says of itself with its key, the largest of what it still says (User)
TEXTS_MAX: Final = 32
QUEUE_SIZE_MAX: Final = 8
CALLS_MORE: Final = 8  # calls for help find room beyond it
CHUNK: Final = 4096
DUTY_CODE: Final = 9  # the firmware's word for: the hour's share that the law gives is used up
DUTY_PAUSE_S: Final = 60.0
PATIENCE: Final = Patience()

QUEUE_FULL: Final = f"The radio has as much to say as it can hold. {SAVED}"
DUTY_SPENT: Final = f"The radio has used what the law gives it for this hour. {SAVED}"
CLOSED: Final = f"The radio is not used any more. {SAVED}"


class Channel(NamedTuple):
    """What all radios of a street are set to. `key` has 32 bytes, `port` is from 256 to 511."""

    region: str
    preset: str
    name: str
    key: bytes
    port: int = 256

    def tune(self, may_set: bool) -> Tune:
        """Return what the child is told."""
        return Tune(self.region, self.preset, self.name, self.key, self.port, may_set)

    def in_words(self) -> dict[Misfit, str]:
        """Return our settings by what can be wrong with a device."""
        return {
            Misfit.REGION: f"the region {self.region}",
            Misfit.PRESET: f"the preset {self.preset}",
            Misfit.CHANNEL: f"the channel {self.name} of this commons",
            Misfit.REST: "a transmitter that is on and keeps the law",
        }


class Cost(NamedTuple):
    """What is spent when the device takes it."""

    size: int
    air_ms: float


class LoraRadio:
    """The road "lora". Keeps a child for as long as it is open, and starts it again whatever happens to it."""

    road = "lora"

    def __init__(self, device: str, channel: Channel, *, signs: bool = False, patience: Patience = PATIENCE) -> None:
        """`device` is an absolute path or host:port; `signs` where the radios sign what they broadcast."""
        preset_named(channel.preset)
        self.packet_size_max = SIGNED_PACKET_SIZE_MAX if signs else PACKET_SIZE_MAX
        self.counters: Counter[str] = fresh_counters("swaps", "starts", "own_packets", "own_air_us")
        self._device = device
        self._channel = channel
        self._signs = signs
        self._patience = patience
        self._watch = Watch(patience)
        self._trouble: str | None = at_first(device)
        self._inbox = Inbox()
        self._lock = Lock()  # over the queue and the trouble
        self._waiting: deque[Offer | Say] = deque()  # not told to the child yet
        self._costs: dict[int, Cost] = {}  # of what the device has not answered yet
        self._texts: deque[TextBy] = deque(maxlen=TEXTS_MAX)
        self._free = self._most_free = 0  # room in the device's queue, now and when it was emptiest
        self._offered = self._asked = 0
        self.clock_epoch: int | None = None
        self._duty_until_s = 0.0
        self._closing = Event()
        self._bell: Bell | None = None
        self._thread: Thread | None = None

    @property
    def node(self) -> int:
        """The device's own number; 0 before it was heard for the first time."""
        return self._watch.node

    @property
    def trouble(self) -> str | None:
        """Why this road carries nothing just now, in a sentence for the keeper; None while it does."""
        return self._trouble

    @property
    def waiting(self) -> int:
        """How many packets may not have been on the air yet: what the device has not taken, and what fills its queue."""
        return len(self._costs) + self._most_free - self._free

    def open(self, inbox: Inbox) -> None:
        """Begin to reach the radio, for as long as it takes; returns at once."""
        self._inbox = inbox
        self._bell = Bell()
        self._thread = Thread(target=self._run, args=(self._bell,), name="lora", daemon=True)
        self._thread.start()

    def send(self, packet: bytes) -> None:
        """Queue `packet` for the radio. Raises AirtimeSpent when 8 wait or the law's hour is used up, else TransportDown."""
        checked_packet(packet, self.packet_size_max)
        cost = Cost(len(packet), self.airtime_ms(len(packet)))
        self._queue(lambda number: Offer(number, packet), cost, CALLS_MORE if packet.startswith(CALL) else 0)

    def say(self, text: bytes, to: int = EVERYBODY, key: bytes = b"", hops: int = 0) -> None:
        """Queue a text: to one device, sealed to its public `key`; or to all who have the channel of every phone app.

        Raises as `send` does. A device takes one text in two seconds: whoever calls sees to that.
        """
        checked_packet(text, TEXT_SIZE_MAX)
        cost = Cost(len(text), self.text_airtime_ms(len(text), is_sealed=bool(key)))
        self._queue(lambda number: Say(number, to, hops, key, text), cost)

    def _queue(self, wish: Callable[[int], Offer | Say], cost: Cost, more: int = 0) -> None:
        with self._lock:
            if self._trouble is not None or self._bell is None:
                raise TransportDown(self._trouble or CLOSED)
            if time.monotonic() < self._duty_until_s:
                raise AirtimeSpent(DUTY_SPENT)
            if len(self._costs) >= QUEUE_SIZE_MAX + more:
                raise AirtimeSpent(QUEUE_FULL)
            self._offered += 1
            self._costs[self._offered] = cost
            self._waiting.append(wish(self._offered))
            self._bell.ring()

    def take_texts(self) -> list[TextBy]:
        """Take out what people wrote to this device alone, in order of arrival; at most 32 wait, and the oldest go first."""
        with self._lock:
            taken = list(self._texts)
            self._texts.clear()
        return taken

    def airtime_ms(self, packet_size: int) -> float:
        """Milliseconds on air, Meshtastic's framing included, and the radio's signature where it signs."""
        return self._on_air_ms(on_air_bytes(packet_size), packet_size)

    def text_airtime_ms(self, size: int, *, is_sealed: bool) -> float:
        """Milliseconds on air of a text; one that is sealed to its reader is not signed, and neither is a long one."""
        frame_bytes = text_on_air_bytes(size, is_sealed=is_sealed)
        return airtime_ms(self._channel.preset, frame_bytes) if is_sealed else self._on_air_ms(frame_bytes, size)

    def _on_air_ms(self, frame_bytes: int, payload_size: int) -> float:
        is_signed = self._signs and payload_size <= SIGNED_PACKET_SIZE_MAX
        return airtime_ms(self._channel.preset, frame_bytes + SIGNATURE_SIZE * is_signed)

    def close(self) -> None:
        """End the child, after the packet that it is handing over, and the thread."""
        self._closing.set()
        if self._thread is not None and self._bell is not None:
            self._bell.ring()
            self._thread.join()
            self._bell.close()
        self._down(self._trouble or CLOSED)

    def _run(self, bell: Bell) -> None:
        while not self._closing.is_set():
            due = self._watch.due(time.monotonic())
            if due is Due.START:
                self._keep(bell)
            else:
                self._closing.wait(self._watch.rest_s(time.monotonic()))

    def _keep(self, bell: Bell) -> None:
        """Start a child and listen to it until it is of no use any more."""
        self.counters["starts"] += 1
        ended = Ended(Fault.BROKEN)
        with suppress(OSError), closing(Owner(self._device)) as owner:
            ended = self._converse(owner, bell)
            if self._closing.is_set():
                self._part(owner)
        self._note(ended)

    def _note(self, ended: Ended) -> None:
        """Plan the next start, and say why it is needed."""
        now_s = time.monotonic()
        if self._watch.is_resting:  # it was given our settings and begins anew with them
            self._down(being_set(self._device))
            return
        if ended.fault is Fault.UNFIT:
            self._watch.unfit(ended.node, now_s)
        else:
            self._watch.lost(now_s)
        self._down(sentence(ended.fault, ended.misfits, self._device, self._channel.in_words()))

    def _down(self, trouble: str) -> None:
        with self._lock:
            self._trouble = trouble
            self._waiting.clear()
            self._costs.clear()

    def _converse(self, owner: Owner, bell: Bell) -> Ended:
        """Pass on wishes and words until the child ends, breaks the rules, or does not answer in time; return why."""
        reader, up_to_now = Reader(WORDS), Ended(Fault.BROKEN)
        if not owner.tell(self._channel.tune(self._watch.settable)):
            return up_to_now
        while not self._closing.is_set():
            due = self._watch.due(time.monotonic())
            if due is Due.GIVE_UP:
                return Ended(Fault.SILENT)
            if (due is Due.ASK and not self._ask(owner)) or not self._pass_on(owner):
                return up_to_now
            ended = self._listen(owner, bell, reader)
            if ended is not None:
                return ended
        return up_to_now

    def _ask(self, owner: Owner) -> bool:
        self._asked += 1
        return owner.tell(Ask(self._asked))

    def _pass_on(self, owner: Owner) -> bool:
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        return all(owner.tell(offer) for offer in waiting)

    def _listen(self, owner: Owner, bell: Bell, reader: Reader) -> Ended | None:
        """Wait for the child, the bell or the watch; return the child's last word when it was said."""
        waited_for: list[socket.socket | Bell] = [owner.line, bell]
        ready, _, _ = select(waited_for, [], [], self._watch.rest_s(time.monotonic()))
        if bell in ready:
            bell.hush()
        return self._read(owner, reader) if owner.line in ready else None

    def _read(self, owner: Owner, reader: Reader) -> Ended | None:
        try:
            raw = owner.line.recv(CHUNK)
            for message in reader.feed(raw):
                if isinstance(message, Ended):
                    return message
                self._hear(message)
        except (OSError, PeerFault):
            self.counters["garbage"] += 1
            return Ended(Fault.BROKEN)
        return None if raw else Ended(Fault.BROKEN)

    def _part(self, owner: Owner) -> None:
        """Let the child finish the packet at hand, so that what was spent is known to the last byte."""
        until_s = time.monotonic() + self._patience.parting
        reader = Reader(WORDS)
        if self._trouble is None and owner.tell(Bye()):
            while (left_s := until_s - time.monotonic()) > 0:
                ready, _, _ = select([owner.line], [], [], left_s)
                if ready and self._read(owner, reader) is not None:
                    return

    def _hear(self, message: Message) -> None:  # noqa: C901 (one arm for each word)
        now_s = time.monotonic()
        match message:
            case Ready(node, free, misfits):
                self._note_room(free)
                self._begin(node, misfits, now_s)
            case Well(_, free):
                self._note_room(free)
                self._watch.answered(now_s)
            case Took(number, free):
                self._note_room(free)
                self._watch.answered(now_s)
                self._count(number)
            case Dropped(number, code):
                self._watch.answered(now_s)
                self._refused(number, code, now_s)
            case HeardBy(talker, packet):
                self._receive(talker, packet)
            case TextBy():
                with self._lock:
                    self._texts.append(message)
            case Spoke(packets):
                self.counters["own_packets"] += packets
                self.counters["own_air_us"] += packets * round(1000 * self.airtime_ms(OWN_PACKET_SIZE))
            case Dated(at):
                self.clock_epoch = at - int(now_s)
            case Stray(packets):
                self.counters["garbage"] += packets
            case Changed(node):
                self._watch.changed(node, now_s)

    def _note_room(self, free: int) -> None:
        self._free, self._most_free = free, max(free, self._most_free)

    def _begin(self, node: int, misfits: Misfit, now_s: float) -> None:
        self._watch.ready(node, now_s, insists=bool(misfits))
        self.counters["swaps"] = self._watch.swaps
        with self._lock:
            self._trouble = None
        self.counters["connections"] += 1

    def _count(self, number: int) -> None:
        """The device took a packet: only now it is spent."""
        with self._lock:
            cost = self._costs.pop(number, None)
        if cost is not None:
            self.counters["sent_packets"] += 1
            self.counters["sent_bytes"] += cost.size
            self.counters["sent_air_us"] += round(1000 * cost.air_ms)

    def _refused(self, number: int, code: int, now_s: float) -> None:
        with self._lock:
            self._costs.pop(number, None)
            if code == DUTY_CODE:
                self._duty_until_s = now_s + DUTY_PAUSE_S
        self.counters["refused"] += 1

    def _receive(self, talker: int, packet: bytes) -> None:
        if len(packet) > self.packet_size_max:
            self.counters["oversize"] += 1
            return
        self.counters["heard_packets"] += 1
        self.counters["heard_bytes"] += len(packet)
        if not self._inbox.put(Heard(self.road, f"{talker:08x}", packet)):
            self.counters["dropped"] += 1
