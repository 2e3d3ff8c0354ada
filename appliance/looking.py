"""What the daemon does beside the gossip, one thing after the other and never in its way: it looks into files that came from
other nodes, and does what a young node has left to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Thread
from typing import Final

from appliance.errors import StoreFault
from appliance.moving_in import MovingIn
from appliance.node import Node
from appliance.store.database import Version

EVERY_S: Final = 5.0  # between two looks at whether there is something to look into
END_S: Final = 5.0

LOG: Final = logging.getLogger("hedgerow.looking")


class Looker:
    """Looks into one file at a time, in a thread of its own; what reads the file is yet another process."""

    def __init__(self, node: Node, ticks: Callable[[], float] = time.monotonic) -> None:
        self._node = node
        self._ticks = ticks
        self._due = ticks()
        self._thread: Thread | None = None
        self._moving_in = MovingIn(node)
        self._idle_at: Version | None = None  # how the store was when there was nothing to look into

    def tend(self) -> None:
        """Begin to look into the next file, where it is time and nobody looks."""
        if self._ticks() < self._due or (self._thread and self._thread.is_alive()):
            return
        self._due = self._ticks() + EVERY_S
        version = self._node.database.version()
        if version != self._idle_at:
            self._thread = Thread(target=self._look, args=(version,), name="looking", daemon=True)
            self._thread.start()

    def _look(self, version: Version) -> None:
        try:
            while self._node.look_into_next():
                pass
            self._moving_in.tend()
            if self._moving_in.is_over:
                self._idle_at = version
        except StoreFault as fault:
            LOG.warning("A file could not be looked into: %s", fault)
        finally:
            self._node.close()  # this thread's connection

    def end(self) -> None:
        """Wait a moment for the look that is going on. One that takes longer ends with this process."""
        if self._thread:
            self._thread.join(END_S)
