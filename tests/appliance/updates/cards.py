"""A card and its starter as files: two slots, the open part, and the board's firmware as the vendor's documentation tells of it.

https://www.raspberrypi.com/documentation/computers/config_txt.html: `os_prefix` stands before the names of kernel, initramfs and
command line; where kernel and device tree are not found there, it is ignored.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from appliance.updates import making
from appliance.updates.held import KEYS
from appliance.updates.keepers import Keepers
from appliance.updates.making import Contents
from appliance.updates.slots import Card
from mesh.keys import NodeKey

SLOT_BYTES: Final = 4 << 20
NUMBER: Final = 0x0A11CE5E  # the card's own; an update names another one
SCRIPT: Final = (
    Path(__file__).parents[3] / "provisioning/recipe/board/etc/initramfs-tools/scripts/local-premount/hedgerow-slot"
)
CONFIG: Final = "os_prefix=a/\narm_64bit=1\nkernel=vmlinuz\ninitramfs initrd.img followkernel\n"
ANA, BEN, CAT = (NodeKey(bytes([number]) * 32) for number in (1, 2, 3))


def keepers(needed: int = 2, **names: NodeKey) -> Keepers:
    return Keepers(needed, {key.public_key: name for name, key in (names or {"Ana": ANA, "Ben": BEN}).items()})


def contents(room: Path, version: str = "9.0", system: bytes = b"", boot: str = "new", **more: object) -> Contents:
    """Lay down what an update is made from."""
    room.mkdir(parents=True, exist_ok=True)
    image, folder = room / "system.img", room / "boot"
    image.write_bytes(system or (b"the system of " + version.encode()).ljust(3 << 20, b"\0") + os.urandom(700_000))
    (folder / "overlays").mkdir(parents=True, exist_ok=True)
    for name, text in {
        "vmlinuz": f"kernel {boot}",
        "initrd.img": f"initrd {boot}",
        "board.dtb": "tree",
        "overlays/x.dtbo": "overlay",
        "cmdline.txt": "root=PARTUUID=48454447-02 ro quiet\n",
    }.items():
        (folder / name).write_text(text, encoding="ascii")
    return replace(Contents(version, "arm64", 7, image, folder), **more)  # type: ignore[arg-type]


def update(room: Path, *signers: NodeKey, version: str = "9.0", **more: object) -> Path:
    """Make an update, signed by these keepers."""
    target = room / f"hedgerow-{version}.update"
    making.make(contents(room / f"made-{version}", version, **more), target)  # type: ignore[arg-type]
    for key in signers:
        making.sign(target, key)
    return target


@dataclass
class Board:
    """A board with its card. `start` does what the firmware and the first memory disk do, and returns the slot that starts."""

    room: Path
    files: Card = field(init=False)

    def __post_init__(self) -> None:
        open_part, slots = self.room / "open", (self.room / "slot-a", self.room / "slot-b")
        (open_part / "hedgerow").mkdir(parents=True)
        (open_part / "config.txt").write_text(CONFIG, encoding="ascii")
        for slot, letter in zip(slots, "ab", strict=True):
            slot.write_bytes(bytes(SLOT_BYTES))
            (open_part / letter).mkdir()
        for name in ("vmlinuz", "initrd.img", "board.dtb"):
            (open_part / "a" / name).write_text("old", encoding="ascii")
        (open_part / "a/cmdline.txt").write_text(f"root=PARTUUID={NUMBER:08x}-02 ro quiet\n", encoding="ascii")
        slots[0].write_bytes(b"the system that runs".ljust(SLOT_BYTES, b"\0"))
        (open_part / "hedgerow" / KEYS).write_text(keepers().as_text(), encoding="utf-8")
        self.files = Card(open_part, slots, 0)

    def start(self) -> int:
        """Give it power: read config.txt, find kernel and command line, let the first memory disk do its part."""
        open_part = self.files.open
        lines = (open_part / "config.txt").read_text("ascii").splitlines()
        told = dict(line.split("=", 1) for line in lines if "=" in line)
        prefix = told["os_prefix"]
        if not ((open_part / prefix / told["kernel"]).exists() and list((open_part / prefix).glob("*.dtb"))):
            prefix = ""
        command = (open_part / prefix / "cmdline.txt").read_text("ascii")
        part = re.search(rf"root=PARTUUID={NUMBER:08x}-0([23])", command)
        assert part, "no system is named"
        subprocess.run(["sh", str(SCRIPT)], env={"HEDGEROW_OPEN": str(open_part), "PATH": "/usr/bin:/bin"}, check=True)
        self.files = replace(self.files, running=int(part[1]) - 2)
        return self.files.running
