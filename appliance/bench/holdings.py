"""What a neighbour holds in a benchmark: logs in memory behind the same two doors, verified as the real door does."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from mesh.blob import BlobWant
from mesh.errors import Malformed
from mesh.frontier import Frontier, Reach
from mesh.keys import PUBLIC, EpochKey, Head, LogId, NodeId, PublicKey, Scope
from mesh.links import Opening
from mesh.log import Checkpoint, ForkProof, Run, first_head, heads
from mesh.record import Record


@dataclass
class HeldLog:
    """A log, `chain` and `ends` being the head after each record and how many bytes lie below it."""

    public_key: PublicKey
    chain: list[Head]
    ends: list[int] = field(default_factory=lambda: [0])
    records: list[Record] = field(default_factory=list)
    checkpoints: dict[int, Checkpoint] = field(default_factory=dict)
    seqs: list[int] = field(default_factory=list)  # of the checkpoints, in order

    def add(self, checkpoint: Checkpoint, records: Sequence[Record]) -> None:
        self.records += records
        self.chain += heads(self.chain[-1], records)
        self.ends += accumulate((record.size for record in records), initial=self.ends.pop())
        self.checkpoints[checkpoint.seq] = checkpoint
        self.seqs.append(checkpoint.seq)


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
            log = HeldLog(opening.public_key, [first_head(run.log)])
        if run.after > len(log.records):
            return 0
        checkpoint = run.check(log.public_key, log.chain[run.after])
        new = run.records[len(log.records) - run.after :]
        if new:
            log.add(checkpoint, new)
            self._logs[run.log] = log
            reaches = {**self._frontier.reaches, run.log: Reach(len(log.records), checkpoint.head)}
            self._frontier = Frontier(self._scope, reaches)
        return len(new)

    def scopes(self) -> Sequence[Scope]:
        return (PUBLIC, self._scope)

    def frontier(self, scope: Scope) -> Frontier:
        return self._frontier if scope == self._scope else Frontier(scope)

    def run(self, log: LogId, after: int, size_max: int) -> Run | None:
        held = self._logs.get(log)
        if held is None or after >= len(held.records):
            return None
        nearest, room = bisect_right(held.seqs, after), held.ends[after] + size_max
        furthest = bisect_right(held.seqs, room, nearest, key=held.ends.__getitem__) - 1
        end = held.seqs[max(nearest, furthest)]
        checkpoint = held.checkpoints[end]
        return Run(log, after, tuple(held.records[after:end]), checkpoint.previous, checkpoint.signature)

    def head(self, log: LogId, seq: int) -> Head | None:
        held = self._logs.get(log)
        return held.chain[seq] if held and seq < len(held.chain) else None

    def withdrawals(self) -> int:
        return 0

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
