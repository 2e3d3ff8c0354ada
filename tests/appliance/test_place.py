"""A copy of the data directory is another place; a move and a restart are not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from appliance import place
from appliance.errors import StoreFault


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "elm").mkdir()
    (tmp_path / "elm/node.key").write_bytes(b"k" * 32)
    return tmp_path / "elm"


def test_a_place_is_the_same_in_another_process(data: Path) -> None:
    ask = f"from pathlib import Path; from appliance import place; print(place.here(Path({str(data / 'node.key')!r})))"
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == place.here(data / "node.key")


def test_a_move_within_the_file_system_changes_nothing(data: Path) -> None:
    before = place.here(data / "node.key")
    moved = data.rename(data.with_name("oak"))
    assert place.here(moved / "node.key") == before


def test_work_in_the_directory_changes_nothing(data: Path) -> None:
    before = place.here(data / "node.key")
    (data / "hedgerow.db").touch()
    (data / "node.key").chmod(0o600)
    (data / "node.key").touch()
    assert place.here(data / "node.key") == before


def test_a_copy_is_another_place(data: Path) -> None:
    shutil.copytree(data, data.with_name("oak"))
    subprocess.run(["cp", "--archive", data, data.with_name("ash")], check=True)
    assert len({place.here(data.with_name(name) / "node.key") for name in ("elm", "oak", "ash")}) == 3


def test_a_copy_that_took_over_the_inode_number_was_still_born_later(data: Path, monkeypatch) -> None:
    same_inode = place.here(data / "node.key")
    monkeypatch.setattr(place, "_birth", lambda file: b"another day!")
    assert place.here(data / "node.key") != same_inode


@pytest.mark.parametrize(("mark", "answer"), [("_board", b"100000003d1d1c36"), ("_card", b"275048534431364760")])
def test_another_board_or_card_is_another_place(data: Path, monkeypatch, mark: str, answer: bytes) -> None:
    before = place.here(data / "node.key")
    monkeypatch.setattr(place, mark, lambda *_: answer)
    assert place.here(data / "node.key") != before


def test_the_serial_number_of_a_pi_goes_before_the_machine_id(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "serial").write_bytes(b"100000003d1d1c36\0")
    (tmp_path / "id").write_bytes(b"3d1219c7c4c5\n")
    monkeypatch.setattr(place, "SERIAL_NUMBER", tmp_path / "serial")
    monkeypatch.setattr(place, "MACHINE_ID", tmp_path / "id")
    assert place._board() == b"100000003d1d1c36"
    (tmp_path / "serial").unlink()
    assert place._board() == b"3d1219c7c4c5"


def test_a_machine_id_of_one_start_alone_names_no_board(monkeypatch) -> None:
    monkeypatch.setattr(place, "SERIAL_NUMBER", Path("/none"))
    monkeypatch.setattr(place, "MACHINE_ID", Path("/proc"))  # as what a card's system mounts over the file
    monkeypatch.setattr(place, "_content", lambda file: b"drawn" if file == Path("/proc") else b"")
    assert place._board() == b""


def test_the_card_is_found_through_its_partition(data: Path, tmp_path: Path, monkeypatch) -> None:
    partition = tmp_path / "devices/mmcblk0/mmcblk0p2"
    partition.mkdir(parents=True)
    (partition.parent / "device").mkdir()
    (partition.parent / "device/cid").write_text("275048534431364760\n")
    (tmp_path / "block").mkdir()
    (tmp_path / "block/179:2").symlink_to(partition)
    monkeypatch.setattr(place, "DEVICES", tmp_path / "block")
    assert place._card((179 << 8) + 2) == b"275048534431364760"
    assert place._card((8 << 8) + 1) == b""


def test_without_a_key_there_is_no_place(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match=r"node\.key"):
        place.here(tmp_path / "node.key")
