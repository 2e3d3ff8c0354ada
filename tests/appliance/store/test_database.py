"""What can be wrong with a database, a card or a neighbour process: one clear sentence each, and nothing half-done."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest

from appliance import founding
from appliance.errors import CardFull, SettingsFault, StoreFault
from appliance.library import ZineForm
from appliance.node import Node
from appliance.settings import Archive, Settings
from appliance.store import database as store
from appliance.store.database import Database
from appliance.store.migrations import APPLICATION_ID, MIGRATIONS
from tests.appliance.street import Street
from tests.crash.card import AS_ROOT, MIB, Card

SIZE: Final = 2 * MIB


def sentence(fault: pytest.ExceptionInfo[StoreFault]) -> str:
    """Return what a person is told: one or two sentences that name the file."""
    told = str(fault.value)
    assert told.endswith(".")
    assert "\n" not in told
    return told


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hedgerow.db"


def test_a_new_database_is_ours_and_opens_again(file: Path) -> None:
    Database(file).close()
    again = Database(file)
    assert again.value("PRAGMA application_id") == APPLICATION_ID
    assert again.value("PRAGMA user_version") == len(MIGRATIONS)
    assert again.value("PRAGMA journal_mode") == "wal"
    assert again.value("PRAGMA synchronous") == 2
    again.close()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_the_database_of_another_program_is_left_as_it_is(file: Path, journal: str) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.executescript(
            f"PRAGMA journal_mode = {journal}; CREATE TABLE song (title); INSERT INTO song VALUES ('La Paloma')"
        )
    before = file.read_bytes()
    with pytest.raises(StoreFault) as fault:
        Database(file)
    assert "another program" in sentence(fault)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [os.urandom(8192), b"SQLite format 3\0" + bytes(4096), b"hello\n" * 1000])
def test_bytes_that_are_no_database_are_left_as_they_are(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StoreFault) as fault:
        Database(file)
    assert "not a database" in sentence(fault)
    assert file.read_bytes() == content


def test_a_database_of_a_newer_program_is_left_as_it_is(file: Path) -> None:
    Database(file).close()
    with closing(sqlite3.connect(file)) as other:
        other.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = file.read_bytes()
    with pytest.raises(StoreFault) as fault:
        Database(file)
    assert "newer Hedgerow" in sentence(fault)
    assert file.read_bytes() == before


def test_a_database_that_belongs_to_no_commons_is_no_node(tmp_path: Path) -> None:
    with Street(tmp_path) as street:
        data = street.elm.settings.data
    (data / "hedgerow.db").unlink()
    with pytest.raises(StoreFault) as fault:
        Node.open(data)
    assert "no commons" in sentence(fault)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreFault) as fault:
        Database(tmp_path / "nowhere" / "hedgerow.db")
    assert "cannot be opened" in sentence(fault)


def test_a_damaged_page_is_told_also_in_the_middle_of_a_long_answer(file: Path) -> None:
    database = Database(file)
    with database.writing():
        database.run_many("INSERT INTO mark VALUES (?, ?)", [(f"{number:06}", "x" * 200) for number in range(5000)])
    database.close()
    with file.open("r+b") as raw:
        raw.seek(file.stat().st_size // 2)
        raw.write(b"\xff" * 65536)
    database = Database(file)
    for ask in (database.rows, lambda sql: list(database.each(sql))):
        with pytest.raises(StoreFault) as fault:
            ask("SELECT content FROM mark ORDER BY name")
        assert "damaged" in sentence(fault)
    database.close()


# others at the same database


def test_a_writer_that_waits_too_long_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BUSY_S", 0.1)
    database = Database(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFault) as fault, database.writing():
            raise AssertionError("the writer door was open")
        assert "busy" in sentence(fault)
        assert database.value("SELECT count(*) FROM mark") == 0, "readers never wait for writers"
        other.execute("ROLLBACK")
    with database.writing():
        database.run("INSERT INTO mark VALUES ('a', 'b')")
    database.close()


def test_what_fails_inside_a_transaction_never_happened(file: Path) -> None:
    database = Database(file)
    with suppress(ZeroDivisionError), database.writing():
        database.run("INSERT INTO mark VALUES ('a', 'b')")
        with database.writing():  # a transaction inside is a part of the one around it
            database.run("INSERT INTO mark VALUES ('c', 'd')")
        raise ZeroDivisionError
    assert database.value("SELECT count(*) FROM mark") == 0
    with pytest.raises(StoreFault, match="UNIQUE"), database.writing():
        database.run_many("INSERT INTO mark VALUES (?, 'b')", [("a",), ("a",)])
    assert database.value("SELECT count(*) FROM mark") == 0
    database.close()


def test_the_version_tells_of_every_write(file: Path) -> None:
    one, other = Database(file), Database(file)
    versions = [one.version()]
    for writer in (one, other):
        with writer.writing():
            writer.run("INSERT INTO mark VALUES (?, '')", str(len(versions)))
        versions.append(one.version())
    assert one.version() == versions[-1]
    assert len(set(versions)) == 3
    one.close()
    other.close()


def test_a_copy_is_one_moment_while_others_write(file: Path, tmp_path: Path) -> None:
    database = Database(file)
    with database.writing():
        database.run("INSERT INTO mark VALUES ('a', 'b')")
    reader = database.each("SELECT * FROM mark")
    next(reader)
    database.copy_to(tmp_path / "copy.db")
    assert not list(reader)
    with database.writing():
        database.run("DELETE FROM mark")
    copy = Database(tmp_path / "copy.db")
    assert copy.value("SELECT count(*) FROM mark") == 1
    with pytest.raises(StoreFault):
        database.copy_to(tmp_path / "copy.db")
    copy.close()
    database.close()


# cards


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    """A file system of its own. Whoever may not mount one sees this test fail: it cannot be done by pretending."""
    with Card(tmp_path / "card", "tmpfs", SIZE) as card:
        yield card


@pytest.fixture
def elm(card: Card) -> Iterator[Node]:
    data = card.directory / "elm"
    founding.found(Settings(data, "Elm", "Street", archive=Archive(free_space_floor_bytes=256 * 1024)))
    node = Node.open(data)
    node.add_member("Ana", "1234")
    node.add_member("Ben", "1234")
    yield node
    node.close()
    gc.collect()  # what a caught fault remembers may hold a statement, and so the file, open


@pytest.mark.real
def test_a_full_card_takes_nothing_half_and_goes_on_when_there_is_room(elm: Node, card: Card) -> None:
    ana, ben = elm.accounts()
    hours, paid, refusals = elm.currency("hours"), [], 0
    card.fill(but=96 * 1024)
    with pytest.raises(CardFull) as refusal:
        elm.publish(ZineForm("Bread"), BytesIO(b"# Bread\n" * 1000), "bread.md", ana)
    assert "Payments still work" in str(refusal.value)
    for number in range(2000):
        try:
            paid.append(elm.pay(ana, ben, 1, hours, "x" * 200, str(number)).id)
            refusals = 0
        except CardFull:
            refusals += 1
        if refusals == 2:  # after the first the log is emptied, and there may be room again
            break
    with pytest.raises(CardFull, match="nothing was changed"):
        elm.pay(ana, ben, 1, hours, "x" * 200, "once more")
    assert paid
    rows = elm.database.value("SELECT count(*) FROM transfer")
    assert rows == len(paid), "what was not confirmed is not there"
    assert elm.zines().rows == ()
    with pytest.raises(CardFull):
        elm.health()
    card.make_room()
    again = elm.pay(ana, ben, 1, hours, "x" * 200, str(len(paid)))
    assert [elm.transfer(each).id for each in (*paid, again.id)] == [*paid, again.id]
    assert list(elm.verify()) == []


@pytest.mark.real
def test_a_card_that_only_reads_is_said(elm: Node, card: Card) -> None:
    data = elm.settings.data
    elm.close()
    subprocess.run([*AS_ROOT, "mount", "-o", "remount,ro", str(card.directory)], check=True)
    with pytest.raises(SettingsFault, match="Read-only file system"):
        founding.found(Settings(card.directory / "oak", "Oak", "Street"))
    with pytest.raises(StoreFault, match=r"cannot be opened\. Check that its directory exists and may be written\.$"):
        Node.open(data)
    subprocess.run([*AS_ROOT, "mount", "-o", "remount,rw", str(card.directory)], check=True)
    node = Node.open(data)
    assert list(node.verify()) == []
    node.close()
