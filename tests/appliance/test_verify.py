"""`verify` finds what is damaged behind the node's back, and says where; it changes nothing."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest

from appliance.answers import Board
from appliance.library import ZineForm
from appliance.node import Node
from mesh.log import Checkpoint, ForkProof, first_head
from tests.appliance.street import Street

BREAD: Final = "# Bröt\nFlour, water, salt, and a long night. 面包很好吃\n".encode()


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a node on which something of everything happened, and where a neighbour node's records are."""
    with Street(tmp_path_factory.mktemp("street")) as street:
        live(street)
        return street.elm.settings.data


def live(street: Street) -> None:
    oak = street.welcome("Oak")
    ana, ben = street.neighbour(street.elm, "Ana", keeper=True), street.neighbour(oak, "Ben")
    street.settle()
    hours = street.elm.currency("hours")
    paid = street.elm.pay(ana, street.elm.find_payee("Ben"), 500, hours, "bread")
    street.settle()
    oak.give_back(ben, paid.id)
    oak.post(Board.OFFER, "Bicycles mended", "on Sundays", ben)
    street.elm.publish(ZineForm("Bread", tags=("food",)), BytesIO(BREAD), "bread.md", ana)
    gone = street.elm.post(Board.NOTICE, "A slip", "of the tongue", ana)
    street.elm.withdraw_post(gone.id)
    street.settle()
    assert street.elm.zines().rows[0].is_here


@pytest.fixture
def node(lived_in: Path, tmp_path: Path) -> Iterator[Node]:
    """A copy of it for each test; that it may not write does not matter to what it finds."""
    node = Node.open(shutil.copytree(lived_in, tmp_path / "elm"))
    yield node
    node.close()


@pytest.fixture
def raw(node: Node) -> Iterator[sqlite3.Connection]:
    """The database with its guards taken off, as a thief or a failing card would have it."""
    with closing(sqlite3.connect(node.settings.database, isolation_level=None)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        yield raw


def test_a_sound_node_is_sound(node: Node) -> None:
    before = node.settings.database.read_bytes()
    assert list(node.verify()) == []
    assert node.settings.database.read_bytes() == before
    assert not list(Path(node.settings.data).glob(".verify*"))


def flip(raw: sqlite3.Connection, table: str, column: str, where: str) -> None:
    """Change one byte in the middle of each value."""
    for content, *place in raw.execute(f"SELECT {column}, log_no, seq FROM {table} WHERE {where}").fetchall():
        middle = len(content) // 2
        damaged = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        raw.execute(f"UPDATE {table} SET {column} = ? WHERE log_no = ? AND seq = ?", (damaged, *place))


ONE: Final = "(log_no, seq) = (SELECT log_no, seq FROM {table} WHERE {where} ORDER BY log_no, seq LIMIT 1)"


@pytest.mark.parametrize(
    ("table", "column", "where"),
    [
        ("record", "core", "seq = 1"),
        ("record", "core", "seq = 2"),
        ("record", "core", "kind = 20"),
        ("record", "core", "seq = (SELECT max(height) FROM log)"),
        ("record", "head", "seq = 1"),
        ("record", "head", "kind = 20"),
        ("record", "head", "seq = (SELECT height FROM log WHERE no = log_no)"),
        ("record", "text_digest", "kind = 20"),
        ("record", "text_digest", "kind = 3"),
        ("said", "text", "true"),
        ("said", "salt", "true"),
        ("checkpoint", "signature", "true"),
        ("checkpoint", "head", "true"),
    ],
)
def test_one_flipped_byte_is_found(node: Node, raw: sqlite3.Connection, table: str, column: str, where: str) -> None:
    flip(raw, table, column, ONE.format(table=table, where=where))
    assert list(node.verify())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE record SET kind = 24 WHERE kind = 20",
        "DELETE FROM record WHERE seq = 2",
        "DELETE FROM record WHERE seq = (SELECT max(seq) FROM record)",
        "DELETE FROM said WHERE (log_no, seq) = (SELECT log_no, seq FROM said LIMIT 1)",
        "INSERT INTO said SELECT log_no, seq, zeroblob(16), x'6161' FROM record WHERE seq = 1 LIMIT 1",
        "UPDATE checkpoint SET previous = previous + 1 WHERE seq > 1 + previous",
        "DELETE FROM checkpoint WHERE seq = (SELECT certified FROM log WHERE no = log_no)",
        "INSERT INTO checkpoint SELECT log_no, seq + 100, previous, head, signature FROM checkpoint LIMIT 1",
        "UPDATE log SET height = height - 1 WHERE no = 1",
        "UPDATE log SET head = zeroblob(32) WHERE no = 1",
        "UPDATE log SET certified = certified - 1 WHERE no = 1",
        "UPDATE log SET certified_head = zeroblob(32) WHERE no = 1",
        "UPDATE log SET public_key = zeroblob(32) WHERE no = 1",
        "UPDATE log SET node = zeroblob(16) WHERE no = 1",
        "UPDATE log SET incarnation = 7 WHERE no = 1",
        "UPDATE log SET scope = zeroblob(16) WHERE no = (SELECT max(no) FROM log WHERE scope <> zeroblob(16))",
    ],
)
def test_damaged_facts_are_found(node: Node, raw: sqlite3.Connection, sql: str) -> None:
    assert raw.execute(sql).rowcount > 0
    assert list(node.verify())


VIEWS_WITH_ROWS: Final = (
    "founder", "admitted", "absorbed", "node_name", "member", "opened", "currency", "declared", "transfer",
    "posting", "standing", "post", "zine", "zine_words", "zine_letters",
)  # fmt: skip


@pytest.mark.parametrize("table", VIEWS_WITH_ROWS)
def test_a_deleted_view_row_is_found(node: Node, raw: sqlite3.Connection, table: str) -> None:
    rows = raw.execute(f"SELECT * FROM {table}").fetchall()
    columns = [about[1] for about in raw.execute(f"PRAGMA table_info({table})")]
    assert raw.execute(
        f"DELETE FROM {table} WHERE ({', '.join(columns)}) = ({', '.join('?' * len(columns))})", rows[-1]
    ).rowcount
    assert list(node.verify())
    node.rebuild()
    assert list(node.verify()) == []


FROM_ONE_TO_THE_OTHER: Final = "CASE node WHEN (SELECT node FROM founder) THEN 1 ELSE -1 END"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE standing SET amount = amount + 1 WHERE number = 1 AND log_no = 0", "sums to"),
        (f"UPDATE standing SET amount = amount + {FROM_ONE_TO_THE_OTHER} WHERE log_no = 0", "entries sum to"),
        (f"UPDATE standing SET amount = amount + 9000 * {FROM_ONE_TO_THE_OTHER} WHERE log_no = 0", "below its floor"),
        ("UPDATE standing SET amount = amount + 1 WHERE log_no > 0", "differ from what was signed"),
        ("UPDATE transfer SET verdict = 'accounts_must_differ'", "differ from what was signed"),
        ("UPDATE member SET name = 'Mallory'", "differ from what was signed"),
        ("UPDATE posting SET node = (SELECT node FROM founder), no = no + 9 WHERE amount < 0", "account of another home"),
        ("UPDATE log SET counted = counted - 1", "differ from what was signed"),
        ("UPDATE transfer SET reverses_log = zeroblob(16), reverses_seq = 1", "given back 2 times"),
    ],
)  # fmt: skip
def test_a_changed_view_is_found(node: Node, raw: sqlite3.Connection, sql: str, words: str) -> None:
    assert raw.execute(sql).rowcount > 0
    findings = list(node.verify())
    assert any(words in finding for finding in findings), findings


@pytest.mark.parametrize(
    "damage", [lambda b: b[:9] + b"?" + b[10:], lambda b: b[:-1], lambda b: b + b"\n", lambda _: b""]
)
def test_a_damaged_file_is_found(node: Node, damage: Callable[[bytes], bytes]) -> None:
    (zine,) = node.zines().rows
    node.blobs.path(bytes.fromhex(zine.blob)).write_bytes(damage(BREAD))
    (finding,) = node.verify()
    assert zine.blob in finding


def test_a_damaged_page_is_found(node: Node, raw: sqlite3.Connection) -> None:
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'member_by_name'").fetchone()
    (size,) = raw.execute("PRAGMA page_size").fetchone()
    raw.close()
    node.close()
    with node.settings.database.open("r+b") as file:
        file.seek((root - 1) * size + 4)
        file.write(b"\0")
    with closing(Node.open(node.settings.data)) as again:
        assert "damaged" in next(iter([*again.verify()]))


def test_a_proof_that_proves_nothing_is_found(node: Node, raw: sqlite3.Connection) -> None:
    log = node.records.logs(node.commons, node.node_id)[0]
    one, other = (Checkpoint.sign(node.key, log.log, 0, 1, head) for head in (log.head, first_head(log.log)))
    assert node.accept_fork_proof(ForkProof(log.public_key, one, other))
    assert not [finding for finding in node.verify() if "proves nothing" in finding]
    raw.execute("UPDATE fork_proof SET other = one")
    assert any("proves nothing" in finding for finding in node.verify())
