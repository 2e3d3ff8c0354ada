"""The process that owns a radio, as its daemon sees it: started, told what is wished, killed and seen off."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress

from mesh.transports.lora_pipe import Wish, encode


class Owner:
    """The running process that owns the radio, and our end of its pipe. Its thread must outlive it (prctl(2))."""

    def __init__(self, device: str) -> None:
        """Raises OSError where the system has no room for another process."""
        with ExitStack() as ends:
            self.line, theirs = map(ends.enter_context, socket.socketpair())
            command = [sys.executable, "-m", "mesh.transports.lora_child", "--line", str(theirs.fileno())]
            self._process = subprocess.Popen(
                [*command, "--parent", str(os.getpid()), device],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # the library prints whatever the device says
                pass_fds=(theirs.fileno(),),
                process_group=0,
            )
            ends.pop_all()
        theirs.close()
        self.line.setblocking(False)

    def tell(self, wish: Wish) -> bool:
        """Whether the pipe took it; it has room for far more than a child that listens leaves unread."""
        try:
            return self.line.send(frame := encode(wish)) == len(frame)
        except OSError:
            return False

    def close(self) -> None:
        """Kill the process and whatever it has started, and see it off."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.line.close()
