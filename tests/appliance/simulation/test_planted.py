"""Faults planted in the engine: each is found by one of the seeds that every `make test` runs.

A forged checkpoint is a broken rule; whoever drops a want or forgets a hole never agrees; whoever answers what it has heard
before goes on when all is said, and whoever does not count its air talks for too long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mesh import asking, log
from mesh.airform import AirRun
from mesh.airtime import AirtimeMeter
from mesh.dialogue import Dialogue
from mesh.keys import LogId
from mesh.log import Run
from mesh.packet import FIRST_HANDLE, LAST_HANDLE, Claim
from tests.appliance.simulation.test_simulate import FIXED, run

Plant = Callable[[pytest.MonkeyPatch], None]


def drop_a_want(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dialogue, "hear_want", lambda self, neighbour, want, now: [])


def accept_a_forged_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "verify", lambda public_key, domain, content, signature: None)


def forget_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claim to hold a log as far as anything of it was heard."""

    def wants(self: Dialogue) -> list[bytes]:
        groups = [
            (handle, sorted(Claim(handle, highest(self, log)) for log in logs))
            for handle, logs in self.outlook.between(FIRST_HANDLE, LAST_HANDLE)
        ]
        names = (self.outlook.handle, self._road.handle)
        found, self._cursor = asking.wants(*names, groups, self._road.packet_size_max, self._cursor)
        return [want.encode() for want in found]

    def highest(self: Dialogue, log: LogId) -> int:
        return max(self.outlook.frontier.height(log), self._heard.get(log, 0))

    monkeypatch.setattr(Dialogue, "_wants", wants)


def answer_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say once more whatever is heard once more."""
    honest = Dialogue._read

    def read(self: Dialogue, air: AirRun, now: float) -> Iterator[Run]:
        yield from honest(self, air, now)
        for name in self.outlook.logs(air.handle):
            if air.upto <= self.outlook.frontier.height(name):
                self._answers.forget(name)
                self._answers.owe(name, air.after, now, now + self._road.slot(), is_news=True)

    monkeypatch.setattr(Dialogue, "_read", read)


def exceed_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AirtimeMeter, "_count", lambda self, cost_us, second: None)


FOUND: tuple[tuple[Plant, str, int, str], ...] = (
    (drop_a_want, "echo", 4, "The nodes were to agree"),
    (accept_a_forged_checkpoint, "storm", 1, "that nobody wrote"),
    (forget_a_hole, "narrow", 2, "The nodes were to agree"),
    (answer_a_replay, "echo", 4, "went on to send"),
    (exceed_the_budget, "narrow", 2, "talked for"),
)


@pytest.mark.parametrize(
    ("plant", "name", "seed", "complaint"), FOUND, ids=lambda one: getattr(one, "__name__", str(one))
)
def test_a_planted_fault_is_found(
    monkeypatch: pytest.MonkeyPatch, plant: Plant, name: str, seed: int, complaint: str
) -> None:
    assert (name, seed) in FIXED
    plant(monkeypatch)
    outcome = run(name, seed)
    assert complaint in "\n".join([*outcome.violations, *outcome.disappointments()])
