"""The switch that cuts this node off from its roads and joins it again, for drills and for repairs.

It is a file, so it outlives a restart, and whoever runs the daemon need not be asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.errors import StoreFault

FILE_NAME: Final = "radio.off"


def is_on(data: Path) -> bool:
    """Whether the node in directory `data` may use its roads."""
    return not (data / FILE_NAME).exists()


def turn(data: Path, on: bool) -> None:
    """Turn the roads of the node in directory `data` on or off; a running daemon follows within two seconds."""
    try:
        if on:
            (data / FILE_NAME).unlink(missing_ok=True)
        else:
            (data / FILE_NAME).touch()
    except OSError as fault:
        raise StoreFault(f"The switch {data / FILE_NAME} cannot be set: {fault.strerror}. Check the card.") from fault
