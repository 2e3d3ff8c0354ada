"""The witness: reads captured packets in a process of its own, verifies what they carry and counts the records it got.

It knows the base, as any neighbour would, and none of the news.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from appliance.bench.workload import found, holder, read_workload
from mesh.effects import Deliver
from mesh.gossip import Engine


def verified(capture: Path, new: int, workload: Path | None) -> int:
    """Return how many new records the packets in a capture bring, one in hex on each line, that verify."""
    packets = [bytes.fromhex(json.loads(line)) for line in capture.read_text(encoding="utf-8").splitlines()]
    street, base = found(read_workload(workload), new)
    holdings = holder(street, base, 9)
    before = sum(reach.height for reach in holdings.frontier(street.scope).reaches.values())
    engine = Engine(holdings.node, holdings, 231, Random(0))
    for number, packet in enumerate(packets):
        for effect in engine.receive("captured", packet, 1000.0 + number):
            if isinstance(effect, Deliver):
                holdings.accept(effect.run)
    return sum(reach.height for reach in holdings.frontier(street.scope).reaches.values()) - before
