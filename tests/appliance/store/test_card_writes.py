"""What a payment writes to the card: few pages and one commit; and a store in the shape of before loses nothing on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from appliance.clock import Clock
from appliance.desks import books
from appliance.node import Node
from appliance.settings import Gossip
from appliance.store.migrations import APPLICATION_ID, FEWER_TREES, MIGRATIONS
from tests.appliance.street import Street

FRAME_HEADER: Final = 24  # https://www.sqlite.org/walformat.html
LOG_HEADER: Final = 32
# log, record, said, checkpoint, transfer, standing, and a leaf of posting for each of the two accounts; the rest is what
# trees write now and then to grow. Half as much again were written by trees that said the same twice.
PAGES_MEAN_MAX: Final = 11.0
PAYMENTS: Final = 60
PAID: Final = 10

# The tables of before, filled from those of now.
BEFORE: Final = (
    "INSERT INTO counted SELECT no, counted FROM now.log WHERE counted > 0",
    """INSERT INTO transfer (no, log_no, seq, verdict, reverses_log, reverses_seq)
        SELECT row_number() OVER (ORDER BY no, log_no, seq), log_no, seq, verdict, reverses_log, reverses_seq
        FROM now.transfer""",
    """INSERT INTO posting SELECT main.transfer.no, row_number() OVER (PARTITION BY log_no, seq ORDER BY amount), log_no, seq,
        node, number, currency, amount FROM now.posting JOIN main.transfer USING (log_no, seq)""",
    "INSERT INTO balance SELECT * FROM now.balance",
    "INSERT INTO judged SELECT * FROM now.judged",
)


class Hands:
    """A clock whose seconds pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def ticks(self) -> float:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def elm(street: Street, hands: Hands) -> Iterator[Node]:
    for name in ("Ana", "Ben"):
        street.neighbour(street.elm, name)
    street.settle()
    settings = replace(street.elm.settings, gossip=Gossip(batch_s=2.0))
    with closing(Node(settings, Clock(ticks=hands.ticks))) as node:
        yield node


def pay(node: Node, amount: int = 1) -> str:
    ana, ben = node.accounts()
    return node.pay(ana, ben, amount, node.currency("hours"), "two loaves, rye").id


def unsealed(node: Node) -> int:
    own = node.own_log(node.commons)
    return own.height - own.certified


def test_who_pays_after_a_quiet_time_waits_for_no_company(elm: Node, hands: Hands) -> None:
    pay(elm)
    assert unsealed(elm) == 1, "another process may have spoken just before this one began"
    hands.now += 2.5
    pay(elm)
    assert unsealed(elm) == 0
    hands.now += 1.5
    pay(elm)
    hands.now += 1.5
    pay(elm)
    assert unsealed(elm) == 2, "one signature will do for both"
    assert elm.seal()
    hands.now += 2.5
    pay(elm)
    assert unsealed(elm) == 0
    assert not elm.seal()
    assert list(elm.verify()) == []


def test_a_lone_payment_writes_few_pages_in_one_commit(elm: Node, hands: Hands) -> None:
    log, page_size = Path(f"{elm.database.path}-wal"), elm.database.value("PRAGMA page_size")
    elm.database.row("PRAGMA wal_checkpoint(TRUNCATE)")
    for _ in range(PAYMENTS):
        hands.now += 2.5
        pay(elm)
        assert unsealed(elm) == 0
    frame = page_size + FRAME_HEADER
    pages, rest = divmod(log.stat().st_size - LOG_HEADER, frame)
    assert rest == 0
    assert commits(log, frame) == PAYMENTS
    print(f"{pages / PAYMENTS:.1f} pages a payment")
    assert page_size * pages / PAYMENTS <= 1024 * PAGES_MEAN_MAX


def commits(log: Path, frame: int) -> int:
    """Return how many of the log's frames end a commit: they tell the size of the database, the others 0."""
    content = log.read_bytes()
    return sum(any(content[place + 4 : place + 8]) for place in range(LOG_HEADER, len(content), frame))


def test_a_store_of_before_comes_along_whole(street: Street, tmp_path: Path) -> None:
    oak = street.invite("Oak")
    street.settle()
    street.neighbour(oak, "Dora")
    for name in ("Ana", "Ben"):
        street.neighbour(street.elm, name)
    street.settle()
    ana, ben = (street.elm.find_payee(name) for name in ("Ana", "Ben"))
    hours = street.elm.currency("hours")
    given = [street.elm.pay(ana, ben, 10 + number, hours) for number in range(7)]
    street.elm.pay(ana, street.elm.find_payee("Dora"), 9, hours)
    street.elm.give_back(ben, given[-1].id)
    street.settle()
    oak.pay(oak.find_payee("Dora"), oak.find_payee("Ana"), 4, hours)
    street.settle()
    as_it_is = seen(street.elm)
    street.close(street.elm)
    place = tmp_path / "elm" / "hedgerow.db"
    put_back(place)
    elm = street.open("Elm")
    assert seen(elm) == as_it_is
    assert list(elm.verify()) == []
    elm.rebuild()
    assert seen(elm) == as_it_is
    assert elm.pay(elm.find_payee("Ana"), elm.find_payee("Ben"), 1, hours).verdict == "accepted"


def seen(node: Node) -> tuple[object, ...]:
    """Return what pages show of the books: digests, balances, and every statement, page by page."""
    statements = []
    for account in node.accounts():
        older, moved = "", list[str]()
        while not moved or older:
            page = node.statement(account, older, 2)
            moved += [one.id for one in page.rows]
            older = page.older
        statements.append(moved)
    rooms = [[room.balance for room in node.rooms(account)] for account in node.accounts()]
    leaving = [entry.id for entry in books.entries(node)]
    assert len(leaving) == PAID
    for statement in statements:
        assert [one for one in leaving if one in statement] == statement[::-1], "oldest first, on each account"
    return node.status().as_json()["state_hash"], rooms, statements, node.numbers(), leaving


def put_back(place: Path) -> None:
    """Bring a store into the shape that it had before the step of this test's name."""
    now = place.with_name("now.db")
    step = MIGRATIONS.index(FEWER_TREES)
    with closing(sqlite3.connect(place)) as newer:
        newer.execute("VACUUM INTO ?", (str(now),))
    for ending in ("", "-wal", "-shm"):
        place.with_name(place.name + ending).unlink(missing_ok=True)
    with closing(sqlite3.connect(place, isolation_level=None)) as older:
        older.execute("PRAGMA journal_mode = wal")
        for statement in [statement for group in MIGRATIONS[:step] for statement in group]:
            older.execute(statement)
        older.execute("ATTACH ? AS now", (str(now),))
        changed = {"counted", "transfer", "posting", "balance", "judged"}
        for (table,) in older.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            if table in changed or table.startswith(("zine_", "sqlite_")):
                continue
            columns = ", ".join(row[1] for row in older.execute(f"PRAGMA main.table_info({table})"))
            older.execute(f"DELETE FROM main.{table}")
            older.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}")
        for statement in BEFORE:
            older.execute(statement)
        older.execute("DETACH now")
        older.execute(f"PRAGMA user_version = {step}")
        older.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    now.unlink()
