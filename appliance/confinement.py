"""Work on what strangers made, done in a process of its own: little memory, little time, no network, no other program.

    with confinement.room(settings.rooms) as room:
        facts = confinement.run("appliance.intake.job", {"file": str(path)}, room, LIMITS, reads=[path])

A job is a module whose last lines are `if __name__ == "__main__": confinement.serve(work)`. `work` takes the request and
returns the answer, both plain JSON; whatever is large it writes into its working directory, the room. It may raise `Refused`.
One job runs at a time in all processes of a node, so that memory stays bounded.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from appliance.card import left_by_the_dead
from appliance.errors import Failure, JobFailed, Refused, StoreFault
from appliance.walls import die_with_parent, raised

MIB: Final = 1 << 20
REQUEST_MAX: Final = 64 * 1024
FILES_MAX: Final = 64  # open at the same time
LOOK_S: Final = 1.0  # how often it is looked at how much a job has written, and whether its turn has come
NEW: Final = "room-"
OUT_OF_MEMORY: Final = 77  # exit code of a job that noticed it
FAILURES: Final = {-signal.SIGXCPU: Failure.TOOK_TOO_LONG, OUT_OF_MEMORY: Failure.TOO_MUCH_MEMORY}

LOG: Final = logging.getLogger("hedgerow.confinement")
Answer = dict[str, Any]
Work = Callable[[Answer], Answer]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may cost. `memory_bytes` is address space: about 55 MiB of it are Python, Pillow and pypdf themselves."""

    memory_bytes: int = 224 * MIB
    cpu_s: int = 20
    wall_s: float = 40.0
    file_bytes: int = 96 * MIB  # of one file it writes
    room_bytes: int = 160 * MIB  # of all files in its room
    answer_bytes: int = 64 * 1024
    patience_s: float = 20.0  # how long it waits for the job before it


class Spent(NamedTuple):
    """What a job cost: seconds by the clock, seconds of computing, bytes of memory at its peak (0: it could not tell)."""

    wall_s: float
    cpu_s: float
    memory_bytes: int


# the side that asks


@contextmanager
def room(directory: Path) -> Iterator[Path]:
    """Yield a fresh directory in `directory`, gone afterwards with all that is in it. Raises `StoreFault`."""
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        for left in left_by_the_dead(directory, NEW):
            shutil.rmtree(left, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{NEW}{os.getpid()}-", dir=directory))
    except OSError as fault:
        raise StoreFault(f"{directory} cannot be used: {fault.strerror}. Check the card and who owns it.") from fault
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def run(job: str, request: Answer, room: Path, limits: Limits, reads: Sequence[Path] = ()) -> Answer:
    """Have module `job` answer `request`. Beside its own code it may read only `reads` and `room`. Raises `JobFailed`."""
    envelope = {"limits": asdict(limits), "reads": [str(path) for path in reads], "request": request}
    asked = json.dumps(envelope, ensure_ascii=False).encode()
    assert len(asked) <= REQUEST_MAX, "a request names files, it does not hold them"
    with (
        _turn(room.parent / "turn.lock", limits.patience_s),
        tempfile.TemporaryFile(dir=room) as question,
        tempfile.TemporaryFile(dir=room) as answer,
        tempfile.TemporaryFile(dir=room) as complaint,
    ):
        question.write(asked)
        question.seek(0)
        began = time.monotonic()
        code, usage = _watched(_start(job, room, question, answer, complaint), room, limits)
        whole = _read(answer, limits.answer_bytes) if code == 0 else {}
        spent = Spent(time.monotonic() - began, usage.ru_utime + usage.ru_stime, _whole_number(whole.get("memory")))
        LOG.debug("%s ended with %s", job, code, extra={"spent": spent})
        return _answer(code, whole, complaint)


def _start(job: str, room: Path, *ends: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a job in a session of its own. Its code is found where ours is, never in the room (-P)."""
    house = str(Path(__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, "-P", "-B", "-m", job],
        cwd=room,
        env={"PYTHONPATH": house, "TMPDIR": str(room), "LANG": "C.UTF-8", "HEDGEROW_PARENT": str(os.getpid())},
        stdin=ends[0],
        stdout=ends[1],
        stderr=ends[2],
        start_new_session=True,
    )


def _watched(
    process: subprocess.Popen[bytes], room: Path, limits: Limits
) -> tuple[int | Failure, resource.struct_rusage]:
    """Wait for a job, and kill it when it takes too long or writes too much. Whatever happens, its group is gone then."""
    until = time.monotonic() + limits.wall_s
    end = os.pidfd_open(process.pid)
    try:
        while not _has_ended(end, until):
            if excess := _excess(room, limits, until):
                return excess, _killed(process)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, usage
    finally:
        os.close(end)
        if process.returncode is None:
            _killed(process)


def _has_ended(end: int, until: float) -> bool:
    """Wait for the end of a process, at most as long as nobody looks at what it writes (pidfd_open(2))."""
    wait_s = max(0.0, min(LOOK_S, until - time.monotonic()))
    ended = select.poll()
    ended.register(end, select.POLLIN)
    return bool(ended.poll(wait_s * 1000))


def _killed(process: subprocess.Popen[bytes]) -> resource.struct_rusage:
    os.killpg(process.pid, signal.SIGKILL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = -signal.SIGKILL
    return usage


def _excess(room: Path, limits: Limits, until: float) -> Failure | None:
    if time.monotonic() > until:
        return Failure.TOOK_TOO_LONG
    written = sum(entry.stat(follow_symlinks=False).st_size for entry in _entries(room))
    return Failure.WROTE_TOO_MUCH if written > limits.room_bytes else None


def _entries(room: Path) -> list[os.DirEntry[str]]:
    with os.scandir(room) as entries:
        return [entry for entry in entries if entry.is_file(follow_symlinks=False)]


def _answer(code: int | Failure, whole: Answer, complaint: IO[bytes]) -> Answer:
    if isinstance(code, Failure):
        raise JobFailed(code)
    if code != 0:
        raise JobFailed(FAILURES.get(code, Failure.CRASHED), detail=f"exit {code}: {_last_line(complaint)}")
    match whole:
        case {"refused": str(sentence), "details": dict(details)}:
            raise JobFailed(Failure.REFUSED, sentence, details)
        case {"answer": dict(facts)}:
            return facts
    raise JobFailed(Failure.CRASHED, detail="the answer makes no sense")


def _read(answer: IO[bytes], size_max: int) -> Answer:
    """Read what a job says. It may have been taken over by what it read, so nothing of it is believed."""
    answer.seek(0)
    said = answer.read(size_max + 1)
    try:
        whole = json.loads(said) if len(said) <= size_max else None
    except (ValueError, RecursionError):
        whole = None
    return whole if isinstance(whole, dict) else {}


def _whole_number(said: object) -> int:
    return said if type(said) is int and said >= 0 else 0


def _last_line(complaint: IO[bytes]) -> str:
    complaint.seek(max(0, complaint.seek(0, os.SEEK_END) - 300))
    return complaint.read(300).decode("utf-8", "replace").strip().rpartition("\n")[2]


@contextmanager
def _turn(file: Path, patience_s: float) -> Iterator[None]:
    """Wait for the one place that a node has for such work."""
    until = time.monotonic() + patience_s
    lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as fault:
                if time.monotonic() > until:
                    raise JobFailed(Failure.BUSY) from fault
                time.sleep(LOOK_S)
        yield
    finally:
        os.close(lock)


# the side that works


def serve(work: Work) -> None:
    """Answer the one request on standard input, behind the walls. What `work` does not foresee ends in a traceback."""
    asked = json.loads(sys.stdin.buffer.read(REQUEST_MAX))
    enter(Limits(**asked["limits"]), [Path(path) for path in asked["reads"]])
    try:
        said: Answer = {"answer": work(asked["request"])}
    except Refused as refusal:
        said = {"refused": refusal.verdict.name, "details": refusal.details}
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    sys.stdout.buffer.write(json.dumps(said | {"memory": _peak()}, ensure_ascii=False).encode())
    sys.stdout.buffer.flush()


def _peak() -> int:
    """Return how much memory this process held at most. What getrusage(2) tells begins with the process before exec."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else 0


def enter(limits: Limits, reads: Sequence[Path] = ()) -> tuple[str, ...]:
    """Shut this process in for good; return the names of the walls that stand."""
    die_with_parent(int(os.environ["HEDGEROW_PARENT"]))
    for which, soft, hard in (
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1),
        (resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (resource.RLIMIT_NOFILE, FILES_MAX, FILES_MAX),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(which, (soft, hard))
    return ("limits", *raised(reads, Path.cwd()))
