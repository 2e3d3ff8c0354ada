"""The witness: a process of its own that reads captured packets, verifies what they carry and counts the records it got.

    python -m appliance.bench.witness CAPTURE NEW [WORKLOAD]

It knows the base, as any neighbour would, and none of the news. Exit code 1 where the packets do not bring exactly the news.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

from appliance.bench.workload import found, holder, read_workload
from mesh.effects import Deliver
from mesh.gossip import Engine


def verified(packets: list[bytes], new: int, workload: Path | None) -> int:
    """Return how many new records the packets bring whose signatures and chains hold."""
    street, base = found(read_workload(workload), new)
    holdings = holder(street, base, 9)
    before = sum(reach.height for reach in holdings.frontier(street.scope).reaches.values())
    engine = Engine(holdings.node, holdings, 231, Random(0))
    for number, packet in enumerate(packets):
        for effect in engine.receive("captured", packet, 1000.0 + number):
            if isinstance(effect, Deliver):
                holdings.accept(effect.run)
    return sum(reach.height for reach in holdings.frontier(street.scope).reaches.values()) - before


def main() -> int:
    """Read the capture that is named on the command line; print what was verified as one JSON object."""
    capture, new, *workload = sys.argv[1:]
    lines = Path(capture).read_text(encoding="utf-8").splitlines()
    count = verified(
        [bytes.fromhex(json.loads(line)) for line in lines], int(new), Path(workload[0]) if workload else None
    )
    sys.stdout.write(json.dumps({"verified": count}) + "\n")
    return 0 if count == int(new) else 1


if __name__ == "__main__":
    sys.exit(main())
