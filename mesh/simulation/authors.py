"""Those who write: people sign nothing themselves, their node certifies what was written in batches."""

from __future__ import annotations

from typing import Final

from mesh.simulation.clock import Clock
from mesh.simulation.station import NodeStation
from mesh.simulation.truth import Branch, Penman, Truth

BATCH_S: Final = 2.0  # as long as the appliance lets new records wait for company
AGAIN_S: Final = 60.0
EPOCH: Final = 1_760_000_000  # wall time at which runs begin


class Author:
    """A node that writes. `written` tells when each of its records was made."""

    def __init__(self, branch: Branch, station: NodeStation, truth: Truth, penman: Penman, clock: Clock) -> None:
        self.branch = branch
        self.station = station
        self.written: dict[int, float] = {}
        self.skew = 0.0
        self._truth = truth
        self._penman = penman
        self._clock = clock

    def write(self) -> None:
        """Write what the penman composes, later where the node is off or its disk is full."""
        if not self.station.is_powered or self.station.is_full:
            self._clock.at(self._clock.now + AGAIN_S, self.write)
            return
        at = max(0, EPOCH + int(self._clock.now + self.skew))
        for recipe in self._penman.compose(self.station.number, at):
            self.written[self._truth.write(self.branch, recipe)] = self._clock.now
        self._clock.at(self._clock.now + BATCH_S, self._certify)

    def _certify(self) -> None:
        if not self.station.is_powered or self.station.is_full:
            self._clock.at(self._clock.now + AGAIN_S, self._certify)
            return
        self.branch.certify()
        self.station.replica.adopt(self.branch)
        self.station.news()
