"""The receipt on a stick: for whoever carried an update, in words, which node it came to and what became of it there."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Final

from appliance.card import sync
from appliance.errors import Refused
from appliance.updates.flaws import Flaw

FOLDER: Final = Path("hedgerow", "receipts")


def write(stick: Path, name: str, number: str, words: str) -> Path:
    """Write the receipt of the node of this name and number, in the place of the one before. Raises `Refused`."""
    folder, file = stick / FOLDER, stick / FOLDER / f"{number[:12]}.txt"
    part = file.with_suffix(".part")
    lines = (f"{name} ({number})", f"Runs version {version('hedgerow')} now.", words, "")
    try:
        if any(place.is_symlink() for place in (folder, folder.parent)):
            raise Refused(Flaw.UNREADABLE, name=str(FOLDER), reason="it is a link, not a folder")
        folder.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644), "w") as page:
            page.write("\r\n".join(lines))
        sync(part)
        part.replace(file)
        sync(folder)
    except OSError as fault:
        raise Refused(Flaw.UNREADABLE, name=str(FOLDER), reason=fault.strerror) from fault
    return file
