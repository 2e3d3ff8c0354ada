"""A job that tries to do what it must not: run by the tests of confinement, as the process that reads a hostile file."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance import confinement
from appliance.errors import Objection, Refused

Deed = Callable[[dict[str, Any]], dict[str, Any]]


def tried(deed: Callable[[], object]) -> dict[str, Any]:
    """Tell whether `deed` could be done."""
    try:
        deed()
    except OSError as fault:
        return {"said": str(fault.strerror)}
    return {"said": "done"}


def echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"request": request, "place": str(Path.cwd()), "temporary": tempfile.gettempdir(), "path": sys.path[0]}


def refuse(_: dict[str, Any]) -> dict[str, Any]:
    raise Refused(Objection.FILE_TOO_LARGE, limit=7)


def take_memory(_: dict[str, Any]) -> dict[str, Any]:
    return {"size": len([bytearray(1 << 20) for _ in range(4096)])}


def compute(_: dict[str, Any]) -> dict[str, Any]:
    while True:
        pass


def sleep(_: dict[str, Any]) -> dict[str, Any]:
    time.sleep(600)
    return {}


def write_long(_: dict[str, Any]) -> dict[str, Any]:
    return tried(lambda: Path("long").write_bytes(bytes(8 << 20)))


def write_many(_: dict[str, Any]) -> dict[str, Any]:
    for number in range(10_000):
        Path(f"{number}").write_bytes(bytes(900_000))
        time.sleep(0.01)
    return {}


def reach_out(_: dict[str, Any]) -> dict[str, Any]:
    return tried(lambda: socket.create_connection(("127.0.0.1", 9)))


def resolve(_: dict[str, Any]) -> dict[str, Any]:
    return tried(lambda: socket.getaddrinfo("example.org", 80))


def start(_: dict[str, Any]) -> dict[str, Any]:
    return tried(lambda: subprocess.run(["/bin/true"], check=True))


def become(_: dict[str, Any]) -> dict[str, Any]:
    return tried(lambda: os.execv("/bin/true", ["true"]))


def fork(_: dict[str, Any]) -> dict[str, Any]:
    return tried(os.fork)


def signal_parent(_: dict[str, Any]) -> dict[str, Any]:
    return tried(lambda: os.kill(os.getppid(), signal.SIGTERM))


def make_link(_: dict[str, Any]) -> dict[str, Any]:
    return tried(lambda: Path("link").symlink_to("/etc/passwd"))


def read(request: dict[str, Any]) -> dict[str, Any]:
    return tried(lambda: Path(request["file"]).read_bytes())


def write(request: dict[str, Any]) -> dict[str, Any]:
    return tried(lambda: Path(request["file"]).write_bytes(b"x"))


def talk(_: dict[str, Any]) -> dict[str, Any]:
    return {"words": "x" * 1_000_000}


def babble(_: dict[str, Any]) -> dict[str, Any]:
    os.write(1, b"{")
    return {}


def surprise(_: dict[str, Any]) -> dict[str, Any]:
    raise ZeroDivisionError("nobody expected this")


def break_down(_: dict[str, Any]) -> dict[str, Any]:
    ctypes.string_at(8)
    return {}


DEEDS: dict[str, Deed] = {
    deed.__name__: deed
    for deed in (
        *(echo, refuse, take_memory, compute, sleep, write_long, write_many, reach_out, resolve, start, become, fork),
        *(signal_parent, make_link, read, write, talk, babble, surprise, break_down),
    )
}

if __name__ == "__main__":
    confinement.serve(lambda request: DEEDS[str(request["deed"])](request))
