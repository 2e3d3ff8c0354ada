"""The image itself, started in an emulator of a 64-bit ARM board: `make image-test`. It takes minutes, so no other run does it.

    HEDGEROW_IMAGE   the image that `make image` wrote

The card is written by `hedgerow provision write --file`, made larger as a real card is, and watched from outside alone: its
serial console, where a unit of the test's own says how the system is, and its pages through a forwarded port.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from provisioning.fat import fat_partition
from tests.appliance.shell import hedgerow
from tests.ports import free_ports
from tests.provisioning.seeds import sow
from tests.street.waiting import wait_until

IMAGE: Final = Path(os.environ.get("HEDGEROW_IMAGE", "hedgerow.img"))
CARD_BYTES: Final = 2 << 30
UP_WITHIN_S: Final = 900.0
SAYS: Final = "STATE OF THE SYSTEM"
REPORT: Final = f"""[Unit]
Description=What the test hears
[Service]
Type=simple
StandardOutput=tty
TTYPath=/dev/ttyAMA0
ExecStart=/bin/sh -c 'echo "{SAYS}: $(systemctl is-system-running --wait)"; systemctl --failed --no-legend --plain; \
systemd-analyze time; df -h /var/lib/hedgerow; free -m; echo "{SAYS} END"'
"""

pytestmark = [pytest.mark.real, pytest.mark.timeout(3000)]


class Board:
    """One emulated board with its card."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.card = room / "card.img"
        self.console = room / "console.log"
        self.port = free_ports(1)
        self.took_s: list[float] = []
        self._process: subprocess.Popen[bytes] | None = None
        written = hedgerow("provision", "write", sow(room / "seed"), "--image", IMAGE, "--file", self.card)
        assert written.returncode == 0, written.stderr
        with self.card.open("r+b") as card:
            card.truncate(CARD_BYTES)
        where = f"{self.card}@@{fat_partition(self.card).offset}"
        listed = subprocess.run(["mdir", "-b", "-i", where, "::"], check=True, capture_output=True, text=True).stdout
        for name, kind in (("kernel", "vmlinuz"), ("initrd", "initrd.img")):
            (found,) = (line for line in listed.split() if kind in line)
            subprocess.run(["mcopy", "-n", "-i", where, found, room / name], check=True)
        (room / "report.service").write_text(REPORT, encoding="ascii")

    def start(self) -> None:
        """Give it power, and wait until the pages answer from outside."""
        began_s = time.monotonic()
        self.console.unlink(missing_ok=True)
        words = [
            *("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "1024"),
            *("-accel", "tcg,thread=multi", "-display", "none", "-no-reboot", "-serial", f"file:{self.console}"),
            *("-kernel", str(self.room / "kernel"), "-initrd", str(self.room / "initrd")),
            "-append",
            "root=LABEL=hedgerow-a ro console=ttyAMA0 systemd.machine_id=0123456789abcdef0123456789abcdef"
            " systemd.wants=r.service systemd.show_status=no loglevel=4",
            *("-drive", f"file={self.card},format=raw,if=virtio,cache=writeback"),
            *(
                "-netdev",
                f"user,id=net0,hostfwd=tcp:127.0.0.1:{self.port}-:80",
                "-device",
                "virtio-net-pci,netdev=net0,romfile=",
            ),
            "-fw_cfg",
            f"name=opt/io.systemd.credentials/systemd.extra-unit.r.service,file={self.room / 'report.service'}",
        ]
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        wait_until("the pages answer", self._is_well, UP_WITHIN_S, self.told)
        self.took_s.append(time.monotonic() - began_s)

    def _is_well(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.told()
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def told(self) -> str:
        return self.console.read_text(encoding="utf-8", errors="replace")[-6000:] if self.console.exists() else ""

    def report(self) -> str:
        """Return what the system says of itself once it has settled."""
        wait_until("the system says how it is", lambda: f"{SAYS} END" in self.told(), UP_WITHIN_S, self.told)
        return self.told().partition(f"{SAYS}: ")[2]

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            headers |= {"Content-Type": "application/json"} if body is not None else {}
            line.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()

    def cut(self) -> None:
        """Pull the plug."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)
        self._process = None


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    one = Board(tmp_path_factory.mktemp("board"))
    try:
        one.start()
        yield one
    finally:
        one.cut()
        print(
            f"pages answered after {', '.join(f'{took:.0f}' for took in one.took_s)} s; image {IMAGE.stat().st_size} bytes"
        )


def token(board: Board) -> str:
    status, body = board.ask("POST", "/api/v1/sessions", {"name": "Ana", "pin": "471100"})
    assert status == 201, body
    return str(json.loads(body)["token"])


def test_it_runs_and_nothing_failed(board: Board) -> None:
    said = board.report()
    print(said)
    assert said.startswith("running")
    assert ".service" not in said.partition("Startup finished")[0], "a failed unit"


def test_the_data_take_all_of_the_card(board: Board) -> None:
    line = next(line for line in board.report().splitlines() if "/var/lib/hedgerow" in line)
    size = line.split()[1]
    assert size.endswith(("M", "G"))
    assert float(size[:-1]) * (1024 if size.endswith("G") else 1) > 700


def test_pages_and_probes_answer_from_outside(board: Board) -> None:
    status, body = board.ask("GET", "/")
    assert status == 200
    assert b"Elm Corner" in body
    line = http.client.HTTPConnection("127.0.0.1", board.port, timeout=60)
    line.request("GET", "/generate_204", headers={"Host": "connectivitycheck.gstatic.com"})
    answer = line.getresponse()
    assert (answer.status, answer.getheader("Location")) == (302, "http://hedge.lan/poster")
    line.close()


def test_what_was_confirmed_outlives_a_pulled_plug(board: Board) -> None:
    status, body = board.ask("POST", "/api/v1/members", {"name": "Ben", "pin": "2345"}, token(board))
    assert status == 201, body
    board.cut()
    board.start()
    status, body = board.ask("GET", "/api/v1/members", token=token(board))
    assert status == 200
    assert b"Ben" in body
    assert board.report().startswith("running")
    assert board.took_s[1] < board.took_s[0], "the second start is faster: the node is born, the card has grown"
