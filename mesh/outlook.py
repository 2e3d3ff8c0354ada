"""What this node holds of one scope, as gossip compares it: the frontier, its digest, its logs by handle.

A log that was proven to be forked can never agree again between those who hold its branches. So it enters the compared
digest as proven, without height and head: who lacks the proof differs, who has it agrees.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from mesh.airform import (
    HEAD_HANDLE_SIZE,
    NODE_HANDLE_SIZE,
    PARCEL_HEAD_SIZE,
    SCOPE_HANDLE_SIZE,
    SHORT_DIGEST_SIZE,
    log_handle,
    scope_handle,
)
from mesh.frontier import Frontier, Reach
from mesh.holdings import Holdings
from mesh.keys import DIGEST_SIZE, Head, LogId, NodeId, Scope
from mesh.links import Opening
from mesh.log import ForkProof
from mesh.packet import DIGEST_HINT_SIZE, HEAD_SIZE, PACKED_HEAD_SIZE, Kind, is_packed
from mesh.wire import Reader

WRITERS_MAX: Final = 4096
LISTS_MAX: Final = 8
PROVEN: Final = Reach(0, Head(bytes(DIGEST_SIZE)))


class Outlook:
    """A look through the window, kept until something changes."""

    def __init__(self, scope: Scope, holdings: Holdings) -> None:
        self.scope = scope
        self.handle = scope_handle(scope)
        self._holdings = holdings
        self.frontier = Frontier(scope)
        self.proofs: dict[LogId, ForkProof] = {}
        self._writers: dict[LogId, NodeId | None] = {}
        self._lists: deque[tuple[LogId, ...]] = deque(maxlen=LISTS_MAX)  # what was held, newest first
        self._compare()
        self.refresh()

    def refresh(self) -> bool:
        """Look again. Returns whether anything changed."""
        frontier = self._holdings.frontier(self.scope)
        proofs = {proof.one.log: proof for proof in self._holdings.fork_proofs(self.scope)}
        if frontier == self.frontier and proofs == self.proofs:
            return False
        self.frontier, self.proofs = frontier, proofs
        self._compare()
        return True

    def _compare(self) -> None:
        reaches = self.frontier.reaches
        compared = {log: PROVEN if log in self.proofs else reach for log, reach in reaches.items()}
        self.digest = Frontier(self.scope, compared).digest(SHORT_DIGEST_SIZE)
        self._by_handle: dict[bytes, list[LogId]] = {}
        logs = tuple(sorted(reaches))
        if not self._lists or self._lists[0] != logs:
            self._lists.appendleft(logs)
        for log in logs:
            self._by_handle.setdefault(log_handle(log), []).append(log)

    def logs(self, handle: bytes) -> Sequence[LogId]:
        """Return the logs of this handle that are held: nearly always one, or none."""
        return self._by_handle.get(handle, ())

    def between(self, lowest: bytes, highest: bytes) -> Iterator[tuple[bytes, list[LogId]]]:
        """Yield handles, in order, with the logs held."""
        return ((handle, logs) for handle, logs in self._by_handle.items() if lowest <= handle <= highest)

    def lists(self) -> Sequence[tuple[LogId, ...]]:
        """Return the names of all logs held, in order, and those that were held a while ago."""
        return self._lists

    def heights_held(self) -> dict[LogId, int]:
        """Return the height of each log held, on whatever branch."""
        return {log: reach.height for log, reach in self.frontier.reaches.items()}

    def heights(self) -> dict[LogId, int]:
        """Return the heights that whoever shows an equal digest holds as well."""
        return {log: reach.height for log, reach in self.frontier.reaches.items() if log not in self.proofs}

    def head(self, log: LogId) -> bytes:
        """Return how the head of a held log begins."""
        return self.frontier.reaches[log].head[:HEAD_HANDLE_SIZE]

    def may_differ(self, log: LogId, height: int, head: bytes) -> bool:
        """Whether our branch of a held log may be another than the one that has `head` at `height`."""
        reach = self.frontier.reaches[log]
        same = reach.height == height and self.head(log) == head
        return reach.height >= height and not same and log not in self.proofs

    def is_by(self, node: NodeId, log: LogId) -> bool:
        """Whether `node` writes this log, as its first record says."""
        if log not in self._writers:
            if len(self._writers) >= WRITERS_MAX:
                self._writers.clear()
            run = self._holdings.run(log, 0, 0)
            self._writers[log] = Opening.read(run.records[0]).node if run else None
        return self._writers[log] == node

    def is_told_by(self, begin: bytes) -> bool:
        """Whether a message that begins so comes from a node that holds just what we hold."""
        if is_packed(begin) and len(begin) >= PACKED_HEAD_SIZE:
            return self.digest.startswith(begin[PACKED_HEAD_SIZE - DIGEST_HINT_SIZE : PACKED_HEAD_SIZE])
        if len(begin) < HEAD_SIZE + PARCEL_HEAD_SIZE or begin[1] != Kind.DATA:
            return False
        head = Reader(begin[HEAD_SIZE:])
        scope, _, digest = head.take(SCOPE_HANDLE_SIZE), head.take(NODE_HANDLE_SIZE), head.take(SHORT_DIGEST_SIZE)
        return (self.handle, self.digest) == (scope, digest)

    def is_settled(self, log: LogId, height: int) -> bool:
        """Whether a log is proven to be forked below `height`: two branches have nothing to tell each other."""
        proof = self.proofs.get(log)
        return proof is not None and height >= min(proof.one.previous, proof.other.previous) and height > 0
