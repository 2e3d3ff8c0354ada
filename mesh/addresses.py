"""Where a neighbour's pages answer, as it tells its neighbours on roads of IP (mesh/spec/mqtt-v1.md).

Anybody may claim anything here, so it is read strictly, and only places of the neighbourhood are believed: numbers that are
not of the wide internet, and names that no public name server hands out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NamedTuple

from mesh.errors import Malformed
from mesh.keys import NodeId, unwritten, written

ANNOUNCEMENT_SIZE_MAX: Final = 200
FIRST_WORD: Final = "hedgerow-portal-1"
PORT: Final = 80
PLACE: Final = re.compile(r"http://(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9.-]{1,100}))(?::([1-9][0-9]{0,4}))?", re.ASCII)
LABEL: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
LOCAL_ENDINGS: Final = (".local", ".localhost", ".lan", ".home.arpa", ".internal")
OWN_MACHINE: Final = (".localhost", "localhost")


class Address(NamedTuple):
    """A host, by number or local name, and a port that speaks HTTP."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `http://host[:port]`. Raises `Malformed` for anything else, and for places outside the neighbourhood."""
        match = PLACE.fullmatch(text)
        if not match or int(match[3] or PORT) > 65535:
            raise Malformed("this is no address of a neighbour's pages")
        host = match[1] or match[2]
        number = _number(host)
        if number is None and (match[1] or not _is_local_name(host)):
            raise Malformed("this host is none of the neighbourhood")
        if number is not None and ((number.version == 6) != bool(match[1]) or not _is_near(number)):
            raise Malformed("this host is none of the neighbourhood")
        return cls(host, int(match[3] or PORT))

    @property
    def is_own_machine(self) -> bool:
        """Whether it leads back to whoever reads it."""
        number = _number(self.host)
        return number.is_loopback if number is not None else self.host.endswith(OWN_MACHINE)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a node says of its pages: who it is, and where they answer."""

    node: NodeId
    address: Address

    def encode(self) -> bytes:
        return f"{FIRST_WORD} {written(self.node)} {self.address}".encode("ascii")

    @classmethod
    def parse(cls, raw: bytes) -> Announcement:
        """Raises `Malformed` for all but the one way to write it."""
        try:
            first, node, address = raw[: ANNOUNCEMENT_SIZE_MAX + 1].decode("ascii").split(" ")
        except (UnicodeDecodeError, ValueError) as fault:
            raise Malformed("an announcement has three words") from fault
        if first != FIRST_WORD or len(raw) > ANNOUNCEMENT_SIZE_MAX:
            raise Malformed("this is no announcement, or a newer one")
        found = cls(NodeId(unwritten(node)), Address.parse(address))
        if found.encode() != raw:
            raise Malformed("an announcement is written in one way")
        return found


def _number(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_near(number: IPv4Address | IPv6Address) -> bool:
    inner = number.ipv4_mapped if isinstance(number, IPv6Address) else None
    odd = number.is_multicast or number.is_unspecified or (number.is_reserved and not number.is_loopback)
    return inner is None and not number.is_global and not odd


def _is_local_name(host: str) -> bool:
    """Names whose every label begins with a letter: no number in disguise, such as 0x7f.1, is one."""
    if len(host) > 100 or not all(LABEL.fullmatch(label) for label in host.split(".")):
        return False
    return "." not in host or host.endswith(LOCAL_ENDINGS)
