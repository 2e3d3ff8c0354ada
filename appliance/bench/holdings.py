"""What a neighbour holds in a benchmark: logs in memory behind the same two doors, verified as the real door does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mesh.blob import BlobWant
from mesh.errors import Malformed
from mesh.frontier import Frontier, Reach
from mesh.keys import PUBLIC, EpochKey, LogId, NodeId, PublicKey, Scope
from mesh.links import Opening
from mesh.log import Checkpoint, ForkProof, Run, first_head, heads
from mesh.record import Record


@dataclass
class HeldLog:
    public_key: PublicKey
    records: list[Record] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    checkpoints: dict[int, Checkpoint] = field(default_factory=dict)


class BenchHoldings:
    """The engine's `Holdings` in memory."""

    def __init__(self, node: NodeId, scope: Scope, epoch_key: EpochKey) -> None:
        self.node = node
        self._scope = scope
        self._epoch_key = epoch_key
        self._logs: dict[LogId, HeldLog] = {}
        self._frontier = Frontier(scope)

    def accept(self, run: Run) -> int:
        """Verify a run and take it in; return how many records were new. A run above a gap waits outside."""
        log = self._logs.get(run.log)
        if log is None:
            if run.after:
                return 0
            opening = Opening.read(run.records[0])
            if opening.log != run.log:
                raise Malformed("this log does not begin with its own opening")
            log = HeldLog(opening.public_key)
        if run.after > len(log.records):
            return 0
        chain = [first_head(run.log), *heads(first_head(run.log), log.records[: run.after])]
        checkpoint = run.check(log.public_key, chain[-1])
        new = run.records[len(log.records) - run.after :]
        log.records += new
        log.sizes += [record.size for record in new]
        log.checkpoints[checkpoint.seq] = checkpoint
        self._logs[run.log] = log
        if new:
            reaches = {**self._frontier.reaches, run.log: Reach(len(log.records), checkpoint.head)}
            self._frontier = Frontier(self._scope, reaches)
        return len(new)

    def scopes(self) -> Sequence[Scope]:
        return (PUBLIC, self._scope)

    def frontier(self, scope: Scope) -> Frontier:
        return self._frontier if scope == self._scope else Frontier(scope)

    def run(self, log: LogId, after: int, size_max: int) -> Run | None:
        held = self._logs.get(log)
        above = sorted(seq for seq in held.checkpoints if seq > after) if held else []
        if held is None or not above:
            return None
        fitting = [seq for seq in above if sum(held.sizes[after:seq]) <= size_max]
        end = fitting[-1] if fitting else above[0]
        checkpoint = held.checkpoints[end]
        return Run(log, after, tuple(held.records[after:end]), checkpoint.previous, checkpoint.signature)

    def epoch_key(self, scope: Scope) -> EpochKey | None:
        return self._epoch_key if scope == self._scope else None

    def fork_proofs(self, scope: Scope) -> Sequence[ForkProof]:
        return ()

    def wanted_blobs(self) -> Sequence[BlobWant]:
        return ()

    def offered_blobs(self) -> Sequence[tuple[bytes, int]]:
        return ()

    def blob_piece(self, blob: bytes, index: int) -> bytes | None:
        return None
