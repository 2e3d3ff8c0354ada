"""Ports of 127.0.0.1 for what a test starts, and may start again."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from functools import cache
from pathlib import Path
from random import randrange
from typing import IO, Final

_ours: Final[set[int]] = set()


def free_ports(count: int) -> int:
    """Return the first of so many ports in a row on which nobody listened a moment ago.

    They lie below those that the system gives to outgoing connections: one of these must not stand in the way of a node
    that is started again (ip(7), ip_local_port_range). No other test gets them, in this process or in another that runs
    beside it, until this process ends.
    """
    while True:
        first = randrange(10_000, 32_000)
        if all(is_free(port) and _claim(port) for port in range(first, first + count)):
            return first


def is_free(port: int) -> bool:
    """Whether a port of 127.0.0.1 can be had now."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _claim(port: int) -> bool:
    """Take the byte of this number in a file that all test processes share: the lock goes when the process does."""
    if port in _ours:
        return False
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _ours.add(port)
    return True


@cache
def _claims() -> IO[bytes]:
    return Path(tempfile.gettempdir(), f"hedgerow-test-ports-{os.getuid()}").open("ab")
