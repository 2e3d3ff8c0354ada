"""The portal as it really runs: a process of its own over a real node, on a port that the system picks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from appliance import settings
from appliance.founding import found
from appliance.node import Node
from appliance.settings import Portal, Settings
from tests.ports import free_ports
from tests.webui.street import furnish

CHECKOUT = Path(__file__).parent.parent.parent


@dataclass
class Running:
    """A portal that answers at `address`."""

    process: subprocess.Popen[str]
    port: int
    data: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def resident_bytes(self) -> int:
        """How much memory the process holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def settle(data: Path) -> None:
    """Found a node with a furnished street in it, on a port that nobody listened on a moment ago."""
    found(Settings(data, "Elm Street", "Riverside", portal=Portal(port=free_ports(1))))
    node = Node.open(data)
    for name, pin in (("Ana", "1234"), ("Ben", "2345"), ("Chiara", "3456")):
        node.add_member(name, pin, keeper=name == "Ana")
    furnish(node)
    node.close()


@contextmanager
def running(data: Path) -> Iterator[Running]:
    """Run the portal of the node in `data`. It must end well, and have had nothing to say."""
    process = subprocess.Popen(
        [sys.executable, "-m", "webui", "--data", str(data)],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    portal = Running(process, settings.load(data).port, data)
    try:
        wait_for(portal)
        yield portal
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert said == "", said
    assert process.returncode == 0


def wait_for(portal: Running) -> None:
    """Wait until the portal listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and portal.process.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", portal.port)):
            return
        time.sleep(0.05)
    raise AssertionError("the portal does not listen")
