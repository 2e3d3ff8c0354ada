"""Whoever writes in a log, and whoever may not: copies of a node, and what they say when they are asked to pay."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from appliance.answers import Account, Board
from appliance.errors import Objection, Refused
from appliance.node import Node


def take_away(node: Node, to: Path) -> Path:
    """Copy a node's directory, as with `cp -a` while it is switched off."""
    node.close()
    return Path(shutil.copytree(node.settings.data, to))


def put_back(saved: Path, data: Path) -> None:
    """Write the content of old files into the files that are there: the place stays the same."""
    for name in ("hedgerow.db", "hedgerow.db-wal", "hedgerow.db-shm"):
        (data / name).unlink(missing_ok=True)
        if (saved / name).exists():
            shutil.copyfile(saved / name, data / name)


def people(node: Node) -> tuple[Account, Account]:
    ana, ben = (node.find_payee(f"{name}@Elm") for name in ("Ana", "Ben"))
    return ana, ben


def pay(node: Node, amount: int) -> str:
    return node.pay(*people(node), amount, node.currency("hours")).id


def balance(node: Node) -> int:
    return node.rooms(people(node)[0])[0].balance


def refuses_to_write(node: Node, code: str) -> None:
    """See that a node reads, writes nothing, and says why."""
    assert node.trouble is not None
    assert node.trouble.code == code
    assert node.status().as_json()["read_only"]
    before = node.records.count()
    for write in (
        lambda: pay(node, 1),
        lambda: node.post(Board.NOTICE, "x", "", people(node)[0]),
        lambda: node.add_member("Dora", "1234"),
    ):
        with pytest.raises(Refused) as refusal:
            write()
        assert refusal.value.verdict is Objection.NODE_IS_READ_ONLY
    assert not node.do_duties()
    assert not node.seal()
    assert node.records.count() == before
    room = node.rooms(people(node)[0])[0]
    assert (room.payable, room.read_only) == (0, True)


def in_accord(*nodes: Node) -> bool:
    states = {str(node.status().as_json()["state_hash"]) for node in nodes}
    assert all(list(node.verify()) == [] for node in nodes)
    assert all(currency.total == 0 for node in nodes for currency in node.currencies())
    return len(states) == 1
