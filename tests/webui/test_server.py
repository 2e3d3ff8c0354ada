"""The portal as a server, over real sockets: crowds, phones out of reach, floods, and ends."""

from __future__ import annotations

import http.client
import json
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from statistics import median

import pytest

from appliance import settings
from appliance.errors import Refused
from appliance.library import ZineForm
from appliance.node import Node
from appliance.settings import Portal
from tests.webui.portal import CHECKOUT, Running, running, settle
from webui.signin import cookie_of

pytestmark = pytest.mark.real

MIB = 1 << 20
CAP = Portal().upload_max_bytes
GIB = 1 << 30
MEMORY_MAX = 80 * 1000 * 1000


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("server") / "node"
    settle(data)
    with running(data) as portal:
        yield portal


def get(portal: Running, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def dial(portal: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", portal.port), timeout=10)


def answer(link: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    try:
        while part := link.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


@pytest.mark.alone
def test_with_forty_phones_open_and_twenty_four_stalled_the_next_page_comes_within_a_second(portal: Running):
    with ExitStack() as crowd:
        for _ in range(40):
            crowd.enter_context(dial(portal))
        for number in range(24):
            stalled = crowd.enter_context(dial(portal))
            if number % 3 == 0:
                stalled.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            elif number % 3 == 1:
                stalled.sendall(b"POST /signin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\nname=")
            else:  # asks for much and reads none of it
                stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                stalled.sendall(b"GET /source.tar.gz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 3)
        time.sleep(0.5)
        took = []
        for _ in range(9):
            began = time.perf_counter()
            assert get(portal, "/")[0] == 200
            took.append(time.perf_counter() - began)
        assert median(took) < 1
        assert portal.resident_bytes() < MEMORY_MAX


@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
@pytest.mark.parametrize(
    ("path", "kind"), [(b"/archive", b"text/plain"), (b"/api/v1/zines", b"application/problem+json")]
)
def test_an_announced_flood_is_refused_before_it_is_read(portal: Running, path: bytes, kind: bytes, expects: bytes):
    began = time.perf_counter()
    with dial(portal) as link:
        link.sendall(b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Length: %d\r\n\r\n" % (path, expects, 2 * GIB))
        said = answer(link)
    assert time.perf_counter() - began < 2
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"Content-Type: " + kind in said
    assert b"at most %d bytes. Nothing was kept." % CAP in said
    assert b"waitress" not in said.lower()


def refused_unread(portal: Running, path: str, who: str) -> bytes:
    """Announce a file of 32 MiB, send none of it, and return the answer."""
    began = time.perf_counter()
    with dial(portal) as link:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{who}Content-Length: {32 * MIB}\r\n\r\n"
        link.sendall(head.encode())
        said = answer(link)
    assert time.perf_counter() - began < 5
    return said


@pytest.mark.parametrize("who", ["", "Authorization: Bearer nobody\r\n", "Cookie: hedgerow-session-x=y; ;=\r\n"])
def test_a_large_file_of_nobody_is_not_even_read(portal: Running, who: str):
    for path in ("/archive", "/api/v1/zines"):
        said = refused_unread(portal, path, who)
        assert said.startswith(b"HTTP/1.1 401 ")
        assert b"Please sign in first." in said


def test_a_large_file_beyond_the_hours_allowance_is_not_even_read(tmp_path: Path):
    """The browser's cookie and the program's token are looked at alike; what is carried for the street is no such file."""
    settle(tmp_path / "node")
    found = settings.load(tmp_path / "node")
    settings.write(tmp_path / "node", replace(found, archive=replace(found.archive, uploads_per_hour=1)))
    with closing(Node.open(tmp_path / "node")) as node:
        session = node.sign_in("Ben", "2345")
        ben = session.token
        cookie = cookie_of(node.id, "session")
        with suppress(Refused):  # Ben has brought his already, or does so now
            node.publish(ZineForm(title="One"), BytesIO(b"One line.\n"), "one.txt", session.account, None)
    with running(tmp_path / "node") as portal:
        for path, who in (
            ("/api/v1/zines", f"Authorization: Bearer {ben}\r\n"),
            ("/archive", f"Cookie: {cookie}={ben}\r\n"),
        ):
            said = refused_unread(portal, path, who)
            assert said.startswith(b"HTTP/1.1 429 ")
            assert b"You have brought many files in a short time. Wait " in said
        assert not open_uploads(portal)
        with dial(portal) as link:
            link.sendall(
                f"POST /carry HTTP/1.1\r\nHost: x\r\nCookie: {cookie}={ben}\r\nContent-Length: {MIB}\r\n\r\n".encode()
            )
            link.settimeout(1)
            with pytest.raises(TimeoutError):
                link.recv(1)  # it is waited for


def test_a_flood_in_chunks_is_cut_at_the_cap(portal: Running):
    chunk = b"%x\r\n" % MIB + b"x" * MIB + b"\r\n"
    sent = 0
    with dial(portal) as link:
        link.sendall(b"POST /api/v1/bundle HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 200 * MIB:
                link.sendall(chunk)
                sent += MIB
        except (BrokenPipeError, ConnectionResetError):
            pass
        said = answer(link)
    assert sent < CAP + 32 * MIB  # what the sockets between us hold, beyond the cap
    assert said == b"" or b" 413 " in said.split(b"\r\n")[0]
    assert portal.resident_bytes() < MEMORY_MAX
    assert not list((portal.data / "uploads").iterdir())
    assert get(portal, "/")[0] == 200


def test_an_upload_waits_on_the_data_partition_and_is_gone_afterwards(portal: Running):
    """While a large body arrives, its file (which has no name) is open in the node's own directory."""
    with dial(portal) as link:
        link.sendall(b"POST /api/v1/bundle HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % (4 * MIB))
        link.sendall(b"x" * (2 * MIB))
        deadline = time.monotonic() + 5
        while not (found := open_uploads(portal)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert found
        assert all(place.startswith(str(portal.data / "uploads")) for place in found)
    deadline = time.monotonic() + 5
    while open_uploads(portal) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not open_uploads(portal)


@pytest.mark.parametrize("size", [6 * MIB, 1_200_000])
def test_an_upload_that_finds_no_room_is_507_and_the_portal_goes_on(tmp_path: Path, size: int):
    """The process may write no file beyond a megabyte: to it that is a card without room."""
    settle(tmp_path / "node")
    with running(tmp_path / "node") as portal:
        token = call(portal, "POST", "/sessions", {"name": "Ana", "pin": "1234"})["token"]
        resource.prlimit(portal.process.pid, resource.RLIMIT_FSIZE, (MIB, MIB))
        head = "POST /api/v1/zines HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        head += f"Authorization: Bearer {token}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        body = (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
            + b"x" * size
            + b"\r\n--b--\r\n"
        )
        with dial(portal) as link:
            link.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
            with suppress(BrokenPipeError, ConnectionResetError):
                link.sendall(body)
            said = answer(link)
        assert said.split(b" ")[1] == b"507"
        assert b"There is no room left" in said
        assert (
            call(portal, "POST", "/transfers", {"to": "Ben", "amount": 1, "currency": "hours"}, token)["state"]
            == "good"
        )
        assert not open_uploads(portal)


def call(
    portal: Running, method: str, path: str, body: dict[str, object], token: str = "", key: str = ""
) -> dict[str, str]:
    """Ask the API for something."""
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    connection.request(method, f"/api/v1{path}", json.dumps(body), headers | ({"Idempotency-Key": key} if key else {}))
    found: dict[str, str] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def open_uploads(portal: Running) -> list[str]:
    places = []
    for handle in Path(f"/proc/{portal.process.pid}/fd").iterdir():
        try:
            target = str(handle.readlink())
        except FileNotFoundError:
            continue
        if target.endswith("(deleted)") and "/source-" not in target:  # the source lies there once and for all
            places.append(target)
    return places


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x00\x01\x02\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"400",
        ),
        (b"GET /%ff%00 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", b"404"),
    ],
)
def test_garbage_is_answered_and_the_portal_goes_on(portal: Running, request_: bytes, status: bytes):
    with dial(portal) as link:
        link.sendall(request_)
        assert answer(link).split(b" ")[1] == status
    assert get(portal, "/healthz")[0] == 200


def test_a_phone_that_falls_silent_is_let_go(tmp_path: Path):
    """Also when the wall clock, by which the server counts, is set back in between."""
    settle(tmp_path / "node")
    script = """
import sys, time, threading
from pathlib import Path
from statistics import median
from appliance.node import Node
from webui import wsgi
wsgi.SILENCE_MAX_S = 2
real, start = time.time, time.monotonic()
time.time = lambda: real() - (86400 * 365 if time.monotonic() - start > 2 else 0)
wsgi.serve(Node.open(Path(sys.argv[1])), "127.0.0.1", 0, lambda port: print(port, flush=True))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "node")], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        with socket.create_connection(("127.0.0.1", int(process.stdout.readline())), timeout=30) as link:
            link.sendall(b"GET / HTTP/1.1\r\n")
            began = time.monotonic()
            assert answer(link) == b""
            assert time.monotonic() - began < 20
    finally:
        process.kill()
        process.communicate()


def test_many_pages_at_once_are_all_answered(portal: Running):
    failures: list[object] = []

    def read() -> None:
        for path in ("/", "/archive", "/market", "/commons", "/api/v1/zines"):
            status, _, _ = get(portal, path)
            if status != 200:
                failures.append((path, status))

    readers = [threading.Thread(target=read) for _ in range(12)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert failures == []
    assert portal.resident_bytes() < MEMORY_MAX


def test_payments_from_many_threads_are_each_made_once(portal: Running):
    token = call(portal, "POST", "/sessions", {"name": "Chiara", "pin": "3456"})["token"]
    body: dict[str, object] = {"to": "Ben", "amount": 1, "currency": "hours"}
    ids: list[str] = []
    payers = [
        threading.Thread(target=lambda key=key: ids.append(call(portal, "POST", "/transfers", body, token, key)["id"]))
        for key in [f"key-{number % 8}" for number in range(24)]
    ]
    for payer in payers:
        payer.start()
    for payer in payers:
        payer.join()
    assert len(ids) == 24
    assert len(set(ids)) == 8


def test_nothing_tells_who_visited(tmp_path: Path):
    """Neither page views nor mistakes nor broken connections leave a line, let alone an address."""
    settle(tmp_path / "node")
    with running(tmp_path / "node") as portal:  # asserts that standard error stayed empty
        get(portal, "/")
        get(portal, "/nothing")
        with dial(portal) as link:
            link.sendall(b"garbage\r\n\r\n")
            answer(link)
        with dial(portal) as link:
            link.sendall(b"GET /source.tar.gz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert not [path for path in (tmp_path / "node").rglob("*") if path.is_file() and b"127.0.0.1:" in path.read_bytes()
                and path.name != "node.yaml"]  # fmt: skip


def test_a_port_in_use_is_one_clear_sentence_and_exit_code_2(portal: Running, tmp_path: Path):
    settle(tmp_path / "node")
    yaml = tmp_path / "node" / "node.yaml"
    yaml.write_text(re.sub(r"port: \d+", f"port: {portal.port}", yaml.read_text()))
    run = subprocess.run(
        [sys.executable, "-m", "webui", "--data", str(tmp_path / "node")],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith(f"The pages cannot use port {portal.port} of 127.0.0.1: Address already in use. End")
    assert run.stderr.count("\n") == 1


def test_a_directory_without_a_node_is_one_clear_sentence_and_exit_code_2(tmp_path: Path):
    run = subprocess.run(
        [sys.executable, "-m", "webui", "--data", str(tmp_path)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "hedgerow init" in run.stderr
    assert "Traceback" not in run.stderr
