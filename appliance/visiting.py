"""One question to a neighbour's pages over HTTP, and an answer that is taken to the letter or not at all (mesh/spec/blob-v1.md).

The neighbour may be anybody: it may send other bytes, no end of them, one every minute, or send us elsewhere. So the head
is read here, in few lines, with one deadline for the whole answer, and nothing is followed.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

from appliance.errors import ApplianceError
from mesh.addresses import Address

ANSWER_WITHIN_S: Final = 60.0
WAIT_S: Final = 2.0  # at most, before looking again at the deadline and whether the node is ending
HEAD_SIZE_MAX: Final = 8192
READ_SIZE: Final = 1 << 16
STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?", re.ASCII)
HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*", re.ASCII)
LENGTH: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
RANGE: Final = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})", re.ASCII)
MISSING: Final = (404, 410, 416)


class Disappointment(Enum):
    """What was wrong with a neighbour's answer."""

    AWAY = "not there"
    SLOW = "too slow"
    LACKS = "does not have it"
    OTHER = "of another file than the record tells of"  # which of the two is wrong, nobody can say
    WRONG = "wrong"


class Disappointed(ApplianceError):
    """A neighbour's pages did not answer as they should."""

    def __init__(self, how: Disappointment, words: str) -> None:
        self.how = how
        super().__init__(words)


class Part(NamedTuple):
    """Bytes `first` to `last`, both included, of a file of `size` bytes."""

    first: int
    last: int
    size: int

    @classmethod
    def read(cls, header: str) -> Part | None:
        """Read a Content-Range (RFC 9110 section 14.4); None where it tells no part."""
        match = RANGE.fullmatch(header)
        part = cls(*map(int, match.groups())) if match else None
        return part if part and part.first <= part.last < part.size else None


class Head(NamedTuple):
    """The first lines of an answer: its status, and each header once, by its name in lower case."""

    status: int
    headers: dict[str, str]

    @classmethod
    def read(cls, raw: bytes) -> Head:
        """Read all lines before the empty one. Raises `Disappointed`."""
        first, *rest = raw.split(b"\r\n")
        status, lines = STATUS.fullmatch(first), [HEADER.fullmatch(line) for line in rest]
        if status is None or not all(lines):
            raise Disappointed(Disappointment.WRONG, "this is no answer of HTTP")
        found: dict[str, str] = {}
        for line in filter(None, lines):
            name = line[1].decode("ascii").lower()
            if name in found and name in {"content-length", "content-range", "transfer-encoding"}:
                raise Disappointed(Disappointment.WRONG, f"{name} stands there twice")
            found[name] = line[2].decode("latin-1")
        return cls(int(status[1]), found)

    def body_size(self, part: Part | None, size_max: int) -> int:
        """Return how many bytes follow, if that is what was asked for. Raises `Disappointed`."""
        if self.status in MISSING:
            raise Disappointed(Disappointment.LACKS, "it is not there")
        length = self.headers.get("content-length", "")
        if self.status != (206 if part else 200) or "transfer-encoding" in self.headers or not LENGTH.fullmatch(length):
            raise Disappointed(Disappointment.WRONG, f"an answer of another kind ({self.status})")
        if part:
            self._check_part(part)
        if int(length) > size_max or (part and int(length) != size_max):
            raise Disappointed(Disappointment.WRONG if part else Disappointment.OTHER, "another size")
        return int(length)

    def _check_part(self, part: Part) -> None:
        told = Part.read(self.headers.get("content-range", ""))
        if told is None or (told != part and told.size == part.size):
            raise Disappointed(Disappointment.WRONG, "another part")
        if told != part:
            raise Disappointed(Disappointment.OTHER, "a part of a file of another size")


class Visit:
    """Questions to one address. `is_over` is asked again and again: when it says so, the visit ends at once."""

    def __init__(
        self,
        address: Address,
        is_over: Callable[[], bool] = lambda: False,
        within_s: float = ANSWER_WITHIN_S,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._is_over = is_over
        self._within_s = within_s
        self._ticks = ticks

    def part(self, path: str, part: Part) -> bytes:
        """Return these bytes of the file at `path`. Raises `Disappointed`."""
        return self._ask(path, part, part.last - part.first + 1)

    def whole(self, path: str, size_max: int) -> bytes:
        """Return all that is at `path`, at most `size_max` bytes. Raises `Disappointed`."""
        return self._ask(path, None, size_max)

    def _ask(self, path: str, part: Part | None, size_max: int) -> bytes:
        until = self._ticks() + self._within_s
        try:
            with socket.create_connection(self._address, timeout=min(5.0, self._within_s)) as line:
                line.settimeout(WAIT_S)
                line.sendall(self._question(path, part))
                return self._answer(line, until, part, size_max)
        except (OSError, UnicodeError) as fault:
            raise Disappointed(
                Disappointment.AWAY, f"it does not answer ({fault.strerror if isinstance(fault, OSError) else fault})"
            ) from fault

    def _question(self, path: str, part: Part | None) -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: {str(self._address).removeprefix('http://')}", "Connection: close"]
        lines += [f"Range: bytes={part.first}-{part.last}"] if part else []
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def _answer(self, line: socket.socket, until: float, part: Part | None, size_max: int) -> bytes:
        heard = bytearray()
        while (end := heard.find(b"\r\n\r\n")) < 0:
            if len(heard) > HEAD_SIZE_MAX:
                raise Disappointed(Disappointment.WRONG, "a head without end")
            heard += self._read(line, until, HEAD_SIZE_MAX)
        size = Head.read(bytes(heard[:end])).body_size(part, size_max)
        body = heard[end + 4 :]
        while len(body) < size:
            body += self._read(line, until, min(READ_SIZE, size - len(body)))
        return bytes(body[:size])  # who talks on is not listened to

    def _read(self, line: socket.socket, until: float, size: int) -> bytes:
        """Return what comes next, at least one byte."""
        while not self._is_over():
            if self._ticks() >= until:
                raise Disappointed(Disappointment.SLOW, f"no whole answer within {self._within_s:.0f} s")
            try:
                heard = line.recv(size)
            except TimeoutError:
                continue
            if not heard:
                raise Disappointed(Disappointment.AWAY, "it hung up in the middle")
            return heard
        raise Disappointed(Disappointment.AWAY, "this node is ending")
