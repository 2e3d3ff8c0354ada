"""Faults planted in the engine: each is found by one of the seeds that every `make test` runs.

A forged checkpoint breaks a rule; whoever drops a want or forgets a hole never agrees; whoever does not count its air talks
for too long; whoever answers a replay of what it said itself never falls silent; and whoever does not wait at an absorb judges a
payment otherwise than those who heard first what covers it. The witness of calls for help sees one that is forged, replayed,
never ends, or is not passed on.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap

import pytest

from appliance.store.counting import Counting
from appliance.store.records import Log
from mesh import alarms, links, log
from mesh.alarms import Alarms, Hearing
from mesh.brief import BriefWant
from mesh.claims import Held
from mesh.dialogue import AnyWant, Dialogue
from mesh.distress import Crier, Distress
from mesh.gossip import Engine
from mesh.governor import Governor
from mesh.neighbours import Neighbour
from mesh.record import Record
from tests.appliance.simulation.test_simulate import FIXED, run

Plant = Callable[[pytest.MonkeyPatch], None]


def drop_a_want(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it was said in a want or in heads: they stand in for each other."""
    monkeypatch.setattr(Dialogue, "_owe", lambda self, peer, shown, is_plain, now: None)


def accept_a_forged_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "verify", lambda public_key, domain, content, signature: None)


def forget_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claim to hold a log as far as anybody says to hold it, and say no heads, which would tell the truth."""
    read = Dialogue._read_want

    def believe(self: Dialogue, want: AnyWant, now: float) -> Held | None:
        held = read(self, want, now)
        for name, height in held.heights.items() if held else ():
            self._heard[name] = max(height, self._heard.get(name, 0))
        return held

    def wants(self: Dialogue) -> list[bytes]:
        heights = self.outlook.heights_held()
        believed = {log: max(height, self._heard.get(log, 0)) for log, height in heights.items()}
        return [BriefWant.of(self.outlook.handle, self._road.handle, believed).encode()]

    monkeypatch.setattr(Dialogue, "_read_want", believe)
    monkeypatch.setattr(Dialogue, "_wants", wants)
    monkeypatch.setattr(Dialogue, "_heads", lambda self: [])


def exceed_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Governor, "settle", lambda self, waiting, now_s: self._pending.clear())


def ignore_an_absorb(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count on where a log absorbs what is not here yet."""
    obstacle = Counting._obstacle

    def none_at_an_absorb(self: Counting, log: Log, seq: int, record: Record) -> tuple[bytes | None, list[int]]:
        return (None, []) if record.kind == links.ABSORB else obstacle(self, log, seq, record)

    monkeypatch.setattr(Counting, "_obstacle", none_at_an_absorb)


def answer_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take for a neighbour whoever says again what this node said."""

    def met(self: Engine, handle: bytes, now: float) -> Neighbour:
        neighbour, is_new = self.neighbours.heard(handle, now)
        if is_new and self._beaconing:
            self._beaconing.greet(now)
        return neighbour

    monkeypatch.setattr(Engine, "_met", met)


def believe_a_forged_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Distress, "check", lambda self, scope, public_key: None)


def answer_a_replayed_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show again what is over, when somebody plays it."""
    lengthen = Alarms._lengthen

    def revive(self: Alarms, known: alarms.Held, call: Distress) -> Hearing:
        if known.is_alive:
            return lengthen(self, known, call)
        self._shelf.keep(known.node, known.call, 600.0, 600.0)
        return Hearing.NEWS

    monkeypatch.setattr(Alarms, "_lengthen", revive)


def never_end_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Alarms, "living", lambda self: self._shelf.all())


def keep_a_call_to_oneself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say what is raised here, and pass on nothing."""
    follow = Crier.follow

    def own(self: Crier, calls: list[Distress], now: float) -> bool:
        return follow(self, [call for call in calls if call.caller.node == self._own], now)

    monkeypatch.setattr(Crier, "follow", own)


ALARM = (("alarm", 8), ("alarm", 2))
CALM = (("echo", 4), ("narrow", 2), ("echo", 3))
FOUND: tuple[tuple[Plant, tuple[tuple[str, int], ...]], ...] = (
    (drop_a_want, CALM),
    (accept_a_forged_checkpoint, (("storm", 1), ("storm", 2))),
    (forget_a_hole, CALM),
    (exceed_the_budget, CALM),
    (answer_a_replay, (("echo", 4), ("echo", 3))),
    (ignore_an_absorb, (("credit", 4), ("credit", 8))),
    (believe_a_forged_call, ALARM),
    (answer_a_replayed_call, ALARM),
    (never_end_a_call, ALARM),
    (keep_a_call_to_oneself, ALARM),
)


@pytest.mark.parametrize(("plant", "runs"), FOUND, ids=lambda one: getattr(one, "__name__", "runs"))
def test_a_planted_fault_is_found(
    monkeypatch: pytest.MonkeyPatch, plant: Plant, runs: tuple[tuple[str, int], ...]
) -> None:
    assert set(runs) <= set(FIXED)
    plant(monkeypatch)
    assert any(outcome.violations or outcome.disappointments() for outcome in starmap(run, runs))
