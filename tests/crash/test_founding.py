"""A node whose beginning was cut off anywhere begins anew; one that was told of is never cleared away."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from appliance import founding
from appliance.errors import SettingsFault
from appliance.node import Node
from appliance.settings import FOUNDING, Settings

STEPS_MAX: Final = 40
CUT_SHORT: Final = 9
FOUND: Final = """
import os, sys
from pathlib import Path
from appliance import founding
from appliance.settings import FOUNDING, Settings

left, really = int(sys.argv[2]), os.fsync

def fsync(handle):
    global left
    left -= 1
    if not left:
        os._exit(9)
    really(handle)

os.fsync = fsync
founding.found(Settings(Path(sys.argv[1]), "Elm", "Hedge Street"))
"""


def cut_at(data: Path, step: int) -> int:
    return subprocess.run([sys.executable, "-c", FOUND, data, str(step)], check=False, timeout=60).returncode


@pytest.mark.real
@pytest.mark.timeout(300)
def test_a_beginning_that_was_cut_off_anywhere_begins_anew(tmp_path: Path) -> None:
    for step in range(1, STEPS_MAX):
        data = tmp_path / str(step)
        code = cut_at(data, step)
        if code == 0:
            break
        assert code == CUT_SHORT
        if (data / FOUNDING).exists() or not (data / "node.key").exists():
            founding.found(Settings(data, "Elm", "Hedge Street"))
        node = Node.open(data)  # once the note is gone, the node is whole
        assert not list(node.verify())
        node.close()
    assert 4 < step < STEPS_MAX - 1, "every step was tried, and then it was done"


def test_a_node_is_left_alone(tmp_path: Path) -> None:
    wanted = Settings(tmp_path / "elm", "Elm", "Hedge Street")
    founding.found(wanted)
    key = wanted.key_file.read_bytes()
    with pytest.raises(SettingsFault, match="already holds a node"):
        founding.found(wanted)
    assert wanted.key_file.read_bytes() == key


def test_a_beginning_that_goes_on_elsewhere_is_left_alone(tmp_path: Path) -> None:
    note = tmp_path / FOUNDING
    with note.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SettingsFault, match="at this moment"):
            founding.found(Settings(tmp_path, "Elm", "Hedge Street"))
