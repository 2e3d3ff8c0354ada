"""Faults planted in the engine: each is found by one of the seeds that every `make test` runs.

A forged checkpoint breaks a rule; whoever drops a want or forgets a hole never agrees; whoever does not count its air talks
for too long.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap

import pytest

from mesh import asking, log
from mesh.dialogue import Dialogue
from mesh.governor import Governor
from mesh.keys import LogId
from mesh.packet import FIRST_HANDLE, LAST_HANDLE, Claim, Want
from tests.appliance.simulation.test_simulate import FIXED, run

Plant = Callable[[pytest.MonkeyPatch], None]


def drop_a_want(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dialogue, "hear_want", lambda self, neighbour, want, now: [])


def accept_a_forged_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "verify", lambda public_key, domain, content, signature: None)


def forget_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claim to hold a log as far as anybody says to hold it."""
    compare = Dialogue._compare

    def believe(self: Dialogue, want: Want) -> tuple[dict[LogId, int], bool]:
        for claim in want.claims:
            for name in self.outlook.logs(claim.handle):
                self._heard[name] = max(claim.height, self._heard.get(name, 0))
        return compare(self, want)

    def highest(self: Dialogue, log: LogId) -> int:
        return max(self.outlook.frontier.height(log), self._heard.get(log, 0))

    def wants(self: Dialogue) -> list[bytes]:
        groups = [
            (handle, sorted(Claim(handle, highest(self, log)) for log in logs))
            for handle, logs in self.outlook.between(FIRST_HANDLE, LAST_HANDLE)
        ]
        names = (self.outlook.handle, self._road.handle)
        found, self._cursor = asking.wants(*names, groups, self._road.packet_size_max, self._cursor)
        return [want.encode() for want in found]

    monkeypatch.setattr(Dialogue, "_compare", believe)
    monkeypatch.setattr(Dialogue, "_wants", wants)


def exceed_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Governor, "settle", lambda self, waiting, now_s: self._pending.clear())


CALM = (("echo", 4), ("narrow", 2), ("echo", 3))
FOUND: tuple[tuple[Plant, tuple[tuple[str, int], ...]], ...] = (
    (drop_a_want, CALM),
    (accept_a_forged_checkpoint, (("storm", 1), ("storm", 2))),
    (forget_a_hole, CALM),
    (exceed_the_budget, CALM),
)


@pytest.mark.parametrize(("plant", "runs"), FOUND, ids=lambda one: getattr(one, "__name__", "runs"))
def test_a_planted_fault_is_found(
    monkeypatch: pytest.MonkeyPatch, plant: Plant, runs: tuple[tuple[str, int], ...]
) -> None:
    assert set(runs) <= set(FIXED)
    plant(monkeypatch)
    assert any(outcome.violations or outcome.disappointments() for outcome in starmap(run, runs))
