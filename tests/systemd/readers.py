"""Small cards with a layout like ours, in readers of this machine (loop devices)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from tests.provisioning.twin import run

MIB: Final = 1 << 20
PARTS: Final = ((1, "start=1MiB, size=2MiB, type=c"), (2, "start=3MiB, size=16MiB"), (4, "start=19MiB, size=4MiB"))


def lay_card(image: Path, number: int) -> Path:
    """Make a card as a file, with nothing in its parts."""
    with image.open("wb") as file:
        file.truncate(24 * MIB)
    table = [f"label: dos\nlabel-id: {number:#010x}", *(f"card{part} : {place}" for part, place in PARTS)]
    subprocess.run(["sfdisk", "--quiet", image], input="\n".join(table).encode(), check=True)
    return image


class Reader:
    """A card with a layout like ours in a reader of this machine."""

    def __init__(self, room: Path, number: int) -> None:
        self.device = run("losetup", "--find", "--show", lay_card(room / "card.img", number))
        run("partx", "--delete", self.device, code=None)  # what a kernel found by itself, or somebody left behind
        run("partx", "--add", self.device)

    def part(self, number: int) -> str:
        return f"{self.device}p{number}"

    @property
    def nodes(self) -> list[str]:
        return [self.device, *(self.part(number) for number, _ in PARTS)]

    def take_out(self) -> None:
        run("partx", "--delete", self.device, code=None)
        run("losetup", "--detach", self.device, code=None)
