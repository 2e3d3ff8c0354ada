"""Nodes for the tests of the appliance."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance import founding
from appliance.node import Node
from appliance.settings import Portal, Settings


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
