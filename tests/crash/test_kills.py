"""The whole node is killed two hundred times while neighbours pay: every payment that they were told of is there, once.

In each of four rounds two nodes are killed side by side, 25 times each. The neighbours are processes outside; see `payer.py`.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from appliance.node import Node as Books
from tests.ports import free_ports, is_free
from tests.street.node import PIN, PROGRAM, Node, hedgerow, processes_of

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

ROUNDS: Final = 4
NODES: Final = 2
KILLS: Final = 25  # of each node in each round
LOOK_EVERY: Final = 9  # kills
START_MAX_S: Final = 60.0  # on a machine that has much else to do
GONE_WITHIN_S: Final = 5.0
UPLOADS: Final = 100_000  # an hour is not the limit that is tried here
REPEATED: Final = 20  # of the newest payments of each neighbour; the node remembers keys of a few hundred


class Victim(Node):
    """A node that is started and killed again and again, and what its neighbours were told."""

    def __init__(self, data: Path, port: int) -> None:
        hedgerow("init", data, "--name", data.name, "--commons", "Hedge Lane", "--port", port)
        super().__init__(data)
        self.set(archive={"uploads_per_hour": UPLOADS})
        for name in ("Ana", "Bo"):
            self.does("member", "add", name, "--pin", PIN)
        self.notes = data.with_name(f"{data.name}.notes")
        self.notes.touch()
        self.log = data.with_name(f"{data.name}.log")
        self.starts_s: list[float] = []
        self._env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._env["PYTHONPYCACHEPREFIX"] = str(
            data.with_name("compiled")
        )  # as on a card, where all is compiled already
        self._seen = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [PROGRAM, "--data", str(self.data), "run"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self._env, start_new_session=True)

    def wait_for_pages(self) -> None:
        assert self._process is not None
        began_s = time.monotonic()
        while not self._is_well():
            assert self._process.poll() is None, self.log.read_text(encoding="utf-8")
            assert time.monotonic() - began_s < START_MAX_S, self.log.read_text(encoding="utf-8")
            time.sleep(0.02)
        self.starts_s.append(time.monotonic() - began_s)

    def _is_well(self) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request("GET", "/healthz")
            return line.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    def kill(self, rng: Random) -> None:
        """Kill what `hedgerow run` started, all at once in any order; or it alone, and the kernel has to end the rest."""
        assert self._process is not None
        everybody = processes_of(self.data)
        rng.shuffle(everybody)
        for process in rng.choice((everybody, [self._process.pid])):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it ended with its parent
        self._process.wait()
        until_s = time.monotonic() + GONE_WITHIN_S
        while left := processes_of(self.data):
            assert time.monotonic() < until_s, f"orphans: {left}"
            time.sleep(0.01)
        while not is_free(self.port):  # a dying process loses its name before its sockets
            assert time.monotonic() < until_s, f"somebody without a name still holds port {self.port}"
            time.sleep(0.01)

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        for process in processes_of(self.data):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def told(self, kind: str) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in self.notes.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line["kind"] == kind]

    # asking for all of it

    def look(self, everything: bool = False) -> None:
        """See that what the neighbours were told is there; what was seen before is looked at again only at the end."""
        assert self.told("refusal") + self.told("silence") == []
        tokens = {line["name"]: line["token"] for line in self.told("session")}
        payments = self.told("payment")
        for name, token in tokens.items():
            self._repeat([paid for paid in payments if paid["name"] == name][-REPEATED:], token)
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as line:
            for paid in payments if everything else payments[self._seen :]:
                found = _get(line, f"/transfers/{paid['id']}", tokens[paid["name"]])
                assert (found.get("memo"), found.get("amount")) == (paid["key"], paid["body"]["amount"]), (paid, found)
        self._seen = len(payments)
        for zine in self.told("zine"):
            assert self.ask("GET", f"/zines/{zine['id']}/file").body.decode() == zine["text"]

    def _repeat(self, payments: Sequence[dict[str, Any]], token: str) -> None:
        """The same request under the same key gets the same answer."""
        for paid in payments:
            again = self.ask("POST", "/transfers", paid["body"], token, key=paid["key"])
            assert (again.status, again.json["id"]) == (201, paid["id"])

    def check_books(self) -> None:
        """Nothing is there twice, and nothing that nobody was told of."""
        self.does("verify")
        with closing(Books.open(self.data)) as books:
            assert books.database.value("SELECT count(*) FROM transfer") == len(self.told("payment"))
            assert [currency.total for currency in books.currencies()] == [0]


def _get(line: http.client.HTTPConnection, path: str, token: str) -> Any:
    line.request("GET", f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
    return json.loads(line.getresponse().read())


@contextmanager
def neighbours(of: Victim) -> Iterator[None]:
    """Let two neighbours pay; at the end they get the answers that they wait for."""
    payer = subprocess.Popen([sys.executable, "-m", "tests.crash.payer", str(of.port), str(of.notes)])
    try:
        yield
        payer.terminate()
        assert payer.wait(60) == 0, of.told("refusal") + of.told("silence")
    finally:
        payer.kill()
        payer.wait()


def suffer(node: Victim, rng: Random) -> None:
    """Kill it under load: mostly while it works, sometimes while it starts; look at everything now and then."""
    with neighbours(node):
        for number in range(1, KILLS + 1):
            node.start()
            if number % LOOK_EVERY == 0:
                node.wait_for_pages()
                node.look()
                node.does("verify")
            elif number % 5:
                node.wait_for_pages()
                time.sleep(rng.uniform(0.05, 0.8))
            else:
                time.sleep(rng.uniform(0.05, 1.5))
            node.kill(rng)
        node.start()
        node.wait_for_pages()
    node.look(everything=True)
    node.check_books()
    node.kill(rng)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_was_confirmed_survives_every_kill(tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    began_s = time.monotonic()
    first = free_ports(NODES)
    nodes = [Victim(tmp_path / f"node{number}", first + number) for number in range(NODES)]
    try:
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(suffer, nodes, (Random(NODES * seed + number) for number in range(NODES))))
    finally:
        for node in nodes:
            node.end()
    starts_s = sorted(start for node in nodes for start in node.starts_s)
    payments = sum(len(node.told("payment")) for node in nodes)
    with capsys.disabled():
        print(
            f"\n{NODES * KILLS} kills in {time.monotonic() - began_s:.0f} s: {payments} payments,"
            f" {sum(len(node.told('zine')) for node in nodes)} zines;"
            f" pages after {starts_s[len(starts_s) // 2]:.1f} s, at most {starts_s[-1]:.1f} s"
        )
    assert payments > NODES * KILLS
