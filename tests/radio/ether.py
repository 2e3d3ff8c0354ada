"""Devices on one ether, each behind its own TCP port on 127.0.0.1, as a real client finds them. One thread serves all.

The air between them is `mesh.transports.medium`, the same that carries the simulated radio. `speed` 10 lets ten seconds
of air pass in one.
"""

from __future__ import annotations

import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from threading import Event, Thread
from typing import Any, Final, Self

from google.protobuf.message import DecodeError
from meshtastic.protobuf import mesh_pb2

from mesh.transports import Bell
from mesh.transports.medium import COUNTED, Delivered, Medium
from tests.radio.device import Air, Device, Mood
from tests.radio.frame import Address, Channel, Frame
from tests.radio.framing import Unframer, framed

NOISE: Final = (
    b"INFO  | ??:??:?? 7 [Router] Received packet \xff\xfe from=0x7c5b\r\n\x1b[34mDEBUG \x1b[0m| \x94 odd\n",
    b"\x94\x94\x00ERROR | ??:??:?? 9 [Power] \xf0\x9f\x94\x8b\n",
)
REST_MAX_S: Final = 1.0
STEP_S: Final = 0.005
LINK_BUFFER: Final = 4096  # bytes of frames that a device's link takes ahead of its client, as a small TCP stack does


@dataclass
class Place:
    """A device, its port, and the client that it serves just now."""

    device: Device
    port: int
    listener: socket.socket | None = None
    client: socket.socket | None = None
    unframer: Unframer = field(default_factory=Unframer)
    unsent: deque[tuple[float, bytes]] = field(default_factory=deque)  # when, and what
    is_greeted: bool = False  # whether the client has had the whole handshake, so that packets follow
    is_stalled: bool = False
    begun: bytes = b""  # what is left of a frame that the link took in part
    back_s: float | None = None  # when it is back after it began anew
    clients: int = 0


def size_on_air(packet: bytes) -> int:
    """Bytes on air of what devices offer."""
    assert isinstance(packet, Frame)
    return packet.size_on_air


class RadioEther:
    """The air and all devices on it. Calls from outside are carried out by its thread, one after the other."""

    def __init__(
        self, preset: str = "LongFast", loss: float = 0.0, speed: float = 100.0, reboot_s: float = 0.3
    ) -> None:
        self.counters: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
        self.medium = Medium(preset, loss, 7, self.counters, size_on_air)
        self.reboot_s = reboot_s
        self._speed = speed
        self._places: dict[str, Place] = {}
        self._selector = DefaultSelector()
        self._bell = Bell()
        self._selector.register(self._bell, EVENT_READ)
        self._orders: deque[tuple[Callable[[], None], Event]] = deque()
        self._closing = False
        self._thread = Thread(target=self._run, name="radio ether", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, name: str, node: int, **traits: Any) -> str:
        """Switch a new device on; return its host:port."""
        device = Device(name, node, Air(self._offer, self.medium.waiting, self._now_ms, self._key_of), **traits)
        device.reboots = lambda: self._begin_anew(self._places[name])
        place = Place(device, 0)
        self._places[name] = place
        self._do(lambda: self._appear(place))
        return f"127.0.0.1:{place.port}"

    def device(self, name: str) -> Device:
        return self._places[name].device

    def clients(self, name: str) -> int:
        """How often somebody connected."""
        return self._places[name].clients

    def become(self, name: str, mood: Mood) -> None:
        """Change how a device behaves; from GONE it comes back at its old port."""
        self._do(lambda: self._become(self._places[name], mood))

    def reboot(self, name: str, politely: bool = False) -> None:
        """Let a device begin anew: its link breaks, or (`politely`, as on a serial line) it says so and stays."""
        self._do(lambda: self._begin_anew(self._places[name], politely))

    def swap(self, name: str, node: int, **traits: Any) -> None:
        """Put another device in the place of this one."""
        other = Device(name, node, self._places[name].device.air, **traits)
        other.reboots = self._places[name].device.reboots
        self._do(lambda: self._put(self._places[name], other))

    def talk(self, name: str, payload: bytes, port: int, channel: Channel, via_mqtt: bool = False) -> None:
        """Let a stranger's radio say something beside this device's antenna."""
        heard = Frame.of(payload, Address(port, 0xBAD, channel, via_mqtt=via_mqtt))
        self._do(lambda: self._hear(self._places[name], heard))

    def stall(self, name: str, is_stalled: bool) -> None:
        """Let the link to this device's client take nothing for a while, so that packets pile up in the device."""
        self._do(lambda: setattr(self._places[name], "is_stalled", is_stalled))

    def tell(self, name: str, messages: list[Any]) -> None:
        """Let a device say something to its client."""
        self._do(lambda: self._tell(self._places[name], messages))

    def set_loss(self, loss: float) -> None:
        self._do(lambda: self.medium.set_loss(loss))

    def close(self) -> None:
        """Switch everything off. Closing twice is harmless."""
        if self._thread.is_alive():
            self._do(lambda: setattr(self, "_closing", True))
            self._thread.join()
            self._bell.close()

    def _do(self, order: Callable[[], None]) -> None:
        done = Event()
        self._orders.append((order, done))
        self._bell.ring()
        assert done.wait(10), "the stand-in hangs"

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(self._rest_s()):
                if key.fileobj is self._bell:
                    self._bell.hush()
                else:
                    key.data(key.fileobj)
            while self._orders:
                order, done = self._orders.popleft()
                order()
                done.set()
            self._tend()
        for place in self._places.values():
            self._vanish(place)
        self._selector.close()

    def _rest_s(self) -> float:
        now_s = time.monotonic()
        due = [place.unsent[0][0] for place in self._places.values() if place.unsent and not place.begun]
        due += [now_s + STEP_S for place in self._places.values() if place.begun or place.device.speaks]
        due += [place.back_s for place in self._places.values() if place.back_s is not None]
        next_ms = self.medium.next_ms()
        due += [] if next_ms is None else [next_ms / 1000 / self._speed]
        return max(0.0, min([REST_MAX_S, *(at - now_s for at in due)]))

    def _now_ms(self) -> float:
        return time.monotonic() * 1000 * self._speed

    def _offer(self, name: str, packet: Frame) -> bool:
        self._advance()
        return self.medium.offer(name, packet, self._now_ms())

    def _key_of(self, node: int) -> bytes | None:
        """Devices have told each other who they are."""
        return next((place.device.public_key for place in self._places.values() if place.device.node == node), None)

    def _advance(self) -> None:
        for effect in self.medium.advance(self._now_ms()):
            if isinstance(effect, Delivered) and isinstance(effect.packet, Frame):
                self._hear(self._places[effect.listener], effect.packet)

    def _hear(self, place: Place, heard: Frame) -> None:
        """What a device hears waits in its queue, whether a client is there or not; a mute one hears, and tells it later."""
        for message in place.device.heard(heard):
            place.device.queue_for_client(message)
        self._pass_on(place)

    def _pass_on(self, place: Place) -> None:
        """Hand what waits to a client that has been greeted, as far as its link takes it."""
        is_ready = place.is_greeted and not place.is_stalled and place.device.mood is Mood.WELL
        while is_ready and place.device.for_client and sum(len(raw) for _, raw in place.unsent) < LINK_BUFFER:
            self._tell(place, [place.device.for_client.popleft()])

    def _tend(self) -> None:
        self._advance()
        now_s = time.monotonic()
        for place in self._places.values():
            if place.listener is not None:
                place.device.speak(self._now_ms() / 1000)
                self._pass_on(place)
            if place.back_s is not None and now_s >= place.back_s:
                place.back_s = None
                if place.device.mood is not Mood.GONE:
                    self._appear(place)
            while place.unsent and place.unsent[0][0] <= now_s and not place.begun:
                self._write(place, place.unsent.popleft()[1])
            if place.begun:
                self._write(place, b"")

    # links

    def _appear(self, place: Place) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", place.port))
        listener.listen()
        place.port, place.listener = listener.getsockname()[1], listener
        self._selector.register(listener, EVENT_READ, lambda _: self._greet(place))
        self.medium.join(place.device.name)

    def _vanish(self, place: Place) -> None:
        self._hang_up(place)
        if place.listener is not None:
            self._selector.unregister(place.listener)
            place.listener.close()
            place.listener = None
            place.device.for_client.clear()
            place.device.sent = 0
            self.medium.leave(place.device.name)

    def _greet(self, place: Place) -> None:
        """Serve a new client; the old one is put out."""
        assert place.listener is not None
        newcomer, _ = place.listener.accept()
        self._hang_up(place)
        newcomer.setblocking(False)
        newcomer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LINK_BUFFER)
        place.client, place.unframer, place.is_greeted = newcomer, Unframer(), False
        place.clients += 1
        if place.device.mood is not Mood.DEAF:
            self._selector.register(newcomer, EVENT_READ, lambda _: self._read(place))

    def _hang_up(self, place: Place) -> None:
        client, place.client = place.client, None
        place.unsent.clear()
        place.begun = b""
        if client is not None:
            if client.fileno() in self._selector.get_map():
                self._selector.unregister(client)
            client.close()

    def _read(self, place: Place) -> None:
        assert place.client is not None
        try:
            raw = place.client.recv(4096)
            wishes = list(place.unframer.feed(raw))
        except (OSError, DecodeError):
            raw, wishes = b"", []
        if not raw:
            self._hang_up(place)
        for wish in wishes:
            if (
                place.listener is not None and place.device.mood is not Mood.MUTE
            ):  # an order may have made it begin anew
                answers = place.device.receive(wish)
                self._tell(place, answers)
                place.is_greeted = place.is_greeted or any(answer.config_complete_id for answer in answers)

    def _tell(self, place: Place, messages: list[Any]) -> None:
        if place.device.mood in {Mood.MUTE, Mood.DEAF, Mood.GONE} or place.client is None:
            return
        at_s = time.monotonic() + place.device.answer_s
        for number, message in enumerate(messages):
            noise = NOISE[number % 2] if place.device.noisy else b""
            place.unsent.append((at_s, noise + framed(message)))

    def _write(self, place: Place, raw: bytes) -> None:
        """Write as much as a link takes whose client does not read; the rest waits."""
        if place.client is not None:
            whole = place.begun + raw
            try:
                place.begun = whole[place.client.send(whole) :]
            except BlockingIOError:
                place.begun = whole
            except OSError:
                self._hang_up(place)

    # moods

    def _become(self, place: Place, mood: Mood) -> None:
        place.device.mood = mood
        if mood is Mood.GONE:
            self._vanish(place)
        elif place.listener is None:
            self._appear(place)
        if mood is Mood.DEAF and place.client is not None and place.client.fileno() in self._selector.get_map():
            self._selector.unregister(place.client)
        elif place.client is not None and place.client.fileno() not in self._selector.get_map():
            self._selector.register(place.client, EVENT_READ, lambda _: self._read(place))

    def _begin_anew(self, place: Place, politely: bool = False) -> None:
        if politely:
            self._tell(place, [mesh_pb2.FromRadio(rebooted=True)])
            return
        while place.unsent:
            self._write(place, place.unsent.popleft()[1])
        self._vanish(place)
        place.back_s = time.monotonic() + self.reboot_s

    def _put(self, place: Place, other: Device) -> None:
        self._vanish(place)
        place.device = other
        self._appear(place)
