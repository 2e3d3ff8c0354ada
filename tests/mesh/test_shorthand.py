"""Islands that talk in shorthand: what goes wrong with it costs a plain answer, and never a record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mesh.keys import PUBLIC, EpochKey, LogId, Scope
from mesh.log import Run
from mesh.packet import Kind, is_packed
from mesh.shorthand import NARROW_MAX
from tests.mesh.islands import Air, Island, MemoryHoldings, node_key

COMMONS = Scope(bytes([1]) * 16)
EPOCH_KEY = EpochKey(bytes([5]) * 32)
UNREAD = "packed runs that could not be read"


class Mishearing(Island):
    """Hears every packed packet as `mishear` gives it."""

    mishear: Callable[[bytes], bytes]

    def receive(self, peer: str, packet: bytes, now: float) -> None:
        super().receive(peer, self.mishear(packet) if is_packed(packet) else packet, now)


def settled(*islands: Island) -> Air:
    air = Air(*islands)
    air.run(100)
    return air


def two(mishear: Callable[[bytes], bytes]) -> tuple[Air, Island, Island]:
    a, b = Island("a", MemoryHoldings(node_key(1))), Mishearing("b", MemoryHoldings(node_key(2)))
    b.mishear = mishear
    return settled(a, b), a, b


def of_another_model(packet: bytes) -> bytes:
    return packet[:1] + bytes([packet[1] ^ 0x0C]) + packet[2:]


def with_a_bit_turned(packet: bytes) -> bytes:
    return packet[:40] + bytes([packet[40] ^ 8]) + packet[41:]


@pytest.mark.parametrize("mishear", [of_another_model, with_a_bit_turned])
def test_what_cannot_be_read_is_asked_for_in_plain_form(mishear: Callable[[bytes], bytes]) -> None:
    air, a, b = two(mishear)
    a.holdings.write("two loaves, rye")
    air.stir()
    air.run(300, air.agree)
    assert air.agree()
    assert b.engine.counters[UNREAD] == 1
    assert b.refusals == []
    kinds = air.kinds(100.0)
    assert (kinds[Kind.PACKED], kinds[Kind.PLAIN_WANT], kinds[Kind.DATA]) == (1, 1, 1)
    a.holdings.write("a jar of honey")
    air.stir()
    air.run(300, air.agree)
    assert air.agree()


def test_a_wrong_guess_on_common_ground_is_packed_once_more_on_named_ground() -> None:
    air, a, b = two(lambda packet: with_a_bit_turned(packet) if packet[1] & 2 else packet)
    a.holdings.write("two loaves, rye")
    air.stir()
    air.run(60)
    a.holdings.write("a jar of honey")
    air.stir()
    air.run(300, air.agree)
    assert air.agree()
    assert b.engine.counters[UNREAD] == 1
    assert air.kinds()[Kind.PLAIN_WANT] == 0


def test_a_guess_that_is_really_wrong_is_caught_and_mended() -> None:
    """The hearer learned of twenty records by another road: what is common ground to the sender taught it other things."""
    a, b = (Island(name, MemoryHoldings(node_key(n), COMMONS, EPOCH_KEY)) for n, name in enumerate("ab", 1))
    third = MemoryHoldings(node_key(3), COMMONS, EPOCH_KEY)
    log = third.write(*[f"{number} jars of honey" for number in range(15)], scope=COMMONS)
    for island in (a, b):
        island.holdings.accept(whole(third, log))
        island.holdings.write("good morning", scope=COMMONS)
    air = settled(a, b)
    assert air.agree(COMMONS)
    third.write(*[f"{number} goats came to Sunday's fair" for number in range(40)], scope=COMMONS)
    mark = air.now
    a.holdings.write("four loaves, rye", scope=COMMONS)
    said = [packet for moment in range(5) for packet in a.tick(mark + moment) if is_packed(packet)]
    assert [packet[1] & 2 for packet in said] == [2], "on common ground"
    b.holdings.accept(whole(third, log))
    air.now = mark + 5
    b.receive("a", said[0], air.now)
    assert b.engine.counters[UNREAD] == 1
    assert b.frontier(COMMONS).height(a.holdings.log_in(COMMONS)) == 2
    air.stir()
    air.run(600, lambda: air.agree(COMMONS))
    assert air.agree(COMMONS)
    assert a.refusals == b.refusals == [], "what was guessed wrong never came to the door"


def whole(holdings: MemoryHoldings, log: LogId) -> Run:
    run = holdings.run(log, 0, 1 << 20)
    assert run is not None
    return run


def test_neighbours_who_agree_share_common_ground() -> None:
    a, b = (Island(name, MemoryHoldings(node_key(n), COMMONS, EPOCH_KEY)) for n, name in enumerate("ab", 1))
    air = settled(a, b)
    for memo in ("two loaves, rye", "three loaves, rye", "four loaves, rye"):
        a.holdings.write(memo, scope=COMMONS)
        air.stir()
        air.run(100)
        assert air.agree(COMMONS)
    packed = [packet for _, _, packet in air.log if is_packed(packet)]
    assert [bool(packet[1] & 2) for packet in packed] == [False, True, True]
    assert len(packed[-1]) < len(packed[1]) < 100


def test_a_wide_road_speaks_plainly_and_reads_no_shorthand() -> None:
    a, b = (Island(name, MemoryHoldings(node_key(n)), packet_size=NARROW_MAX + 1) for n, name in enumerate("ab", 1))
    air = settled(a, b)
    a.holdings.write("two loaves, rye")
    air.stir()
    air.run(100, air.agree)
    assert air.agree()
    assert air.kinds()[Kind.PACKED] == 0
    narrow = Island("c", MemoryHoldings(node_key(3)))
    narrow.tick(0.0)
    narrow.holdings.write("good morning")
    said = [packet for now in range(1, 10) for packet in narrow.tick(float(now)) if is_packed(packet)]
    assert len(said) == 1
    b.receive("c", said[0], air.now)
    assert b.engine.counters[UNREAD] == 1
    assert b.frontier(PUBLIC) == a.frontier(PUBLIC)


def test_under_loss_shorthand_arrives_all_the_same() -> None:
    found = [Island("abcd"[n], MemoryHoldings(node_key(n + 1), COMMONS, EPOCH_KEY)) for n in range(4)]
    air = Air(*found, loss=0.3, seed=5)
    air.run(200)
    for number in range(12):
        found[number % 4].holdings.write(f"{number} loaves of bread", scope=COMMONS)
        air.stir()
        air.run(400)
    air.run(7200, lambda: air.agree(COMMONS))
    assert air.agree(COMMONS)
    assert all(island.refusals == [] for island in found)
