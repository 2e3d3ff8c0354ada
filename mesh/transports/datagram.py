"""The datagrams between a simulated radio and its ether: mesh/spec/loopback-v1.md, line for line.

Strict: any bytes parse to a datagram that encodes back to the same bytes, or they are a PeerFault.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final, NamedTuple

from mesh.errors import Malformed, UnknownVersion
from mesh.transports import STATION_NAME

VERSION: Final = 0x01
PACKET_SIZE_MAX: Final = 1024  # what a datagram can hold; what the air takes is the ether's to say
DATAGRAM_SIZE_MAX: Final = 2048

_REPORT: Final = struct.Struct(">IB")
_NUMBER: Final = struct.Struct(">I")


class Reason(IntEnum):
    """Why the ether refused something."""

    QUEUE_FULL = 1
    TOO_LARGE = 2
    UNKNOWN_STATION = 3
    TOO_MANY_STATIONS = 4
    OTHER_PRESET = 5


class Hello(NamedTuple):
    """Station to ether: I am here, and `number` is that of my last offer. Repeated, so that silence means absence."""

    station: str
    preset: str
    number: int


class Offer(NamedTuple):
    """Station to ether: please send this. Numbers rise by one from 1 with each offer of a station."""

    number: int
    packet: bytes


class Bye(NamedTuple):
    """Either way: I am leaving, do not wait for a time-out."""


class Report(NamedTuple):
    """Ether to station: the last offer that I looked at, and how many packets wait to be sent.

    Sent in answer to a hello, to an accepted offer, and whenever a packet goes on air.
    """

    number: int
    waiting: int


class Overheard(NamedTuple):
    """Ether to station: your antenna received this."""

    talker: str
    packet: bytes


class Refusal(NamedTuple):
    """Ether to station: no. `number` is the offer's, or 0 where a hello was refused."""

    number: int
    reason: Reason


Datagram = Hello | Offer | Bye | Report | Overheard | Refusal

_KIND: Final[dict[type, int]] = {Hello: 0x01, Offer: 0x02, Bye: 0x03, Report: 0x11, Overheard: 0x12, Refusal: 0x13}


def encode(datagram: Datagram) -> bytes:
    """Return the one form of `datagram`."""
    return bytes((VERSION, _KIND[type(datagram)])) + _body(datagram)


def _body(datagram: Datagram) -> bytes:
    match datagram:
        case Hello(station, preset, number):
            return _name(station) + _name(preset) + _NUMBER.pack(number)
        case Offer(number, packet):
            return _NUMBER.pack(number) + packet
        case Report(number, waiting):
            return _REPORT.pack(number, waiting)
        case Overheard(talker, packet):
            return _name(talker) + packet
        case Refusal(number, reason):
            return _REPORT.pack(number, reason)
        case _:
            return b""


def parse(raw: bytes) -> Datagram:
    """Read one datagram. Raises Malformed, or UnknownVersion where the first byte is not ours."""
    if len(raw) < 2 or len(raw) > DATAGRAM_SIZE_MAX:
        raise Malformed(f"a datagram of {len(raw)} bytes")
    if raw[0] != VERSION:
        raise UnknownVersion(f"a datagram of version {raw[0]}")
    read = _READERS.get(raw[1])
    if read is None:
        raise Malformed(f"no datagram is of kind {raw[1]}")
    return read(raw[2:])


def _name(name: str) -> bytes:
    return bytes((len(name),)) + name.encode("ascii")


def _split_name(body: bytes) -> tuple[str, bytes]:
    size = body[0] if body else 0
    name = body[1 : 1 + size].decode("latin-1")
    if len(name) != size or not STATION_NAME.fullmatch(name):
        raise Malformed("a name is 1 to 64 letters, digits, '-' or '_' after its length")
    return name, body[1 + size :]


def _packet(packet: bytes) -> bytes:
    if not 1 <= len(packet) <= PACKET_SIZE_MAX:
        raise Malformed(f"a packet of {len(packet)} bytes")
    return packet


def _two_numbers(body: bytes) -> tuple[int, int]:
    if len(body) != _REPORT.size:
        raise Malformed(f"{len(body)} bytes where {_REPORT.size} belong")
    number, small = _REPORT.unpack(body)
    return number, small


def _read_hello(body: bytes) -> Hello:
    station, rest = _split_name(body)
    preset, rest = _split_name(rest)
    if len(rest) != _NUMBER.size:
        raise Malformed("a hello ends with a number of four bytes")
    return Hello(station, preset, _NUMBER.unpack(rest)[0])


def _read_offer(body: bytes) -> Offer:
    if len(body) < _NUMBER.size:
        raise Malformed("an offer without its number")
    return Offer(_NUMBER.unpack_from(body)[0], _packet(body[_NUMBER.size :]))


def _read_bye(body: bytes) -> Bye:
    if body:
        raise Malformed("bytes after the bye")
    return Bye()


def _read_report(body: bytes) -> Report:
    return Report(*_two_numbers(body))


def _read_overheard(body: bytes) -> Overheard:
    talker, packet = _split_name(body)
    return Overheard(talker, _packet(packet))


def _read_refusal(body: bytes) -> Refusal:
    number, reason = _two_numbers(body)
    try:
        return Refusal(number, Reason(reason))
    except ValueError as unknown:
        raise Malformed(f"no refusal has reason {reason}") from unknown


_READERS: Final[dict[int, Callable[[bytes], Datagram]]] = {
    0x01: _read_hello,
    0x02: _read_offer,
    0x03: _read_bye,
    0x11: _read_report,
    0x12: _read_overheard,
    0x13: _read_refusal,
}
