"""The walls that Linux builds around a process that reads what strangers made. Each can only be entered, never left.

What a machine does not offer is left out and said: `raised` names the walls that stand. Numbers are from Linux's
uapi headers (seccomp(2), landlock(7), unshare(2), prctl(2)).
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from errno import EPERM
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_SECCOMP: Final = 22
PR_SET_NO_NEW_PRIVS: Final = 38
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000

# Sockets, programs, processes, other processes' memory and signals, mounts, and the doors that go round a filter. A thread
# is a process too: none is needed here. Links are refused because whoever takes the results must not be led elsewhere.
FORBIDDEN: Final = {
    "x86_64": (
        0xC000003E,
        (
            *(
                41,
                42,
                43,
                44,
                46,
                49,
                50,
                53,
                288,
                307,
            ),  # socket, connect, accept, sendto, … socketpair, accept4, sendmmsg
            *(56, 57, 58, 435, 59, 322),  # clone, fork, vfork, clone3, execve, execveat
            *(62, 200, 234, 129, 297, 424, 434, 438),  # kill, tkill, tgkill, …sigqueueinfo, pidfd_…
            *(101, 310, 311, 298, 321, 323, 425, 426, 427),  # ptrace, process_vm_…, perf, bpf, userfaultfd, io_uring_…
            *(
                165,
                166,
                155,
                161,
                272,
                308,
                428,
                429,
                430,
                442,
            ),  # mount, …, pivot_root, chroot, unshare, setns, open_tree, …
            *(86, 88, 265, 266, 160, 302, 248, 249, 250),  # link, symlink, …at, setrlimit, prlimit64, add_key, …
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(198, 203, 202, 206, 211, 200, 201, 199, 242, 269),
            *(220, 435, 221, 281),
            *(129, 130, 131, 138, 240, 424, 434, 438),
            *(117, 270, 271, 241, 280, 282, 425, 426, 427),
            *(40, 39, 41, 51, 97, 268, 428, 429, 430, 442),
            *(37, 36, 164, 261, 217, 218, 219),
        ),
    ),
}
FOREIGN_CALLS: Final = 0x40000000  # x86_64 numbers from here on are another calling convention (x32)
ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050000 | EPERM
KILL: Final = 0x80000000
LOAD, IF_EQUAL, IF_FROM, RETURN = 0x20, 0x15, 0x35, 0x06

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_ENTER = 444, 445, 446
VERSION: Final = 1  # as a flag: tell which version there is
READ_FILE, READ_DIR, WRITE_FILE = 1 << 2, 1 << 3, 1 << 1
WORK: Final = READ_FILE | READ_DIR | WRITE_FILE | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14  # remove, make, truncate
RIGHTS: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
LIBRARIES: Final = ("/usr", "/lib", "/lib64", "/etc/fonts", "/dev/null", "/dev/urandom", "/proc/self")


def raised(reads: Sequence[Path], room: Path) -> tuple[str, ...]:
    """Raise all walls there are around this process; return their names.

    It may read `reads` and the programs' own files, and write in `room`; nothing else where `files` is among the names.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, PR_SET_NO_NEW_PRIVS, 1)
    walls = {
        "alone": libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0,
        "files": _only_these_files(libc, reads, room),
        "calls": _only_harmless_calls(libc),
    }
    return ("privileges", *(name for name, stands in walls.items() if stands))


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent` ends; end now if it already has."""
    _prctl(ctypes.CDLL(None, use_errno=True), PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        sys.exit(0)


def _prctl(libc: ctypes.CDLL, what: int, *values: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if libc.prctl(what, *padded) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {what}")


# which calls


def _only_harmless_calls(libc: ctypes.CDLL) -> bool:
    known = FORBIDDEN.get(platform.machine())
    if known is None:
        return False
    code = b"".join(struct.pack("=HBBI", *step) for step in _filter(*known))
    kept = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(kept)))
    result: int = libc.prctl(
        PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.byref(program), ctypes.c_ulong(0), ctypes.c_ulong(0)
    )
    return result == 0


def _filter(architecture: int, forbidden: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield a program of classic BPF: another architecture is killed, a forbidden call fails, all else is let through."""
    yield LOAD, 0, 0, 4
    yield IF_EQUAL, 1, 0, architecture
    yield RETURN, 0, 0, KILL
    yield LOAD, 0, 0, 0
    yield IF_FROM, len(forbidden) + 1, 0, FOREIGN_CALLS
    for place, number in enumerate(forbidden):
        yield IF_EQUAL, len(forbidden) - place, 0, number
    yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, REFUSE


# which files


def _only_these_files(libc: ctypes.CDLL, reads: Sequence[Path], room: Path) -> bool:
    version = libc.syscall(LANDLOCK_CREATE, None, 0, VERSION)
    if version < 1:
        return False
    handled = RIGHTS[min(version, max(RIGHTS))]
    rules = struct.pack("=QQQ", handled, 3, 3)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = libc.syscall(LANDLOCK_CREATE, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    try:
        for path in (*map(Path, LIBRARIES), *_programs(), *reads):
            _allow(libc, ruleset, path, READ_FILE | READ_DIR)
        _allow(libc, ruleset, room, WORK & handled)
        return bool(libc.syscall(LANDLOCK_ENTER, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _programs() -> Iterator[Path]:
    """Where code lies. Not all of `sys.path`: beside a checkout's code may lie a node's key."""
    yield from (Path(sys.prefix), Path(sys.base_prefix))
    yield from (path for path in map(Path, sys.path) if path.name in {"site-packages", "dist-packages"})
    house = Path(__file__).parent.parent
    yield from (house / package for package in ("appliance", "mesh", "webui"))


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        granted = rights if path.is_dir() else rights & (READ_FILE | WRITE_FILE)
        if libc.syscall(LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", granted, place), 0) != 0:
            raise OSError(ctypes.get_errno(), f"landlock on {path}")
    finally:
        os.close(place)
