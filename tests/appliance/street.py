"""A street of real nodes in one process. Records go from node to node by hand, so a test decides who hears what, and when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self, TypeVar

from appliance import founding
from appliance.answers import Account
from appliance.node import Node
from appliance.settings import Archive, Settings
from mesh.errors import PeerFault
from mesh.log import Run

PIN: Final = "1234"
ROUNDS_MAX: Final = 8
RUN_SIZE: Final = 1000
Thing = TypeVar("Thing")


class Street:
    """Founds its first node, Elm. Links are whole until they are cut; `chance` shuffles what travels."""

    def __init__(self, directory: Path, chance: Random | None = None, archive: Archive | None = None) -> None:
        self.directory = directory
        self.chance = chance
        self.archive = archive or Archive(free_space_floor_bytes=0, shelve_arrivals=True)
        self._cut: set[frozenset[int]] = set()
        self.nodes: list[Node] = []
        founding.found(self._settings("Elm"))
        self.elm = self.open("Elm")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self.nodes:
            node.close()

    def _settings(self, name: str) -> Settings:
        return Settings(data=self.directory / name.lower(), name=name, commons="Street", archive=self.archive)

    def open(self, name: str) -> Node:
        """Open the node in the directory called `name`, as after a restart."""
        node = Node.open(self.directory / name.lower())
        self.nodes.append(node)
        return node

    def close(self, node: Node) -> None:
        self.nodes.remove(node)
        node.close()

    def invite(self, name: str, host: Node | None = None) -> Node:
        """Begin a node with an invite of `host`, or of Elm. It is let in when the two have heard each other."""
        founding.join(self._settings(name), (host or self.elm).invite())
        return self.open(name)

    def welcome(self, name: str) -> Node:
        """Begin a node that all others have heard and let in."""
        node = self.invite(name)
        self.settle()
        return node

    def neighbour(self, node: Node, name: str, keeper: bool = False) -> Account:
        return node.add_member(name, PIN, keeper).account

    # who hears whom

    def cut(self, one: Node, other: Node) -> None:
        self._cut.add(frozenset((id(one), id(other))))

    def join(self, one: Node, other: Node) -> None:
        self._cut.discard(frozenset((id(one), id(other))))

    def sync(self, giver: Node, taker: Node) -> int:
        """Bring `taker` what `giver` may send. Returns how many records were new."""
        return sum(deliver(taker, run) for run in self._shuffled(list(lacking(giver, taker))))

    def settle(self) -> None:
        """Let all nodes do their duties, seal, and hear each other, until nobody has anything new to say."""
        for _ in range(ROUNDS_MAX):
            spoke = [node.do_duties() | node.seal() for node in self.nodes]
            heard = [
                self.sync(giver, taker)
                for giver in self._shuffled(list(self.nodes))
                for taker in self._shuffled(list(self.nodes))
                if giver is not taker and frozenset((id(giver), id(taker))) not in self._cut
            ]
            if not any(spoke) and not any(heard):
                return
        raise AssertionError(f"the street does not settle within {ROUNDS_MAX} rounds")

    def _shuffled(self, things: list[Thing]) -> list[Thing]:
        if self.chance:
            self.chance.shuffle(things)
        return things

    def show(self, holder: Node, to: Node) -> None:
        """Let `to` hear what `holder` holds, as a beacon tells it."""
        for scope in holder.scopes():
            heights = {log: reach.height for log, reach in holder.frontier(scope).reaches.items()}
            to.peer_holds("loopback", holder.node_id, scope, heights)

    def hashes(self) -> set[object]:
        return {node.status().as_json()["state_hash"] for node in self.nodes}


def lacking(giver: Node, taker: Node) -> Iterator[Run]:
    """Yield what `giver` has above what `taker` holds, log by log."""
    for scope in giver.scopes():
        held = {log: reach.height for log, reach in taker.records.held(scope).reaches.items()}
        for log, height in giver.records.certified(scope).ahead_of(held):
            after = height
            while run := giver.records.run(log, after, RUN_SIZE):
                yield run
                after = run.upto


def deliver(taker: Node, run: Run) -> int:
    """Hand over a run. Returns how many records were new; none where it waits for another, or was refused."""
    try:
        return taker.accept(run).new
    except PeerFault:
        return 0
