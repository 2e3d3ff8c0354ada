"""Nobody starves another: not a chatty author, not somebody far behind, not whoever asks without end."""

from __future__ import annotations

from mesh.airform import log_handle, scope_handle
from mesh.brief import Beacon, BriefWant
from mesh.effects import Send
from mesh.keys import PUBLIC
from mesh.packet import FIRST_HANDLE, LAST_HANDLE, Claim, Heads, Part, PartsWant, Want, parse
from mesh.quotas import QUOTA
from mesh.timing import Timing
from tests.mesh.islands import Air, Island, MemoryHoldings, node_key


def filled(name: str, number: int, *logs: tuple[int, int]) -> Island:
    """A node that holds logs of so many checkpoints of a record each, by authors of these numbers."""
    island = Island(name, MemoryHoldings(node_key(number)))
    for author, count in logs:
        writer = MemoryHoldings(node_key(author))
        for _ in range(count):
            writer.write("something to say " * 4)
        for log in writer.logs:
            run = writer.run(log, 0, 10**6)
            assert run is not None
            island.holdings.logs[log] = writer.logs[log]
    return island


def test_a_quiet_author_does_not_wait_for_all_that_a_chatty_one_wrote() -> None:
    giver, taker = filled("a", 1, (50, 150), (51, 2)), Island("b", MemoryHoldings(node_key(2)))
    air = Air(giver, taker)
    quiet, chatty = sorted(giver.frontier().reaches, key=lambda log: giver.frontier().height(log))
    air.run(600, lambda: taker.frontier().height(quiet) > 0)
    assert taker.frontier().height(quiet) == giver.frontier().height(quiet)
    assert taker.frontier().height(chatty) < giver.frontier().height(chatty)
    air.run(3600, air.agree)
    assert air.agree()


def test_news_do_not_wait_until_somebody_far_behind_has_it_all() -> None:
    giver, friend = filled("a", 1, (50, 150)), filled("b", 2, (50, 150))
    air = Air(giver, friend)
    air.run(60)
    air.join(Island("z", MemoryHoldings(node_key(3))))
    air.run(20)
    log = giver.holdings.write("an answer to your offer")
    began = air.now
    air.stir()
    air.run(300, lambda: friend.frontier().height(log) > 0)
    assert friend.frontier().height(log) > 0
    assert air.now - began < 60
    assert not air.agree()


def test_whoever_asks_without_end_is_answered_now_and_then() -> None:
    giver = filled("a", 1, (50, 5))
    air = Air(giver)
    air.run(60)
    (log,) = giver.frontier().reaches
    want = Want(scope_handle(PUBLIC), b"liar", FIRST_HANDLE, LAST_HANDLE, (Claim(log_handle(log), 1),)).encode()
    for second in range(600):
        giver.receive("liar", want, air.now)
        air.stir()
        air.run(1)
        assert second < 40 or giver.engine.counters["wants beyond a neighbour's allowance"] > 0
    said = sum(1 for _, _, packet in air.log)
    assert 0 < said < 200
    assert giver.engine.counters["wants beyond a neighbour's allowance"] > 500


def test_whoever_speaks_for_others_asks_for_itself_in_between() -> None:
    """Where there is room for a packet a minute only, rows that others ask for would else take it each time."""
    giver = filled("a", 1, (50, 60))
    giver.receive("b", Want(scope_handle(PUBLIC), b"near", FIRST_HANDLE, LAST_HANDLE, ()).encode(), 0.0)
    said = [parse(packet) for now in range(120) for packet in giver.tick(float(now))]
    name = next(packet.message for packet in said if isinstance(packet, Part))
    said = []
    for minute in range(3, 13):
        now = 60.0 * minute
        giver.receive("b", PartsWant(name, 8).encode(), now)
        giver.receive("c", Beacon(b"away", minute.to_bytes(5, "big"), bytes(5)).encode(), now)
        one_packet = giver.engine.tick(now + 50.0, room=lambda _: 1)
        said += [parse(effect.packet) for effect in one_packet if isinstance(effect, Send)]
    assert any(isinstance(packet, Part) for packet in said)
    assert any(isinstance(packet, Want | BriefWant | Heads) for packet in said)


def test_whoever_asks_for_the_same_without_end_causes_a_share_of_the_hour_and_no_more() -> None:
    """And another, who asks for it once, is answered meanwhile."""
    giver = filled("a", 1, (50, 40))
    (log,) = giver.frontier().reaches
    claims = (Claim(log_handle(log), 1),)
    said = {0: 0, 1: 0}
    for second in range(0, 2 * 3600, 3):
        if second % 21 == 0:
            name = second.to_bytes(4, "big")  # each time under another one
            giver.receive("liar", Want(scope_handle(PUBLIC), name, FIRST_HANDLE, LAST_HANDLE, claims).encode(), second)
        said[second // 3600] += sum(map(len, giver.tick(float(second))))
    whole = sum(record.size for record in giver.holdings.logs[log].records)
    assert said[0] <= 2 * whole + Timing().repeats_per_hour + 4096
    assert said[1] <= Timing().repeats_per_hour + 4096
    assert giver.engine.counters[QUOTA] > 200
    friend = Want(scope_handle(PUBLIC), b"kind", FIRST_HANDLE, LAST_HANDLE, claims).encode()
    giver.receive("friend", friend, 7200.0)
    assert sum(len(packet) for now in range(100) for packet in giver.tick(7200.0 + now)) > 500
