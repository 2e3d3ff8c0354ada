"""A stick with an update comes to a node: what is taken, what is asked for, and the receipt that it takes away."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from appliance.node import Node
from appliance.updates import arrival, held, last, overview, receipts
from appliance.updates.held import Wish
from appliance.updates.last import Last, Outcome
from appliance.updates.making import sign
from tests.appliance.updates.cards import ANA, BEN, update

WHO = ("Elm", "abcdefghijklmnop")
OURS = held.here(Path("/nowhere")).architecture


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


def bring(stick: Path, tmp_path: Path, open_part: Path, floor: int = 0) -> str:
    return arrival.bring(stick, tmp_path / "elm", floor, WHO, open_part)


def receipt(stick: Path) -> str:
    return (stick / receipts.FOLDER / "abcdefghijkl.txt").read_text(encoding="utf-8")


def test_one_that_enough_keepers_signed_is_taken(stick: Path, tmp_path: Path, open_part: Path) -> None:
    file = update(stick, ANA, BEN, architecture=OURS)
    words = bring(stick, tmp_path, open_part)
    assert "Version 9.0 was taken from this stick" in words
    kept = held.path(tmp_path / "elm")
    assert kept
    assert kept.read_bytes() == file.read_bytes()
    assert held.wished(tmp_path / "elm") is Wish.APPLY
    assert WHO[0] in receipt(stick)
    assert f"Runs version {version('hedgerow')}" in receipt(stick)
    seen = overview.look(tmp_path / "elm", 99, open_part)
    assert seen.ready
    assert (seen.ready.version, set(seen.ready.signers), seen.waits) == ("9.0", {"Ana", "Ben"}, True)
    assert not seen.ready.is_final
    final = overview.look(tmp_path / "elm", 6, open_part).ready
    assert final
    assert final.is_final


def test_a_newer_one_takes_the_place_of_an_older(stick: Path, tmp_path: Path, open_part: Path) -> None:
    update(stick, ANA, BEN, architecture=OURS)
    bring(stick, tmp_path, open_part)
    update(stick, ANA, BEN, architecture=OURS, version="9.1")
    bring(stick, tmp_path, open_part)
    assert [path.name for path in (tmp_path / "elm/updates").glob("*.update")] == ["hedgerow-9.1.update"]


@pytest.mark.parametrize(
    ("signers", "made", "words"),
    [
        ((), {}, "is signed by 0 of the keepers whom this node knows, and 2 must"),
        ((ANA,), {}, "is signed by 1 of the keepers"),
        ((ANA, BEN), {"version": "0.0.1"}, "which is older than"),
        ((ANA, BEN), {"version": version("hedgerow")}, "runs here already"),
        ((ANA, BEN), {"architecture": "riscv64"}, "is for machines of the kind riscv64"),
    ],
)
def test_refused_on_the_receipt(
    stick: Path, tmp_path: Path, open_part: Path, signers: tuple[object, ...], made: dict[str, str], words: str
) -> None:
    update(stick, *signers, **({"architecture": OURS} | made))  # type: ignore[arg-type]
    assert words in bring(stick, tmp_path, open_part)
    assert words in receipt(stick)
    assert held.path(tmp_path / "elm") is None
    assert held.wished(tmp_path / "elm") is None


def test_what_else_a_stick_may_meet(stick: Path, tmp_path: Path, open_part: Path) -> None:
    assert bring(stick, tmp_path, open_part) == ""
    assert not (stick / "hedgerow").exists(), "no update, no receipt"
    file = update(stick, ANA, BEN, architecture=OURS)
    assert "no room on the card" in bring(stick, tmp_path, open_part, 1 << 60)
    raw = file.read_bytes()
    file.write_bytes(raw[:-5000] + bytes([raw[-5000] ^ 1]) + raw[-4999:])
    assert "damaged or was changed, from byte" in bring(stick, tmp_path, open_part)
    file.write_bytes(raw[:-1])
    assert "ends too early" in bring(stick, tmp_path, open_part)
    assert list((tmp_path / "elm/updates").iterdir()) == []
    (open_part / "hedgerow" / held.KEYS).write_text("needed two\n", encoding="utf-8")
    assert "wrong in line 1" in bring(stick, tmp_path, open_part)
    (open_part / "hedgerow" / held.KEYS).unlink()
    assert "takes none" in bring(stick, tmp_path, open_part)
    (open_part / "config.txt").unlink()
    assert "does not run from a card" in bring(stick, tmp_path, open_part)


def test_the_receipt_tells_how_it_went(stick: Path, tmp_path: Path, open_part: Path) -> None:
    update(stick, ANA, BEN, architecture=OURS)
    last.write(open_part, Last(Outcome.FELL_BACK, "9.0", 1, 5, version("hedgerow"), 5))
    assert "did not hold" in bring(stick, tmp_path, open_part)
    assert "runs again. Nothing was lost." in receipt(stick)
    assert held.wished(tmp_path / "elm") is None, "a stick that stays in is no reason to try for ever"
    (stick / "hedgerow-9.0.update").unlink()
    update(stick, ANA, BEN, architecture=OURS, version=version("hedgerow"))
    last.write(open_part, Last(Outcome.GOOD, version("hedgerow"), 1, 5, "0.0.9", 5))
    bring(stick, tmp_path, open_part)
    assert "holds and runs from now on. Before it ran version 0.0.9." in receipt(stick)


def test_a_stick_that_lies_in_wait(stick: Path, tmp_path: Path, open_part: Path) -> None:
    """Links instead of files and folders, and a folder that cannot be written, are told of and followed nowhere."""
    (tmp_path / "precious").write_text("mine", encoding="ascii")
    (stick / "hedgerow-9.9.update").symlink_to(tmp_path / "precious")
    (stick / "hedgerow/receipts").mkdir(parents=True)
    (stick / "hedgerow/receipts/abcdefghijkl.part").symlink_to(tmp_path / "precious")
    assert "cannot be read" in bring(stick, tmp_path, open_part)
    assert (tmp_path / "precious").read_text(encoding="ascii") == "mine"
    (stick / "hedgerow/receipts/abcdefghijkl.txt").unlink()
    (stick / "hedgerow/receipts").rmdir()
    (stick / "hedgerow/receipts").symlink_to(tmp_path / "elm")
    assert "No receipt could be left" in bring(stick, tmp_path, open_part)


def test_a_wish_is_read_strictly(tmp_path: Path) -> None:
    assert held.wished(tmp_path) is None
    for wish in Wish:
        held.wish(tmp_path, wish)
        assert held.wished(tmp_path) is wish
    (tmp_path / "updates/wish").write_text("rm -rf /", encoding="ascii")
    assert held.wished(tmp_path) is None
    held.forget_wish(tmp_path)
    os.mkfifo(tmp_path / "updates/wish")
    assert held.wished(tmp_path) is None


def test_a_note_that_somebody_changed_is_none(open_part: Path) -> None:
    good = Last(Outcome.GOOD, "9.0", 1, 5, "0.1", 5)
    last.write(open_part, good)
    assert last.read(open_part) == good
    note = open_part / "hedgerow" / last.FILE_NAME
    text = note.read_text(encoding="ascii")
    for wrong in (
        text.replace("good", "fine"),
        text.replace("9.0", "../x"),
        text.replace("slot: b", "slot: c"),
        "",
        "\0",
    ):
        note.write_text(wrong, encoding="ascii")
        assert last.read(open_part) is None
    (note).unlink()
    assert last.read(open_part) is None


def test_a_node_without_a_card_says_so(elm: Path, tmp_path: Path) -> None:
    node = Node.open(elm)
    try:
        seen = node.versions()
        assert not seen.is_card
        assert seen.ready is None
        assert any(check.name == "version" and check.healthy for check in node.checks())
    finally:
        node.close()


def test_one_signature_more(stick: Path, tmp_path: Path, open_part: Path) -> None:
    """A keeper who stands at the node with a laptop adds the missing signature, and brings the stick again."""
    file = update(stick, ANA, architecture=OURS)
    assert "Ask another keeper" in bring(stick, tmp_path, open_part)
    sign(file, BEN)
    assert "was taken" in bring(stick, tmp_path, open_part)
