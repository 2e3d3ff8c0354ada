"""The card's twin: the same recipe for this machine, started by systemd-nspawn with the real units, and a phone beside it.

The two stand in network namespaces of their own, joined by a pair of virtual cards of which the node's is called wlan0. Only the
air is missing. The system is read-only as on a card; the data and the open part are directories that outlive the twin.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from provisioning import building
from tests.provisioning.seeds import sow
from tests.street.waiting import wait_until

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hedgerow"
ADDRESS: Final = "10.77.0.1"
MACHINE_ID: Final = "0123456789abcdef0123456789abcdef"
UP_WITHIN_S: Final = 120.0
GROUPS: Final = Path("/sys/fs/cgroup")  # what the kernel lets a group of processes have


def run(*words: str | Path, code: int | None = 0, within_s: float = 60) -> str:
    """Run a program of this machine; return what it printed."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=within_s, check=False)
    assert code is None or done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def build(room: Path, say: Callable[[str], None] = print) -> Path:
    """Build the twin's system; Debian's part is kept from one run of the tests to the next."""
    began_s = time.monotonic()
    base = building.base("amd64", CACHE, say)
    say(f"base after {time.monotonic() - began_s:.1f} s")
    system = building.system(base, room / "system", say)
    _has_no_card(system / "etc/fstab")
    say(f"system after {time.monotonic() - began_s:.1f} s")
    return system


def _has_no_card(fstab: Path) -> None:
    """The twin's two parts are directories, so nothing of what a card's parts are mounted with may be told of them."""
    lines = fstab.read_text(encoding="utf-8").splitlines(keepends=True)
    fstab.write_text("".join(line for line in lines if not line.startswith("/dev/hedgerow/")), encoding="utf-8")


class Twin:
    """One node, started and ended as its power comes and goes."""

    def __init__(self, room: Path, system: Path) -> None:
        self.system = system
        self.data, self.open = room / "data", room / "open"
        self.console = room / "console.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.namespace, self._phone = (f"hedgerow-{who}-{os.getpid()}" for who in ("node", "phone"))
        self.data.mkdir()
        sow(self.open / "hedgerow", roads=[{"mqtt": {"host": "127.0.0.1"}}])  # a road that leads nowhere yet
        run("chown", "-R", self.uid(), self.open)

    def uid(self) -> str:
        users = (self.system / "etc/passwd").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[2] for line in users if line.startswith("hedgerow:"))

    # the air between the two

    def join(self) -> None:
        """Lay the virtual cable."""
        for space in (self.namespace, self._phone):
            run("ip", "netns", "add", space)
            run("ip", "-n", space, "link", "set", "lo", "up")
        run(*f"ip link add wlan0 netns {self.namespace} type veth peer name phone0 netns {self._phone}".split())
        run("ip", "-n", self._phone, "link", "set", "phone0", "up")
        run("ip", "-n", self._phone, "address", "add", "10.77.0.10/22", "dev", "phone0")
        run("ip", "-n", self._phone, "route", "add", "default", "via", ADDRESS)
        names = Path("/etc/netns") / self._phone
        names.mkdir(parents=True)
        (names / "resolv.conf").write_text(f"nameserver {ADDRESS}\noptions timeout:2 attempts:2\n", encoding="ascii")

    def part(self) -> None:
        """Take the cable away again."""
        for space in (self.namespace, self._phone):
            run("ip", "netns", "delete", space, code=None)
        shutil.rmtree(Path("/etc/netns") / self._phone, ignore_errors=True)

    def phone(self, program: str, *words: str) -> str:
        """Run a piece of Python where only the street's WiFi is; return what it printed."""
        return run("ip", "netns", "exec", self._phone, sys.executable, "-c", program, *words)

    # power

    def start(self) -> None:
        """Give it power, and wait until the system says that it runs."""
        began_s = time.monotonic()
        self.power()
        self.wait()
        print(
            f"up {time.monotonic() - began_s:.1f} s after power; {self.inside('systemd-analyze', 'time').splitlines()[0]}"
        )

    def wait(self) -> None:
        """Wait until the system says that it runs."""
        wait_until("the system runs", self._is_up, UP_WITHIN_S, self.told)

    def power(self) -> None:
        """Give it power."""
        with self.console.open("ab") as console:
            self._process = subprocess.Popen(
                [
                    *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--read-only", "--boot"),
                    *("--resolv-conf=off", "--timezone=off", "--console=pipe", f"--uuid={MACHINE_ID}"),
                    *(f"--directory={self.system}", f"--network-namespace-path=/run/netns/{self.namespace}"),
                    *("--capability=CAP_NET_ADMIN", *(f"--bind={place}" for place in self.binds())),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )

    def binds(self) -> list[str]:
        """Return what is mounted from outside."""
        return [f"{self.data}:/var/lib/hedgerow", f"{self.open}:/boot/firmware"]

    @property
    def is_off(self) -> bool:
        """Whether it has halted by itself, in order."""
        return self._process is not None and self._process.poll() == 0

    @property
    def wants_to_start_anew(self) -> bool:
        """Whether it went down in order to start again: in a container its first process says so by 133."""
        return self._process is not None and self._process.poll() == 133

    def _is_up(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.told()
        return bool(self._leader()) and self.state() in {"running", "degraded", "maintenance"}

    def _leader(self) -> str:
        """Return the process id of the twin's own systemd."""
        assert self._process
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return children.read_text(encoding="ascii").strip().split(" ")[0]

    def inside(self, *words: str, code: int | None = 0) -> str:
        """Run a program inside, as root."""
        return run("nsenter", "-t", self._leader(), "-m", "-u", "-i", "-n", "-p", *words, code=code)

    def state(self) -> str:
        return self.inside("systemctl", "is-system-running", code=None)

    def told(self) -> str:
        """Return what can be seen from outside of why it does not run."""
        said = self.console.read_text(encoding="utf-8", errors="replace")[-2000:]
        if self._process and self._process.poll() is None and self._leader():
            said += self.inside("systemctl", "list-jobs", "--no-pager", code=None)
            said += self.inside("ps", "-eo", "pid,ppid,stat,wchan:30,args", code=None)
            said += self.inside("systemctl", "status", "hedgerow-portal", "--no-pager", code=None)
            said += self.inside("journalctl", "--no-pager", "-n", "40", code=None)
        return said

    def main_process(self, unit: str) -> int:
        """Return the process of a service inside, by its number there; 0 while there is none."""
        return int(self.inside("systemctl", "show", "--value", "--property=MainPID", unit) or 0)

    # what is taken from it

    @contextmanager
    def pinched(self, unit: str, memory_bytes: int) -> Iterator[Callable[[], int]]:
        """Give a service's first process no more than so much memory; yields what tells how often it was killed for that."""
        limits = {"memory.limit_in_bytes": str(memory_bytes)}
        words = [f"MemoryMax={memory_bytes}", "MemoryHigh=infinity"]
        with self._limited("memory", limits, self._outside(self.main_process(unit)), unit, words) as group:
            told = group / ("memory.oom_control" if group.is_relative_to(GROUPS / "memory") else "memory.events")
            yield lambda: _number(told, "oom_kill")

    @contextmanager
    def slow(self, unit: str, percent: int) -> Iterator[None]:
        """Give a service no more than so much of one processor; where the twin has no say in that, all of the twin."""
        limits = {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": str(percent * 1000)}
        with self._limited("cpu", limits, int(self._leader()), unit, [f"CPUQuota={percent}%"]):
            yield

    @contextmanager
    def _limited(self, kind: str, limits: dict[str, str], process: int, unit: str, words: list[str]) -> Iterator[Path]:
        """Yield the control group that is limited: of version 1, ours, with `process` in it, or of version 2, the unit's."""
        whole = GROUPS / kind
        if not whole.exists():
            group = Path(f"/proc/{self._outside(self.main_process(unit))}/cgroup").read_text(encoding="utf-8")
            self.inside("systemctl", "set-property", "--runtime", unit, *words)
            try:
                yield GROUPS / group.strip().rpartition("::/")[2]
            finally:
                self.inside("systemctl", "revert", unit)
            return
        pen = whole / f"hedgerow-twin-{os.getpid()}"
        pen.mkdir()
        try:
            for name, value in {**limits, "cgroup.procs": str(process)}.items():
                (pen / name).write_text(value, encoding="ascii")
            yield pen
        finally:
            _empty(pen, whole)

    def _outside(self, inside: int) -> int:
        """Return the number that a process of the twin has on this machine."""
        for status in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError):
                numbers = re.search(r"^NSpid:\t(.*)$", status.read_text(encoding="utf-8"), re.MULTILINE)
                same = (status.parent / "ns/pid").readlink() == Path(f"/proc/{self._leader()}/ns/pid").readlink()
                if same and numbers and int(numbers[1].split()[-1]) == inside:
                    return int(status.parent.name)
        raise AssertionError(f"process {inside} is not there. {self.told()}")

    def cut(self) -> None:
        """Take the power away: every process is killed at once."""
        if self._process and self._process.poll() is None:
            leader = int(self._leader())
            os.kill(leader, signal.SIGKILL)  # the first process of a pid namespace: the kernel kills all others
            self._process.wait(30)
        self._process = None


def _number(file: Path, key: str) -> int:
    lines = (line.split() for line in file.read_text(encoding="ascii").splitlines())
    return next(int(words[1]) for words in lines if words[0] == key)


def _empty(pen: Path, whole: Path) -> None:
    """Let all out of a control group, and remove it."""
    while inmates := (pen / "cgroup.procs").read_text(encoding="ascii").split():
        for inmate in inmates:
            with suppress(OSError):  # it has ended meanwhile
                (whole / "cgroup.procs").write_text(inmate, encoding="ascii")
    pen.rmdir()
