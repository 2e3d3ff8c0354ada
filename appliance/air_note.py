"""What this node used of the air, on the card: so that neither a restart nor a pulled plug opens a second hour.

    file := [boot, at, note]        deterministic CBOR; `at`: monotonic seconds, `note` as `mesh.governor` gave it

It lies in a file of two slots (`slots`); a file of earlier versions is the note alone. Where the machine was started anew
since, nobody knows how long it was off, and the time counts as none. A file that cannot be read means that the whole share was
just used. It is written a few times an hour at most, and not while nothing is said.
"""

from __future__ import annotations

from pathlib import Path

from appliance import slots
from appliance.clock import boot_id
from mesh import canonical
from mesh.errors import Malformed
from mesh.governor import Governor


class AirNote:
    """The note of one road. `boot` names the run of the machine in which monotonic time began."""

    def __init__(self, path: Path, boot: str | None = None) -> None:
        self._path = path
        self._boot = boot if boot is not None else boot_id()

    def recall(self, governor: Governor, now_s: float) -> None:
        """Tell a new governor what earlier runs used."""
        try:
            raw = slots.read(self._path)
        except FileNotFoundError:
            return
        except OSError:
            governor.assume_the_worst(now_s)
            return
        try:
            boot, at, note = _read(slots.newest(raw) or raw)
            away_s = max(0.0, now_s - at) if boot == self._boot else 0.0
            governor.recall(note, away_s, now_s)
        except Malformed:
            governor.assume_the_worst(now_s)

    def write(self, note: bytes, now_s: float) -> bool:
        """Put `note` on the card, whole or not at all; return whether it is there for good."""
        try:
            slots.write(self._path, canonical.encode([self._boot, int(now_s), note]), is_forced=True)
        except OSError:
            return False
        return True


def _read(raw: bytes) -> tuple[str, int, bytes]:
    parts = canonical.decode(raw)
    if type(parts) is not list or [type(part) for part in parts] != [str, int, bytes]:
        raise Malformed("a note of the air is a boot, a moment and what was noted")
    boot, at, note = parts
    return boot, at, note
