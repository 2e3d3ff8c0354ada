"""The keeper's half of the archive: arrivals, the shelf, reports, what is put away, and what is waited for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest

from appliance.answers import Session
from appliance.desks.shelving import REPORTS_MAX, WORD_LENGTH_MAX
from appliance.errors import Answer, Objection, Refused
from appliance.library import Rack, Zine, ZineForm
from appliance.node import Node
from appliance.settings import Archive
from appliance.store.migrations import MIGRATIONS, SHELVING
from mesh.blob import PIECE_SIZE
from tests.appliance.conftest import carry
from tests.appliance.street import PIN, Street

BREAD: Final = "# Bröt\n\nFlour, water, salt and a long night.\n".encode() * 5


@pytest.fixture
def street(tmp_path: Path):
    """A street whose nodes shelve nothing by themselves."""
    with Street(tmp_path, archive=Archive(free_space_floor_bytes=0)) as street:
        yield street


@pytest.fixture
def elm(street: Street) -> Node:
    street.neighbour(street.elm, "Ana", keeper=True)
    street.neighbour(street.elm, "Ben")
    return street.elm


@pytest.fixture
def oak(street: Street, elm: Node) -> Node:
    oak = street.welcome("Oak")
    street.neighbour(oak, "Dora", keeper=True)
    street.neighbour(oak, "Emre")
    street.settle()
    return oak


def publish(node: Node, title: str = "Bread", content: bytes = BREAD) -> Zine:
    return node.publish(ZineForm(title), BytesIO(content), "a.md", None)


def titles(node: Node, rack: Rack, query: str = "") -> list[str]:
    return [zine.title for zine in node.zines(query, rack=rack).rows]


def refused(verdict: Answer, ask, *words: object) -> None:
    with pytest.raises(Refused) as refusal:
        ask(*words)
    assert refusal.value.verdict is verdict


def bring(giver: Node, taker: Node) -> None:
    """Bring all pieces that the taker wants."""
    for want in taker.wanted_blobs():
        for index in want.missing:
            taker.accept_piece(want.blob, index, giver.blob_piece(want.blob, index) or b"")


# arrivals


def test_what_arrives_waits_beside_the_shelf_until_a_keeper_shelves_it(street: Street, elm: Node, oak: Node) -> None:
    zine = publish(elm)
    assert titles(elm, Rack.SHELF) == ["Bread"], "what was published here stands at once"
    street.settle()
    assert titles(oak, Rack.SHELF) == []
    assert titles(oak, Rack.ARRIVALS) == titles(oak, Rack.NEW) == titles(oak, Rack.OPEN) == ["Bread"]
    there = oak.zine(zine.id)
    assert (there.shelved, there.is_here, there.wanted, there.copies) == (False, False, False, 1)
    assert oak.arrivals() == 1
    assert oak.wanted_blobs() == [], "its body does not come by itself"
    oak.shelve([zine.id])
    assert (oak.zine(zine.id).shelved, oak.zine(zine.id).wanted, oak.arrivals()) == (True, True, 0)
    bring(elm, oak)
    assert titles(oak, Rack.SHELF, "flour") == ["Bread"]
    assert len(street.hashes()) == 1, "the shelf is no part of what nodes agree about"


def test_the_shelf_outlives_a_rebuild_and_verify_agrees(street: Street, elm: Node, oak: Node) -> None:
    shelved, left, new = publish(elm, "Shelved"), publish(elm, "Left"), publish(elm, "New", b"new")
    street.settle()
    oak.shelve([shelved.id])
    oak.leave([left.id])
    oak.rebuild()
    assert titles(oak, Rack.SHELF) == ["Shelved"]
    assert titles(oak, Rack.NEW) == ["New"]
    assert sorted(titles(oak, Rack.ARRIVALS)) == ["Left", "New"]
    assert not oak.zine(new.id).shelved
    assert list(oak.verify()) == []


def test_arrivals_are_looked_for_by_their_titles(street: Street, elm: Node, oak: Node) -> None:
    publish(elm, "Bröt 面包很好吃")
    publish(elm, "Water", b"flour")
    street.settle()
    for zine in oak.zines(rack=Rack.ARRIVALS).rows:
        oak.ask_for(zine.id)
    bring(elm, oak)
    assert titles(oak, Rack.ARRIVALS, "brot") == titles(oak, Rack.ARRIVALS, "面包") == ["Bröt 面包很好吃"]
    assert titles(oak, Rack.ARRIVALS, "包很好") == ["Bröt 面包很好吃"]
    assert titles(oak, Rack.ARRIVALS, "flour") == titles(oak, Rack.SHELF, "flour") == []
    assert len(titles(oak, Rack.OPEN, "flour")) == 2


def test_several_at_once_or_none(street: Street, elm: Node, oak: Node) -> None:
    one, other = publish(elm, "One", b"one"), publish(elm, "Other", b"other")
    street.settle()
    refused(Objection.NOT_FOUND, oak.shelve, [one.id, "x"])
    assert oak.arrivals() == 2
    oak.shelve([one.id, other.id])
    assert oak.arrivals() == 0
    oak.leave([one.id])
    assert titles(oak, Rack.SHELF) == ["Other"]


def test_a_node_may_shelve_all_that_arrives(tmp_path: Path, elm: Node, street: Street) -> None:
    street.archive = Archive(free_space_floor_bytes=0, shelve_arrivals=True)
    ash = street.invite("Ash")
    publish(elm)
    street.settle()
    assert titles(ash, Rack.SHELF) == ["Bread"]
    assert ash.zines().rows[0].wanted, "small files on the shelf come by themselves"


def test_a_body_comes_only_while_the_archive_has_room(tmp_path: Path, elm: Node, street: Street) -> None:
    street.archive = Archive(free_space_floor_bytes=0, quota_bytes=len(BREAD) + 10)
    ash = street.invite("Ash")
    one, other = publish(elm), publish(elm, "Water", b"water" * 10)
    street.settle()
    ash.ask_for(one.id)
    refused(Objection.ARCHIVE_FULL, ash.ask_for, other.id)
    ash.ask_for(one.id)
    bring(elm, ash)
    assert ash.archive_bytes() == (len(BREAD), len(BREAD) + 10)
    assert ash.is_nearly_full()
    ash.shelve([other.id])
    (wanted,) = ash.wanted()
    assert (wanted.zine.title, wanted.holders, wanted.waits_for_room) == ("Water", ("Elm",), True)


def test_what_is_carried_here_is_kept_while_there_is_room(tmp_path: Path, elm: Node, street: Street) -> None:
    one, other, third = (publish(elm, f"No. {size}", b"x" * size) for size in (60, 70, 90))
    street.archive = Archive(free_space_floor_bytes=0, quota_bytes=150)
    ash = street.invite("Ash")
    carry(elm, ash, tmp_path)
    assert [ash.blobs.has(bytes.fromhex(zine.blob)) for zine in (one, other, third)] == [True, False, False], (
        "up to half"
    )
    ash.shelve([other.id, third.id])
    carry(elm, ash, tmp_path)
    assert [ash.blobs.has(bytes.fromhex(zine.blob)) for zine in (one, other, third)] == [True, True, False]
    ash.let_go(one.id)
    ash.let_go(other.id)
    carry(elm, ash, tmp_path)
    assert ash.blobs.has(bytes.fromhex(third.blob))
    assert ash.archive_bytes()[0] <= 150
    assert list(ash.blobs.parts()) == []


def test_radio_brings_nothing_beyond_the_quota(tmp_path: Path, elm: Node, street: Street) -> None:
    street.archive = Archive(free_space_floor_bytes=0, quota_bytes=len(BREAD) - 1)
    ash = street.invite("Ash")
    zine = publish(elm)
    street.settle()
    ash.shelve([zine.id])
    assert ash.wanted_blobs() == []


# reports, and what is put away


def session(node: Node, name: str) -> Session:
    return node.sign_in(name, PIN)


def test_a_report_reaches_keepers_and_nobody_else(street: Street, elm: Node, oak: Node) -> None:
    zine = publish(elm)
    street.settle()
    oak.report(zine.id, "  It names\nmy daughter. ", session(oak, "Emre"))
    oak.report(zine.id, "Again!", session(oak, "Emre"))
    oak.report(zine.id, "Rude.", session(oak, "Dora"))
    (reported,) = oak.reported()
    assert {(said.by.name, said.word) for said in reported.complaints} == {
        ("Emre", "It names\nmy daughter."),
        ("Dora", "Rude."),
    }
    street.settle()
    assert elm.reported() == [], "it never leaves the node"
    oak.dismiss(zine.id)
    assert oak.reported() == []
    assert oak.zine(zine.id).id == zine.id


def test_reports_have_limits(street: Street, elm: Node) -> None:
    ben = session(elm, "Ben")
    zines = [publish(elm, f"Zine {number}", str(number).encode()) for number in range(REPORTS_MAX + 1)]
    refused(Objection.TEXT_EMPTY, elm.report, zines[0].id, " \n", ben)
    refused(Objection.TEXT_TOO_LONG, elm.report, zines[0].id, "x" * (WORD_LENGTH_MAX + 1), ben)
    refused(Objection.NOT_FOUND, elm.report, "x", "Rude.", ben)
    for zine in zines[:-1]:
        elm.report(zine.id, "Rude.", ben)
    refused(Objection.REPORTS_WAIT, elm.report, zines[-1].id, "Rude.", ben)
    elm.report(zines[0].id, "Rude again.", ben)
    elm.report(zines[-1].id, "Rude.", session(elm, "Ana"))
    elm.dismiss(zines[0].id)
    elm.report(zines[-1].id, "Rude.", ben)


def test_what_is_hidden_is_nowhere_until_it_is_put_back(street: Street, elm: Node, oak: Node, tmp_path: Path) -> None:
    zine = publish(elm)
    street.settle()
    oak.shelve([zine.id])
    bring(elm, oak)
    blob = bytes.fromhex(zine.blob)
    oak.report(zine.id, "Rude.", session(oak, "Emre"))
    oak.hide(zine.id)
    for rack in (Rack.SHELF, Rack.ARRIVALS, Rack.NEW, Rack.OPEN):
        assert titles(oak, rack) == titles(oak, rack, "flour") == []
    assert titles(oak, Rack.HIDDEN) == ["Bread"]
    emre, dora = session(oak, "Emre"), session(oak, "Dora")
    for ask in (oak.zine, oak.zine_file):
        refused(Objection.ZINE_PUT_AWAY, ask, zine.id)
        refused(Objection.ZINE_PUT_AWAY, ask, zine.id, emre)
    assert oak.zine(zine.id, dora).hidden
    assert oak.zine_file(zine.id, dora).path.read_bytes() == BREAD
    assert oak.blob_piece(blob, 0) is None, "not by radio"
    ash = street.invite("Ash")
    carry(oak, ash, tmp_path)
    assert not ash.blobs.has(blob), "not by hand"
    assert ash.zines(rack=Rack.ARRIVALS).rows, "but what is told about it goes on: a log has no holes"
    assert len(street.hashes()) <= 2
    oak.unhide(zine.id)
    assert titles(oak, Rack.SHELF, "flour") == ["Bread"]
    assert oak.reported() == []
    assert oak.blob_piece(blob, 0) == BREAD[:PIECE_SIZE]


def test_a_file_of_two_zines_goes_on_while_one_is_not_hidden(street: Street, elm: Node) -> None:
    one, other = publish(elm, "One"), publish(elm, "Other")
    elm.hide(one.id)
    assert elm.blob_piece(bytes.fromhex(one.blob), 0)
    elm.hide(other.id)
    assert elm.blob_piece(bytes.fromhex(one.blob), 0) is None


def test_a_hidden_zine_is_no_longer_waited_for(street: Street, elm: Node, oak: Node) -> None:
    zine = publish(elm)
    street.settle()
    oak.shelve([zine.id])
    assert [one.zine.title for one in oak.wanted()] == ["Bread"]
    oak.hide(zine.id)
    assert oak.wanted() == []
    assert oak.wanted_blobs() == []
    oak.unhide(zine.id)
    assert [one.zine.title for one in oak.wanted()] == ["Bread"]


# what could go


def test_a_file_from_elsewhere_may_go_and_come_again(street: Street, elm: Node, oak: Node) -> None:
    zine, own = publish(elm), publish(oak, "Own", b"own")
    street.settle()
    oak.shelve([zine.id])
    bring(elm, oak)
    assert [one.title for one in oak.could_go()] == ["Bread"]
    refused(Objection.PUBLISHED_HERE, oak.let_go, own.id)
    oak.let_go(zine.id)
    assert sorted(path.name for path in oak.settings.blobs.iterdir()) == [own.blob]
    assert titles(oak, Rack.ARRIVALS) == ["Bread"]
    assert titles(oak, Rack.OPEN, "flour") == []
    assert list(oak.verify()) == []
    oak.shelve([zine.id])
    bring(elm, oak)
    assert titles(oak, Rack.SHELF, "flour") == ["Bread"]


# withdrawal


def test_a_tombstone_frees_the_bytes_everywhere_and_all_that_is_known(street: Street, elm: Node, oak: Node) -> None:
    zine = publish(elm)
    street.settle()
    oak.shelve([zine.id])
    oak.report(zine.id, "Rude.", session(oak, "Emre"))
    oak.hide(zine.id)
    elm.withdraw_zine(zine.id)
    street.settle()
    for node in (elm, oak):
        for table in ("zine", "shelving", "report", "holding", "wanted", "chunk_list"):
            assert node.database.rows(f"SELECT * FROM {table}") == [], table
        assert list(node.verify()) == []


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_tombstone_frees_the_pieces_of_a_file_that_is_still_arriving(
    street: Street, elm: Node, oak: Node, pieces: int
) -> None:
    zine = publish(elm)
    street.settle()
    oak.shelve([zine.id])
    for index in range(pieces):
        oak.accept_piece(bytes.fromhex(zine.blob), index, BREAD[index * PIECE_SIZE : (index + 1) * PIECE_SIZE])
    assert list(oak.settings.blobs.iterdir()), "something has arrived"
    elm.withdraw_zine(zine.id)
    street.settle()
    assert list(oak.settings.blobs.iterdir()) == []
    assert not oak.accept_piece(bytes.fromhex(zine.blob), pieces, BREAD[:PIECE_SIZE])
    assert list(oak.settings.blobs.iterdir()) == []


# yesterday's database


def test_what_stood_on_the_shelf_of_an_earlier_program_stays_there(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        for step in MIGRATIONS[: MIGRATIONS.index(SHELVING)]:
            for statement in step:
                old.execute(statement)
        old.execute("INSERT INTO log VALUES (1, x'01', x'02', x'03', x'04', 0, 1, x'', 1, x'')")
        old.execute("INSERT INTO zine VALUES (1, 1, 7, x'05', 9, 'text/plain', 'Bread', '', 'en', '', '', '', '', '')")
        for statement in SHELVING:
            old.execute(statement)
        assert list(old.execute("SELECT * FROM shelving")) == [(b"\x01", 7, 1, 0)]
        assert list(old.execute("SELECT title, chunks FROM zine")) == [("Bread", b"")]
