"""What neighbours say of themselves, and who hands on what: in a row, in a room, and when somebody says what nobody knows."""

from __future__ import annotations

from mesh.brief import Accord
from mesh.gossip import Timing
from mesh.keys import PUBLIC
from mesh.packet import Kind
from tests.mesh.islands import Air, Island, MemoryHoldings, node_key
from tests.mesh.test_gossip import settled


def in_a_row(count: int) -> tuple[Air, list[Island]]:
    """Nodes of which each hears the one before and the one after."""
    found = [Island(chr(97 + number), MemoryHoldings(node_key(number + 1))) for number in range(count)]
    air = Air(*found)
    air.hears = lambda hearer, speaker: abs(ord(hearer) - ord(speaker)) == 1
    for island in found:
        island.holdings.write("I am here")
    air.run(3600, air.agree)
    air.run(600)
    return air, found


def test_who_was_asked_for_what_came_passes_the_next_on_at_once() -> None:
    air, (first, *_) = in_a_row(5)
    packets, asked = [], []
    for number in range(8):
        began = air.now
        first.holdings.write(f"news {number}")
        air.stir()
        air.run(600, air.agree)
        assert air.agree()
        assert air.now - began < 60
        air.run(600)
        kinds = air.kinds(began)
        packets.append(kinds.total())
        asked.append(kinds[Kind.BRIEF_WANT] + kinds[Kind.WANT])
    assert min(asked) == 0
    assert sum(asked) <= 8 * 3 / 2  # without it: three times for each record
    assert sum(packets) <= 8 * 12


def test_where_all_hear_each_other_nothing_is_passed_on() -> None:
    air, (a, *_) = settled()
    for number in range(4):
        began = air.now
        a.holdings.write(f"news {number}")
        air.stir()
        air.run(600)
        assert air.agree()
        assert air.kinds(began)[Kind.DATA] + air.kinds(began)[Kind.PACKED] == 1


def test_an_accord_about_something_else_is_asked_about() -> None:
    air, (a, b, *_) = settled()
    a.receive("far", Accord(b.engine._road.handle, b"???").encode(), air.now)
    began = air.now
    air.stir()
    air.run(60)
    assert air.kinds(began)[Kind.BEACON] >= 1
    air.run(900)
    assert all(len({one.digests[PUBLIC] for one in island.engine.neighbours.recent(air.now)}) == 1 for island in (a, b))


def test_how_the_power_stands_is_told_and_forgotten_when_all_is_well() -> None:
    air, (a, b, *_) = settled()
    a.engine.presence.state = 3
    a.holdings.write("the battery is low")
    air.stir()
    air.run(600)
    air.run(2 * Timing().heartbeat)
    states = {one.handle: one.state for one in b.engine.neighbours.recent(air.now)}
    assert states[a.engine._road.handle] == 3
    a.engine.presence.state = 0
    air.run(2 * Timing().heartbeat)
    states = {one.handle: one.state for one in b.engine.neighbours.recent(air.now)}
    assert states[a.engine._road.handle] == 0
