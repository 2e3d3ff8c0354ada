"""A store in which nothing happens is not looked into again and again: each look costs a thread and a connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.looking import EVERY_S, Looker
from appliance.node import Node


@pytest.fixture
def node(elm: Path) -> Iterator[Node]:
    node = Node.open(elm)
    yield node
    node.close()


def test_a_quiet_store_is_looked_into_once_and_again_after_each_change(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    now = [0.0]
    look = Node.look_into_next

    def counted(node: Node) -> bool:
        looks.append(now[0])
        return look(node)

    monkeypatch.setattr(Node, "look_into_next", counted)
    looker = Looker(node, lambda: now[0])

    def passes(rounds: int) -> int:
        before = len(looks)
        for _ in range(rounds):
            now[0] += EVERY_S
            looker.tend()
            looker.end()
        return len(looks) - before

    assert passes(5) == 1
    node.changed()
    assert passes(5) == 0
    assert not node.changed(), "a thread that closes its connection has written nothing"
    node.add_member("Chidi", "1234")
    assert passes(5) == 1


def test_duties_that_are_none_are_no_news(node: Node) -> None:
    node.changed()
    node.do_duties()
    assert not node.changed()
    node.add_member("Chidi", "1234")
    assert node.changed()
