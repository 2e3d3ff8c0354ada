"""What was really written, by whom and when: the witness against whom every node is checked.

Nodes hold heights in these branches and no copies, so a thousand nodes fit into memory; but what a node takes in was
rebuilt from packets by its own engine, and is compared head by head before it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final, Protocol

from mesh.keys import EpochKey, Head, LogId, NodeId, NodeKey, Scope, salt_for
from mesh.links import Opening
from mesh.log import Checkpoint, Run, first_head, next_head
from mesh.record import Record
from mesh.simulation.dice import Dice

VIOLATIONS_MAX: Final = 20

Recipe = Callable[[bytes], Record]  # makes a record, given the salt of its place


class Penman(Protocol):
    """Who composes what people write; the mesh does not know what it means."""

    def before(self, author: int) -> Sequence[Recipe]:
        """Return what an author wrote before the run, which everybody holds."""
        ...

    def compose(self, author: int, at: int) -> Sequence[Recipe]:
        """Return what is written at wall time `at`: most often one record, none where there is nothing to say after all."""
        ...

    def information_bytes(self) -> int:
        """Return in how few bytes all that was composed can be told to somebody who holds what was before."""
        ...


PenmanFor = Callable[[Sequence[NodeId], Dice], Penman]


class Books(Protocol):
    """What one node makes of the records that it holds; the mesh does not know what they mean."""

    def take(self, run: Run) -> None:
        """Take in what the node's replica took in. Raises `PeerFault` where a store would refuse it."""
        ...

    def state(self) -> bytes | None:
        """Return what all of it amounts to; None while something of one's own is not certified, so nobody else can hold it."""
        ...


BooksFor = Callable[[NodeKey, Scope, EpochKey], Books]


class Branch:
    """A log as its writer has it. `chain[n]` is h(n), `ends[n]` the plain bytes of the first n records."""

    def __init__(self, key: NodeKey, opening: Opening) -> None:
        self.key = key
        self.opening = opening
        self.log: Final = opening.log
        self.records: list[Record] = []
        self.chain: list[Head] = [first_head(self.log)]
        self.ends = [0]
        self.checkpoints: dict[int, Checkpoint] = {}
        self.certified = 0
        self.append(opening.record(0))

    def append(self, record: Record) -> int:
        """Write a record; return its seq. Nobody else may have it before `certify`."""
        self.records.append(record)
        self.chain.append(next_head(self.chain[-1], record))
        self.ends.append(self.ends[-1] + record.size)
        return len(self.records)

    def certify(self) -> None:
        """Sign for all that was written since the last time."""
        seq = len(self.records)
        if seq > self.certified:
            checkpoint = Checkpoint.sign(self.key, self.log, self.certified, seq, self.chain[seq])
            self.checkpoints[seq] = checkpoint
            self.certified = seq

    def fork(self) -> Branch:
        """Return another log of the same name that agrees with this one so far: what no honest node makes."""
        twin = Branch(self.key, self.opening)
        twin.records, twin.chain = self.records[:], self.chain[:]
        twin.ends = [0, *accumulate(record.size for record in self.records)]
        twin.checkpoints, twin.certified = dict(self.checkpoints), self.certified
        return twin


class Truth:
    """All branches that were ever written, and all violations that were seen."""

    def __init__(self, scope: Scope, epoch_key: EpochKey) -> None:
        self.scope = scope
        self.epoch_key = epoch_key
        self.branches: dict[LogId, list[Branch]] = {}
        self.liars: set[LogId] = set()
        self.violations: list[str] = []
        self._amounts: dict[bytes, bytes] = {}

    def open(self, branch: Branch) -> None:
        """Take in a log from its beginning."""
        self.branches.setdefault(branch.log, []).append(branch)

    def write(self, branch: Branch, recipe: Recipe) -> int:
        """Append a record to a branch; return its seq."""
        return branch.append(recipe(salt_for(self.epoch_key, branch.log, len(branch.records) + 1)))

    def branch_with(self, checkpoint: Checkpoint) -> Branch | None:
        """Return the branch of which this checkpoint is a part; None where nobody ever wrote that."""
        for branch in self.branches.get(checkpoint.log, ()):
            signed = branch.checkpoints.get(checkpoint.seq)
            if signed and (signed.previous, signed.head) == (checkpoint.previous, checkpoint.head):
                return branch
        return None

    def agrees(self, frontier: bytes, state: bytes) -> bool:
        """Whether whoever held just this before, if anybody did, made the same of it."""
        return self._amounts.setdefault(frontier, state) == state

    def accuse(self, moment: float, sentence: str) -> None:
        """Note that something happened which must never happen; the first twenty are kept."""
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(f"at {moment:.0f} s: {sentence}")
