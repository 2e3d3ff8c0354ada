"""When to say the end of a log ahead of what stands below it: to somebody who lacks much, and only once in a while."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from mesh.ahead import Ahead
from mesh.airform import AirRun
from mesh.holdings import Holdings
from mesh.keys import LogId
from mesh.log import Run
from mesh.outlook import Outlook
from mesh.road import Road

FAR: Final = 16 * 1024  # bytes of a log, plain: whoever lacks more waits long for what is new
RECORDS_MAX: Final = 8
AGAIN_S: Final = 1200.0
SAID_MAX: Final = 256


class Leaps:
    """What this node said ahead of a gap, or heard others say: each only once in a while."""

    def __init__(self, outlook: Outlook, holdings: Holdings, road: Road) -> None:
        self._outlook = outlook
        self._holdings = holdings
        self._road = road
        self._said: OrderedDict[LogId, tuple[int, float]] = OrderedDict()

    def hear(self, said: Ahead, now: float) -> Run | None:
        """Return the run that somebody said ahead; None where it is here, or its log is not sure. Raises `Malformed`."""
        logs = [log for log in self._outlook.logs(said.run.handle) if log not in self._outlook.proofs]
        if len(logs) != 1 or said.run.upto <= self._outlook.frontier.height(logs[0]):
            return None
        self.note(logs[0], said.run.upto, now)
        return said.run.unpack(logs[0], self._holdings.epoch_key(self._outlook.scope))

    def note(self, log: LogId, height: int, now: float) -> None:
        """Learn that the end of a log, at this height, was just said ahead of a gap."""
        self._said[log] = (height, now)
        self._said.move_to_end(log)
        if len(self._said) > SAID_MAX:
            self._said.popitem(last=False)

    def over(self, log: LogId, after: int, now: float) -> Ahead | None:
        """Return the end of a log for somebody who holds it up to `after` only, None where that is near or was just said."""
        height = self._outlook.frontier.height(log)
        said, then = self._said.get(log, (0, -AGAIN_S))
        if said >= height and now - then < AGAIN_S:
            return None
        self.note(log, height, now)
        below = self._holdings.run(log, after, FAR)
        return self._last(log, height) if below and below.upto < height else None

    def _last(self, log: LogId, height: int) -> Ahead | None:
        """Return as many of the last records as fit a packet; none in which a text is missing."""
        run = self._holdings.run(log, max(1, height - RECORDS_MAX), FAR)
        if run is None or run.upto != height or any(record.is_withdrawn for record in run.records):
            return None
        for skip in range(len(run.records)):
            after = run.after + skip
            head = self._holdings.head(log, after)
            rest = Run(log, after, run.records[skip:], run.previous, run.signature)
            air = AirRun.pack(rest, self._holdings.epoch_key(self._outlook.scope))
            names = self._outlook.handle, self._road.handle, self._outlook.digest
            ahead = Ahead(*names, head, air) if head else None
            if ahead and len(ahead.encode()) <= self._road.packet_size_max:
                return ahead
        return None
