"""The walls around a job hold, one by one; what is tried behind them is tried by a real process."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from appliance import confinement
from appliance.confinement import Limits
from appliance.errors import Failure, JobFailed

JOB = "tests.appliance.misdeeds"
LIMITS = Limits(cpu_s=2, wall_s=10, file_bytes=1 << 20, room_bytes=4 << 20, patience_s=0.3)


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Path]:
    """Where rooms are made. After the test none is left, in it or where temporary files usually go, and no process."""
    elsewhere = set(Path(tempfile.gettempdir()).iterdir())
    others = set(jobs())
    directory = tmp_path / "rooms"
    yield directory
    assert [path.name for path in directory.glob("*")] in ([], ["turn.lock"])
    assert not {
        name for name in set(Path(tempfile.gettempdir()).iterdir()) - elsewhere if name.name.startswith("room-")
    }
    assert set(jobs()) <= others


def jobs() -> list[str]:
    """The processes that this one started and that are not gone, zombies too."""
    threads = Path("/proc/self/task").iterdir()
    return [child for thread in threads for child in (thread / "children").read_text().split()]


def do(rooms: Path, deed: str, limits: Limits = LIMITS, **request: Any) -> dict[str, Any]:
    with confinement.room(rooms) as room:
        reads = [Path(path) for path in request.pop("reads", [])]
        return confinement.run(JOB, {"deed": deed, **request}, room, limits, reads)


def fails(rooms: Path, deed: str, limits: Limits = LIMITS) -> JobFailed:
    with pytest.raises(JobFailed) as failure:
        do(rooms, deed, limits)
    return failure.value


def test_a_job_answers_from_its_room(rooms: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "hedgerow.confinement"):
        said = do(rooms, "echo", words="面包")
    assert said["request"] == {"deed": "echo", "words": "面包"}
    assert said["place"] == said["temporary"]
    assert Path(said["place"]).parent == rooms
    assert said["place"] not in said["path"]
    spent = caplog.records[-1].__dict__["spent"]
    print(f"an empty job: {spent.wall_s:.2f} s, {spent.memory_bytes / 1e6:.0f} MB")
    assert 10e6 < spent.memory_bytes < 60e6


def test_all_walls_stand(rooms: Path) -> None:
    with confinement.room(rooms) as room:
        program = "from appliance import confinement; print(*confinement.enter(confinement.Limits()))"
        environment = os.environ | {"HEDGEROW_PARENT": str(os.getpid())}
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=room, env=environment, capture_output=True, text=True, check=True
        )
    print(done.stdout)
    assert {"limits", "privileges", "calls"} <= set(done.stdout.split())


def test_a_refusal_comes_back_with_its_sentence(rooms: Path) -> None:
    failure = fails(rooms, "refuse")
    assert (failure.reason, failure.sentence, failure.details) == (Failure.REFUSED, "FILE_TOO_LARGE", {"limit": 7})


@pytest.mark.parametrize(
    ("deed", "limits", "reason"),
    [
        ("take_memory", LIMITS, Failure.TOO_MUCH_MEMORY),
        ("compute", replace(LIMITS, cpu_s=1), Failure.TOOK_TOO_LONG),
        ("sleep", replace(LIMITS, wall_s=1), Failure.TOOK_TOO_LONG),
        ("write_many", LIMITS, Failure.WROTE_TOO_MUCH),
        ("talk", LIMITS, Failure.CRASHED),
        ("babble", LIMITS, Failure.CRASHED),
        ("surprise", LIMITS, Failure.CRASHED),
        ("break_down", LIMITS, Failure.CRASHED),
    ],
)
def test_what_goes_too_far_is_ended(rooms: Path, deed: str, limits: Limits, reason: Failure) -> None:
    began = time.monotonic()
    failure = fails(rooms, deed, limits)
    print(f"{deed}: {failure} after {time.monotonic() - began:.1f} s")
    assert failure.reason is reason
    assert time.monotonic() - began < LIMITS.wall_s


def test_a_surprise_is_told_to_whoever_looks_for_it(rooms: Path) -> None:
    assert "ZeroDivisionError: nobody expected this" in str(fails(rooms, "surprise"))


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("reach_out", "Operation not permitted"),
        ("start", "Operation not permitted"),
        ("become", "Operation not permitted"),
        ("fork", "Operation not permitted"),
        ("signal_parent", "Operation not permitted"),
        ("make_link", "Operation not permitted"),
        ("write_long", "File too large"),
    ],
)
def test_what_is_forbidden_fails(rooms: Path, deed: str, said: str) -> None:
    assert do(rooms, deed) == {"said": said}


def test_no_name_is_looked_up(rooms: Path) -> None:
    assert do(rooms, "resolve")["said"] != "done"


def test_only_what_was_named_can_be_read_and_nothing_outside_the_room_written(rooms: Path, tmp_path: Path) -> None:
    key, file = tmp_path / "node.key", tmp_path / "zine.pdf"
    for path in (key, file):
        path.write_bytes(b"%PDF")
    assert do(rooms, "read", file=str(file), reads=[file]) == {"said": "done"}
    assert do(rooms, "read", file=str(key), reads=[file]) == {"said": "Permission denied"}
    assert do(rooms, "write", file=str(file), reads=[file]) == {"said": "Permission denied"}
    assert do(rooms, "write", file="zine.clean") == {"said": "done"}


def test_one_job_at_a_time(rooms: Path) -> None:
    ended = Event()

    def hold() -> None:
        fails(rooms, "sleep", replace(LIMITS, wall_s=2))
        ended.set()

    others = set(jobs())  # a browser's driver, say, that an earlier test of this process left open
    first = Thread(target=hold)
    first.start()
    while set(jobs()) <= others:
        time.sleep(0.02)
    assert fails(rooms, "echo").reason is Failure.BUSY
    assert do(rooms, "echo", replace(LIMITS, patience_s=10))["request"] == {"deed": "echo"}
    assert ended.wait(5)
    first.join()


def test_a_room_of_the_dead_is_swept_away(rooms: Path) -> None:
    left = rooms / "room-4194305-x"  # more than the highest process id
    left.mkdir(parents=True)
    (left / "file").write_bytes(b"x")
    do(rooms, "echo")
    assert not left.exists()


def test_a_job_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import json, sys; from pathlib import Path; from appliance import confinement; from appliance.confinement import *\n"
        "with confinement.room(Path(sys.argv[1])) as room:\n"
        f"    confinement.run({JOB!r}, {json.dumps({'deed': 'sleep'})}, room, Limits())"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "rooms")])
    children = Path("/proc", str(starter.pid), "task", str(starter.pid), "children")
    while not (found := children.read_text().split()) and starter.poll() is None:
        time.sleep(0.02)
    time.sleep(0.5)
    starter.kill()
    starter.wait()
    until = time.monotonic() + 5
    while Path("/proc", found[0]).exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path("/proc", found[0]).exists()
