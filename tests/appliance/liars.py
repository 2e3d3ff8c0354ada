"""Neighbours' pages that answer as they please: the truth, or one of the ways not to tell it."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self

from mesh.addresses import Address
from mesh.blob import CHUNK_SIZE, ChunkList, blob_id

RANGE: Final = re.compile(rb"Range: bytes=(\d+)-(\d+)")
Way = Callable[["Pages", socket.socket, str, tuple[int, int] | None], None]


def answer(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunk_list(content: bytes) -> ChunkList:
    return ChunkList.of(content[at : at + CHUNK_SIZE] for at in range(0, len(content), CHUNK_SIZE))


class Pages:
    """A server on 127.0.0.1 that holds one file and answers in one way; `asked` counts what was asked for."""

    def __init__(self, content: bytes, way: Way) -> None:
        self.content = content
        self.name = blob_id(content).hex()
        self.asked: Counter[str] = Counter()
        self.sent = 0
        self._way = way
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._ending = False

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        with suppress(OSError):
            socket.create_connection(self.address, 1).close()
        self._thread.join(30)
        self._listener.close()

    @property
    def is_ending(self) -> bool:
        return self._ending

    def _serve(self) -> None:
        while not self._ending:
            line, _ = self._listener.accept()
            with line, suppress(OSError):
                self._answer(line)

    def _answer(self, line: socket.socket) -> None:
        line.settimeout(5)
        heard = b""
        while b"\r\n\r\n" not in heard:
            more = line.recv(4096)
            if not more:
                return
            heard += more
        path = heard.split(b" ")[1].decode()
        found = RANGE.search(heard)
        part = (int(found[1]), int(found[2])) if found else None
        self.asked["part" if part else path.rsplit("/", maxsplit=1)[-1] or "list"] += 1
        self._way(self, line, path, part)

    def send(self, line: socket.socket, content: bytes) -> None:
        line.sendall(content)
        self.sent += len(content)


def truth(pages: Pages, line: socket.socket, path: str, part: tuple[int, int] | None) -> None:
    pages.send(line, true_answer(pages, path, part))


def true_answer(pages: Pages, path: str, part: tuple[int, int] | None) -> bytes:
    if path == "/blob/":
        return answer("200 OK", bytes.fromhex(pages.name))
    if path == f"/blob/{pages.name}/chunks":
        return answer("200 OK", chunk_list(pages.content).encode())
    if path == f"/blob/{pages.name}" and part:
        told = f"Content-Range: bytes {part[0]}-{part[1]}/{len(pages.content)}"
        return answer("206 Partial Content", pages.content[part[0] : part[1] + 1], told)
    return answer("404 Not Found", b"")


def only_parts(lie: Callable[[Pages, socket.socket, bytes, tuple[int, int]], None]) -> Way:
    """Tell the truth, but for the file's own bytes."""

    def way(pages: Pages, line: socket.socket, path: str, part: tuple[int, int] | None) -> None:
        whole = true_answer(pages, path, part)
        if part is None:
            pages.send(line, whole)
        else:
            lie(pages, line, whole, part)

    return way


@only_parts
def changed_bytes(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    pages.send(line, whole[:-1] + bytes([whole[-1] ^ 1]))


@only_parts
def endless_body(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    pages.send(line, whole.replace(b"Content-Length", b"X-Length"))
    while not pages.is_ending:
        pages.send(line, b"x" * 65536)


@only_parts
def talks_on(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    """The truth, and no end of more."""
    pages.send(line, whole)
    while not pages.is_ending:
        pages.send(line, b"x" * 65536)


@only_parts
def endless_head(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    pages.send(line, b"HTTP/1.1 206 Partial Content\r\n")
    while not pages.is_ending:
        pages.send(line, b"X-More: and more\r\n")


@only_parts
def slow_drip(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    for at in range(len(whole)):
        if pages.is_ending:
            return
        pages.send(line, whole[at : at + 1])
        time.sleep(0.05)


@only_parts
def another_size(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    told = f"Content-Range: bytes {part[0]}-{part[1]}/{len(pages.content) + 1}"
    pages.send(line, answer("206 Partial Content", pages.content[part[0] : part[1] + 1], told))


@only_parts
def another_part(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    told = f"Content-Range: bytes {part[0] + 1}-{part[1]}/{len(pages.content)}"
    pages.send(line, answer("206 Partial Content", pages.content[part[0] + 1 : part[1] + 1], told))


@only_parts
def too_long(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    told = f"Content-Range: bytes {part[0]}-{part[1]}/{len(pages.content)}"
    pages.send(line, answer("206 Partial Content", b"x" * 1000, told, length=2**40))


@only_parts
def hangs_up(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    pages.send(line, whole[: len(whole) // 2])


@only_parts
def whole_file_instead(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    pages.send(line, answer("200 OK", pages.content))


@only_parts
def chunked(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    pages.send(line, b"HTTP/1.1 206 Partial Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")


@only_parts
def garbage(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
    pages.send(line, b"\x00\xff" * 2000 + b"\r\n\r\n")


def redirecting(to: Address) -> Way:
    """Send whoever asks for the file to another place."""

    def redirect(pages: Pages, line: socket.socket, whole: bytes, part: tuple[int, int]) -> None:
        pages.send(line, answer("302 Found", b"", f"Location: {to}/blob/{pages.name}"))

    return only_parts(redirect)


LIES: Final[tuple[Way, ...]] = (
    changed_bytes, endless_body, endless_head, slow_drip, another_size, another_part, too_long, hangs_up,
    whole_file_instead, chunked, garbage,
)  # fmt: skip
NAMES: Final = (
    "changed_bytes", "endless_body", "endless_head", "slow_drip", "another_size", "another_part", "too_long", "hangs_up",
    "whole_file_instead", "chunked", "garbage",
)  # fmt: skip
