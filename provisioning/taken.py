"""The seed on the node: where it lies once it was taken over from the card. Who only reads it knows nothing of a birth."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance import seed as seeds
from appliance.card import sync
from appliance.errors import SettingsFault, StoreFault
from appliance.seed import Seed

SIZE_MAX: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Card:
    """`seed` is the folder that any laptop reads, `data` the node's directory, which lies elsewhere."""

    seed: Path
    data: Path

    @property
    def taken(self) -> Path:
        """The folder beside the node's directory where the seed is kept once it was taken over."""
        return self.kept.parent

    @property
    def told(self) -> Path:
        return self.seed / seeds.FILE_NAME

    @property
    def kept(self) -> Path:
        return seeds.kept(self.data)


def kept_seed(data: Path) -> Seed:
    """Return what the card said when it was taken over. Raises `SettingsFault` where it was not yet."""
    return seeds.read(Card(data, data).kept, data)


def content_of(file: Path) -> bytes:
    """Return what is in a file of the card or of the seed. Raises `SettingsFault`."""
    try:
        with file.open("rb") as source:
            return source.read(SIZE_MAX)
    except OSError as fault:
        raise SettingsFault(f"{file} cannot be read: {fault.strerror}. Look at the card on a laptop.") from fault


def put(file: Path, content: bytes) -> None:
    """Write a file that only we read, whole or not at all. Raises `StoreFault`."""
    part = file.with_name(f"{file.name}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        part.replace(file)
        sync(file.parent)
    except OSError as fault:
        raise StoreFault(f"{file} cannot be written: {fault.strerror}. Look at the card on a laptop.") from fault
