"""How a slot's command line tells its kernel where the system is: by the number of the card, and that of the slot's partition."""

from __future__ import annotations

import re
from typing import Final

from appliance.updates.slots import FIRST_SLOT

FILE: Final = "cmdline.txt"
ROOT: Final = re.compile(rb"\broot=PARTUUID=([0-9a-f]{8})-0[23]\b")


def number(line: bytes) -> int | None:
    """Return the number of the card that a command line names; None where it names none."""
    found = ROOT.search(line)
    return int(found[1], 16) if found else None


def naming(line: bytes, number: int, slot: int) -> bytes:
    """Return the command line for a slot of the card with this number."""
    return ROOT.sub(b"root=PARTUUID=%08x-0%d" % (number, FIRST_SLOT + slot), line)
