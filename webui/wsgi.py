"""The portal as a server: pages over one node, on waitress. The only place that knows waitress.

Waitress reads and writes in one loop and gives a thread only to a request that has arrived whole, so phones that walk out of
reach in the middle hold no thread. It logs no requests, and so no addresses.
"""

from __future__ import annotations

import ctypes
import json
import logging
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.utilities import Error, RequestEntityTooLarge
from waitress.wasyncore import close_all

from appliance.errors import Refused, SettingsFault, StoreFault
from appliance.service import Pulse
from webui import create_app
from webui.pulse import Heart
from webui.refusals import status_of
from webui.uploads import BESIDES_FILE, check_may_begin

if TYPE_CHECKING:
    from appliance.node import Node

THREADS: Final = 6
CONNECTIONS_MAX: Final = 200
SILENCE_MAX_S: Final = 30
HEADER_SIZE_MAX: Final = 16 * 1024
TOO_LARGE: Final = "That is more than this node takes in at once: at most {limit} bytes. Nothing was kept."
NO_ROOM: Final = "There is no room left for that upload. Nothing was kept; payments still work."

Ready = Callable[[int], None]
# mallopt(3): threads that each hoard freed memory would cost a small board megabytes, and so would one heap with long texts in
# it. What is longer than a threshold that does not grow is given back to the system as soon as it is freed.
FRUGAL: Final = {-8: 1, -3: 128 * 1024, -1: 128 * 1024}  # M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD


def serve(node: Node, host: str, port: int, ready: Ready | None = None) -> None:
    """Serve the pages of `node` until SystemExit or KeyboardInterrupt. `ready` hears the port once it listens.

    Raises SettingsFault where the port or the directory for uploads cannot be had.
    """
    libc = ctypes.CDLL(None)
    for option, value in FRUGAL.items():
        libc.mallopt(option, value)
    tempfile.tempdir = str(_upload_room(node.settings.data))
    logging.getLogger("waitress").setLevel(logging.ERROR)  # a short queue, or one that ends with the server, is no news
    with _listener(host, port) as listener:
        connections: dict[int, object] = {}
        server = _Server(
            create_app(node),
            connections,
            _sock=listener,
            adj=_adjustments(listener, node),
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )
        try:
            if ready is not None:
                ready(server.effective_port)
            server.watched_by(Pulse())
            server.run()
        finally:
            close_all(connections)


def _listener(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return socket.create_server(found[0][4][:2], family=found[0][0], backlog=128)
    except OSError as fault:
        reason = str(fault.strerror).partition(" (")[0]  # create_server() says the address again
        raise SettingsFault(
            f"The pages cannot use port {port} of {host}: {reason}. "
            "End the other program, or change portal.port in node.yaml."
        ) from fault


def _adjustments(listener: socket.socket, node: Node) -> Adjustments:
    found = Adjustments(
        sockets=[listener],
        threads=THREADS,
        connection_limit=CONNECTIONS_MAX,
        channel_timeout=SILENCE_MAX_S,
        cleanup_interval=5,
        asyncore_use_poll=True,
        max_request_header_size=HEADER_SIZE_MAX,
        max_request_body_size=node.settings.portal.upload_max_bytes + BESIDES_FILE,
        log_socket_errors=False,
        ident="",
        clear_untrusted_proxy_headers=True,
    )
    found.has_room = node.has_room
    found.may_begin = partial(_may_begin, node)
    return found


def _may_begin(node: Node, path: str, headers: Mapping[str, str]) -> None:
    """Raises `Refused` for a body that would be read in vain. A store that cannot say lets it come: the page will tell."""
    with suppress(StoreFault):
        check_may_begin(node, path, headers)


def _upload_room(data: Path) -> Path:
    """Return where uploads wait: on the data partition, since /tmp may be a piece of a small memory."""
    room = data / "uploads"
    try:
        room.mkdir(mode=0o700, exist_ok=True)
    except OSError as fault:
        raise SettingsFault(f"{room} cannot be made: {fault.strerror}. Check the card and who owns it.") from fault
    return room


class _Refusal(Error):  # type: ignore[misc]
    """Says in one sentence why an upload was not taken in, before it was read to its end."""

    def __init__(self, status: HTTPStatus, words: str, path: str) -> None:
        super().__init__(words)
        self.code, self.reason = status.value, status.phrase
        self._is_for_programs = path.startswith("/api/")

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:  # noqa: ARG002
        kind, content = "text/plain; charset=utf-8", f"{self.body}\n"
        if self._is_for_programs:
            document = {"type": "about:blank", "title": self.reason, "status": self.code, "detail": self.body}
            kind, content = "application/problem+json", json.dumps(document)
        return f"{self.code} {self.reason}", [("Content-Type", kind)], content.encode()


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses at once what announces itself as too large, also to those who would wait for "100 Continue". So is what there is
    no room for: while an upload waits on the card it must not take the last space, which is for payments. So is a file for the
    shelf of somebody who may bring none now.
    """

    has_looked = False

    def received(self, data: bytes) -> int:
        try:
            consumed: int = super().received(data)
        except OSError:
            self._refuse(HTTPStatus.INSUFFICIENT_STORAGE, NO_ROOM)
            return len(data)
        if self.headers_finished and not self.has_looked:
            self.has_looked = True
            self._look()
        if isinstance(self.error, RequestEntityTooLarge):
            words = TOO_LARGE.format(limit=self.adj.max_request_body_size - BESIDES_FILE)
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words)
        return consumed

    def _look(self) -> None:
        """Judge a body that would wait on the card, for it will not wait in memory. One in chunks may grow as long as it may."""
        size = self.adj.max_request_body_size if self.chunked else self.content_length
        if self.completed or size <= self.adj.inbuf_overflow:
            return
        if not self.adj.has_room(size):
            self._refuse(HTTPStatus.INSUFFICIENT_STORAGE, NO_ROOM)
            return
        try:
            self.adj.may_begin(self.path, self.headers)
        except Refused as refusal:
            self._refuse(HTTPStatus(status_of(refusal)), str(refusal))

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self.error = _Refusal(status, words, self.path)
        self.completed = True
        self.expect_continue = False

    def close(self) -> None:
        with suppress(OSError):  # what found no room finds none at its end either; the file is gone all the same
            super().close()


class _Channel(HTTPChannel):  # type: ignore[misc]
    """One connection. Its name in a log line tells no address."""

    parser_class = _Parser

    def __repr__(self) -> str:
        return f"<connection {id(self):x}>"


class _Server(TcpWSGIServer):  # type: ignore[misc]
    """Keeps putting silent connections away when the wall clock, by which waitress counts, is set back."""

    channel_class = _Channel
    seen = 0.0

    def watched_by(self, pulse: Pulse) -> None:
        """Tell `pulse` from now on that the loop turns."""
        self._heart = Heart(pulse, self.add_task)
        pulse.beat()

    def readable(self) -> bool:
        self._heart.turn()
        now = time.time()
        if now < self.seen:
            self.next_channel_cleanup = now
            for channel in self.active_channels.values():
                channel.last_activity = min(channel.last_activity, now)
        self.seen = now
        return bool(super().readable())
