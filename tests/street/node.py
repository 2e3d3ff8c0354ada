"""One node of a street: its directory, its commands, its API, and its processes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.street.waiting import wait_until

PROGRAM: Final = str(Path(sys.executable).with_name("hedgerow"))
PIN: Final = "1234"
DIE_WITH_US: Final = ("--parent", str(os.getpid()))  # also if this process is killed and cleans up nothing
UP_WITHIN_S: Final = 60.0
DOWN_WITHIN_S: Final = 30.0


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def hedgerow(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Do what a keeper types; it must end with exit code `code`."""
    done = typed(*words)
    assert done.returncode == code, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def can(*words: object) -> bool:
    """Whether what a keeper types is done; it may be refused."""
    done = typed(*words)
    assert done.returncode in {0, 1}, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.returncode == 0


def typed(*words: object) -> subprocess.CompletedProcess[str]:
    """Do what a keeper types, whatever comes of it."""
    command = [PROGRAM, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def processes_of(data: Path) -> list[int]:
    """Return the ids of all processes that were started on this data directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if os.fsencode(data) in words and int(process.name) != os.getpid():
                found.append(int(process.name))
    return sorted(found)


class Node:
    """A node in directory `data`, whoever runs it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = int(self.settings["portal"]["port"])
        self.name = str(self.settings["name"])

    def __repr__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """What stands in `node.yaml`."""
        settings: dict[str, Any] = yaml.safe_load((self.data / "node.yaml").read_text(encoding="utf-8"))
        return settings

    def set(self, **changed: object) -> None:
        """Write `node.yaml` anew, as a keeper edits it."""
        (self.data / "node.yaml").write_text(yaml.safe_dump(self.settings | changed), encoding="utf-8")

    # commands

    def does(self, *words: object, code: int = 0) -> str:
        """Do what a keeper types at this node; return all that stands on the terminal then."""
        done = hedgerow("--data", self.data, *words, code=code)
        return done.stdout + done.stderr

    def tells(self, *words: object) -> Any:
        """Return the JSON that a command prints."""
        return json.loads(hedgerow("--data", self.data, *words, "--json").stdout)

    # the API

    def ask(
        self, method: str, path: str, body: Any = None, token: str = "", kind: str = "application/json", key: str = ""
    ) -> Answer:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Content-Type": kind} if content is not None else {}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request(method, f"/api/v1{path}", content, headers)
            answer = line.getresponse()
            return Answer(answer.status, answer.read())
        finally:
            line.close()

    def sign_in(self, name: str) -> str:
        """Return the token of a neighbour whose PIN is the usual one."""
        answer = self.ask("POST", "/sessions", {"name": name, "pin": PIN})
        assert answer.status == 201, answer
        token: str = answer.json["token"]
        return token

    def pay(self, token: str, to: str, amount: int, memo: str = "", currency: str = "hours") -> Any:
        """Pay in smallest units as the neighbour of `token`; return the transfer."""
        body = {"to": to, "amount": amount, "currency": currency, "memo": memo}
        answer = self.ask("POST", "/transfers", body, token)
        assert answer.status == 201, answer
        return answer.json

    @property
    def status(self) -> dict[str, Any]:
        answer = self.ask("GET", "/node")
        assert answer.status == 200, answer
        facts: dict[str, Any] = answer.json
        return facts

    @property
    def state(self) -> str:
        return str(self.status["state_hash"])

    @property
    def frontiers(self) -> dict[str, tuple[int, str]]:
        """Return height and head of each log, whatever its scope."""
        scopes = self.status["frontiers"].values()
        return {log: (height, head) for logs in scopes for log, (height, head) in logs.items()}

    @property
    def heights(self) -> dict[str, int]:
        return {log[:6]: height for log, (height, _) in sorted(self.frontiers.items())}

    @property
    def is_up(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/node").status == 200
        return False


class RunningNode(Node):
    """A node that this test runs, with `hedgerow run`."""

    program: Sequence[str] = (PROGRAM,)

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.log = data.with_name(f"{data.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **surroundings: str) -> None:
        """Start, with these variables in its environment, and wait until the pages answer."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.program, "--data", str(self.data), "run", *DIE_WITH_US],
                env=os.environ | surroundings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(f"{self.name} is up", lambda: self._has_ended or self.is_up, UP_WITHIN_S, self.said)
        assert not self._has_ended, self.said()

    @property
    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def said(self) -> str:
        """Return all that the node's processes have printed."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def resident_bytes(self, part: str) -> int:
        """Return how much memory the process of this part, `gossip` or `webui`, holds."""
        for process in map(str, processes_of(self.data)):
            if os.fsencode(part) in Path("/proc", process, "cmdline").read_bytes().split(b"\0"):
                pages = int(Path("/proc", process, "statm").read_text(encoding="ascii").split()[1])
                return pages * os.sysconf("SC_PAGE_SIZE")
        raise AssertionError(f"{self.name} runs no {part}")

    def stop(self) -> None:
        """Ask it to end, and see that nothing of it is left."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a pulled plug would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(DOWN_WITHIN_S)
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None
        wait_until(f"{self.name} is gone", lambda: not processes_of(self.data), DOWN_WITHIN_S)
