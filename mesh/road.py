"""One road as the engine knows it: how much a packet holds, how long to wait, and who else is on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mesh.aircode.packing import Codec
from mesh.keys import NodeId
from mesh.neighbours import Neighbours
from mesh.quotas import QUOTA, Quotas
from mesh.rank import Rank
from mesh.timing import Timing
from mesh.trickle import Chance


@dataclass(frozen=True, slots=True)
class Road:
    """What all parts of one engine share. `handle` is how this node, `node`, signs its packets."""

    node: NodeId
    handle: bytes
    packet_size_max: int
    timing: Timing
    rng: Chance
    neighbours: Neighbours
    counters: Counter[str]
    codec: Codec
    rank: Rank
    quotas: Quotas

    def has_said_enough(self, peer: str, now: float) -> bool:
        """Whether this peer made us say so much again within the hour that its asking is left alone, and counted."""
        is_spent = self.quotas.is_spent(peer, now)
        self.counters[QUOTA] += is_spent
        return is_spent

    def slot(self) -> float:
        """Return a random time to wait before speaking, in seconds."""
        return self.timing.slot(self.rng)
