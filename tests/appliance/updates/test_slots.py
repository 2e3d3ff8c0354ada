"""A card's two systems: written beside the one that runs, tried once, kept if it holds, and gone back from.

The board's firmware and the first memory disk of a new system are played by `Board`; the latter runs the very script that a
card's memory disk has. A process that dies is played by an exception at one of its writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest

from appliance.errors import Refused
from appliance.updates import applying, held, last, making, trial
from appliance.updates.flaws import Flaw
from appliance.updates.last import Outcome
from appliance.updates.slots import FIRST_SLOT, Card, find
from appliance.updates.update_file import Here, UpdateFile, check
from tests.appliance.updates.cards import ANA, BEN, CAT, NUMBER, Board, contents, keepers, update

OLD, NEW, SHAPE = "1.0", "9.0", 7


class Killed(BaseException):
    """The process died here."""


@contextmanager
def dies_at(write: int) -> Iterator[list[int]]:
    """Let the process die just before its write of this number, and tell how many there were."""
    count = [0]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **more: Any) -> Any:
            count[0] += 1
            if count[0] == write:
                raise Killed
            return real(*words, **more)

        return call

    names = ("pwrite", "fsync", "replace", "unlink")
    with (
        patch.object(os, names[0], counted(os.pwrite)),
        patch.object(os, names[1], counted(os.fsync)),
        patch.object(os, names[2], counted(os.replace)),
        patch.object(os, names[3], counted(os.unlink)),
    ):
        yield count


def apply(file: Path, card: Card, version: str = OLD, shape: int = SHAPE) -> None:
    with closing(UpdateFile(file)) as one:
        check(one.top, held.keepers(card.open), Here(version, "arm64"))
        note = applying.lay(one, card, version, shape)
        held.stage_keepers(card.open, one.top.header.keepers)
        applying.arm(card, note)


def holds_system(card: Card, slot: int, file: Path) -> bool:
    with closing(UpdateFile(file)) as one, card.slots[slot].open("rb") as device:
        try:
            applying.check_slot(device.fileno(), one.top.header.system)
        except Refused:
            return False
        return True


def outcome(card: Card) -> Outcome | None:
    note = last.read(card.open)
    return note.outcome if note else None


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return update(tmp_path, ANA, BEN)


def test_an_update_is_tried_and_kept(board: Board, new: Path) -> None:
    assert board.start() == 0
    apply(new, board.files)
    assert board.files.pointed() == 1
    assert board.start() == 1
    assert board.files.pointed() == 0, "any reset from here on starts the old one"
    note = trial.begin(board.files)
    assert note
    assert trial.holds(lambda: True, 0)
    trial.settle(board.files, note)
    assert outcome(board.files) is Outcome.GOOD
    assert [board.start(), board.start()] == [1, 1]
    assert trial.begin(board.files) is None
    assert (board.files.open / "b/cmdline.txt").read_text() == f"root=PARTUUID={NUMBER:08x}-03 ro quiet\n"
    assert (board.files.open / "b/overlays/x.dtbo").exists()
    assert holds_system(board.files, 1, new)


@pytest.mark.parametrize("missing", ["vmlinuz", "initrd.img", "cmdline.txt", "other.dtb"])
def test_one_that_lacks_what_this_board_may_start_from_is_refused(board: Board, tmp_path: Path, missing: str) -> None:
    """Else the starter would find nothing, and no memory disk would run to turn the letter back."""
    (board.files.open / "a/other.dtb").write_text("tree", encoding="ascii")
    whole = contents(tmp_path / "whole")
    (whole.boot / "other.dtb").write_text("tree", encoding="ascii")
    (whole.boot / missing).unlink()
    file = tmp_path / "hedgerow-9.0.update"
    making.make(whole, file)
    for key in (ANA, BEN):
        making.sign(file, key)
    with pytest.raises(Refused, match=f"lacks {missing}"):
        apply(file, board.files)
    assert [board.start(), board.start()] == [0, 0]
    assert outcome(board.files) is None


def test_one_that_does_not_hold_falls_back(board: Board, new: Path) -> None:
    apply(new, board.files)
    assert board.start() == 1
    assert trial.begin(board.files)
    assert not trial.holds(lambda: False, 60, 0.0)
    assert board.start() == 0, "the board was reset"
    assert trial.begin(board.files) is None
    assert outcome(board.files) is Outcome.FELL_BACK
    assert held.here(board.files.open).failed == NEW
    assert not board.files.fallback.exists()
    assert [board.start(), board.start()] == [0, 0]


def test_one_whose_power_goes_at_once_falls_back(board: Board, new: Path) -> None:
    apply(new, board.files)
    assert [board.start(), board.start(), board.start()] == [1, 0, 0]


def test_a_system_without_a_first_memory_disk_has_one_attempt_too(board: Board, new: Path) -> None:
    apply(new, board.files)
    one = replace(board.files, running=1)
    assert one.pointed() == 1
    assert trial.begin(one)
    assert one.pointed() == 0


def test_going_back_and_forth(board: Board, new: Path) -> None:
    with pytest.raises(Refused, match="no earlier version"):
        trial.go_back(board.files)
    apply(new, board.files)
    board.start()
    note = trial.begin(board.files)
    assert note
    with pytest.raises(Refused, match="on trial"):
        trial.go_back(board.files)
    with pytest.raises(Refused, match="on trial"):
        apply(new, board.files)
    trial.settle(board.files, note)
    for slot, version, other in ((0, OLD, NEW), (1, NEW, OLD)):
        back = trial.go_back(board.files)
        assert (back.version, back.before) == (version, other)
        assert board.start() == slot
        tried = trial.begin(board.files)
        assert tried
        trial.settle(board.files, tried)
        assert board.start() == slot


def test_no_way_back_once_the_books_have_a_newer_form(board: Board, tmp_path: Path) -> None:
    apply(update(tmp_path, ANA, BEN, shape=SHAPE + 1), board.files)
    board.start()
    note = trial.begin(board.files)
    assert note
    trial.settle(board.files, note)
    with pytest.raises(Refused, match="no way back"):
        trial.go_back(board.files)


def test_refused_and_nothing_is_touched(board: Board, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in board.room.rglob("*") if path.is_file()}
    large = update(tmp_path / "elsewhere", ANA, BEN, system=bytes(5 << 20))
    with pytest.raises(Refused) as told:
        apply(large, board.files)
    assert told.value.verdict is Flaw.TOO_LARGE
    torn = tmp_path / "elsewhere/hedgerow-9.1.update"
    torn.write_bytes(update(tmp_path / "elsewhere", ANA, BEN).read_bytes()[:-1])
    with pytest.raises(Refused) as told:
        apply(torn, board.files)
    assert told.value.verdict is Flaw.CUT_SHORT
    assert {path: path.read_bytes() for path in before} == before


def test_a_stick_that_is_changed_or_pulled_out_in_the_middle(board: Board, new: Path) -> None:
    raw = new.read_bytes()
    new.write_bytes(raw[:-100_000] + b"x" + raw[-99_999:])
    with pytest.raises(Refused, match="damaged or was changed"):
        apply(new, board.files)
    assert outcome(board.files) is Outcome.WRITING
    assert [board.start(), board.start()] == [0, 0]
    new.write_bytes(raw)
    with closing(UpdateFile(new)) as one:
        read, count = one.read, [0]

        def gone(offset: int, size: int) -> bytes:
            count[0] += 1
            return b"" if count[0] > 2 else read(offset, size)

        with patch.object(one, "read", gone), pytest.raises(Refused):
            applying.lay(one, board.files, OLD, SHAPE)
    assert board.start() == 0
    apply(new, board.files)
    assert board.start() == 1


def test_killed_at_every_write(tmp_path: Path) -> None:
    """Whatever the moment: the board starts, the old system or a whole new one; and done again, all comes right."""
    new = update(tmp_path, ANA, BEN, system=os.urandom(1_200_000))
    with dies_at(0) as count:
        apply(new, Board(tmp_path / "whole").files)
    assert count[0] > 30
    ends = []
    for write in range(1, count[0] + 1):
        board = Board(tmp_path / str(write))
        with dies_at(write), pytest.raises(Killed):
            apply(new, board.files)
        slot = board.start()
        assert slot == 0 or holds_system(board.files, 1, new), write
        if slot:
            assert [board.start(), board.start()] == [0, 0], "not settled, so it falls back"
        trial.begin(board.files)
        apply(new, board.files)
        assert board.start() == 1, write
        note = trial.begin(board.files)
        assert note
        trial.settle(board.files, note)
        assert board.start() == 1
        ends.append(slot)
    assert set(ends) == {0, 1}


def test_killed_at_every_write_while_it_is_settled(tmp_path: Path) -> None:
    new = update(tmp_path, ANA, BEN)
    write, done = 0, False
    while not done:
        write += 1
        board = Board(tmp_path / str(write))
        apply(new, board.files)
        board.start()
        note = trial.begin(board.files)
        assert note
        with dies_at(write):
            try:
                trial.settle(board.files, note)
                done = True
            except Killed:
                pass
        slot = board.start()
        trial.begin(board.files)
        assert outcome(board.files) is (Outcome.GOOD if slot else Outcome.FELL_BACK), write
        assert board.start() == slot, write
    assert write > 3


def test_what_is_right_already_is_not_written_again(board: Board, new: Path) -> None:
    apply(new, board.files)
    board.start()
    board.start()
    trial.begin(board.files)
    with patch.object(os, "pwrite", wraps=os.pwrite) as writes:
        apply(new, board.files)
    written = sum(len(call.args[1]) for call in writes.call_args_list)
    assert written < 4096


def test_who_may_sign_follows_a_version_that_holds(board: Board, tmp_path: Path) -> None:
    after = keepers(1, Cat=CAT)
    apply(update(tmp_path, ANA, BEN, keepers=after), board.files)
    assert held.keepers(board.files.open) == keepers(), "not before it holds"
    board.start()
    note = trial.begin(board.files)
    assert note
    trial.settle(board.files, note)
    held.follow_keepers(board.files.open)
    assert held.keepers(board.files.open) == after
    next_one = update(tmp_path / "next", ANA, BEN, version="9.1")
    with pytest.raises(Refused) as told:
        apply(next_one, board.files, NEW)
    assert told.value.verdict is Flaw.TOO_FEW


@pytest.mark.parametrize("year", [1970, 2045])
def test_no_clock_is_asked(board: Board, new: Path, year: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: (year - 1970) * 31_556_952.0)
    test_an_update_is_tried_and_kept(board, new)


def test_health_must_last() -> None:
    now, answers = [0.0], [True] * 10 + [False] + [True] * 100

    def rest(seconds: float) -> None:
        now[0] += seconds

    assert trial.holds(lambda: answers.pop(0), 60, 900, lambda: now[0], rest)
    assert now[0] == pytest.approx(11 * 5 + 60)
    now, answers = [0.0], [True, False] * 200
    assert not trial.holds(lambda: answers.pop(0), 60, 900, lambda: now[0], rest)


def test_the_card_is_found_by_what_the_system_was_started_from(tmp_path: Path) -> None:
    root, devices, open_part = (tmp_path / name for name in ("root", "dev-block", "open"))
    for place in (root, devices, open_part, tmp_path / "disk"):
        place.mkdir()
    with pytest.raises(Refused, match="does not run from a card"):
        find(root, devices, open_part)
    number = root.stat().st_dev
    for part in range(1, 5):
        (tmp_path / f"disk/mmcblk0p{part}").mkdir()
        (tmp_path / f"disk/mmcblk0p{part}/partition").write_text(f"{part}\n")
    link = devices / f"{os.major(number)}:{os.minor(number)}"
    link.symlink_to(tmp_path / "disk/mmcblk0p3")
    with pytest.raises(Refused, match="does not run from a card"):
        find(root, devices, open_part)
    (open_part / "config.txt").touch()
    card = find(root, devices, open_part)
    assert (card.running, card.slots) == (1, (Path("/dev/mmcblk0p2"), Path("/dev/mmcblk0p3")))
    link.unlink()
    link.symlink_to(tmp_path / f"disk/mmcblk0p{FIRST_SLOT + 2}")
    with pytest.raises(Refused, match="does not run from a card"):
        find(root, devices, open_part)


@pytest.mark.parametrize("line", ["", "root=LABEL=hedgerow-a ro\n", "xroot=PARTUUID=0a11ce5e-02\n", None])
def test_a_card_that_does_not_say_its_number_takes_no_update(board: Board, new: Path, line: str | None) -> None:
    """The new system would be looked for on a card that is not there."""
    file = board.files.open / "a/cmdline.txt"
    file.unlink() if line is None else file.write_text(line, encoding="ascii")
    with pytest.raises(Refused, match=r"cmdline\.txt"):
        apply(new, board.files)
    assert outcome(board.files) is None
    assert not any(board.files.slots[1].read_bytes())


RUINED: Final = ("", "kernel=x\n", "os_prefix=a/\nos_prefix=b/\n", "#" * 600 + "\nos_prefix=a/\n", "os_prefix=c/\n")


@pytest.mark.parametrize("text", RUINED)
def test_a_config_that_somebody_changed_is_left_alone(board: Board, new: Path, text: str) -> None:
    board.files.config.write_text(text, encoding="ascii")
    with pytest.raises(Refused, match="names no slot"):
        apply(new, board.files)
    assert board.files.config.read_text("ascii") == text
