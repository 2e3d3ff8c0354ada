"""Portal and gossip as processes: watched, restarted, ended together, and never more than one of each."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import processes
from appliance.errors import SettingsFault, StoreFault
from appliance.processes import Child, Household
from tests.appliance.shell import about, is_well, refused, start, until

PYTHON = sys.executable


def child(program: str, name: str = "somebody") -> Child:
    return Child(name, [PYTHON, "-c", program])


def ended_by(number: signal.Signals, after_s: float) -> threading.Timer:
    timer = threading.Timer(after_s, os.kill, (os.getpid(), number))
    timer.start()
    return timer


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_children_and_nothing_is_left(said: list[str], number: signal.Signals) -> None:
    children = [child("import time; time.sleep(60)") for _ in range(2)]
    before = signal.getsignal(number)
    timer = ended_by(number, 1.0)
    assert Household(children, said.append).run() == 0
    timer.join()
    assert all(one.process is None or one.process.returncode is not None for one in children)
    assert signal.getsignal(number) is before
    assert said == []


def test_a_child_that_does_not_listen_is_killed(said: list[str], monkeypatch) -> None:
    monkeypatch.setattr(processes, "END_S", 0.5)
    deaf = child("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    timer = ended_by(signal.SIGTERM, 1.5)
    assert Household([deaf], said.append).run() == 0
    timer.join()


def test_a_child_that_dies_starts_again_ever_more_slowly(said: list[str]) -> None:
    timer = ended_by(signal.SIGTERM, 6.0)
    assert Household([child("import sys; sys.exit(7)")], said.append).run() == 0
    timer.join()
    assert said[:2] == [
        "somebody ended with code 7; it starts again in 1 s.",
        "somebody ended with code 7; it starts again in 2 s.",
    ]
    assert len(said) <= 4


@pytest.mark.parametrize("code", [2, 3])
def test_a_child_that_cannot_work_with_these_files_ends_the_household(said: list[str], code: int) -> None:
    other = child("import time; time.sleep(60)")
    assert Household([other, child(f"import sys; sys.exit({code})")], said.append).run() == code
    assert other.process
    assert other.process.returncode is not None


def test_in_a_neighbourhood_the_others_live_on(said: list[str]) -> None:
    timer = ended_by(signal.SIGTERM, 2.0)
    household = Household([child("import sys; sys.exit(2)")], said.append, leaves_alone=True)
    assert household.run() == 0
    timer.join()
    assert said == ["somebody cannot go on and is left alone; the others do."]


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    lock = processes.hold(tmp_path, "portal")
    with pytest.raises(SettingsFault, match=f"already runs on .* \\(process {os.getpid()}\\)"):
        processes.hold(tmp_path, "portal")
    os.close(processes.hold(tmp_path, "gossip"))
    os.close(lock)
    os.close(processes.hold(tmp_path, "portal"))


def test_a_lock_that_cannot_be_made_is_a_store_fault(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match=r"portal\.lock cannot be made"):
        processes.hold(tmp_path / "nowhere", "portal")


def test_a_full_card_keeps_no_node_from_starting(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    os.close(processes.hold(tmp_path, "run"))


def test_a_lock_left_by_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    held = f"from pathlib import Path; from appliance import processes; processes.hold(Path({str(tmp_path)!r}), 'run')"
    with subprocess.Popen([PYTHON, "-c", f"{held}; print(flush=True); input()"], stdout=-1, stdin=-1) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(SettingsFault):
            processes.hold(tmp_path, "run")
        holder.kill()
    os.close(processes.hold(tmp_path, "run"))


def test_a_port_in_use_is_told_with_the_remedy() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(SettingsFault, match=r"Address already in use\. End that program, or move\.$"),
    ):
        processes.refuse_port_in_use("127.0.0.1", other.getsockname()[1], "move")
    with pytest.raises(SettingsFault, match=r"port 80 of 192\.0\.2\.1: Cannot assign"):
        processes.refuse_port_in_use("192.0.2.1", 80, "move")


# --- the real node


@pytest.fixture
def running(elm: Path, free_port: int) -> Iterator[subprocess.Popen[str]]:
    """A node that runs and answers."""
    node = start("run", data=elm)
    assert node.stdout
    try:
        until(lambda: is_well(free_port), "the pages")
        yield node
    finally:
        node.terminate()
        node.wait(30)
        node.stdout.close()


@pytest.mark.real
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_node_ends_cleanly(running: subprocess.Popen[str], elm: Path, number: signal.Signals) -> None:
    assert len(about(elm)) == 3
    running.send_signal(number)
    assert running.wait(30) == 0
    assert running.stdout
    assert "Traceback" not in running.stdout.read()
    assert about(elm) == set()


@pytest.mark.real
def test_no_child_outlives_a_killed_parent(running: subprocess.Popen[str], elm: Path) -> None:
    running.kill()
    running.wait()
    until(lambda: about(elm) == set(), "the children to follow", within_s=5)


@pytest.mark.real
def test_a_second_run_on_the_same_data_is_refused(running: subprocess.Popen[str], elm: Path) -> None:
    assert f"(process {running.pid})" in refused("run", data=elm, code=2)
    assert "gossip" in refused("gossip", data=elm, code=2)
    assert "portal" in refused("portal", data=elm, code=2)
    assert running.poll() is None


@pytest.mark.real
def test_a_port_in_use_is_refused_before_anything_starts(elm: Path, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        for word in ("run", "portal"):
            assert f"change portal.port in {elm / 'node.yaml'}" in refused(word, data=elm, code=2)


@pytest.mark.real
@pytest.mark.parametrize("part", ["webui", "gossip"])
def test_a_killed_process_is_back_soon(running: subprocess.Popen[str], elm: Path, free_port: int, part: str) -> None:
    (victim,) = processes_of(elm, part)
    os.kill(victim, signal.SIGKILL)
    until(lambda: processes_of(elm, part) - {victim}, "another process", within_s=15)
    until(lambda: is_well(free_port), "the pages")
    assert running.poll() is None


def processes_of(data: Path, part: str) -> set[int]:
    return {number for number in about(data) if part.encode() in Path(f"/proc/{number}/cmdline").read_bytes()}


@pytest.mark.real
def test_a_damaged_store_ends_the_run_with_its_sentence(elm: Path) -> None:
    for file in elm.glob("hedgerow.db*"):
        file.unlink()
    (elm / "hedgerow.db").write_bytes(b"no database at all" * 1000)
    node = start("run", data=elm)
    assert node.stdout
    assert node.wait(30) == 3
    assert "is not a database of Hedgerow" in node.stdout.read()
    node.stdout.close()
    assert about(elm) == set()


@pytest.mark.real
def test_the_processes_run_apart_as_a_service_starts_them(elm: Path, free_port: int) -> None:
    parts = [start(part, data=elm) for part in ("portal", "gossip")]
    until(lambda: is_well(free_port), "the pages")
    time.sleep(0.5)
    for part in parts:
        part.terminate()
        assert part.stdout
        assert part.wait(30) == 0
        assert part.stdout.read() == ""
        part.stdout.close()
