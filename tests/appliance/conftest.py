"""Nodes for the tests of the appliance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import founding
from appliance.door import Door
from appliance.node import Node
from appliance.settings import Portal, Settings
from tests.appliance.scribes import Scribe, stranger_in_the_street, unsynced
from tests.appliance.street import Street


@pytest.fixture
def elm(tmp_path: Path, free_port: int) -> Path:
    """The directory of a node with two neighbours, Ana (a keeper) and Ben, that was just founded."""
    data = tmp_path / "elm"
    founding.found(Settings(data, "Elm", "Test Street", portal=Portal(port=free_port)))
    node = Node.open(data)
    node.add_member("Ana", "1234", keeper=True)
    node.add_member("Ben", "1234")
    node.close()
    return data


@pytest.fixture
def oak(tmp_path: Path, elm: Path) -> Path:
    """The directory of a second node, which was invited by the first and let in."""
    host = Node.open(elm)
    data = tmp_path / "oak"
    founding.join(Settings(data, "Oak", "Test Street"), host.invite())
    guest = Node.open(data)
    carry(guest, host, tmp_path)
    host.do_duties()
    carry(host, guest, tmp_path)
    guest.add_member("Dora", "1234", keeper=True)
    host.close()
    guest.close()
    return data


def carry(giver: Node, taker: Node, by: Path) -> None:
    """Take a bundle from one node to the other."""
    with (by / "carried.hedge").open("w+b") as file:
        giver.export_bundle(file)
        file.seek(0)
        taker.import_bundle(file)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    """A street of one node, Elm, to which a test invites others."""
    with Street(tmp_path) as street:
        yield street


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """The door of a node that nobody let in yet, so that nothing happens but what a test brings."""
    door = Door(stranger_in_the_street(tmp_path / "rowan"), make=unsynced)
    yield door
    door.close()


@pytest.fixture
def founder(door: Door) -> Scribe:
    """The street's first log as the door knows it: opening, currency, two neighbours, one payment."""
    scribe = Scribe.founder()
    scribe.member(1, "Ana")
    scribe.member(2, "Ben")
    scribe.pay(1, scribe.account(2), 300, "bread")
    door.accept(scribe.run())
    return scribe
