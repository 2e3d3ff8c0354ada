"""A street that a test sets up as a keeper would: the first node founds the commons, the others come with an invite."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from mesh.transports.ether import Ether
from tests.ports import free_ports
from tests.street.node import PIN, RunningNode, can, hedgerow
from tests.street.waiting import wait_until

COMMONS = "Hedge Street"
LET_IN_WITHIN_S = 60


class Street:
    """Nodes in `directory`, ended whatever happens when the `with` block ends."""

    def __init__(self, directory: Path, currency: str = "hours") -> None:
        self.directory = directory
        self.currency = currency
        self.nodes: list[RunningNode] = []
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def make(self, name: str, *roads: dict[str, Any]) -> RunningNode:
        """Make a node. The first founds the commons; others join, and count as soon as the first has heard of them."""
        data = self.directory / name.lower()
        come = ["--invite", self._invite(data)] if self.nodes else ["--commons", COMMONS, "--currency", self.currency]
        hedgerow("init", data, "--name", name, "--port", free_ports(1), *come)
        node = self.add(data)
        node.set(roads=list(roads))
        return node

    def move_in(self, node: RunningNode, keeper: str, *others: str) -> None:
        """Give neighbours an account at a running node: the keeper at its keyboard, and from there on by its pages."""
        card = ["--data", node.data, "member", "add", keeper, "--pin", PIN, "--keeper"]
        wait_until(f"{node.name} is let in", lambda: can(*card), LET_IN_WITHIN_S, lambda: str(node.heights))
        token = node.sign_in(keeper)
        for name in others:
            answer = node.ask("POST", "/members", {"name": name, "pin": PIN}, token)
            assert answer.status == 201, answer

    def add(self, data: Path) -> RunningNode:
        """Take a directory that already holds a node."""
        node = RunningNode(data)
        self._ends.callback(node.kill)
        self.nodes.append(node)
        return node

    def _invite(self, data: Path) -> Path:
        file = data.with_suffix(".invite")
        self.nodes[0].does("invite", "-o", file)
        return file


def air(ether: Ether, speed: float) -> dict[str, Any]:
    """Return the road of a node on this ether, as it stands in `node.yaml`."""
    return {"loopback": {"ether": "{}:{}".format(*ether.address), "speed": speed}}
