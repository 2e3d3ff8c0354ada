"""A new version comes from neighbours' pages: real ones, and those of liars."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from appliance.fetching import Fetcher
from appliance.updates import held
from appliance.updates.gathering import ASK_S, PAUSE_S, Gatherer
from appliance.updates.update_file import UpdateFile
from appliance.visiting import Visit
from mesh.addresses import Address
from mesh.keys import NodeId
from tests.appliance import liars
from tests.appliance.street import Street
from tests.appliance.updates.cards import ANA, BEN, CAT, update

OURS = held.here(Path("/nowhere")).architecture
ONE, OTHER = NodeId(b"1" * 16), NodeId(b"2" * 16)
Lie = Callable[[str, int, bytes], bytes]


def truth(_path: str, _first: int, content: bytes) -> bytes:
    return content


class Pages:
    """A neighbour's pages with an update, that may lie; `sent` are the bytes of chunks that it gave."""

    def __init__(self, file: Path, lie: Lie = truth, version: str = "9.0") -> None:
        self.raw, self.lie, self.version, self.sent = file.read_bytes(), lie, version, 0
        with_top = UpdateFile(file)
        self.top = with_top.top.written
        with_top.close()

    @contextmanager
    def open(self) -> Iterator[Address]:
        pages = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked = self.headers.get("Range", "")
                if self.path == "/update/file":
                    first, last = (int(one) for one in asked.removeprefix("bytes=").split("-"))
                    body = pages.lie(self.path, first, pages.raw[first : last + 1])
                    pages.sent += len(body)
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {first}-{last}/{len(pages.raw)}")
                else:
                    body = pages.version.encode() + b"\n" if self.path == "/update/" else pages.top
                    body = pages.lie(self.path, 0, body)
                    self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield Address.parse(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class Clock:
    now = 1000.0


def gatherer(tmp_path: Path, open_part: Path) -> Gatherer:
    return Gatherer(tmp_path / "elm", 0, Visit, lambda: Clock.now, open_part)


def gather(one: Gatherer, neighbours: dict[NodeId, Address], steps: int = 60) -> None:
    for _ in range(steps):
        if not one.step(neighbours):
            return
    raise AssertionError("it does not come to rest")


def kept(tmp_path: Path) -> bytes | None:
    path = held.path(tmp_path / "elm")
    return path.read_bytes() if path else None


def test_it_comes_whole_and_lies_ready(tmp_path: Path, open_part: Path) -> None:
    file = update(tmp_path, ANA, BEN, architecture=OURS)
    with Pages(file).open() as address:
        gather(gatherer(tmp_path, open_part), {ONE: address})
    assert kept(tmp_path) == file.read_bytes()
    assert held.wished(tmp_path / "elm") is None, "a keeper decides"


@pytest.mark.parametrize("size", [0, 100, 4000, -1])
def test_what_came_before_a_pulled_plug_is_not_asked_for_again(tmp_path: Path, open_part: Path, size: int) -> None:
    file = update(tmp_path, ANA, BEN, architecture=OURS)
    raw = file.read_bytes()
    (tmp_path / "elm/updates").mkdir(parents=True)
    (tmp_path / "elm/updates/hedgerow-9.0.arriving").write_bytes(raw[:size])
    pages = Pages(file)
    with pages.open() as address:
        gather(gatherer(tmp_path, open_part), {ONE: address})
    assert kept(tmp_path) == raw
    if size == -1:
        assert pages.sent < 1000


@pytest.mark.parametrize("signers", [(), (ANA,), (ANA, CAT)])
def test_without_enough_signatures_no_chunk_is_asked_for(
    tmp_path: Path, open_part: Path, signers: tuple[object, ...]
) -> None:
    pages = Pages(update(tmp_path, *signers, architecture=OURS))  # type: ignore[arg-type]
    with pages.open() as address:
        gather(gatherer(tmp_path, open_part), {ONE: address})
    assert pages.sent == 0
    assert kept(tmp_path) is None


def test_a_liar_costs_one_chunk_and_others_go_on(tmp_path: Path, open_part: Path) -> None:
    file = update(tmp_path, ANA, BEN, architecture=OURS)

    def lie(path: str, _first: int, content: bytes) -> bytes:
        return bytes(len(content)) if path.endswith("file") else content

    liar, honest = Pages(file, lie), Pages(file)
    with liar.open() as bad, honest.open() as good:
        gather(gatherer(tmp_path, open_part), {ONE: bad, OTHER: good})
    assert kept(tmp_path) == file.read_bytes()
    assert liar.sent <= 1 << 20


LIES: dict[str, Lie] = {
    "no version": lambda path, _first, content: b"new!\n" if path == "/update/" else content,
    "an endless version": lambda path, _first, content: b"9" * 100 if path == "/update/" else content,
    "no beginning": lambda path, _first, content: b"" if path.endswith("top") else content,
    "a flipped beginning": lambda path, _first, content: (
        content[:50] + b"?" + content[51:] if path.endswith("top") else content
    ),
    "short chunks": lambda path, _first, content: content[:-1] if path.endswith("file") else content,
    "a later version in words": lambda path, _first, content: b"10.0\n" if path == "/update/" else content,
}


@pytest.mark.parametrize("name", [*LIES])
def test_liars_are_left_alone_for_an_hour(tmp_path: Path, open_part: Path, name: str) -> None:
    one, pages = gatherer(tmp_path, open_part), Pages(update(tmp_path, ANA, BEN, architecture=OURS), LIES[name])
    with pages.open() as address:
        gather(one, {ONE: address})
        assert kept(tmp_path) is None
        assert pages.sent <= 1 << 20
        assert not one.step({ONE: address})
        Clock.now += max(ASK_S, PAUSE_S)
        gather(one, {ONE: address})


def test_what_is_not_newer_is_not_asked_for(tmp_path: Path, open_part: Path) -> None:
    file = update(tmp_path, ANA, BEN, architecture=OURS)
    for version in ("0.0.1", held.here(open_part).version):
        pages = Pages(file, version=version)
        with pages.open() as address:
            gather(gatherer(tmp_path, open_part), {ONE: address})
        assert pages.sent == 0


def test_neighbours_are_asked_as_soon_as_a_keeper_says_so_and_no_longer(tmp_path: Path) -> None:
    """By the daemon's own fetcher, which asks for a list of files in any case."""
    with Street(tmp_path) as street, liars.Pages(b"bread", liars.truth) as one:
        for may, asked in ((None, 1), (True, 2), (False, 1)):
            if may is not None:
                street.elm.let_versions_come(may)
            one.asked.clear()
            fetcher = Fetcher(street.elm, lambda: {ONE: one.address}, threading.Event())
            while not fetcher.step():
                pass
            assert one.asked == {"list": asked}
