"""Logs of which our end and another's seem to differ, and runs that came before what they stand on.

To find where two branches part, this node asks for a run that begins below its own end: 1, 4, 16, 64 … records below, until
one arrives that stands on ground both share. Its checkpoint and ours then overlap, and are the proof.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from mesh.airform import AirRun
from mesh.frontier import Frontier
from mesh.holdings import Holdings
from mesh.keys import EpochKey, LogId
from mesh.log import Run
from mesh.reassembly import MESSAGE_SIZE_MAX

DOUBTS_MAX: Final = 64
WAITING_MAX: Final = 32
PROBES_MAX: Final = 4
ASKED_MAX: Final = 3


class Ground(NamedTuple):
    """A run to ask for: records above `after`, to the first checkpoint at or above `height`."""

    log: LogId
    after: int
    height: int


class Doubts:
    """How far below its end each doubtful log is asked for, and how often it was."""

    def __init__(self) -> None:
        self._depths: OrderedDict[LogId, tuple[int, int]] = OrderedDict()

    def __contains__(self, log: LogId) -> bool:
        return log in self._depths

    def __len__(self) -> int:
        return len(self._depths)

    def deepen(self, log: LogId, height: int) -> bool:
        """Ask from further below. Returns False where there is no ground left to ask for."""
        depth, _ = self._depths.get(log, (-1, 0))
        if depth >= 0 and 4**depth >= height:
            del self._depths[log]
            return False
        self._depths[log] = (depth + 1, 0)
        if len(self._depths) > DOUBTS_MAX:
            self._depths.popitem(last=False)
        return True

    def drop(self, log: LogId) -> None:
        """Ask no more about this log."""
        self._depths.pop(log, None)

    def grounds(self, frontier: Frontier) -> list[Ground]:
        """Return what to ask for now: a few logs, at most three times for one depth."""
        found = []
        for log, (depth, asked) in [*self._depths.items()][:PROBES_MAX]:
            height = frontier.height(log)
            if asked < ASKED_MAX and height:
                self._depths[log] = (depth, asked + 1)
                found.append(Ground(log, max(0, height - 4**depth), height))
            else:
                del self._depths[log]
        return found


class Waiting:
    """Runs above a gap, at most 32: the oldest make room."""

    def __init__(self) -> None:
        self._runs: OrderedDict[tuple[LogId, int], tuple[str, Run]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._runs)

    def keep(self, peer: str, run: Run) -> None:
        self._runs[run.log, run.after] = (peer, run)
        self._runs.move_to_end((run.log, run.after))
        if len(self._runs) > WAITING_MAX:
            self._runs.popitem(last=False)

    def closed(self, frontier: Frontier) -> list[tuple[str, Run]]:
        """Take out the runs whose gap is closed; those that are not news any more are dropped."""
        ready = [place for place in self._runs if place[1] <= frontier.height(place[0])]
        runs = [self._runs.pop(place) for place in sorted(ready)]
        return [(peer, run) for peer, run in runs if run.upto > frontier.height(run.log)]


def run_from(ground: Ground, holdings: Holdings, epoch_key: EpochKey | None) -> AirRun | None:
    """Return the run that answers a probe, None where this node has none or it is too long for a message."""
    nearest = holdings.run(ground.log, ground.height - 1, 0)
    below = holdings.run(ground.log, ground.after, MESSAGE_SIZE_MAX)
    if nearest is None or below is None or below.upto < nearest.upto:
        return None
    records = below.records[: nearest.upto - ground.after]
    air = AirRun.pack(Run(ground.log, ground.after, records, nearest.previous, nearest.signature), epoch_key)
    return air if len(air.encode()) < MESSAGE_SIZE_MAX - 64 else None
