"""One log, two branches: they are found, proven, and the proof spreads."""

from __future__ import annotations

from copy import deepcopy
from random import Random

import pytest

from mesh.doubts import DOUBTS_MAX, WAITING_MAX, Doubts, Waiting
from mesh.errors import BadSignature
from mesh.frontier import Frontier, Reach
from mesh.keys import PUBLIC, Head, LogId
from mesh.log import ForkProof, Run
from mesh.outlook import Outlook
from mesh.packet import ForkNotice, Kind
from mesh.reassembly import cut
from tests.mesh.islands import Air, Island, MemoryHoldings, node_key

DAY = 86_400.0


def a_clone_among_neighbours(here: int, there: int, loss: float = 0.0, seed: int = 0) -> tuple[Air, LogId]:
    """Return neighbours a, b, c who hold six notes of a, and d, to whom a's clone has told another ending of `there` notes."""
    found = [Island(name, MemoryHoldings(node_key(number)), seed) for number, name in enumerate("abc", 1)]
    air = Air(*found, loss=loss, seed=seed)
    a = found[0]
    for number in range(6):
        a.holdings.write(f"common {number}")
    air.run(3600, air.agree)
    air.run(100)
    clone = deepcopy(a.holdings)
    d = Island("d", MemoryHoldings(node_key(4)), seed)
    d.holdings.logs = clone.logs
    for number in range(there):
        clone.write(f"said elsewhere {number}")
    for number in range(here):
        a.holdings.write(f"said here {number}")
    air.join(d)
    air.stir()
    return air, a.holdings.log_in(PUBLIC)


def all_know(air: Air, log: LogId) -> bool:
    return all(log in island.holdings.proofs for island in air.islands.values())


@pytest.mark.parametrize(("here", "there"), [(1, 1), (2, 2), (1, 3), (3, 1), (5, 2), (2, 30), (30, 30)])
def test_overlapping_checkpoints_become_a_proof_that_spreads(here: int, there: int) -> None:
    air, log = a_clone_among_neighbours(here, there)
    air.run(1800, lambda: all_know(air, log))
    assert all_know(air, log)
    for island in air.islands.values():
        island.holdings.proofs[log].check()


@pytest.mark.parametrize("seed", range(4))
def test_also_where_packets_are_lost(seed: int) -> None:
    air, log = a_clone_among_neighbours(2, 3, loss=0.2, seed=seed)
    air.run(3 * 3600, lambda: all_know(air, log))
    assert all_know(air, log)


def test_once_all_know_the_proof_they_agree_and_fall_silent() -> None:
    air, log = a_clone_among_neighbours(2, 2)
    air.run(3600)
    assert all_know(air, log)
    assert not any(island.engine.stalemates for island in air.islands.values())
    began = air.now
    air.run(DAY)
    assert set(air.kinds(began)) == {Kind.ACCORD}
    assert sum(air.kinds(began).values()) <= 5 * len(air.islands)


def test_no_branch_is_mixed_with_the_other() -> None:
    air, log = a_clone_among_neighbours(5, 2)
    air.run(1800)
    endings = {island.holdings.logs[log].records[-1].said() for island in air.islands.values()}
    assert endings == {"said here 4", "said elsewhere 1"}


def test_who_joins_later_learns_the_log_and_the_proof() -> None:
    air, log = a_clone_among_neighbours(2, 2)
    air.run(3600)
    late = Island("z", MemoryHoldings(node_key(26)))
    air.join(late)
    air.run(600, lambda: all_know(air, log))
    assert all_know(air, log)
    assert late.frontier().height(log) >= 7


def test_other_logs_go_on_as_ever() -> None:
    air, _ = a_clone_among_neighbours(2, 2)
    air.run(3600)
    other = air.islands["c"].holdings.write("life goes on")
    air.stir()
    air.run(60)
    assert all(island.frontier().height(other) == 2 for island in air.islands.values())


def test_a_proof_that_proves_nothing_does_not_pass() -> None:
    air, log = a_clone_among_neighbours(1, 1)
    a = air.islands["a"]
    one = a.holdings.logs[log].checkpoints
    ours = ForkProof(node_key(1).public_key, one[0], one[1])
    notice = ForkNotice(bytes(2), b"liar", ours).encode()
    for part in cut(notice[1:], 231):
        a.receive("liar", part.encode(), air.now)
    assert a.engine.counters["malformed"] == 1
    assert not a.holdings.proofs


def test_a_disagreement_nobody_can_explain_is_shown_and_sleeps() -> None:
    """A neighbour whose digest never equals ours, whatever it is sent: three rounds, then the longest interval."""
    air, (a, b) = Air(), [Island(name, MemoryHoldings(node_key(number))) for number, name in enumerate("ab", 1)]
    air.join(a)
    air.join(b)
    a.holdings.write("hello")
    air.run(60, air.agree)
    fable = {**b.frontier().reaches, LogId(bytes(16)): Reach(3, Head(bytes(32)))}
    b.holdings.frontier = lambda scope: Frontier(scope, fable)  # type: ignore[method-assign]
    air.stir()
    air.run(1800)
    assert [handle for handle, scope in a.engine.stalemates if scope == PUBLIC] == [b.holdings.key.node_id[:4]]
    began = air.now
    air.run(DAY)
    assert sum(packet[1] != Kind.BEACON for at, speaker, packet in air.log if speaker == "a" and at > began) <= 75


# --- the parts by themselves


def test_doubts_dig_deeper_each_time_and_end_at_the_ground() -> None:
    log, doubts = LogId(bytes(16)), Doubts()
    frontier = Frontier(PUBLIC, {log: Reach(100, Head(bytes(32)))})
    depths = []
    while doubts.deepen(log, 100):
        depths += [ground.after for ground in doubts.grounds(frontier)]
    assert depths == [99, 96, 84, 36, 0]
    assert log not in doubts


def test_what_nobody_answers_is_asked_three_times() -> None:
    log, doubts = LogId(bytes(16)), Doubts()
    frontier = Frontier(PUBLIC, {log: Reach(100, Head(bytes(32)))})
    doubts.deepen(log, 100)
    assert [len(doubts.grounds(frontier)) for _ in range(5)] == [1, 1, 1, 0, 0]


def test_doubts_and_waiting_runs_are_bounded() -> None:
    doubts, waiting, chance = Doubts(), Waiting(), Random(0)
    for _ in range(200):
        log = LogId(chance.randbytes(16))
        doubts.deepen(log, 100)
        waiting.keep("peer", Run(log, 5, (), 0, bytes(64)))
    assert len(doubts) == DOUBTS_MAX
    assert len(waiting) == WAITING_MAX


def test_a_forged_run_costs_a_probe_and_no_record() -> None:
    """Whoever forges runs makes us ask once more; what we hold stays, and the doubt ends."""
    found = [Island(name, MemoryHoldings(node_key(number))) for number, name in enumerate("ab", 1)]
    air = Air(*found)
    log = found[0].holdings.write("one", "two")
    air.run(60, air.agree)
    air.run(60)
    began = air.now
    run = found[0].holdings.run(log, 0, 10_000)
    assert run is not None
    forged = Run(log, 3, (run.records[-1],), 3, bytes(64))
    found[1].engine.refused("liar", BadSignature("forged"), forged)
    air.run(DAY)
    assert all(packet[1] in (Kind.BEACON, Kind.ACCORD) for at, _, packet in air.log if at > began)


def test_a_log_without_proof_is_compared_by_its_head_and_one_with_proof_is_not() -> None:
    air, log = a_clone_among_neighbours(1, 1)
    a, d = air.islands["a"].holdings, air.islands["d"].holdings
    assert Outlook(PUBLIC, a).digest != Outlook(PUBLIC, d).digest
    air.run(1800, lambda: all_know(air, log))
    assert Outlook(PUBLIC, a).digest == Outlook(PUBLIC, d).digest
