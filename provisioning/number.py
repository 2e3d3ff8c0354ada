"""A card's own number: the 32 bits in its table of partitions by which the starter's command line tells it from every other card.

An image bears one that all have. Whoever writes a card draws another, so that a board with two of our cards in it starts the
one that it means. The bytes of the table: "disk signature", offset 440 of a master boot record.
"""

from __future__ import annotations

import secrets
import struct
import tempfile
from pathlib import Path
from typing import Final

from appliance.updates import command_line
from provisioning import fat
from provisioning.boot_files import FIRST
from provisioning.writing import Layer

OF_IMAGES: Final = 0x48454447  # "HEDG"
PLACE: Final = 440
BITS: Final = struct.Struct("<I")
LINE: Final = f"{FIRST}/{command_line.FILE}"


def drawn() -> int:
    """Draw a number that no card has yet, but by a chance of one in four thousand million. No number is 0, which means none."""
    while (number := secrets.randbits(32)) in {0, OF_IMAGES}:
        pass
    return number


def of(image: Path) -> int:
    """Return the number in the table of `image`."""
    with image.open("rb") as file:
        file.seek(PLACE)
        return int(BITS.unpack(file.read(BITS.size))[0])


def given(number: int, image: Path, open_part: Path, room: Path) -> list[Layer]:
    """Let the command line on `open_part`, a copy of the one of `image`, name the number; return what lies over the table.

    What finds its system otherwise than by the number in its table keeps what it has. Raises `SettingsFault`.
    """
    line = fat.read(open_part, LINE)
    if command_line.number(line) != of(image):
        return []
    with tempfile.TemporaryDirectory(dir=room) as folder:
        file = Path(folder) / command_line.FILE
        file.write_bytes(command_line.naming(line, number, slot=0))
        fat.put(open_part, file, LINE)
    bits = room / "number"
    bits.write_bytes(BITS.pack(number))
    return [Layer(bits, PLACE, BITS.size)]
