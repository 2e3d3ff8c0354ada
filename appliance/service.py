"""What a process tells the service manager that watches over it: that it is ready, and that it still lives (sd_notify(3)).

A few lines of our own: Debian's python3-systemd is bound to a C library that every developer's machine would have to bring
along. Where no manager asked to be told, nothing is said.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

BEATS_MIN: Final = 3  # so many times within the manager's patience
MICROSECONDS: Final = 1_000_000

Say = Callable[[str], None]

ready: Final = threading.Event()  # this process has told that it is ready


def is_watched() -> bool:
    """Whether a service manager wants to hear of this process."""
    return os.environ.get("NOTIFY_SOCKET", "")[:1] in {"/", "@"}


def tell(words: str) -> None:
    """Send `words` to the service manager, if there is one. One that does not listen is no reason to end."""
    if not is_watched():
        return
    place = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.setblocking(False)
        try:
            line.sendto(words.encode(), f"\0{place[1:]}" if place.startswith("@") else place)
        except OSError:
            return


def patience_s() -> float:
    """Return after how many seconds without a sign of life the manager starts this process anew; 0 if it never does."""
    asked, whom = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not asked.isdecimal() or (whom and whom != str(os.getpid())):
        return 0.0
    return int(asked) / MICROSECONDS


class Pulse:
    """The signs of life of one process. `beat` may be called often; it tells the manager no more than it must."""

    def __init__(self, say: Say = tell, ticks: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._ticks = ticks
        self._every_s = patience_s() / BEATS_MIN
        self._due_s: float | None = None  # None before the first beat, which says that the process is ready

    @property
    def is_due(self) -> bool:
        """Whether the manager should hear of us now."""
        return self._due_s is None or bool(self._every_s and self._ticks() >= self._due_s)

    def beat(self) -> None:
        """Say that all is well. Raises nothing."""
        if not self.is_due:
            return
        self._say("WATCHDOG=1" if self._due_s is not None else "READY=1\nWATCHDOG=1")
        ready.set()
        self._due_s = self._ticks() + self._every_s
