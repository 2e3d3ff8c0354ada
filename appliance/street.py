"""What the services on the street's side leave in memory for the pages: what the WiFi lacks, where the way on leads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Final

RUN: Final = Path("/run")
AIR: Final = "hedgerow-access-point/lacks"
WAY: Final = "hedgerow-uplink/way"
WORD_MAX: Final = 64


@unique
class Lack(Enum):
    """What the keeper asked of the radio, and this one cannot do as an access point. Each is a line of the file `AIR`."""

    WPA3 = "wpa3"
    CHANNEL = "channel"


@unique
class Way(Enum):
    """Where phones are led that ask for the world. The first word of the file `WAY`, which systemd/lead-on lays."""

    NONE = "none"  # no cable leads on, or the keeper keeps it for the node
    OPEN = "open"
    DEAD = "dead"  # a cable says that it leads on, and no name of the world has an answer


@dataclass(frozen=True, slots=True)
class Street:
    lacks: frozenset[Lack]
    way: Way


def look(run: Path = RUN) -> Street:
    """Return what the services told since the start; what is not told is well."""
    lacks = _words(run / AIR)
    way = next((way for way in Way if way.value in _words(run / WAY)[:1]), Way.NONE)
    return Street(frozenset(lack for lack in Lack if lack.value in lacks), way)


def _words(file: Path) -> list[str]:
    try:
        with file.open("rb") as source:
            return source.read(WORD_MAX).decode("ascii", "replace").split()
    except OSError:
        return []
