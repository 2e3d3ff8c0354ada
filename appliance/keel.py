"""The keel mark: how far this node's own logs reach, kept where a restored data directory does not overwrite it.

    mark := [name, place, [[log, height, head] …], H(what stands before)]        deterministic CBOR

It is written after each commit, so it is never ahead of the store. A store that is behind its mark was put back from
an older copy, and must not write into its old logs. The mark is not forced to the card: one that is older than the
store proves nothing and harms nothing. It lies in a file of two slots (`slots`), so a torn one leaves the one before it;
files of earlier versions of this program are the mark alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance import card, slots
from appliance.errors import StoreFault
from mesh import canonical
from mesh.errors import Malformed
from mesh.keys import digest
from mesh.links import Height

NAME: Final = "hedgerow keel 1"
PLACE_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class Keel:
    """`place` as `appliance.place.here` gave it; one height for each log that this node writes."""

    place: str
    heights: tuple[Height, ...]

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        parts = [NAME, self.place, [height.fields() for height in self.heights]]
        return canonical.encode([*parts, digest(canonical.encode(parts))])

    @classmethod
    def parse(cls, raw: bytes) -> Keel:
        """Return the mark whose bytes are `raw`. Raises `Malformed`."""
        parts = canonical.decode(raw)
        if type(parts) is not list or [type(part) for part in parts] != [str, str, list, bytes]:
            raise Malformed("a keel mark is a name, a place, heights and a digest")
        if parts[0] != NAME or len(parts[1]) != PLACE_LENGTH or parts[3] != digest(canonical.encode(parts[:3])):
            raise Malformed("this keel mark is torn, or of another program")
        if any(type(height) is not list for height in parts[2]):
            raise Malformed("a height is a list")
        return cls(parts[1], tuple(Height.read(height) for height in parts[2]))


def read(path: Path) -> Keel | None:
    """Return the mark in file `path`; None where there is none, or only a torn one. May raise `StoreFault`."""
    try:
        for part in card.left_by_the_dead(path.parent, f".{path.name}."):
            part.unlink(missing_ok=True)
        raw = slots.read(path)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise StoreFault(f"The keel mark {path} cannot be read: {fault.strerror}. Check who owns it.") from fault
    try:
        return Keel.parse(slots.newest(raw) or raw)
    except Malformed:
        return None


def write(path: Path, keel: Keel) -> None:
    """Put `keel` in the place of the mark before it, whole or not at all.

    Raises `StoreFault`. What was committed stays committed: the caller notes the fault for the keeper and goes on.
    """
    try:
        slots.write(path, keel.encode())
    except OSError as fault:
        raise StoreFault(
            f"The keel mark {path} cannot be written: {fault.strerror}. Check the card and its owner."
        ) from fault
