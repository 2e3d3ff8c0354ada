"""A file system of its own, so that every byte that reaches the card is counted: data, database log, and what ext4 writes beside.

It lies in a file behind a loop device, mounted as the card's data partition is. What is counted is the sectors that the block
device was given, as the kernel does it (Documentation/block/stat.rst), so nothing hides in a cache or in a journal.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from appliance.errors import MeasurementFault

SIZE: Final = 512 << 20
OPTIONS: Final = "loop,nosuid,nodev,noexec,noatime,commit=30"  # provisioning/recipe/root/etc/fstab
COMMIT_S: Final = 30  # see OPTIONS
MEMORY: Final = "/dev/shm"  # noqa: S108 (TemporaryDirectory makes a name of its own there)
SECTOR: Final = 512  # of the kernel's count, whatever the device's own are
WRITTEN: Final = 6  # place of the sectors written in a block device's stat


class Partition:
    """The file system at `place`, with nothing on it but what is measured."""

    def __init__(self, place: Path) -> None:
        self.place = place
        device = place.stat().st_dev
        self._stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")

    def written(self) -> int:
        """Return the bytes that were written to the device since it is there, what was still waiting included."""
        self.commit()
        return int(self._stat.read_text(encoding="ascii").split()[WRITTEN]) * SECTOR

    def commit(self) -> None:
        """Have the file system write what waits, as it does by itself every `COMMIT_S` seconds; syncfs(2)."""
        place = os.open(self.place, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(place) != 0:
                raise MeasurementFault(f"{self.place} cannot be synced: {os.strerror(ctypes.get_errno())}.")
        finally:
            os.close(place)


@contextmanager
def fresh() -> Iterator[Partition]:
    """Give a partition that is gone again afterwards. Raises `MeasurementFault` where this machine does not let us."""
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None  # what is counted is the same, and nobody waits for a disk
    with TemporaryDirectory(prefix="hedgerow-bench-", dir=memory) as directory:
        image, place = Path(directory) / "card.img", Path(directory) / "card"
        place.mkdir()
        with image.open("wb") as file:
            file.truncate(SIZE)
        _do("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
        _do("mount", "-t", "ext4", "-o", OPTIONS, str(image), str(place))
        try:
            yield Partition(place)
        finally:
            _do("umount", str(place))


def _do(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as fault:
        raise MeasurementFault(f"{words[0]} cannot be run: {fault.strerror}.") from fault
    if done.returncode != 0:
        raise MeasurementFault(
            f"{words[0]} says: {done.stderr.strip()} A file system of its own is mounted to count what is written:"
            " this needs root."
        )
