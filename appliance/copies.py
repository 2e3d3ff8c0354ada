"""The newest few copies of a node in one directory: each whole, numbered, and older ones removed once a newer one is whole."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

from appliance.card import sync
from appliance.node import Node
from appliance.store.database import os_fault

WHOLE: Final = re.compile(r"copy-([0-9]{6})")
UNFINISHED: Final = "unfinished"


def keep_copies(node: Node, directory: Path, count: int) -> Path:
    """Write one more copy; return where it lies. One that was cut off is never counted as one. Raises `StoreFault`."""
    unfinished = directory / UNFINISHED
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        numbers = sorted(_numbers(directory))
        node.backup(unfinished)
        newest = directory / f"copy-{(numbers[-1] if numbers else 0) + 1:06}"
        unfinished.rename(newest)
        sync(directory)
        for number in numbers[: max(0, len(numbers) + 1 - count)]:
            shutil.rmtree(directory / f"copy-{number:06}")
        return newest
    except OSError as fault:
        raise os_fault(directory, fault) from fault


def _numbers(directory: Path) -> list[int]:
    names = (WHOLE.fullmatch(path.name) for path in directory.iterdir()) if directory.is_dir() else ()
    return [int(name[1]) for name in names if name]
