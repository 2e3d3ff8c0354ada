"""A serial line to a stand-in: a pseudo-terminal whose other end is joined to the device's TCP port."""

from __future__ import annotations

import os
import socket
import tty
from contextlib import suppress
from pathlib import Path
from select import select
from threading import Thread
from typing import Self


class SerialLine:
    """A line under the name `path`, plugged in while the `with` block lasts; `unplug` and `plug` in between."""

    def __init__(self, path: Path, place: str) -> None:
        self.path = path
        host, _, port = place.rpartition(":")
        self._place = (host, int(port))
        self._ends: tuple[int, int] | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def plug(self) -> None:
        """Make the device appear."""
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        self._ends = ours, theirs
        self._thread = Thread(target=self._pump, args=(ours, socket.create_connection(self._place, 5)), daemon=True)
        self._thread.start()
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(theirs))

    def unplug(self) -> None:
        """Take the device away; whoever holds it open reads an error."""
        ends, self._ends = self._ends, None
        if ends is not None and self._thread is not None:
            self.path.unlink(missing_ok=True)
            self._thread.join()
            for end in ends:
                os.close(end)

    def _pump(self, ours: int, device: socket.socket) -> None:
        with suppress(OSError, ValueError), device:
            while self._ends is not None:
                readable, _, _ = select([ours, device.fileno()], [], [], 0.1)
                if ours in readable:
                    device.sendall(os.read(ours, 4096))
                if device.fileno() in readable:
                    raw = device.recv(4096)
                    if not raw:
                        return
                    os.write(ours, raw)
