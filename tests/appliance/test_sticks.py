"""A stick that goes from node to node brings and takes, whatever else lies on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.copies import keep_copies
from appliance.errors import StoreFault
from appliance.sticks import FOLDER, WORDS, exchange
from tests.appliance.street import Street


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    place = tmp_path / "stick"
    place.mkdir()
    return place


def test_a_stick_joins_two_nodes(street: Street, stick: Path) -> None:
    oak = street.invite("Oak")
    street.neighbour(street.elm, "Ana")
    for node in (oak, street.elm, oak, street.elm):
        exchange(node, stick)
    assert oak.status().as_json()["state_hash"] == street.elm.status().as_json()["state_hash"]
    last = exchange(oak, stick)
    assert (last.read, last.records, last.unreadable) == (1, 0, ())
    assert len(list((stick / FOLDER).glob("*.hedge"))) == 2
    assert "may be pulled out" in (stick / FOLDER / WORDS).read_text(encoding="utf-8")


def test_what_is_no_bundle_is_named_and_hinders_nothing(street: Street, stick: Path) -> None:
    (stick / "holiday.hedge").write_bytes(b"not a bundle")
    (stick / "loop.hedge").symlink_to("/etc/passwd")
    os.mkfifo(stick / "pipe.hedge")
    (stick / "folder.hedge").mkdir()
    done = exchange(street.elm, stick)
    assert done.read == 0
    assert set(done.unreadable) == {"holiday.hedge", "loop.hedge", "pipe.hedge", "folder.hedge"}
    assert done.written_bytes > 0


def test_links_on_a_stick_reach_no_file_of_the_node(street: Street, stick: Path, tmp_path: Path) -> None:
    """What an ext4 stick can bear: links in the places where this node is about to write."""
    treasure = tmp_path / "treasure"
    treasure.write_bytes(b"the node's key")
    ours = f"{street.elm.id[:12]}"
    (stick / FOLDER).mkdir()
    for name in (f"{ours}.part", f"{ours}.hedge", WORDS, "what-happened.part"):
        (stick / FOLDER / name).symlink_to(treasure)
    assert exchange(street.elm, stick).written_bytes > 0
    assert treasure.read_bytes() == b"the node's key"
    assert not [path for path in (stick / FOLDER).iterdir() if path.is_symlink()]


def test_a_folder_that_is_a_link_is_not_gone_into(street: Street, stick: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (stick / FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreFault, match="is no folder but a link"):
        exchange(street.elm, stick)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_torn_bundle_is_named_and_a_whole_one_mends_it(street: Street, stick: Path) -> None:
    oak = street.welcome("Oak")
    street.neighbour(street.elm, "Ana")
    exchange(street.elm, stick)
    (whole,) = (stick / FOLDER).glob("*.hedge")
    content = whole.read_bytes()
    whole.unlink()
    (stick / "torn.hedge").write_bytes(content[:-3])
    done = exchange(oak, stick)
    assert done.unreadable == ("torn.hedge",)
    (stick / "torn.hedge").write_bytes(content)
    done = exchange(oak, stick)
    assert (done.unreadable, done.records > 0) == ((), True)


def test_a_stick_that_cannot_be_written_says_so(street: Street, stick: Path) -> None:
    (stick / FOLDER).write_bytes(b"a file where the folder should be")
    with pytest.raises(StoreFault, match="cannot be written"):
        exchange(street.elm, stick)


def test_the_newest_copies_are_kept_and_open(street: Street, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    (copies / "unfinished").mkdir(parents=True)  # one that was cut off
    newest = [keep_copies(street.elm, copies, 2) for _ in range(4)][-1]
    assert sorted(path.name for path in copies.iterdir()) == ["copy-000003", "copy-000004"]
    assert newest.name == "copy-000004"
    assert {"node.yaml", "node.key", "hedgerow.db", "blobs"} <= {path.name for path in newest.iterdir()}
