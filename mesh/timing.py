"""How long a road waits before it speaks. Everything in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Timing:
    """The defaults suit a LoRa channel at LongFast, where a full packet takes two seconds of air.

    `imin`, `imax` and `redundancy` are those of Trickle (RFC 6206). Answers and wants wait a random moment between `slot_min`
    and `slot_max`, so that one of several speaks and the others hear it. `packet` is how long one packet keeps the air busy: who
    has just sent a few waits as long before it goes on.
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

    @classmethod
    def for_ip(cls) -> Self:
        """Return what suits roads that carry thousands of packets a second."""
        return cls(0.2, 60.0, 1, 0.01, 0.1, 0.002, 1.0, 300.0, 3600.0)
