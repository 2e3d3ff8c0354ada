"""How long a road waits before it speaks. Everything in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from mesh.trickle import Chance


@dataclass(frozen=True, slots=True)
class Timing:
    """The defaults suit a LoRa channel at LongFast, where a full packet takes two seconds of air.

    `imin`, `imax` and `redundancy` are those of Trickle (RFC 6206). Answers and wants wait a random moment between
    `slot_min` and `slot_max`, so that one of several speaks and the others hear it. `packet` is how long a packet keeps
    the air busy: who has just sent a few waits as long before it goes on.
    """

    imin: float = 4.0
    imax: float = 1200.0
    redundancy: int = 1
    slot_min: float = 0.5
    slot_max: float = 3.0
    packet: float = 2.2
    retry: float = 20.0  # first pause between two wants that did not help; it doubles up to imax
    heartbeat: float = 21600.0  # how often a node among agreeing neighbours still speaks
    recent: float = 259200.0  # a neighbour that was silent for longer is looked for no more
    carousel: float = 240.0  # between two rows of files that nobody asked for
    packets_per_second: float = 10.0  # how many one peer address may have looked at, in the long run …
    packets_burst: float = 200.0  # … and at once
    repeats_per_hour: int = 6144  # bytes that are sent again at the word of one peer address

    @classmethod
    def for_ip(cls) -> Self:
        """Return what suits roads that carry thousands of packets a second."""
        bounds = {"packets_per_second": 1000.0, "packets_burst": 5000.0}
        return cls(0.2, 60.0, 1, 0.01, 0.1, 0.02, 1.0, 300.0, 3600.0, **bounds, repeats_per_hour=2**28)

    def slot(self, rng: Chance) -> float:
        """Return how long to wait before an answer or a want."""
        return rng.uniform(self.slot_min, self.slot_max)

    @property
    def quiet(self) -> float:
        """After this long without a packet, a stream of them has ended."""
        return self.slot_max + 2 * self.packet
