"""What a stick with an update comes to at a node that nobody stands beside: taken if enough keepers signed it, and told of."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.errors import Refused, StoreFault
from appliance.updates import held, last, receipts
from appliance.updates.flaws import Flaw
from appliance.updates.held import Wish
from appliance.updates.slots import OPEN
from appliance.updates.update_file import found

STARTS: Final = (
    "Version {version} was taken from this stick. This node writes it beside the one that runs, and starts it in some"
    " minutes."
)
AGAIN: Final = "Leave the stick in, or bring it again later, to read here what became of it."


def bring(stick: Path, data: Path, floor_bytes: int, who: tuple[str, str], open_part: Path = OPEN) -> str:
    """Take the update on a stick, if there is one, and ask for it; leave a receipt. Returns words; "" where there is none.

    `who` is the node's name and number. A stick that cannot be written to still brings its update.
    """
    try:
        words = _taken(stick, data, floor_bytes, open_part)
    except Refused as refusal:
        if refusal.verdict is Flaw.NONE_THERE:
            return ""
        words = str(refusal)
        note = last.read(open_part)
        words += f" {note.in_words}" if note and refusal.verdict in (Flaw.SAME, Flaw.FAILED_HERE) else ""
    except StoreFault as fault:
        words = str(fault)
    try:
        receipts.write(stick, *who, words)
    except Refused as refusal:
        words += f" No receipt could be left: {refusal}"
    return words


def _taken(stick: Path, data: Path, floor_bytes: int, open_part: Path) -> str:
    found(stick)
    if not (open_part / "config.txt").exists():
        raise Refused(Flaw.NO_CARD)
    top = held.take(stick, data, floor_bytes, open_part)
    held.wish(data, Wish.APPLY)
    return f"{STARTS.format(version=top.header.version)} {AGAIN}"
