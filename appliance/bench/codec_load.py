"""What loading the air codec takes: a program of its own, for the codec is loaded once in the life of a process.

What the rest of the mesh loads anyway is loaded first, and not counted. The bytes come from tracemalloc, which slows all it
counts; so there is one process for the time, and one for the memory.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

COUNTED: Final = "counted"
BESIDE: Final = ("mesh.airform", "mesh.holdings", "mesh.links")


def codec_load() -> tuple[float, int]:
    """Return the processor seconds and the bytes that loading the codec takes, each in a fresh process."""
    return _child()[0], _child(COUNTED)[1]


def _child(*arguments: str) -> tuple[float, int]:
    with TemporaryDirectory() as directory:
        told = Path(directory) / "load.json"
        subprocess.run([sys.executable, "-m", __name__, str(told), *arguments], check=True)
        seconds, size = json.loads(told.read_text())
    return seconds, size


def _load(is_counted: bool) -> tuple[float, int]:
    for name in BESIDE:
        importlib.import_module(name)
    if is_counted:
        tracemalloc.start()
    began = time.process_time()
    importlib.import_module("mesh.aircode.packing")
    importlib.import_module("mesh.aircode.training").shipped()
    return time.process_time() - began, tracemalloc.get_traced_memory()[0]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(_load(COUNTED in sys.argv)))
