"""Another wall clock for a program that is started: uptime and the ages of files stay as they are (libfaketime)."""

from __future__ import annotations

from pathlib import Path

CLOCK = {"DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}


def faketime() -> Path:
    """Return the library that shows programs another clock."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "libfaketime is missing: apt-get install libfaketime"
    return found[0]
