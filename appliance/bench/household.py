"""A node's real processes, started one by one as systemd starts them, and what they take of memory and processor."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from appliance import processes, settings
from appliance.errors import MeasurementFault

READY_S: Final = 60.0
TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
KIB: Final = 1024
PROC: Final = Path("/proc")


@contextmanager
def living(data: Path, *parts: str) -> Iterator[Mapping[str, int]]:
    """Run these parts of a node, such as portal and gossip; give their process ids once its pages answer."""
    started = {
        part: subprocess.Popen(
            processes.own_command(data, part),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for part in parts
    }
    try:
        if "portal" in parts:
            Visitor(settings.load(data).port).wait()
        yield {part: process.pid for part, process in started.items()}
    finally:
        processes.end(list(started.values()))


class Visitor:
    """A phone at the pages of the node behind this port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookie = ""

    def wait(self) -> None:
        """Wait until the pages answer. Raises `MeasurementFault`."""
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            with suppress(OSError, http.client.HTTPException):
                if self._ask("GET", "/healthz")[0] == HTTPStatus.OK:
                    return
            time.sleep(0.1)
        raise MeasurementFault(f"The pages of the measured node did not answer within {READY_S:.0f} s.")

    def looks_at(self, path: str) -> None:
        """Open a page as who signed in. Raises `MeasurementFault` where there is none."""
        status, _ = self._ask("GET", path)
        if status != HTTPStatus.OK:
            raise MeasurementFault(f"{path} answered with {status}.")

    def signs_in(self, name: str, pin: str) -> str:
        """Return the token of a neighbour, and look at pages as that neighbour from now on."""
        token = str(self._posts("/api/v1/sessions", {"name": name, "pin": pin})["token"])
        with self._asked("GET", "/signin", None, {}) as answer:
            guest = answer.getheader("Set-Cookie", "").partition("=")[0]
        self._cookie = f"{guest.replace('guest', 'session')}={token}"  # a node names its cookies alike
        return token

    def pays(self, token: str, to: str, amount: int, memo: str) -> None:
        self._posts("/api/v1/transfers", {"to": to, "amount": amount, "currency": "hours", "memo": memo}, token)

    def _posts(self, path: str, body: Mapping[str, Any], token: str = "") -> Any:
        status, answer = self._ask("POST", path, json.dumps(body), token)
        if status != HTTPStatus.CREATED:
            raise MeasurementFault(f"{path} answered with {status}: {answer[:200]!r}.")
        return json.loads(answer)

    def _ask(self, method: str, path: str, body: str | None = None, token: str = "") -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body:
            headers["Content-Type"] = "application/json"
        elif self._cookie:
            headers["Cookie"] = self._cookie
        with self._asked(method, path, body, headers) as answer:
            return answer.status, answer.read()

    @contextmanager
    def _asked(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as line:
            line.request(method, path, body, dict(headers))
            yield line.getresponse()


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def with_children(process: int) -> list[int]:
    """Return this process and all that descend from it."""
    parents = {}
    for place in PROC.glob("[0-9]*"):
        with suppress(OSError):
            parents[int(place.name)] = int(_stat(place)[1])
    family = [process]
    for one in family:
        family += [child for child, parent in parents.items() if parent == one]
    return family


def cpu_s(processes_: Iterable[int]) -> float:
    """Return the processor seconds that these and all that they started used so far, the ended ones too; proc(5), stat."""
    ticks = 0
    for process in processes_:
        for one in with_children(process):
            with suppress(OSError):  # it ended just now, and its parent counts it
                ticks += sum(int(used) for used in _stat(PROC / str(one))[11:15])
    return ticks * TICK_S


def memory_bytes(processes_: list[int]) -> int:
    """Return what these hold of memory as if they were alone on the machine; proc(5), smaps.

    What they have of their own counts in full; of each file, the largest part that one of them holds, for they share it. The
    kernel's proportional figure (Pss) would be less where other programs use the same files.
    """
    own, files = 0, dict[str, int]()
    for process in processes_:
        for file, size in _file_sizes(process).items():
            if file:
                files[file] = max(files.get(file, 0), size)
            else:
                own += size
    return (own + sum(files.values())) * KIB


def _file_sizes(process: int) -> dict[str, int]:
    """Return the KiB that a process holds of each file, and under "" what is its own."""
    sizes, file, resident = {"": 0}, "", 0
    lines: list[str] = []
    with suppress(OSError):  # it ended just now
        lines = (PROC / str(process) / "smaps").read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines:
        name, _, rest = line.partition(":")
        match name:
            case "Rss":
                resident = int(rest.split()[0])
            case "Anonymous":
                own = int(rest.split()[0])
                sizes[""] += own
                sizes[file] = sizes.get(file, 0) + resident - own
            case _ if "-" in line.split(" ", 1)[0]:
                words = line.split(maxsplit=5)
                file = words[5] if len(words) == 6 else ""
    return sizes


def _stat(place: Path) -> list[str]:
    """Return the fields of a process from its state on."""
    return (place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
