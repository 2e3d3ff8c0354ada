"""What neighbours show to hold, from digests and wants alone: the ground of "held by 3 of 4 neighbours"."""

from __future__ import annotations

from random import Random

import pytest

from mesh.airform import SHORT_DIGEST_SIZE, node_handle
from mesh.brief import Accord, joint
from mesh.effects import PeerHolds
from mesh.keys import PUBLIC, LogId
from mesh.log import Run
from mesh.packet import Kind, is_packed
from mesh.presence import NO_COMMONS
from tests.mesh.islands import Air, Island, MemoryHoldings
from tests.mesh.test_gossip import COMMONS, islands, settled


def test_neighbours_show_that_they_hold_it_without_being_asked() -> None:
    air, (a, b, c) = settled()
    log = a.holdings.write("two loaves, rye")
    air.stir()
    air.run(30)
    holders = {shown.peer_handle for shown in a.shown if shown.heights.get(log) == 2}
    assert holders == {node_handle(one.holdings.key.node_id) for one in (b, c)}


def test_whoever_hears_a_digest_before_the_records_knows_the_holder_once_it_has_them_too() -> None:
    air, (a, b, c) = settled()
    air.drops = lambda hearer, speaker, packet: hearer == "c" and is_packed(packet)
    log = a.holdings.write("two loaves, rye")
    air.stir()
    air.run(5)
    assert b.frontier() == a.frontier() != c.frontier()
    assert {shown.is_heard for shown in after(c, a.holdings.run(log, 0, 10_000)) if holds(shown, b, log, 2)} == {False}


def test_whoever_hears_an_accord_before_the_records_knows_the_holder_once_it_has_them_too() -> None:
    air, (a, b, c) = settled()
    air.drops = lambda hearer, speaker, packet: hearer == "c"
    log = a.holdings.write("two loaves, rye")
    air.stir()
    air.run(60)
    digests = b.frontier().digest(SHORT_DIGEST_SIZE), NO_COMMONS
    c.receive("b", Accord(node_handle(b.holdings.key.node_id), joint(digests)).encode(), air.now)
    c.tick(air.now)
    shown = after(c, a.holdings.run(log, 0, 10_000))
    assert any(holds(one, b, log, 2) for one in shown)
    assert not any(holds(one, a, log, 2) for one in shown)


def after(island: Island, run: Run | None) -> list[PeerHolds]:
    """Return what an island learns of others as soon as it holds a run."""
    assert run
    island.shown.clear()
    island.holdings.accept(run)
    island.tick(island.engine.neighbours.recent(0.0)[0].heard + 1)
    return island.shown


def holds(shown: PeerHolds, holder: Island, log: LogId, height: int) -> bool:
    return shown.peer_handle == node_handle(holder.holdings.key.node_id) and shown.heights.get(log) == height


def test_a_neighbour_whose_card_was_put_back_shows_what_it_holds_now() -> None:
    air, (a, b, _) = settled()
    log = a.holdings.write("two loaves, rye")
    air.stir()
    air.run(60)
    again = Island("b", MemoryHoldings(b.holdings.key), seed=1)
    air.join(again)
    a.shown.clear()
    air.stir()
    air.run(120, lambda: again.frontier() == a.frontier())
    shown = [
        one.heights[log]
        for one in a.shown
        if log in one.heights and one.peer_handle == node_handle(b.holdings.key.node_id)
    ]
    assert shown[0] == 0
    air.run(60)
    assert a.shown[-1].heights[log] == 2


def test_a_neighbour_that_differs_is_heard_all_the_same() -> None:
    air, (a, b, _) = settled()
    air.drops = lambda hearer, speaker, packet: packet[1] != Kind.BEACON
    a.shown.clear()
    a.holdings.write("two loaves, rye")
    b.holdings.write("a bicycle tube")
    air.stir()
    air.run(600)
    told = [shown for shown in a.shown if shown.peer_handle == node_handle(b.holdings.key.node_id)]
    assert told
    assert {(len(shown.heights), shown.is_heard) for shown in told} == {(0, True)}


def test_a_neighbour_that_holds_more_shows_how_much_more() -> None:
    """A node that lost its tail must not take a neighbour's word for its own height."""
    air, (a, b, c) = settled()
    log = a.holdings.write("two loaves, rye")
    air.stir()
    air.run(60)
    again = Island("a", MemoryHoldings(a.holdings.key), seed=1)
    again.holdings.accept(a.holdings.run(log, 0, 0))  # type: ignore[arg-type]
    a.holdings.write("a bicycle tube")
    for one in (b, c):
        one.holdings.accept(a.holdings.run(log, 2, 10_000))  # type: ignore[arg-type]
    assert again.frontier().height(log) == 2
    air.join(again)
    air.drops = lambda hearer, speaker, packet: hearer == "a" and is_packed(packet)
    air.stir()
    air.run(600)
    shown = {one.heights[log] for one in again.shown if log in one.heights}
    assert shown == {3}


@pytest.mark.parametrize("seed", range(6))
def test_nobody_is_ever_said_to_hold_more_than_it_does_and_in_the_end_all_is_known(seed: int) -> None:
    chance, found = Random(seed), islands(4, COMMONS, seed)
    air = Air(*found, loss=0.3, seed=seed)
    known: dict[tuple[str, bytes, LogId], int] = {}
    for step in range(60):
        if step < 40:
            chance.choice(found).holdings.write(f"step {step}", scope=chance.choice((PUBLIC, COMMONS)))
            air.stir()
        air.run(chance.uniform(1, 120) if step < 40 else 1200)
        for island in found:
            for shown in island.shown:
                known |= {(island.name, shown.peer_handle, log): height for log, height in shown.heights.items()}
            island.shown.clear()
        for (name, handle, log), height in known.items():
            holder = next(one for one in found if node_handle(one.holdings.key.node_id) == handle)
            assert height <= max(holder.frontier(scope).height(log) for scope in (PUBLIC, COMMONS)), (step, name)
    assert air.agree(PUBLIC)
    assert air.agree(COMMONS)
    logs = {log: reach.height for scope in (PUBLIC, COMMONS) for log, reach in found[0].frontier(scope).reaches.items()}
    pairs = [
        (one.name, node_handle(other.holdings.key.node_id)) for one in found for other in found if one is not other
    ]
    sure = [known.get((name, handle, log), 0) == height for name, handle in pairs for log, height in logs.items()]
    assert all(sure), f"{len(sure) - sum(sure)} of {len(sure)} are not known"
