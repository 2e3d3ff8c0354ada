"""An emulated 64-bit ARM board with its card, watched from outside, and cut from its power together with what was not kept yet.

The emulator reads the card's open part as a Pi's own boot program does (config.txt names the kernel): it starts what a Pi would.
The card is served by nbdkit, whose cache holds what the board wrote until the board asks that it be kept (NBD_CMD_FLUSH): killed
at the same moment as the board, it forgets the rest, as a card does that loses its power. A file alone would not: what a killed
emulator wrote is in the memory of this machine. Two simulated radios (mac80211_hwsim) stand in for the WiFi chip and a phone's.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from provisioning.fat import fat_partition
from tests.mosquitto import program
from tests.ports import free_ports
from tests.street.waiting import wait_until

CARD_BYTES: Final = 4 << 30
UP_WITHIN_S: Final = 900.0
HERE: Final = "10.0.2.2"  # this machine, as the board sees it (QEMU's user network)
SERIAL_NUMBER: Final = "100000003d1d1c36"  # as a Pi bears one; the machine-id is another at each start, as on a Pi
READY, END = "READY", "END OF ANSWER"
# One who does inside what the test asks over a port of its own; `$$` is systemd's way to write `$`.
WITNESS: Final = f"""[Unit]
Description=Who tells the test what it sees
StartLimitIntervalSec=0
[Service]
Type=exec
Restart=always
RestartSec=1
ExecStart=/bin/sh -c 'while sleep 0.5; do exec 3<>/dev/virtio-ports/witness && echo {READY} >&3 && \\
while IFS= read -r words <&3; do answer=$$(eval "$$words" 2>&1 </dev/null); code=$$?; \\
printf "%%s\\n%%s {END}\\n" "$$answer" "$$code" >&3; done; done'
"""
ENDS_WITH_US: Final = ("setpriv", "--pdeathsig", "KILL")


class Card:
    """A card as one file, with its cache."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.socket = file.with_suffix(".socket")
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, place: str) -> bytes:
        """Return a file of the open part, as a laptop reads it."""
        where = f"{self.file}@@{fat_partition(self.file).offset}"
        return subprocess.run(["mtype", "-i", where, f"::{place}"], check=True, capture_output=True).stdout

    def plug_in(self) -> None:
        self.socket.unlink(missing_ok=True)
        served = ["--foreground", "--unix", str(self.socket), "--filter=cache", "file", str(self.file)]
        self._process = subprocess.Popen([*ENDS_WITH_US, program("nbdkit"), *served, "cache=writeback"])
        wait_until("the card is there", self.socket.exists, 10)

    def cut(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(30)
        self._process = None


class Board:
    """One board. Each start tells how long it took until the pages answered from outside."""

    def __init__(self, room: Path, card: Path, *disks: Path) -> None:
        self.room, self.disks = room, disks
        self.card = Card(card)
        self.console = room / "console.log"
        self.port = free_ports(1)
        self.took_s: list[float] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        with card.open("r+b") as file:
            file.truncate(CARD_BYTES)
        (room / "witness.service").write_text(WITNESS, encoding="ascii")

    # power

    def start(self) -> None:
        """Give it power, and wait until its pages answer."""
        began_s = time.monotonic()
        self.console.unlink(missing_ok=True)
        self.card.plug_in()
        words = self._as_firmware_would()
        self._process = subprocess.Popen([*ENDS_WITH_US, *self._emulator(), *words], stdin=subprocess.DEVNULL)
        wait_until("the pages answer", self._is_well, UP_WITHIN_S, self.told)
        self.took_s.append(time.monotonic() - began_s)

    def _as_firmware_would(self) -> list[str]:
        """Read config.txt and what it names; add what an emulator differs in, and the witness."""
        lines = self.card.read("config.txt").decode().splitlines()
        told = dict(line.partition("=")[::2] for line in lines if "=" in line and not line.startswith("#"))
        memory = next(line.split()[1] for line in lines if line.startswith("initramfs"))
        prefix = told.get("os_prefix", "")
        for name, place in (("kernel", told["kernel"]), ("initrd", memory)):
            (self.room / name).write_bytes(self.card.read(prefix + place))
        line = self.card.read(f"{prefix}cmdline.txt").decode().strip()
        line += " console=ttyAMA0 systemd.wants=w.service"
        line += " modules_load=mac80211_hwsim systemd.show_status=no"
        kernel, initrd = self.room / "kernel", self.room / "initrd"
        return ["-dtb", str(self._tree()), "-kernel", str(kernel), "-initrd", str(initrd), "-append", line]

    def _tree(self) -> Path:
        """Have the emulator write down the device tree of the board that it is, and add what a Pi's start adds."""
        file = self.room / "board.dtb"
        subprocess.run([*self._emulator(f",dumpdtb={file}")], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["fdtput", "-t", "s", file, "/", "serial-number", SERIAL_NUMBER], check=True)
        return file

    def _emulator(self, more: str = "") -> list[str]:
        credential = "opt/io.systemd.credentials/systemd.extra-unit.w.service"  # QEMU takes 55 letters
        words = [
            *(
                "qemu-system-aarch64",
                "-M",
                f"virt{more}",
                "-cpu",
                "cortex-a72",
                "-smp",
                "2",
                "-m",
                "1024",
            ),
            *("-accel", "tcg,thread=multi", "-display", "none", "-serial", f"file:{self.console}"),
            *("-drive", f"file=nbd:unix:{self.card.socket},format=raw,if=virtio,cache=writeback"),
            *("-netdev", f"user,id=wire,hostfwd=tcp:127.0.0.1:{self.port}-:80"),
            *("-device", "virtio-net-pci,netdev=wire,romfile=", "-device", "virtio-serial-pci"),
            *("-chardev", f"socket,id=witness,path={self.room / 'witness'},server=on,wait=off"),
            *("-device", "virtserialport,chardev=witness,name=witness"),
            *("-fw_cfg", f"name={credential},file={self.room / 'witness.service'}"),
        ]
        for disk in self.disks:
            words += ["-drive", f"file={disk},format=raw,if=virtio,readonly=on"]
        return words

    def _is_well(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.told()
        with suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/healthz")[0] == 200
        return False

    def cut(self) -> None:
        """Pull the plug: the board and its card's memory are gone at the same moment."""
        if self._line:
            self._line.close()
        self._line = None
        if self._process:
            self._process.kill()
        self.card.cut()
        if self._process:
            self._process.wait(30)
        self._process = None

    # what it says

    def told(self) -> str:
        """Return the end of what stood on its serial line."""
        return self.console.read_text(encoding="utf-8", errors="replace")[-6000:] if self.console.exists() else ""

    def inside(self, words: str, within_s: float = 300.0, *, may_fail: bool = False) -> str:
        """Have the witness do `words`, one line of shell, as root; return what was printed."""
        line = self._witness(within_s)
        line.sendall(words.encode() + b"\n")
        said, _, code = self._heard(line, f" {END}\n").rpartition("\n")
        assert may_fail or code == "0", f"{words}: {code}\n{said}"
        return said

    def _witness(self, within_s: float) -> socket.socket:
        if self._line is None:
            line = socket.socket(socket.AF_UNIX)
            line.connect(str(self.room / "witness"))
            line.settimeout(within_s)
            self._heard(line, f"{READY}\n")
            self._line = line
        self._line.settimeout(within_s)
        return self._line

    @staticmethod
    def _heard(line: socket.socket, end: str) -> str:
        said = b""
        while not said.endswith(end.encode()):
            more = line.recv(65536)
            assert more, "the witness is gone"
            said += more
        return said.decode(errors="replace").removesuffix(end)

    def state(self) -> str:
        """Return what systemd says of the whole once all that was to be started has been."""
        return self.inside("systemctl is-system-running --wait", UP_WITHIN_S, may_fail=True).strip()

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, bytes]:
        """Ask its pages, as a program in the house's network does."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        return self.asked(method, path, json.dumps(body) if body is not None else None, headers)[:2]

    def asked(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, bytes, str]:
        """Ask with headers of one's own; return status, body and where one is led."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return answer.status, answer.read(), answer.getheader("Location", "")
        finally:
            line.close()


def disk_of(root: Path, file: Path, label: str, size_mib: int) -> Path:
    """Make a disk of a directory, to be put in beside the card."""
    with file.open("wb") as target:
        target.truncate(size_mib << 20)
    words: Sequence[str | Path] = ["mkfs.ext4", "-q", "-m", "0", "-L", label, "-O", "^has_journal", "-d", root, file]
    subprocess.run(words, check=True)
    return file
