"""What neighbours show to hold, from digests and wants alone: the ground of "held by 3 of 4 neighbours"."""

from __future__ import annotations

from mesh.airform import node_handle
from mesh.packet import is_packed
from tests.mesh.islands import Island, MemoryHoldings
from tests.mesh.test_gossip import settled


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
    air.run(12)
    assert b.frontier() == a.frontier() != c.frontier()
    c.shown.clear()
    c.holdings.accept(a.holdings.run(log, 0, 10_000))  # type: ignore[arg-type]
    air.drops = lambda hearer, speaker, packet: hearer == "c"
    air.stir()
    air.run(1)
    told = {(shown.peer_handle, shown.is_heard) for shown in c.shown if shown.heights.get(log) == 2}
    assert told == {(node_handle(one.holdings.key.node_id), False) for one in (a, b)}


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
    air.drops = lambda hearer, speaker, packet: is_packed(packet)
    a.shown.clear()
    a.holdings.write("two loaves, rye")
    b.holdings.write("a bicycle tube")
    air.stir()
    air.run(12)
    assert [shown.heights for shown in a.shown if shown.peer_handle == node_handle(b.holdings.key.node_id)][:1] == [{}]
