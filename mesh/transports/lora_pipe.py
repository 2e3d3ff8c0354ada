"""What the daemon and the process that owns the radio say to each other over their pipe: mesh/spec/lora-v1.md.

Strict on both sides: any bytes are messages that encode back to the same bytes, or they are a PeerFault, after which
the pipe is of no use. Bounded: a frame has at most 512 bytes after its head.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

from mesh.errors import Malformed, UnknownVersion

VERSION: Final = 0x01
BODY_SIZE_MAX: Final = 512
PACKET_SIZE_MAX: Final = 231
TEXT_SIZE_MAX: Final = 233
HOPS_MAX: Final = 7
KEY_SIZE: Final = 32
NAME_SIZE_MAX: Final = 32
PORT_MIN: Final = 256
PORT_MAX: Final = 511

_HEAD: Final = struct.Struct(">BBH")
_NUMBER: Final = struct.Struct(">I")
_NUMBER_AND_BYTE: Final = struct.Struct(">IB")
_TAIL: Final = struct.Struct(f">{KEY_SIZE}sHB")
_READY: Final = struct.Struct(">IBB")
_ENDED: Final = struct.Struct(">BIB")
_TEXT: Final = struct.Struct(">IIBB")
_COUNT: Final = struct.Struct(">H")


class Fault(IntEnum):
    """Why the process that owns the radio gives up."""

    ABSENT = 1  # nothing opens under that name
    SILENT = 2  # it does not answer, or not to the end
    LEFT = 3  # the link broke, or the device began anew
    UNFIT = 4  # its settings are others than ours, and stay so
    BROKEN = 5  # the library did something that we did not foresee
    CROWDED = 6  # more memory than it may have


class Misfit(IntFlag):
    """Which of the device's settings are others than ours."""

    REGION = 1
    PRESET = 2
    CHANNEL = 4
    REST = 8  # a frequency by hand, no duty limit, a transmitter that is off
    CHATTER = 16  # it says more by itself than it has to: served all the same
    PEOPLE = 32  # channel 1 is not the one that every phone app has: served all the same


BEARABLE: Final = Misfit.CHATTER | Misfit.PEOPLE  # with these a device serves, if it insists on them


class Tune(NamedTuple):
    """Daemon to child, once and first: what the radio shall be set to. `may_set`: change it, if it is not."""

    region: str
    preset: str
    channel: str
    key: bytes
    port: int
    may_set: bool


class Offer(NamedTuple):
    """Daemon to child: please send this. Numbers rise by one from 1."""

    number: int
    packet: bytes


class Ask(NamedTuple):
    """Daemon to child: let the device answer. Asking anew replaces what was asked before."""

    number: int


class Say(NamedTuple):
    """Daemon to child: please send this text, numbered as offers are. To one device, sealed to its `key`; or to all."""

    number: int
    to: int
    hops: int
    key: bytes
    text: bytes


class Bye(NamedTuple):
    """Daemon to child: finish the packet at hand, and end."""


class Ready(NamedTuple):
    """Child to daemon: the device `node` is in service, and has room for `free` packets.

    It is set as it should be, but for the `misfits` on which it insists and which can be borne.
    """

    node: int
    free: int
    misfits: Misfit = Misfit(0)


class Took(NamedTuple):
    """Child to daemon: the device accepted the packet of offer `number`, and has room for `free` more."""

    number: int
    free: int


class Dropped(NamedTuple):
    """Child to daemon: the device will not send the packet of offer `number`, for the library's reason `code`."""

    number: int
    code: int


class Well(NamedTuple):
    """Child to daemon: the device just answered. `number` is that of the latest question."""

    number: int
    free: int


class HeardBy(NamedTuple):
    """Child to daemon: the antenna received this from the device `talker`."""

    talker: int
    packet: bytes


class TextBy(NamedTuple):
    """Child to daemon: the device `talker` sent us this text, under the number `packet`, over `hops` other radios.

    `key` is the public key to which the device says that it belongs, empty where it was not sealed to ours.
    """

    talker: int
    packet: int
    hops: int
    key: bytes
    text: bytes


class Spoke(NamedTuple):
    """Child to daemon: the device has sent so many packets that nobody here asked for."""

    packets: int


class Dated(NamedTuple):
    """Child to daemon: the device's own clock stands at so many seconds since 1970. Nobody says who set it."""

    at: int


class Stray(NamedTuple):
    """Child to daemon: so many packets came to our port that are none of ours."""

    packets: int


class Changed(NamedTuple):
    """Child to daemon: the device `node` was given our settings and takes a while to begin anew with them."""

    node: int


class Ended(NamedTuple):
    """Child to daemon, at last: why it ends. `node` is 0 where no device answered; `misfits` are of UNFIT only."""

    fault: Fault
    node: int = 0
    misfits: Misfit = Misfit(0)


Wish = Tune | Offer | Ask | Bye | Say
Word = Ready | Took | Dropped | Well | HeardBy | TextBy | Stray | Spoke | Dated | Changed | Ended
Message = Wish | Word

_KIND: Final[dict[type, int]] = {
    Tune: 0x01,
    Offer: 0x02,
    Ask: 0x03,
    Bye: 0x04,
    Say: 0x05,
    Ready: 0x11,
    Took: 0x12,
    Dropped: 0x13,
    Well: 0x14,
    HeardBy: 0x15,
    Stray: 0x16,
    Changed: 0x17,
    Ended: 0x18,
    Spoke: 0x19,
    TextBy: 0x1A,
    Dated: 0x1B,
}
WISHES: Final = frozenset(range(0x01, 0x06))
WORDS: Final = frozenset(range(0x11, 0x1C))


def encode(message: Message) -> bytes:
    """Return the one form of `message`."""
    body = _body(message)
    return _HEAD.pack(VERSION, _KIND[type(message)], len(body)) + body


def _body(message: Message) -> bytes:  # noqa: PLR0911 (one line for each form)
    match message:
        case Tune(region, preset, channel, key, port, may_set):
            return _name(region) + _name(preset) + _name(channel) + _TAIL.pack(key, port, may_set)
        case Offer(number, packet) | HeardBy(number, packet):
            return _NUMBER.pack(number) + packet
        case Ask() | Changed() | Dated():
            return _NUMBER.pack(*message)
        case Ready():
            return _READY.pack(*message)
        case Took() | Dropped() | Well():
            return _NUMBER_AND_BYTE.pack(*message)
        case Say(number, to, hops, key, text) | TextBy(number, to, hops, key, text):
            return _TEXT.pack(number, to, hops, len(key)) + key + text
        case Stray(packets) | Spoke(packets):
            return _COUNT.pack(packets)
        case Ended():
            return _ENDED.pack(*message)
        case _:
            return b""


class Reader:
    """Takes bytes as they come and gives whole messages of the kinds that the other side may say."""

    def __init__(self, kinds: frozenset[int]) -> None:
        self._kinds = kinds
        self._rest = b""

    def feed(self, raw: bytes) -> Iterator[Message]:
        """Yield what is whole by now. Raises Malformed or UnknownVersion at the first byte that is wrong."""
        self._rest += raw
        while (size := self._size()) is not None and len(self._rest) >= size:
            frame, self._rest = self._rest[:size], self._rest[size:]
            yield _READERS[frame[1]](frame[_HEAD.size :])

    def _size(self) -> int | None:
        """Return the size of the frame that begins here; None where its head is not whole."""
        if self._rest and self._rest[0] != VERSION:
            raise UnknownVersion(f"a frame of version {self._rest[0]}")
        if len(self._rest) < _HEAD.size:
            return None
        kind, size = self._rest[1], int.from_bytes(self._rest[2:4], "big")
        if kind not in self._kinds or size > BODY_SIZE_MAX:
            raise Malformed(f"a frame of kind {kind} and {size} bytes")
        return _HEAD.size + size


def _name(name: str) -> bytes:
    raw = name.encode("ascii")
    return bytes((len(raw),)) + raw


def _split_name(body: bytes) -> tuple[str, bytes]:
    size = body[0] if body else 0
    name = body[1 : 1 + size]
    if not 1 <= size <= NAME_SIZE_MAX or len(name) != size or not all(32 < letter < 127 for letter in name):
        raise Malformed("a name is 1 to 32 letters after its length")
    return name.decode("ascii"), body[1 + size :]


def _unpack(form: struct.Struct, body: bytes) -> tuple[int, ...]:
    if len(body) != form.size:
        raise Malformed(f"{len(body)} bytes where {form.size} belong")
    return form.unpack(body)


def _two_numbers(body: bytes) -> tuple[int, int]:
    number, small = _unpack(_NUMBER_AND_BYTE, body)
    return number, small


def _number_and_packet(body: bytes) -> tuple[int, bytes]:
    packet = body[_NUMBER.size :]
    if not 1 <= len(packet) <= PACKET_SIZE_MAX:
        raise Malformed(f"a packet of {len(packet)} bytes")
    return _NUMBER.unpack_from(body)[0], packet


def _text(body: bytes) -> tuple[int, int, int, bytes, bytes]:
    if len(body) < _TEXT.size:
        raise Malformed("a text has a head")
    one, other, hops, key_size = _TEXT.unpack_from(body)
    key, text = body[_TEXT.size : _TEXT.size + key_size], body[_TEXT.size + key_size :]
    if key_size not in (0, KEY_SIZE) or len(key) != key_size or hops > HOPS_MAX:
        raise Malformed(f"a key of {len(key)} bytes, or {hops} hops")
    if not 1 <= len(text) <= TEXT_SIZE_MAX:
        raise Malformed(f"a text of {len(text)} bytes")
    return one, other, hops, key, text


def _read_tune(body: bytes) -> Tune:
    region, body = _split_name(body)
    preset, body = _split_name(body)
    channel, body = _split_name(body)
    if len(body) != _TAIL.size:
        raise Malformed("a tune ends with a key, a port and a yes or no")
    key, port, may_set = _TAIL.unpack(body)
    if not PORT_MIN <= port <= PORT_MAX or may_set > 1:
        raise Malformed(f"no private port {port}, or neither yes nor no: {may_set}")
    return Tune(region, preset, channel, key, port, bool(may_set))


def _read_bye(body: bytes) -> Bye:
    if body:
        raise Malformed("bytes after the bye")
    return Bye()


def _read_ready(body: bytes) -> Ready:
    node, free, misfits = _unpack(_READY, body)
    if misfits & ~BEARABLE:
        raise Malformed(f"no device serves with misfits {misfits}")
    return Ready(node, free, Misfit(misfits))


def _read_ended(body: bytes) -> Ended:
    fault, node, misfits = _unpack(_ENDED, body)
    if fault not in list(Fault) or misfits >= 2 * Misfit.PEOPLE:
        raise Malformed(f"nothing ends with fault {fault} and misfits {misfits}")
    return Ended(Fault(fault), node, Misfit(misfits))


_READERS: Final[dict[int, Callable[[bytes], Message]]] = {
    0x01: _read_tune,
    0x02: lambda body: Offer(*_number_and_packet(body)),
    0x03: lambda body: Ask(*_unpack(_NUMBER, body)),
    0x04: _read_bye,
    0x05: lambda body: Say(*_text(body)),
    0x11: _read_ready,
    0x12: lambda body: Took(*_two_numbers(body)),
    0x13: lambda body: Dropped(*_two_numbers(body)),
    0x14: lambda body: Well(*_two_numbers(body)),
    0x15: lambda body: HeardBy(*_number_and_packet(body)),
    0x16: lambda body: Stray(*_unpack(_COUNT, body)),
    0x17: lambda body: Changed(*_unpack(_NUMBER, body)),
    0x18: _read_ended,
    0x19: lambda body: Spoke(*_unpack(_COUNT, body)),
    0x1A: lambda body: TextBy(*_text(body)),
    0x1B: lambda body: Dated(*_unpack(_NUMBER, body)),
}
