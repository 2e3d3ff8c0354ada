"""Turns of workers that run tests side by side: a test that measures has the machine to itself.

A lock that many may share or one may have alone, by flock(2) on two files. The second is a turnstile: whoever waits to be
alone stands in it, so that nobody new comes in before.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """Turns among all who were given the same directory."""

    def __init__(self, directory: Path) -> None:
        self._room = directory / "room.lock"
        self._turnstile = directory / "turnstile.lock"

    @contextmanager
    def turn(self, *, alone: bool) -> Iterator[None]:
        """Wait for a turn, and have it."""
        with (
            _held(self._turnstile, fcntl.LOCK_EX) as turnstile,
            _held(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH),
        ):
            fcntl.flock(turnstile, fcntl.LOCK_UN)
            yield


@contextmanager
def _held(path: Path, how: int) -> Iterator[int]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, how)
        yield lock
    finally:
        os.close(lock)
