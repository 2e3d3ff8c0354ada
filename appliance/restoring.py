"""Putting a backup back. The old logs are left behind: somebody may hold what came after the backup, so none is written on."""

from __future__ import annotations

import shutil
from pathlib import Path

from appliance import settings
from appliance.card import make_directory, sync
from appliance.door import Door
from appliance.errors import SettingsFault, StoreFault
from appliance.store.database import os_fault


def restore(source: Path, data: Path) -> None:
    """Make a node in the new directory `data` from a backup; it begins its next incarnation. Raises `SettingsFault`."""
    if not (source / "hedgerow.db").is_file() or not (source / "node.key").is_file():
        raise SettingsFault(f"{source} is not a backup of a node: hedgerow.db and node.key belong in it.")
    if data.exists() and any(data.iterdir()):
        raise SettingsFault(f"{data} is not empty. Name a new directory; the old one stays as it is.")
    try:
        make_directory(data)
        shutil.copytree(source, data, dirs_exist_ok=True)
        for path in (*sorted(data.rglob("*"), reverse=True), data):  # what a directory names before the directory
            sync(path)
    except shutil.Error as fault:
        shutil.rmtree(data, ignore_errors=True)
        raise StoreFault(f"{source} could not be copied to {data} ({fault.args[0][0][2]}).") from fault
    except OSError as fault:
        shutil.rmtree(data, ignore_errors=True)
        raise os_fault(data, fault) from fault
    door = Door(settings.load(data))
    door.reopen()
    door.seal()
    door.close()
