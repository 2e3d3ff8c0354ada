"""How a process of a service begins: the service manager is asked for patience first, and then all else is read in.

Nobody may wait minutes for a start that hangs, and nobody may end one that works: on a small board the modules alone take
seconds, and a store that is brought into a new form takes minutes. What tells the two apart is the processor's time that the
main thread gets. So the manager's own patience is short, and more is asked for as long as work is done (sd_notify(3)).
"""

from __future__ import annotations

import runpy
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Final

from appliance import service

PATIENCE_S: Final = 6  # as long as a portal that runs may be silent (hedgerow-portal.service)
LOOK_EVERY_S: Final = 1.5
WORKS_FROM_S: Final = (
    0.01  # who waits for a lock or a line wakes now and then, and needs less than this between two looks
)
START_MAX_S: Final = 3600.0  # one that turns in circles works too; a store of a million records is made anew in less
ASK: Final = f"EXTEND_TIMEOUT_USEC={PATIENCE_S * service.MICROSECONDS}"


class Start:
    """The signs of life of a process that is not ready yet. `worked_s` tells how much of the processor it has had."""

    def __init__(
        self, worked_s: Callable[[], float], say: service.Say, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._worked_s, self._say, self._ticks = worked_s, say, ticks
        self._seen_s = worked_s()
        self._until_s = ticks() + START_MAX_S
        say(ASK)

    def look(self) -> None:
        """Ask for more time if work was done since the last look, which was `LOOK_EVERY_S` ago."""
        worked_s = self._worked_s()
        if worked_s - self._seen_s >= WORKS_FROM_S and self._ticks() < self._until_s:
            self._say(ASK)
        self._seen_s = worked_s


def ask_for_patience() -> None:
    """From the main thread: ask the manager for patience, if there is one, until this process has said that it is ready."""
    if service.is_watched():
        clock = time.pthread_getcpuclockid(threading.get_ident())
        start = Start(lambda: time.clock_gettime(clock), service.tell)
        threading.Thread(target=_look, args=(start,), name="starting", daemon=True).start()


def _look(start: Start) -> None:
    while not service.ready.wait(LOOK_EVERY_S):
        start.look()


def hedgerow() -> None:
    """The `hedgerow` command."""
    ask_for_patience()
    import_module("appliance.cli").main()


def main() -> None:
    """`python -m appliance.starting PACKAGE WORDS`: what `python -m PACKAGE WORDS` does."""
    ask_for_patience()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
