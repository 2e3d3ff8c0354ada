"""Runs in the shorthand of the air codec, on roads so narrow that it pays.

What was read is verified here already, before anybody hears of it: a wrong guess is nobody's fault, and is asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mesh.aircode.packing import MODEL
from mesh.aircode.shared import Ground
from mesh.airform import AirRun, log_handle
from mesh.errors import Malformed
from mesh.holdings import Holdings
from mesh.keys import PUBLIC, LogId
from mesh.links import Opening
from mesh.log import Run, first_head
from mesh.outlook import Outlook
from mesh.packet import DIGEST_HINT_SIZE, SENDER_HINT_SIZE, Packed
from mesh.road import Road

NARROW_MAX: Final = 512  # bytes of a packet; on wider roads bytes are cheaper than the work


@dataclass(frozen=True, slots=True)
class Shorthand:
    """The shorthand of one scope on one road."""

    outlook: Outlook
    holdings: Holdings
    road: Road

    @property
    def is_spoken(self) -> bool:
        """Whether it is used on this road."""
        return self.road.packet_size_max <= NARROW_MAX

    def write(self, runs: Sequence[Run], common: Mapping[LogId, int]) -> Packed | None:
        """Return the packet for `runs`, on common ground if there is any; None where it cannot be."""
        if not runs:
            return None
        key = self.holdings.epoch_key(self.outlook.scope)
        stream = self.road.codec.pack([AirRun.pack(run, key) for run in runs], self._ground(common))
        if not stream:
            return None
        hints = self.road.handle[:SENDER_HINT_SIZE], self.outlook.digest[:DIGEST_HINT_SIZE]
        return Packed(MODEL, bool(common), self.outlook.scope == PUBLIC, *hints, stream)

    def _ground(self, common: Mapping[LogId, int]) -> Ground:
        heights = {log: reach.height for log, reach in self.outlook.frontier.reaches.items()}
        key = self.holdings.epoch_key(self.outlook.scope)
        return Ground(self.holdings, key, common or heights, bool(common))

    def read(self, packet: Packed) -> list[Run]:
        """Return the verified runs of a packet. Raises `Missing`, and `PeerFault` where what was read does not fit."""
        if packet.model != MODEL:
            raise Malformed("this packet was packed by another model")
        heights = {log: reach.height for log, reach in self.outlook.frontier.reaches.items()}
        key = self.holdings.epoch_key(self.outlook.scope)
        ground = Ground(self.holdings, key, heights, packet.is_common)
        return [
            self._verified(air.unpack(self._log(air), key)) for air in self.road.codec.unpack(packet.stream, ground)
        ]

    def _log(self, air: AirRun) -> LogId:
        if air.after:
            return self.outlook.logs(air.handle)[0]
        opening = Opening.read(air.records[0].unpack(None))
        if opening.scope != self.outlook.scope or log_handle(opening.log) != air.handle:
            raise Malformed("a log opens in another scope than it travels")
        return opening.log

    def _verified(self, run: Run) -> Run:
        """Check the part of a run that is above what is held: there the checkpoint shows whether all was read right."""
        reach = self.outlook.frontier.reaches.get(run.log)
        height, head = reach or (0, first_head(run.log))
        if run.upto > height:
            held = self.holdings.run(run.log, 0, 0) if height else run
            assert held is not None
            tail = run.records[height - run.after :]
            above = Run(run.log, height, tail, run.previous, run.signature)
            above.check(Opening.read(held.records[0]).public_key, head)
        return run
