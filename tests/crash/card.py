"""A small card that can be filled up and can fail: a real file system of its own, mounted for a test (as root, or by sudo)."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

MIB: Final = 1 << 20
LETS_GO_WITHIN_S: Final = 10.0
AS_ROOT: Final = () if os.geteuid() == 0 else ("sudo", "-n")


class Card:
    """A file system of `size` bytes in `directory`: `tmpfs`, or an `ext4` in a file."""

    def __init__(self, directory: Path, kind: str, size: int) -> None:
        self.directory = directory
        self._filling = directory / "filling"
        self._image = directory.with_suffix(".img")
        directory.mkdir()
        owner = f"{os.geteuid()}:{os.getegid()}"
        if kind == "tmpfs":
            _as_root("mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", directory)
        else:
            self._image.touch()
            os.truncate(self._image, size)
            _as_root("mkfs.ext4", "-q", "-m", "0", "-E", f"root_owner={owner}", self._image)
            self._plug_in()

    def _plug_in(self) -> None:
        _as_root("mount", "-o", "loop,errors=remount-ro", self._image, self.directory)

    def _pull_out(self) -> None:
        """Whoever was killed a moment ago may still hold a file open."""
        until_s = time.monotonic() + LETS_GO_WITHIN_S
        while subprocess.run([*AS_ROOT, "umount", self.directory], check=False, capture_output=True).returncode:
            assert time.monotonic() < until_s, f"{self.directory} is in use"
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pull_out()

    @property
    def free(self) -> int:
        """Bytes that may still be written."""
        found = os.statvfs(self.directory)
        return found.f_bavail * found.f_frsize

    def fill(self, but: int = 0) -> None:
        """Write until `but` bytes are left."""
        with self._filling.open("ab") as file:
            while (wanted := min(MIB, self.free - but)) > 0:
                try:
                    os.write(file.fileno(), bytes(wanted))
                except OSError:  # the file system wants some for itself
                    return

    def make_room(self) -> None:
        self._filling.unlink()

    def fail(self) -> None:
        """Do what a kernel does with a card that has begun to fail: from here on it is only read, also by those who have
        files open (`errors=remount-ro` in mount(8) for ext4).
        """
        _as_root("mount", "-o", "remount,abort", self.directory)

    def replug(self) -> None:
        """Take the card out and put it in again, as after a start of the machine. Nobody may have files open."""
        self._pull_out()
        self._plug_in()


def _as_root(*words: str | Path) -> None:
    subprocess.run([*AS_ROOT, *words], check=True)
