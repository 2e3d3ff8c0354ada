"""One writer's log in one scope: a chain of records, certified in batches by checkpoints.

    h(0) := H(log id)        h(n) := H(h(n-1) ‖ leaf(n))

A checkpoint signs (log, previous checkpointed seq, seq, h(seq)). Because the interval is signed, honest checkpoints
tile a log without overlap, and two that overlap and differ prove a fork by themselves, without any record.
See spec/record-v1.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mesh import canonical
from mesh.canonical import INT_MAX
from mesh.errors import BadSignature, ForkedLog, Malformed
from mesh.keys import DIGEST_SIZE, SIGNATURE_SIZE, Head, LogId, NodeKey, PublicKey, digest, verify
from mesh.record import Record

CHECKPOINT_DOMAIN: Final = "hedgerow/checkpoint/v1"
BATCH_SIZE_MAX: Final = 12 * 1024  # plain bytes between two checkpoints: a longer run would not fit the narrowest road


def first_head(log: LogId) -> Head:
    """Return h(0): the chain begins with the name of its log, so no two logs share a head."""
    return Head(digest(log))


def next_head(head: Head, record: Record) -> Head:
    """Return h(n) from h(n-1) and the n-th record."""
    return Head(digest(head + record.leaf))


def batches(after: int, records: Iterable[Record]) -> Iterator[int]:
    """Yield the seqs at which to certify `records`, which follow `after`: the last, and others where a batch is full."""
    seq, size = after, 0
    for record in records:
        if size and size + record.size > BATCH_SIZE_MAX:
            yield seq
            size = 0
        seq, size = seq + 1, size + record.size
    if seq > after:
        yield seq


def heads(head: Head, records: Iterable[Record]) -> list[Head]:
    """Return the head after each of `records`, beginning above `head`."""
    chain = []
    for record in records:
        head = next_head(head, record)
        chain.append(head)
    return chain


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signature over all that a log holds up to `seq`; `previous` is the checkpoint before it, 0 at first."""

    log: LogId
    previous: int
    seq: int
    head: Head
    signature: bytes

    @classmethod
    def sign(cls, key: NodeKey, log: LogId, previous: int, seq: int, head: Head) -> Checkpoint:
        """Certify (previous, seq] of `log`."""
        return cls(log, previous, seq, head, key.sign(CHECKPOINT_DOMAIN, _statement(log, previous, seq, head)))

    @classmethod
    def parse(cls, raw: bytes) -> Checkpoint:
        """Return the checkpoint whose plain form is `raw`. Raises `Malformed`."""
        parts = canonical.decode(raw)
        if type(parts) is not list or [type(part) for part in parts] != [bytes, int, int, bytes, bytes]:
            raise Malformed("a checkpoint is [log, previous, seq, head, signature]")
        log, previous, seq, head, signature = parts
        if len(log) != 16 or len(head) != DIGEST_SIZE or len(signature) != SIGNATURE_SIZE:
            raise Malformed("a part of a checkpoint has the wrong size")
        if not 0 <= previous < seq <= INT_MAX:
            raise Malformed("a checkpoint covers at least one record")
        return cls(LogId(log), previous, seq, Head(head), signature)

    def encode(self) -> bytes:
        """Return the plain form."""
        return canonical.encode([self.log, self.previous, self.seq, self.head, self.signature])

    def check(self, public_key: PublicKey) -> None:
        """Raises `BadSignature` unless the holder of `public_key` signed exactly this."""
        verify(public_key, CHECKPOINT_DOMAIN, _statement(self.log, self.previous, self.seq, self.head), self.signature)

    def contradicts(self, other: Checkpoint) -> bool:
        """Whether the two, both validly signed, prove that their writer forked the log: they overlap and differ."""
        same = (self.previous, self.seq, self.head) == (other.previous, other.seq, other.head)
        return self.log == other.log and not same and self.previous < other.seq and other.previous < self.seq


def _statement(log: LogId, previous: int, seq: int, head: Head) -> bytes:
    return canonical.encode([log, previous, seq, head])


@dataclass(frozen=True, slots=True)
class Run:
    """The records `after` + 1 … of one log with the checkpoint that certifies the last of them.

    `previous` and `signature` are the checkpoint's; its seq and head follow from the records and are never carried.
    """

    log: LogId
    after: int
    records: tuple[Record, ...]
    previous: int
    signature: bytes

    @property
    def upto(self) -> int:
        """The seq of the last record."""
        return self.after + len(self.records)

    def checkpoint(self, head_after: Head) -> Checkpoint:
        """Return the checkpoint as it must read if the run stands on `head_after`, the head at `after`."""
        chain = heads(head_after, self.records)
        if not chain or not 0 <= self.previous < self.upto <= INT_MAX or len(self.signature) != SIGNATURE_SIZE:
            raise Malformed("a run holds at least one record and ends in a checkpoint")
        return Checkpoint(self.log, self.previous, self.upto, chain[-1], self.signature)

    def check(self, public_key: PublicKey, head_after: Head) -> Checkpoint:
        """Return the verified checkpoint. Raises `BadSignature` where records, place and signature do not fit."""
        checkpoint = self.checkpoint(head_after)
        checkpoint.check(public_key)
        return checkpoint


@dataclass(frozen=True, slots=True)
class ForkProof:
    """Two overlapping, unequal checkpoints of one log: small, portable, believable without trusting who brings it.

    It convicts the holder of `public_key`. Whether that is the log's writer only the log's opening tells: compare them.
    """

    public_key: PublicKey
    one: Checkpoint
    other: Checkpoint

    def check(self) -> None:
        """Raises `BadSignature` or `ForkedLog` (here: it proves nothing) unless the proof holds."""
        if not self.one.contradicts(self.other):
            raise BadSignature("these two checkpoints do not contradict each other")
        self.one.check(self.public_key)
        self.other.check(self.public_key)


__all__ = ["Checkpoint", "ForkProof", "ForkedLog", "Run", "batches", "first_head", "heads", "next_head"]
