"""What the service manager hears of a process, and what of the real ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import service
from appliance.service import Pulse
from appliance.starting import LOOK_EVERY_S, START_MAX_S, WORKS_FROM_S, Start
from tests.appliance.shell import HEDGEROW, done
from tests.ports import free_ports
from webui.pulse import THREADS_MAY_TAKE_S, Heart, Task

READY = "READY=1\nWATCHDOG=1"
BEAT = "WATCHDOG=1"
ASK = "EXTEND_TIMEOUT_USEC=6000000"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv("WATCHDOG_USEC", "6000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    return Clock()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The place where a service manager listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(30)
        yield line


def first_besides_asking(manager: socket.socket) -> str:
    """Return the first word that is no wish for patience."""
    while (word := manager.recv(1000).decode()).startswith("EXTEND_TIMEOUT_USEC="):
        pass
    return word


def falls_silent(manager: socket.socket) -> bool:
    """Whether nothing more comes, after what was on its way."""
    try:
        for _ in range(5):
            manager.recv(1000)
    except TimeoutError:
        return True
    return False


def test_the_first_beat_says_ready_and_the_others_come_in_time(clock: Clock) -> None:
    heard: list[str] = []
    pulse = Pulse(heard.append, clock)
    for tenth in range(61):
        clock.now = tenth / 10
        pulse.beat()
    assert heard == [READY, BEAT, BEAT, BEAT]


def test_without_a_watchdog_only_ready_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    heard: list[str] = []
    pulse = Pulse(heard.append, Clock())
    for _ in range(3):
        pulse.beat()
    assert heard == [READY]


@pytest.mark.parametrize("asked", ["", "soon", "-5", "1e6"])
def test_a_strange_patience_is_none(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", asked)
    assert service.patience_s() == 0


def test_what_is_meant_for_another_process_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "6000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert service.patience_s() == 0


@pytest.mark.parametrize("place", ["", "relative", "/nowhere/at/all"])
def test_nobody_listens_and_nothing_happens(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", place)
    service.tell(READY)


class Main:
    """A main thread as `starting` sees it."""

    def __init__(self) -> None:
        self.worked, self.waits = 0.0, False

    def worked_s(self) -> float:
        return self.worked

    def waits_for_the_card(self) -> bool:
        return self.waits


class TestStart:
    def start(self) -> tuple[Start, Main, Clock, list[str]]:
        main, now, heard = Main(), Clock(), list[str]()
        start = Start(main, 6.0, heard.append, lambda: heard.append("end"), now)  # type: ignore[arg-type]
        assert heard == [ASK]
        return start, main, now, heard

    def test_patience_is_asked_for_while_work_is_done(self) -> None:
        start, main, now, heard = self.start()
        for _ in range(9):
            now.now += LOOK_EVERY_S
            main.worked += 2 * WORKS_FROM_S
            start.look()
        assert heard == [ASK] * 10

    def test_who_waits_for_a_slow_card_gets_on(self) -> None:
        start, main, now, heard = self.start()
        main.waits = True
        for _ in range(9):
            now.now += LOOK_EVERY_S
            start.look()
        assert heard == [ASK] * 10

    def test_one_that_waits_for_anything_else_ends(self) -> None:
        start, main, now, heard = self.start()
        for _ in range(4):
            now.now += LOOK_EVERY_S
            main.worked += WORKS_FROM_S / 2
            start.look()
        assert heard == [ASK, "end"]

    def test_one_that_turns_in_circles_is_not_waited_for_for_ever(self) -> None:
        start, main, now, heard = self.start()
        now.now += START_MAX_S
        main.worked += START_MAX_S
        start.look()
        assert heard == [ASK, "end"]


@pytest.mark.real
def test_a_real_process_asks_while_it_works_and_ends_when_it_hangs(tmp_path: Path, manager: socket.socket) -> None:
    """Its module works until it is told to stop, as one that makes a store anew; then it waits, as for a lock."""
    (tmp_path / "long.py").write_text("import os\nwhile not os.path.exists('enough'): pass\nos.read(0, 1)\n", "utf-8")
    told = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "PYTHONPATH": f"{Path.cwd()}:{tmp_path}"}
    command = [sys.executable, "-m", "appliance.starting", "long"]
    with subprocess.Popen(
        command, env=told | {"WATCHDOG_USEC": "6000000"}, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert [manager.recv(1000).decode() for _ in range(3)] == [ASK] * 3
            (tmp_path / "enough").touch()
            assert process.wait(30) == -signal.SIGKILL
            assert process.stderr
            said = process.stderr.read().decode()
            assert "hangs" in said
            assert "long.py" in said
        finally:
            process.kill()


class TestHeart:
    def test_threads_that_take_up_work_keep_it_beating(self, clock: Clock) -> None:
        heard: list[str] = []
        heart = Heart(Pulse(heard.append, clock), lambda task: task.service(), clock)
        for second in range(120):
            clock.now = second
            heart.turn()
        assert len(heard) == 60

    def test_threads_that_never_do_are_noticed_in_time(self, clock: Clock) -> None:
        heard: list[str] = []
        held: list[Task] = []
        heart = Heart(Pulse(heard.append, clock), held.append, clock)
        for second in range(300):
            clock.now = second
            heart.turn()
        assert len(held) == 1, "one question at a time"
        assert len(heard) == THREADS_MAY_TAKE_S / 2
        held.pop().service()
        clock.now += 2
        heart.turn()
        assert len(heard) == THREADS_MAY_TAKE_S / 2 + 1, "it beats again once a thread is free"


@pytest.mark.real
@pytest.mark.parametrize("part", ["portal", "gossip"])
def test_a_real_process_says_ready_and_goes_on_beating(tmp_path: Path, manager: socket.socket, part: str) -> None:
    done("init", tmp_path / "elm", "--name", "Elm", "--commons", "Hedge", "--port", str(free_ports(1)))
    told = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
    with subprocess.Popen([HEDGEROW, "--data", tmp_path / "elm", part], env=told) as process:
        try:
            assert first_besides_asking(manager) == READY
            assert manager.recv(1000).decode() == BEAT
            process.send_signal(signal.SIGSTOP)
            manager.settimeout(0.5)
            assert falls_silent(manager)
            process.send_signal(signal.SIGCONT)
            manager.settimeout(30)
            assert manager.recv(1000).decode() == BEAT
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
    assert process.returncode == 0
