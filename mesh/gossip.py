"""The engine: one per road, no socket, no clock. Bytes come in, effects go out. See spec/gossip-v1.md."""

from __future__ import annotations

from collections import Counter

from mesh.blob import BlobWant
from mesh.effects import Deliver, DeliverForkProof, DeliverPiece, Effect, PeerHolds, Send
from mesh.errors import PeerFault
from mesh.holdings import Holdings
from mesh.keys import NodeId
from mesh.timing import Timing
from mesh.trickle import Chance


class Engine:
    """Says what this node holds, asks for what it lacks, answers what others ask.

    `packet_size_max` is the road's limit in bytes. `now` is always monotonic seconds.
    """

    def __init__(
        self, node: NodeId, holdings: Holdings, packet_size_max: int, rng: Chance, timing: Timing | None = None
    ) -> None:
        self._node = node
        self._holdings = holdings
        self._packet_size_max = packet_size_max
        self._rng = rng
        self._timing = timing or Timing()
        self.counters: Counter[str] = Counter()
        self.stalemates = 0

    def receive(self, peer: str, packet: bytes, now: float) -> list[Effect]:
        """Answer one packet: what to take in. Raises `PeerFault`, and nothing else, if `peer` misbehaved."""
        return []

    def tick(self, now: float) -> list[Effect]:
        """Return what it is time to say. To be called when `next_wake` says so, and when the store has changed."""
        return []

    def next_wake(self, now: float) -> float:
        """Return after how many seconds, at least 0.05, a tick is wanted although nothing happened."""
        return 60.0

    def refused(self, peer: str, fault: PeerFault) -> None:
        """Learn that the door turned away what `peer` brought."""


__all__ = [
    "BlobWant",
    "Deliver",
    "DeliverForkProof",
    "DeliverPiece",
    "Effect",
    "Engine",
    "Holdings",
    "PeerHolds",
    "Send",
    "Timing",
]
