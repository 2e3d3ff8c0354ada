"""The two processes of a node, portal and gossip: started, watched, restarted and ended.

No child outlives its parent, however that ends: each asks the kernel to be killed with it (PR_SET_PDEATHSIG, prctl(2)).
The store loses nothing by that, since it is written for pulled plugs. Children stand in a process group of their own,
so that Ctrl-C reaches the parent alone and the children are ended once, in order.
"""

from __future__ import annotations

import ctypes
import fcntl
import logging
import math
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from appliance.errors import SettingsFault, StoreFault
from appliance.settings import FILE_NAME, Settings

PR_SET_PDEATHSIG: Final = 1
RESTART_S_MAX: Final = 60.0
STEADY_S: Final = 60.0  # a process that ran so long is no longer thought to be failing at its start
END_S: Final = 10.0  # what a process gets to end by itself
FINAL_CODES: Final = (2, 3)  # settings, storage: to try again at once would change nothing

Say = Callable[[str], None]


@dataclass
class Child:
    """One watched process. `failures` counts the ends since it last ran steadily; `due` is when it starts (again)."""

    name: str
    command: Sequence[str]
    due: float = 0.0
    started: float = 0.0
    failures: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, process_group=0)

    def reap(self) -> int | None:
        """Return the exit code once, when the process has ended; and say when it may start again."""
        code = self.process.poll() if self.process else None
        if code is not None:
            self.process = None
            steady = time.monotonic() - self.started >= STEADY_S
            self.failures = 1 if steady else self.failures + 1
            self.due = time.monotonic() + min(2.0 ** (self.failures - 1), RESTART_S_MAX)
        return code

    def is_final(self, code: int) -> bool:
        """Whether the process said at its very first start that it cannot work with this node's files."""
        return code in FINAL_CODES and self.failures == 1 and time.monotonic() - self.started < STEADY_S


@dataclass
class Household:
    """Children that live together. `run` returns the exit code once a signal or a final fault ended them all."""

    children: Sequence[Child]
    say: Say
    leaves_alone: bool = False  # a child with a final fault is left alone then, and the others live on
    wanted: bool = field(default=True, init=False)

    def run(self) -> int:
        with _signals() as woken:
            code = 0
            try:
                while self.wanted and code == 0:
                    self._start_due()
                    self.wanted = not woken(self._pause())
                    code = self._reap()
            finally:
                end([child.process for child in self.children if child.process])
        return code

    def _start_due(self) -> None:
        for child in self.children:
            if child.process is None and time.monotonic() >= child.due:
                child.start()

    def _pause(self) -> float | None:
        """Return the seconds until something must be started again; None while all run."""
        waiting = [child.due - time.monotonic() for child in self.children if child.process is None]
        soonest = min(waiting, default=math.inf)
        return max(0.0, soonest) if math.isfinite(soonest) else None

    def _reap(self) -> int:
        for child in self.children:
            code = child.reap()
            if code is None:
                continue
            if self.leaves_alone and code in FINAL_CODES:
                child.due = math.inf
                self.say(f"{child.name} cannot go on and is left alone; the others do.")
            elif child.is_final(code):
                return code
            elif self.wanted:
                wait = child.due - time.monotonic()
                self.say(f"{child.name} ended with code {code}; it starts again in {wait:.0f} s.")
        return 0


def run(settings: Settings, say: Say, quiet: bool = False) -> int:
    """Run portal and gossip in the foreground until SIGTERM or SIGINT; return the exit code. Raises `SettingsFault`."""
    lock = hold(settings.data, "run")
    try:
        refuse_port_in_use(settings.host, settings.port, _other_port(settings))
        if not quiet:
            say(f"Starting {settings.name} on {settings.address} (Ctrl-C ends it)")
        parts = ("portal", "gossip", *(["power"] if settings.power else []))
        return Household([Child(part, own_command(settings.data, part)) for part in parts], say).run()
    finally:
        os.close(lock)


def _other_port(settings: Settings) -> str:
    return f"change portal.port in {settings.data / FILE_NAME}"


def own_command(data: Path, *words: str) -> list[str]:
    """Return the command line of a child of this process that does `hedgerow WORDS` on `data` and dies with us."""
    return [sys.executable, "-m", "appliance.cli", "--data", str(data), *words, "--parent", str(os.getpid())]


def become_portal(settings: Settings) -> NoReturn:
    """Turn this process into the portal. The pages stand above this layer, so they are started, never imported."""
    os.set_inheritable(hold(settings.data, "portal"), True)  # the lock goes along
    refuse_port_in_use(settings.host, settings.port, _other_port(settings))
    become("webui", "--data", str(settings.data))


def become(package: str, *words: str) -> NoReturn:
    """Turn this process into one of a package that stands above this layer, or beside it."""
    os.execv(sys.executable, [sys.executable, "-m", "appliance.starting", package, *words])  # noqa: S606 (no shell wanted)


def hold(data: Path, part: str) -> int:
    """Return a descriptor that locks `part` of the node until it is closed. Raises `SettingsFault` where it is held."""
    file = data / f"{part}.lock"
    try:
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise StoreFault(f"{file} cannot be made: {fault.strerror}. Check the card and who owns it.") from fault
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        holder = os.read(lock, 16).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise SettingsFault(f"`hedgerow {part}` already runs on {data} (process {holder}). End it first.") from fault
    with suppress(OSError):  # the number is for the sentence above; a full card must not keep a node from starting
        os.truncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def refuse_port_in_use(host: str, port: int, remedy: str) -> None:
    """Raises `SettingsFault` where the pages could not listen."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(found[0][4])
            listener.listen()
    except OSError as fault:
        place = f"port {port} of {host}"
        raise SettingsFault(
            f"The pages cannot use {place}: {fault.strerror}. End that program, or {remedy}."
        ) from fault


def die_with(parent: int) -> None:
    """Have the kernel kill this process when `parent`, which started it, ends; end now if it already has."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        sys.exit(0)


def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End `processes`: ask, wait at most `END_S`, then kill. All are reaped."""
    for process in processes:
        process.terminate()
    until = time.monotonic() + END_S
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until_told() -> threading.Event:
    """Let this process write what it has to say, and return what is set when SIGTERM or SIGINT tells it to end."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return ending


@contextmanager
def _signals() -> Iterator[Callable[[float | None], bool]]:
    """Yield a function that waits for a signal (at most so many seconds) and tells whether it asks us to end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    ending = {signal.SIGTERM, signal.SIGINT}
    before = {number: signal.signal(number, lambda *_: None) for number in (*ending, signal.SIGCHLD)}
    before_fd = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    selector = selectors.DefaultSelector()
    selector.register(ours, selectors.EVENT_READ)
    try:
        yield lambda timeout: bool(selector.select(timeout)) and bool(ending & set(ours.recv(64)))
    finally:
        signal.set_wakeup_fd(before_fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        selector.close()
        ours.close()
        theirs.close()
