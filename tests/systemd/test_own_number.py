"""A card that another program wrote from the image draws a number of its own, once; pulled out at any moment, it still starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from appliance.updates import command_line
from provisioning import number
from tests.provisioning.carded import mounted
from tests.provisioning.twin import run
from tests.systemd.readers import Reader, lay_card

pytestmark = pytest.mark.real

PROGRAM: Final = Path(__file__).parents[2] / "systemd/own-number"
LINE: Final = "console=tty0 root=PARTUUID={number:08x}-02 ro rootwait quiet\n"
BY_LABEL: Final = b"root=LABEL=hedgerow-a "
# Stands in for a program that writes: of all such calls the one of this number is the last thing to happen, or the first not to.
DIES: Final = """#!/bin/sh
case "$*" in *of=* | *--quiet* | /*) ;; *) exec /usr/bin/env PATH="$REST" {name} "$@" ;; esac
echo >>"$COUNT"
count=$(wc -l <"$COUNT")
[ "$count" -lt "$DIES_AT" ] || [ "$MOMENT" = after ] || kill -KILL $PPID
PATH="$REST" {name} "$@" || exit
[ "$count" -lt "$DIES_AT" ] || kill -KILL $PPID
"""


class Flashed:
    """A card as it is after another program wrote the image to it: its open part, and its table in a file."""

    def __init__(self, room: Path, text: str = LINE.format(number=number.OF_IMAGES)) -> None:
        self.room, self.open = room, room / "open"
        self.table = lay_card(room / "card.img", number.OF_IMAGES)
        (self.open / "a").mkdir(parents=True)
        self.programs = room / "programs"
        self.programs.mkdir()
        self.lay_program("blkid", "#!/bin/sh\necho /dev/mmcblk0p2\n")
        self.file = self.open / "a" / command_line.FILE
        self.file.write_text(text, encoding="ascii")

    def start(self, **more: str) -> subprocess.CompletedProcess[str]:
        words = [str(PROGRAM), str(self.open), str(self.table)]
        more = {"PATH": f"{self.programs}:{os.environ['PATH']}"} | more
        return subprocess.run(words, env=os.environ | more, capture_output=True, text=True, timeout=60, check=False)

    def lay_program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text, encoding="ascii")
        (self.programs / name).chmod(0o755)

    def start_and_die(self, at: int, moment: str) -> int:
        """Start it, and pull the plug at this write; return how many writes there were."""
        count = self.room / "count"
        count.write_text("", encoding="ascii")
        for name in ("dd", "sfdisk", "sync"):
            self.lay_program(name, DIES.format(name=name))
        told = {"COUNT": str(count), "DIES_AT": str(at), "MOMENT": moment, "REST": os.environ["PATH"]}
        self.start(**told)
        for name in ("dd", "sfdisk", "sync"):
            (self.programs / name).unlink()
        return len(count.read_text(encoding="ascii").splitlines())

    @property
    def line(self) -> bytes:
        return self.file.read_bytes()

    @property
    def finds_its_system(self) -> bool:
        return BY_LABEL in self.line or command_line.number(self.line) == number.of(self.table)


def test_it_draws_a_number_once(tmp_path: Path) -> None:
    card = Flashed(tmp_path)
    table = card.table.read_bytes()
    done = card.start()
    own = number.of(card.table)
    assert (done.returncode, done.stdout) == (0, f"This card has a number of its own now: {own:08x}.\n"), done.stderr
    assert own not in {0, number.OF_IMAGES}
    assert card.line == LINE.format(number=own).encode()
    after = card.table.read_bytes()
    place = number.PLACE
    assert after[:place] + after[place + 4 :] == table[:place] + table[place + 4 :], "the parts are as they were"
    assert (card.start().stdout, number.of(card.table), card.table.read_bytes() == after) == ("", own, True)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_pulled_out_at_each_write_it_starts_and_is_gone_on_with(tmp_path: Path, moment: str) -> None:
    (tmp_path / "whole").mkdir()
    writes = Flashed(tmp_path / "whole").start_and_die(99, moment)
    assert writes == 4, "the line, the table and its way to the medium, the line"
    numbers = set()
    for at in range(1, writes + 1):
        room = tmp_path / str(at)
        room.mkdir()
        card = Flashed(room)
        assert card.start_and_die(at, moment) == at
        assert card.finds_its_system, at
        assert len(card.line) == len(LINE.format(number=0)), "nothing but one sector was written"
        done = card.start()
        assert done.returncode == 0, done.stderr
        own = number.of(card.table)
        assert card.line == LINE.format(number=own).encode()
        assert own != number.OF_IMAGES
        numbers.add(own)
    assert len(numbers) == writes, "each card has another"


@pytest.mark.parametrize(
    "text",
    [
        "",
        LINE.format(number=0x0A11CE5E),
        "root=LABEL=hedgerow-b ro\n",
        "root=LABEL=hedgerow-ab   ro\n",
        "xroot=PARTUUID=48454447-02 ro\n",
        "root=PARTUUID=48454447-023 ro\n",
        "a" * 500 + " root=PARTUUID=48454447-02 ro\n",
    ],
)
def test_what_finds_its_system_otherwise_is_left_alone(tmp_path: Path, text: str) -> None:
    card = Flashed(tmp_path, text)
    before = card.table.read_bytes()
    done = card.start()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (card.line.decode(), card.table.read_bytes() == before) == (text, True)


def test_a_card_with_two_systems_is_left_alone(tmp_path: Path) -> None:
    """Both would have to be told at once."""
    card = Flashed(tmp_path)
    (card.open / "b").mkdir()
    assert card.start().returncode == 0
    assert (number.of(card.table), card.line) == (number.OF_IMAGES, LINE.format(number=number.OF_IMAGES).encode())


def test_what_is_no_card_is_left_alone(tmp_path: Path) -> None:
    card = Flashed(tmp_path)
    card.table.write_bytes(bytes(1 << 20))
    assert card.start().returncode == 0
    assert not any(card.table.read_bytes())
    assert card.line == LINE.format(number=number.OF_IMAGES).encode()


def test_beside_another_that_is_called_alike_it_waits_and_else_writes_while_its_parts_are_mounted(
    tmp_path: Path,
) -> None:
    """Found by its label, it could be the other one that starts. Read by the real blkid, from devices."""
    (tmp_path / "other").mkdir()
    readers = [Reader(tmp_path, number.OF_IMAGES), Reader(tmp_path / "other", number.OF_IMAGES)]
    try:
        (tmp_path / "flashed").mkdir()
        card = Flashed(tmp_path / "flashed")
        (card.programs / "blkid").unlink()
        card.table = Path(readers[0].device)
        for reader in readers:
            run("mkfs.ext4", "-q", "-L", "hedgerow-a", reader.part(2))
        with mounted(readers[0].part(2), tmp_path / "system"):
            assert "more than one system" in card.start().stdout
            assert number.of(card.table) == number.OF_IMAGES
            assert command_line.number(card.line) == number.OF_IMAGES
            readers[1].take_out()
            done = card.start()
            assert (done.returncode, done.stderr) == (0, "")
            own = number.of(card.table)
            assert own != number.OF_IMAGES
            assert card.line == LINE.format(number=own).encode()
            assert Path(readers[0].part(4)).exists(), "no part went away"
    finally:
        for reader in readers:
            reader.take_out()
