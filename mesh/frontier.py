"""What a node holds of a scope, in one small map: log → (height without gaps, head).

Equal frontiers mean the same records, byte for byte, and so the same views. Comparing two frontiers is the whole of
gossip: who is ahead in which log, and from where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, NamedTuple

from mesh.keys import Head, LogId, Scope

FRONTIER_DOMAIN: Final = b"hedgerow/frontier/v1\0"
DIGEST_SIZE_MAX: Final = 32


class Reach(NamedTuple):
    """How far a log is held: `height` records without a gap, the last head being `head`."""

    height: int
    head: Head


@dataclass(frozen=True, slots=True)
class Frontier:
    """Certified reaches of the logs of one scope. A log of height 0 is not in it."""

    scope: Scope
    reaches: Mapping[LogId, Reach] = field(default_factory=dict)

    def height(self, log: LogId) -> int:
        """Return the height of `log`, 0 where nothing of it is held."""
        reach = self.reaches.get(log)
        return reach.height if reach else 0

    def ahead_of(self, heights: Mapping[LogId, int]) -> Iterator[tuple[LogId, int]]:
        """Yield (log, height the other has) for each log in which the holder of `heights` lags, in order of the ids."""
        for log in sorted(self.reaches):
            if self.reaches[log].height > heights.get(log, 0):
                yield log, heights.get(log, 0)

    def digest(self, size: int = DIGEST_SIZE_MAX) -> bytes:
        """Return `size` bytes, equal where frontiers are equal. Heads are in it: a fork shows as a difference."""
        whole = blake2b(FRONTIER_DOMAIN + self.scope, digest_size=DIGEST_SIZE_MAX)
        for log in sorted(self.reaches):
            reach = self.reaches[log]
            whole.update(log + reach.height.to_bytes(8, "big") + reach.head)
        return whole.digest()[:size]
