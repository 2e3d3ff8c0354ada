"""Files on the card: forced onto it, and swept away where a process died before it was done with them.

A new file survives a pulled plug once its content and the directory that names it were synced; a new directory, once the
one above it was (fsync(2)).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until a file, or what a directory names, is on the card."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_directory(path: Path) -> None:
    """Make a directory, and those above it, on the card for good. One that is there already is left as it is."""
    if not path.is_dir():
        make_directory(path.parent)
        path.mkdir(exist_ok=True)
        sync(path.parent)


def left_by_the_dead(directory: Path, prefix: str) -> Iterator[Path]:
    """Yield what is named `prefix`, a process id, and more, where that process has ended."""
    for path in directory.glob(f"{prefix}*"):
        number = path.name.removeprefix(prefix).partition("-")[0]
        if number.isdigit() and not Path("/proc", number).exists():
            yield path
