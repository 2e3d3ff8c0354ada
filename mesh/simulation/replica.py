"""What one simulated node holds: the engine's window, and the door through which everything comes in.

The door verifies as the real one does. Behind it stands the witness: what passes although nobody wrote it is a violation, and so
is it where two nodes that keep books make different things of the same records.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from mesh.blob import BlobWant
from mesh.errors import ForkedLog, Malformed, PeerFault
from mesh.frontier import Frontier, Reach
from mesh.keys import DIGEST_SIZE, PUBLIC, EpochKey, Head, LogId, Scope
from mesh.log import Checkpoint, ForkProof, Run
from mesh.simulation.truth import Books, Branch, Truth


class Place(NamedTuple):
    """How far a branch is held, and the checkpoints that came with it."""

    branch: Branch
    height: int
    checkpoints: tuple[int, ...]


ENDLESS: Final = 2**63 - 1

Grown = Callable[[Branch, int, int], None]  # a log grew from one height to another
ASIDE_MAX: Final = 32  # runs, as the appliance's store keeps


class Replica:
    """The engine's `Holdings`. `accuse` takes one sentence about this node."""

    def __init__(self, truth: Truth, accuse: Callable[[str], None], grown: Grown, books: Books | None = None) -> None:
        self._truth = truth
        self._accuse = accuse
        self._grown = grown
        self._books = books
        self._places: dict[LogId, Place] = {}
        self._proofs: dict[LogId, ForkProof] = {}
        self._aside: list[Run] = []
        self.shown_early = 0  # records above a gap that were shown as not counted yet
        self._frontier = Frontier(truth.scope)
        self._nothing = Frontier(PUBLIC)

    # --- the window

    def scopes(self) -> Sequence[Scope]:
        return (PUBLIC, self._truth.scope)

    def frontier(self, scope: Scope) -> Frontier:
        return self._frontier if scope == self._truth.scope else self._nothing

    def run(self, log: LogId, after: int, size_max: int) -> Run | None:
        place = self._places.get(log)
        if place is None or after >= place.height:
            return None
        above = place.checkpoints[bisect_right(place.checkpoints, after) :]
        ends = place.branch.ends
        end = next((seq for seq in reversed(above) if ends[seq] - ends[after] <= size_max), above[0])
        checkpoint = place.branch.checkpoints[end]
        return Run(log, after, tuple(place.branch.records[after:end]), checkpoint.previous, checkpoint.signature)

    def withdrawals(self) -> int:
        return 0

    def epoch_key(self, scope: Scope) -> EpochKey | None:
        return self._truth.epoch_key if scope == self._truth.scope else None

    def fork_proofs(self, scope: Scope) -> Sequence[ForkProof]:
        return [*self._proofs.values()] if scope == self._truth.scope else []

    def wanted_blobs(self) -> Sequence[BlobWant]:
        return ()

    def offered_blobs(self) -> Sequence[tuple[bytes, int]]:
        return ()

    def blob_piece(self, blob: bytes, index: int) -> bytes | None:  # noqa: ARG002 (it holds records and no files)
        return None

    def head(self, log: LogId, height: int) -> Head | None:
        """Return the head of a log at a height; None where it is not held so far."""
        place = self._places.get(log)
        return place.branch.chain[height] if place and height <= place.height else None

    # --- the door

    def accept(self, run: Run) -> None:
        """Take in what is new. Raises `PeerFault` for what is not well signed, not next, or of another branch."""
        place = self._places.get(run.log)
        if place is None:
            raise Malformed("nobody in this street writes that log")
        if run.after > place.height:
            raise Malformed("this run stands above a gap")
        checkpoint = run.check(place.branch.opening.public_key, place.branch.chain[run.after])
        self._compare(place, checkpoint)
        branch = self._truth.branch_with(checkpoint)
        if branch is None:
            self._accuse(f"took in records of a log up to {run.upto} that nobody wrote")
            raise Malformed("nobody wrote this")
        if run.upto > place.height:
            self._grow(place, branch, checkpoint)
            self._book(run)
            self._close_gaps(run.log, run.upto)

    def show(self, run: Run, head: Head) -> None:
        """Show what stands above a gap, and keep it for when the gap closes. Raises `PeerFault` for what is not well signed."""
        place = self._places.get(run.log)
        if place is None:
            raise Malformed("nobody in this street writes that log")
        checkpoint = run.check(place.branch.opening.public_key, head)
        if self._truth.branch_with(checkpoint) is None:
            self._accuse(f"showed records of a log up to {run.upto} that nobody wrote")
        if all(run.upto > kept.upto for kept in self._aside if kept.log == run.log):
            self._aside = [*self._aside, run][-ASIDE_MAX:]
            self.shown_early += len(run.records)

    def _close_gaps(self, log: LogId, height: int) -> None:
        reached = [run for run in self._aside if run.log == log and run.after <= height]
        self._aside = [run for run in self._aside if run not in reached]
        for run in reached:
            self.accept(run)

    def _compare(self, place: Place, checkpoint: Checkpoint) -> None:
        held = place.branch.checkpoints
        for seq in place.checkpoints[bisect_right(place.checkpoints, checkpoint.previous) :]:
            if held[seq].contradicts(checkpoint):
                self._prove(ForkProof(place.branch.opening.public_key, held[seq], checkpoint))
                raise ForkedLog("two branches")

    def accept_proof(self, proof: ForkProof) -> None:
        """Keep a proof that holds. Raises `PeerFault` for one that does not."""
        proof.check()
        place = self._places.get(proof.one.log)
        if place and place.branch.opening.public_key == proof.public_key:
            self._prove(proof)

    def _prove(self, proof: ForkProof) -> None:
        if proof.one.log not in self._truth.liars:
            self._accuse("holds a fork proof against a node that never forked")
        self._proofs.setdefault(proof.one.log, proof)

    def adopt(self, branch: Branch) -> None:
        """Hold all that is certified of a branch: one's own log, or what everybody held before the run."""
        before = self._frontier.height(branch.log)
        self._hold(Place(branch, branch.certified, tuple(branch.checkpoints)))
        if run := self.run(branch.log, before, ENDLESS):
            self._book(run)

    def start_from(self, other: Replica) -> None:
        """Hold what another replica holds."""
        self._places = dict(other._places)
        self._frontier = other._frontier
        for run in self.runs() if self._books else ():
            self._enter(run)

    def runs(self) -> Iterator[Run]:
        """Yield all that is held, for a courier."""
        for log, place in self._places.items():
            after = 0
            for seq in place.checkpoints:
                checkpoint = place.branch.checkpoints[seq]
                records = tuple(place.branch.records[after:seq])
                yield Run(log, after, records, checkpoint.previous, checkpoint.signature)
                after = seq

    def _book(self, run: Run) -> None:
        """Enter what is new into the books, and see that they say what those of others said who held the same."""
        self._enter(run)
        state = self._books.state() if self._books else None
        if state and not self._truth.agrees(self._frontier.digest(), state):
            self._accuse("makes something else of the records that another node held as well")

    def _enter(self, run: Run) -> None:
        try:
            if self._books:
                self._books.take(run)
        except PeerFault as fault:
            self._accuse(f"could not enter into its books what it holds: {fault}")

    def _grow(self, place: Place, branch: Branch, checkpoint: Checkpoint) -> None:
        if branch.chain[place.height] != place.branch.chain[place.height]:
            raise ForkedLog("two branches, and no proof of it yet")
        self._hold(Place(branch, checkpoint.seq, (*place.checkpoints, checkpoint.seq)))
        self._grown(branch, place.height, checkpoint.seq)

    def _hold(self, place: Place) -> None:
        before = self._frontier.height(place.branch.log)
        if place.height < before:
            self._accuse(f"lost records: a log fell from {before} to {place.height}")
        self._places[place.branch.log] = place
        if place.height:
            reach = Reach(place.height, place.branch.chain[place.height])
            self._frontier = Frontier(self._truth.scope, {**self._frontier.reaches, place.branch.log: reach})

    def state(self) -> bytes:
        """Return 32 bytes, equal where the same is held. Of a proven fork only the proof counts, as in gossip."""
        settled = Reach(0, Head(bytes(DIGEST_SIZE)))
        reaches = {log: settled if log in self._proofs else reach for log, reach in self._frontier.reaches.items()}
        return Frontier(self._truth.scope, reaches).digest()
