"""What the engine asks its daemon to do. `receive` never asks to send: all speaking happens in `tick`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mesh.distress import Distress
from mesh.governor import Priority
from mesh.keys import Head, LogId, Scope
from mesh.log import ForkProof, Run


@dataclass(frozen=True, slots=True)
class Send:
    """Put this packet on the road, for whoever hears it. Its second byte is its `packet.Kind`."""

    packet: bytes
    priority: Priority = Priority.LEDGER


@dataclass(frozen=True, slots=True)
class Deliver:
    """Take this run through the node's door: it is well formed, but nothing of it is verified yet.

    `run.after` may lie below what is held, when the two ends of a log seem to disagree: where the run then holds
    another branch, the two checkpoints are a fork proof.
    """

    peer: str
    run: Run


@dataclass(frozen=True, slots=True)
class DeliverAside:
    """Check this run above a gap, and show it as not counted yet: `head` is the log's at the record after which it begins."""

    peer: str
    run: Run
    head: Head


@dataclass(frozen=True, slots=True)
class DeliverPiece:
    """Keep this piece of a wanted file. Only the whole file can be checked."""

    blob: bytes
    index: int
    content: bytes


@dataclass(frozen=True, slots=True)
class DeliverFile:
    """Keep this wanted file: it is whole and has its name."""

    blob: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class DeliverCall:
    """Somebody calls for help: check it, and keep it."""

    peer: str
    call: Distress


@dataclass(frozen=True, slots=True)
class DeliverForkProof:
    """Check and keep this proof."""

    proof: ForkProof


@dataclass(frozen=True, slots=True)
class PeerHolds:
    """A neighbour, known by the first bytes of its node id, showed that it holds these logs up to just these heights.

    Taken from digests and wants, never from acknowledgements. A height may be lower than the neighbour showed before (its
    card was put back from a backup), 0 included. No heights at all: it was heard, and shows something else than we hold.
    """

    peer_handle: bytes
    scope: Scope
    heights: Mapping[LogId, int]
    is_heard: bool = True  # False: it said so earlier, and only now do we hold as much


Effect = Send | Deliver | DeliverAside | DeliverPiece | DeliverFile | DeliverForkProof | DeliverCall | PeerHolds
