"""The neighbourhood of `hedgerow demo`, as `make run` starts it."""

from __future__ import annotations

import signal
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Self

from tests.ports import free_ports
from tests.street.node import DIE_WITH_US, DOWN_WITHIN_S, PROGRAM, Node, processes_of
from tests.street.waiting import wait_until

NODES = 3
GREETING = "Demo Street is up"


class Demo:
    """Three nodes in `directory`, with whatever else is asked of the command."""

    def __init__(self, directory: Path, *words: str) -> None:
        self.directory = directory
        self._log = directory.with_name(f"{directory.name}.log")
        self._words = words
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        port = str(free_ports(NODES))
        command = [
            PROGRAM,
            "demo",
            "--data",
            str(self.directory),
            "--nodes",
            str(NODES),
            "--port",
            port,
            *DIE_WITH_US,
            *self._words,
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            wait_until("the demo greets", lambda: self._has_ended or GREETING in self.said(), 120, self.said)
            assert not self._has_ended, self.said()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @cached_property
    def nodes(self) -> list[Node]:
        return [Node(self.directory / str(number + 1)) for number in range(NODES)]

    @property
    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def said(self) -> str:
        """Return what the terminal shows."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def end(self) -> None:
        """Press Ctrl-C, and see that it leaves nothing behind. A second time it does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(DOWN_WITHIN_S)
        finally:
            process.kill()
            process.wait()
        places = [self.directory, *(self.directory / str(number + 1) for number in range(NODES))]
        wait_until("nothing of the demo is left", lambda: not any(map(processes_of, places)), DOWN_WITHIN_S)
