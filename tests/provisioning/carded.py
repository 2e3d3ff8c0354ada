"""The twin on a card: a disk with the parts of a real one, both slots real file systems, and the board's firmware played.

Two things differ from a card: the open part is ext4, since not every kernel has FAT, and of each slot's starter there are
only the names; the script of its first memory disk is run for it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unittest.mock import patch

from appliance.updates import making
from appliance.updates.held import KEYS
from appliance.updates.making import Contents
from appliance.updates.slots import Card
from appliance.updates.update_file import UpdateFile, packed
from provisioning.boot_files import CONFIG
from tests.appliance.updates.cards import ANA, BEN, NUMBER, Board, keepers
from tests.provisioning.twin import Twin, run
from tests.street.waiting import wait_until

MIB: Final = 1 << 20
OPEN_MIB, SPARE_MIB = 64, 48
TIMES: Final = "[Service]\nEnvironment='HEDGEROW_TRIAL_S=2 {within_s}'\n"
RESTARTED: Final = 133  # systemd-nspawn(1), --keep-unit
RESTART_WITHIN_S: Final = 120.0


class Disk:
    """A card in a reader: its parts by number, as devices."""

    def __init__(self, room: Path, system: Path) -> None:
        used = int(run("du", "-sm", system).split()[0])
        self.slot_mib = used + used // 8 + SPARE_MIB
        image, at, lines = room / "card.img", 4, ["label: dos", f"label-id: {NUMBER:#010x}"]
        for number, size in ((1, OPEN_MIB), (2, self.slot_mib), (3, self.slot_mib)):
            lines.append(f"card{number} : start={at}MiB, size={size}MiB, type=83")
            at += size
        with image.open("wb") as file:
            file.truncate((at + 4) * MIB)
        subprocess.run(["sfdisk", "--quiet", image], input="\n".join(lines).encode(), check=True)
        self.device = run("losetup", "--find", "--show", image)
        run("partx", "--update", self.device)  # some kernels look at the table by themselves
        run("mkfs.ext4", "-q", "-m", "0", self.part(1))
        run("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", "-d", system, self.part(2))

    def part(self, number: int) -> str:
        return f"{self.device}p{number}"

    def take_out(self) -> None:
        run("partx", "--delete", self.device, code=None)
        run("losetup", "--detach", self.device, code=None)


@contextmanager
def mounted(device: str | Path, place: Path, *options: str) -> Iterator[Path]:
    place.mkdir(parents=True, exist_ok=True)
    run("mount", *options, device, place)
    try:
        yield place
    finally:
        run("umount", place)


class CardTwin(Twin):
    """A twin whose system is chosen at each start, as its card says."""

    def __init__(self, room: Path, system: Path) -> None:
        self.room, self.disk = room, Disk(room, system)
        self.slots, self.sticks = room / "slot", room / "stick"
        self.slots.mkdir()
        self.sticks.mkdir()
        (room / "open").mkdir()
        run("mount", self.disk.part(1), room / "open")
        super().__init__(room, system)
        parts = (Path(self.disk.part(2)), Path(self.disk.part(3)))
        self.board = Board.__new__(Board)
        self.board.room, self.board.files = room, Card(self.open, parts, 0)
        for name, text in {
            "config.txt": CONFIG,
            "a/vmlinuz": "kernel",
            "a/board.dtb": "tree",
            "a/cmdline.txt": f"root=PARTUUID={NUMBER:08x}-02 ro quiet\n",
            f"hedgerow/{KEYS}": keepers().as_text(),
        }.items():
            (self.open / name).parent.mkdir(exist_ok=True)
            (self.open / name).write_text(text, encoding="utf-8")

    def binds(self) -> list[str]:
        return [*super().binds(), *map(str, self.board.files.slots), f"{self.sticks}:/mnt"]

    def power(self) -> None:
        """Give it power: the starter reads the card, and the system that it names starts."""
        self._unmount()
        slot = self.chosen()
        run("mount", "-o", "ro", self.board.files.slots[slot], self.slots)
        self.system = self.slots
        super().power()

    def chosen(self) -> int:
        """Let the starter and the first memory disk choose a slot. The open part is mounted anew then, for the disk to write."""
        run("mount", "-o", "remount,rw", self.open)
        return self.board.start()

    def restarts(self) -> None:
        """Wait until it starts anew by itself, and give it power then."""
        process = self._process
        assert process
        wait_until("it starts anew", lambda: process.poll() is not None, RESTART_WITHIN_S, self.told)
        assert process.returncode == RESTARTED, self.told()
        self._process = None
        self.power()

    def hedgerow(self, *words: str, code: int | None = 0) -> str:
        """Run a command as the node's own user."""
        place = ("hedgerow", "--data", "/var/lib/hedgerow/node")
        return self.inside("runuser", "-u", "hedgerow", "--", *place, *words, code=code)

    def update(self, version: str, change: Callable[[Path], None], shape: int) -> Path:
        """Make an update from the first slot, changed by the test, and put it on the stick."""
        shutil.rmtree(self.sticks / "hedgerow", ignore_errors=True)
        for left in self.sticks.glob("*.update"):
            left.unlink()
        image, boot = self.room / "next.img", self.room / "next-boot"
        run("cp", "--sparse=always", self.disk.part(2), image)
        with mounted(image, self.room / "next", "-o", "loop") as system:
            rename(system, version)
            change(system)
        boot.mkdir(exist_ok=True)
        for name in ("vmlinuz", "board.dtb", "cmdline.txt"):
            shutil.copy(self.open / "a" / name, boot / name)
        file = self.sticks / f"hedgerow-{version}.update"
        with patch.object(making, "packed", quickly), patch.object(UpdateFile, "check_whole"):  # the node checks it all
            making.make(Contents(version, "amd64", shape, image, boot), file)
            for key in (ANA, BEN):
                making.sign(file, key)
        image.unlink()
        run("chown", "-R", self.uid(), self.sticks)
        return file

    def _unmount(self) -> None:
        run("umount", self.slots, code=None)

    def end(self) -> None:
        """Take everything away again."""
        self.cut()
        self._unmount()
        run("umount", self.room / "open", code=None)
        self.disk.take_out()


def quickly(content: bytes) -> bytes:
    """Leave a chunk as it is, unless it is empty: the format allows it, and a test has no minutes to pack in."""
    return content if content.strip(b"\0") else packed(content)


def rename(system: Path, version: str) -> None:
    """Let a system say that it is of another version."""
    (facts,) = (system / "usr/lib/hedgerow").glob("hedgerow-*.dist-info")
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: hedgerow\nVersion: {version}\n", encoding="utf-8")
    facts.rename(facts.with_name(f"hedgerow-{version}.dist-info"))


def add_to(system: Path, module: str, text: str) -> None:
    """Write at the end of a module of a system, whose compiled form goes."""
    file = system / "usr/lib/hedgerow" / module
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
        compiled.unlink()
    with file.open("a", encoding="utf-8") as target:
        target.write(text)
