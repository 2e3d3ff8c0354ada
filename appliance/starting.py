"""How a process of a service begins: the service manager is asked for patience first, and then all else is read in.

Nobody may wait minutes for a start that hangs, and nobody may end one that works: on a small board the modules alone take
seconds, and a store that is brought into a new form takes minutes. What tells the two apart is whether the main thread gets on:
it uses the processor, or it waits for the card. While it does, more time is asked for (sd_notify(3)); when it does neither for as
long as the manager lets the service be silent later (WatchdogSec), the process says where it stood and ends, to be started anew.
The manager's own patience (TimeoutStartSec) is for what lies before: a small board may need half a minute until Python runs.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from appliance import service

LOOK_EVERY_S: Final = 1.5
# Who waits for a lock or a line wakes now and then, and needs less than this between two looks.
WORKS_FROM_S: Final = 0.01
START_MAX_S: Final = 3600.0  # one that turns in circles works too; a store of a million records is made anew in less


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread of this process, seen from another."""

    clock: int
    status: Path

    @classmethod
    def current(cls) -> Thread:
        """Return the thread that asks."""
        clock = time.pthread_getcpuclockid(threading.get_ident())
        return cls(clock, Path(f"/proc/self/task/{threading.get_native_id()}/stat"))

    def worked_s(self) -> float:
        """Return how many seconds of the processor it has had."""
        return time.clock_gettime(self.clock)

    def waits_for_the_card(self) -> bool:
        """Whether it sleeps without being disturbed, as one does that waits for a disk (state D, proc_pid_stat(5))."""
        try:
            return self.status.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] == "D"
        except OSError:
            return False


class Start:
    """The signs of life of a process that is not ready yet. `end` is called when it has shown none for `patience_s`."""

    def __init__(
        self,
        main: Thread,
        patience_s: float,
        say: service.Say,
        end: Callable[[], None],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._main, self._patience_s = main, patience_s
        self._say, self._end, self._ticks = say, end, ticks
        self._worked_s = main.worked_s()
        self._until_s = ticks() + START_MAX_S
        self._ask()

    def _ask(self) -> None:
        self._alive_s = self._ticks()
        self._say(f"EXTEND_TIMEOUT_USEC={round(self._patience_s * service.MICROSECONDS)}")

    def look(self) -> None:
        """Ask for more time if the thread got on since the last look, which was `LOOK_EVERY_S` ago; else end, if it is time."""
        before, self._worked_s = self._worked_s, self._main.worked_s()
        gets_on = self._worked_s - before >= WORKS_FROM_S or self._main.waits_for_the_card()
        if gets_on and self._ticks() < self._until_s:
            self._ask()
        elif self._ticks() - self._alive_s >= self._patience_s:
            self._end()


def ask_for_patience() -> None:
    """From the main thread: ask the manager for patience, if it watches, until this process has said that it is ready."""
    patience_s = service.patience_s()
    if service.is_watched() and patience_s:
        start = Start(Thread.current(), patience_s, service.tell, _end)
        threading.Thread(target=_look, args=(start,), name="starting", daemon=True).start()


def _look(start: Start) -> None:
    while not service.ready.wait(LOOK_EVERY_S):
        start.look()


def _end() -> None:
    """Nothing is lost by it: what was confirmed is on the card, and a start has confirmed nothing."""
    logging.getLogger(__name__).critical("This start hangs, so it is tried anew. It stood here:")
    faulthandler.dump_traceback()
    os.kill(os.getpid(), signal.SIGKILL)


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
