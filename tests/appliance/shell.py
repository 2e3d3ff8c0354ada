"""The `hedgerow` command as a shell runs it, and the processes it leaves behind."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HEDGEROW = Path(sys.executable).with_name("hedgerow")
WITHOUT_DATA = {name: value for name, value in os.environ.items() if name != "HEDGEROW_DATA"}


def hedgerow(
    *words: str | Path, data: Path | None = None, env: Mapping[str, str] = WITHOUT_DATA, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    before = [HEDGEROW, "--data", data] if data else [HEDGEROW]
    return subprocess.run(
        [*before, *words], env=env, input=typed, capture_output=True, text=True, timeout=60, check=False
    )


def done(*words: str | Path, data: Path | None = None) -> str:
    """Run one command that must succeed and say nothing on standard error; return what it printed."""
    run = hedgerow(*words, data=data)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    return run.stdout


def told(*words: str | Path, data: Path | None = None) -> Any:
    """Run one command with `--json`; return the one object it printed."""
    place = words.index("--") if "--" in words else len(words)
    return json.loads(done(*words[:place], "--json", *words[place:], data=data))


def refused(*words: str | Path, data: Path | None = None, code: int = 1) -> str:
    """Run one command that must fail with `code`; return its one line on standard error."""
    run = hedgerow(*words, data=data)
    assert run.returncode == code, run.stderr
    assert "Traceback" not in run.stderr
    assert len(run.stderr.splitlines()) == 1
    return run.stderr.strip()


def start(*words: str | Path, data: Path | None = None) -> subprocess.Popen[str]:
    """Start a command that runs until it is ended."""
    before = [HEDGEROW, "--data", data] if data else [HEDGEROW]
    return subprocess.Popen(
        [*before, *words], env=WITHOUT_DATA, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def about(data: Path) -> set[int]:
    """Return the processes whose command line names `data`, zombies left out."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if any(word == os.fsencode(data) or word.startswith(os.fsencode(data) + b"/") for word in words):
            found.add(int(entry.name))
    return found


def is_well(port: int) -> bool:
    """Whether the pages on this port say that the node is well."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/healthz")
        return asked.getresponse().status == 200
    except OSError:
        return False
    finally:
        asked.close()


def until(happened: Callable[[], object], what: str, within_s: float = 60.0) -> None:
    """Wait until it has happened; fail, saying what did not."""
    end = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < end, f"waited {within_s:.0f} s in vain for {what}"
        time.sleep(0.1)
