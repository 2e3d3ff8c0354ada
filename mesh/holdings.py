"""The window through which the engine sees what a node holds. It reads; whatever is written goes through effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mesh.blob import BlobWant
from mesh.frontier import Frontier
from mesh.keys import EpochKey, Head, LogId, Scope
from mesh.log import ForkProof, Run


class Holdings(Protocol):
    """What the engine may ask the store. Each answer is what is safe on the card: commit, then speak."""

    def scopes(self) -> Sequence[Scope]:
        """Return the scopes this node follows, in a fixed order: public, then its commons."""
        ...

    def frontier(self, scope: Scope) -> Frontier:
        """Return the certified reaches of a scope. Asked often: the store keeps it at hand."""
        ...

    def run(self, log: LogId, after: int, size_max: int) -> Run | None:
        """Return records `after` + 1 … up to the highest checkpoint for which their plain forms stay within `size_max`.

        Where even the nearest checkpoint does not fit, the run goes up to that one. None when nothing is above `after`.
        """
        ...

    def head(self, log: LogId, seq: int) -> Head | None:
        """Return the head of a log at a record, None where that is not held."""
        ...

    def withdrawals(self) -> int:
        """Return how many texts were taken back so far: when it changes, what was learned from texts has to be forgotten."""
        ...

    def epoch_key(self, scope: Scope) -> EpochKey | None:
        """Return the key from which the salts of a commons derive."""
        ...

    def fork_proofs(self, scope: Scope) -> Sequence[ForkProof]:
        """Return the proofs held about logs of this scope."""
        ...

    def wanted_blobs(self) -> Sequence[BlobWant]:
        """Return a few files this node would like to have."""
        ...

    def offered_blobs(self) -> Sequence[tuple[bytes, int]]:
        """Return name and size of a few small files to play while the air is idle; none unless the keeper wants so."""
        ...

    def blob_piece(self, blob: bytes, index: int) -> bytes | None:
        """Return piece `index` of a file, None where the file is not here."""
        ...
