"""Bytes that no honest neighbour sends: each is a PeerFault or nothing, and memory stays bounded."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.airform import AirRun, Parcel, log_handle, node_handle, scope_handle
from mesh.branches import Branches
from mesh.brief import Beacon
from mesh.dialogue import HEARD_MAX, Dialogue
from mesh.doubts import DOUBTS_MAX, PROBES_MAX, WAITING_MAX
from mesh.errors import BadSignature, Malformed, PeerFault, UnknownVersion
from mesh.gossip import Deliver, Effect, Engine, Send
from mesh.keys import PUBLIC, EpochKey, LogId, NodeId, Scope
from mesh.log import Run
from mesh.neighbours import NEIGHBOURS_MAX
from mesh.packet import Delivery, HeadClaim, Heads, Kind, Packet, Part, Pieces, Want
from mesh.reassembly import BYTES_MAX, MESSAGES_MAX, cut
from mesh.timing import Timing
from mesh.wire import VERSION
from tests.mesh.islands import PACKET_SIZE, Air, Island, MemoryHoldings, node_key
from tests.mesh.packets import packets

garbage = st.binary(max_size=260)
near_garbage = st.tuples(st.sampled_from([*Kind]), garbage).map(lambda one: bytes([VERSION, one[0]]) + one[1])
anything = st.one_of(packets.map(lambda packet: packet.encode()), near_garbage, garbage)
peers = st.sampled_from("xyz") | st.text(max_size=4)
steps = st.lists(st.tuples(peers, anything, st.floats(0, 700)), max_size=25)


def an_engine() -> tuple[Engine, MemoryHoldings]:
    holdings = MemoryHoldings(node_key(1), Scope(bytes([1]) * 16), EpochKey(bytes([5]) * 32))
    holdings.write("one", "two", None)
    return Engine(holdings.key.node_id, holdings, PACKET_SIZE, Random(0)), holdings


@settings(max_examples=100)
@given(steps)
def test_any_bytes_are_a_peer_fault_or_nothing_and_no_state_grows_past_its_bounds(
    heard: list[tuple[str, bytes, float]],
) -> None:
    engine, holdings = an_engine()
    before = holdings.frontier(PUBLIC)
    now = 0.0
    for peer, packet, pause in heard:
        now += pause
        effects: list[Effect] = []
        with suppress(PeerFault):
            effects = engine.receive(peer, packet, now)
        assert not any(isinstance(effect, Send) for effect in effects)
        for effect in effects + engine.tick(now):
            if isinstance(effect, Deliver):
                engine.refused(effect.peer, BadSignature("nobody signed this"), effect.run)
            elif isinstance(effect, Send):
                assert len(effect.packet) <= PACKET_SIZE
        check_bounds(engine)
    assert engine.next_wake(now) >= 0.05
    assert holdings.frontier(PUBLIC) == before


def check_bounds(engine: Engine) -> None:
    assert len(engine.neighbours) <= NEIGHBOURS_MAX
    assert len(engine.faults) <= NEIGHBOURS_MAX
    assert len(engine._allowances) <= NEIGHBOURS_MAX
    assert len(engine._mending._heard) <= MESSAGES_MAX
    assert engine._mending._heard.size <= BYTES_MAX
    assert engine._mending._repairs.size <= BYTES_MAX
    assert len(engine.counters) < 40
    for dialogue in engine._dialogues.values():
        check_dialogue(dialogue, dialogue._branches)


def check_dialogue(dialogue: Dialogue, branches: Branches) -> None:
    held = len(dialogue.outlook.frontier.reaches)
    assert len(dialogue._waiting) <= WAITING_MAX
    assert len(dialogue._heard) <= HEARD_MAX
    assert len(dialogue._answers._owed) <= held
    assert len(dialogue._answers._passed) <= 256
    assert len(branches._doubts) <= DOUBTS_MAX
    assert len(branches._probed) <= PROBES_MAX


@settings(max_examples=30)
@given(st.lists(packets, min_size=1, max_size=20), st.integers(0, 2**32))
def test_honest_nodes_agree_in_spite_of_a_neighbour_who_talks_nonsense(nonsense: list[Packet], seed: int) -> None:
    found = [Island(name, MemoryHoldings(node_key(number)), seed) for number, name in enumerate("ab", 1)]
    air = Air(*found, seed=seed)
    found[0].holdings.write("one", "two")
    found[1].holdings.write("three")
    for packet in nonsense:
        air.say("liar", packet.encode(), air.now + 1)
        air.run(2)
    air.run(3600, air.agree)
    assert air.agree()


def test_flooding_with_addresses_and_names_grows_nothing() -> None:
    engine, _ = an_engine()
    chance = Random(1)
    for number in range(3000):
        beacon = Beacon(chance.randbytes(4), chance.randbytes(5), chance.randbytes(5))
        engine.receive(f"forged {number}", beacon.encode(), number / 10)
        with suppress(PeerFault):
            engine.receive(f"forged {number}", chance.randbytes(20), number / 10)
    check_bounds(engine)
    said = [effect for effect in engine.tick(400.0) if isinstance(effect, Send)]
    assert len(said) <= 1


def test_one_peer_cannot_cause_endless_work() -> None:
    engine, _ = an_engine()
    timing = Timing()
    want = Want(scope_handle(PUBLIC), b"many", bytes(4), b"\xff" * 4, ()).encode()
    for _ in range(1000):
        engine.receive("flood", want, 1.0)
    assert engine.counters["packets beyond a peer's allowance"] == 1000 - timing.packets_burst
    assert engine.receive("another", want, 1.0), "others are heard as ever"
    assert engine.receive("flood", want, 2.0), "and so is the flood's address, a second later"


def test_an_address_that_sent_garbage_is_counted_and_never_muted() -> None:
    engine, holdings = an_engine()
    for number in range(50):
        with pytest.raises(PeerFault):
            engine.receive("forged", b"garbage", float(number))
    assert {peer: kinds.total() for peer, kinds in engine.faults.items()} == {"forged": 50}
    want = Want(scope_handle(PUBLIC), b"asks", bytes(4), b"\xff" * 4, ()).encode()
    engine.receive("forged", want, 60.0)
    said = [effect.packet for effect in engine.tick(64.0) if isinstance(effect, Send)]
    assert said
    assert holdings.frontier(PUBLIC).reaches


def test_a_packet_from_the_future_is_counted_apart() -> None:
    engine, _ = an_engine()
    for packet in (b"\x12\x01" + bytes(14), bytes([VERSION, 50]), b"\xff\xff"):
        with pytest.raises(UnknownVersion):
            engine.receive("tomorrow", packet, 0.0)
    with pytest.raises(Malformed):
        engine.receive("yesterday", b"\x10\x01" + bytes(14), 0.0)
    assert engine.counters["packets from the future"] == 3
    assert engine.counters["malformed"] == 1


def parcel_of(run: Run, **changes: Any) -> bytes:
    forged = replace(AirRun.pack(run, None), **changes)
    return Delivery(Parcel(scope_handle(PUBLIC), b"from", bytes(5), (forged,))).encode()


def a_run() -> Run:
    holdings = MemoryHoldings(node_key(7))
    run = holdings.run(holdings.write("one", "two"), 0, 10_000)
    assert run is not None
    return run


def test_a_forged_signature_is_delivered_and_turned_away_at_the_door() -> None:
    island = Island("a", MemoryHoldings(node_key(1)))
    island.receive("liar", parcel_of(a_run(), signature=bytes(64)), 0.0)
    assert [type(fault) for fault in island.refusals] == [BadSignature]
    assert island.engine.counters["bad signatures"] == 1
    assert not island.frontier().reaches
    island.receive("friend", parcel_of(a_run()), 1.0)
    assert len(island.frontier().reaches) == 1


def test_a_log_under_another_s_handle_is_malformed() -> None:
    engine, _ = an_engine()
    with pytest.raises(Malformed):
        engine.receive("liar", parcel_of(a_run(), handle=b"none"), 0.0)


def test_a_log_of_another_scope_is_malformed_here() -> None:
    engine, _ = an_engine()
    stranger = MemoryHoldings(node_key(7), Scope(bytes([1]) * 16), EpochKey(bytes([5]) * 32))
    run = stranger.run(stranger.write("theirs", scope=Scope(bytes([1]) * 16)), 0, 10_000)
    assert run is not None
    with pytest.raises(Malformed):
        engine.receive("liar", parcel_of(run), 0.0)


def test_a_log_that_does_not_open_is_malformed() -> None:
    engine, _ = an_engine()
    run = a_run()
    with pytest.raises(Malformed):
        engine.receive("liar", parcel_of(Run(run.log, 0, run.records[1:], 0, run.signature)), 0.0)


def test_a_run_of_a_log_nobody_knows_is_counted_and_dropped() -> None:
    engine, _ = an_engine()
    run = a_run()
    assert engine.receive("x", parcel_of(Run(run.log, 1, run.records[1:], 0, run.signature)), 0.0) == []
    assert engine.counters["runs of a log that is not known"] == 1


def test_a_scope_that_is_not_ours_is_counted_and_ignored() -> None:
    engine, _ = an_engine()
    assert engine.receive("x", Want(b"\xab\xcd", b"them", bytes(4), b"\xff" * 4, ()).encode(), 0.0) == []
    assert engine.counters["packets of another scope"] == 1


def test_our_own_packets_coming_back_are_no_neighbour() -> None:
    engine, holdings = an_engine()
    engine.tick(0.0)
    own = [effect.packet for effect in engine.tick(4.0) if isinstance(effect, Send)]
    assert own
    for packet in own:
        engine.receive("echo", packet, 5.0)
    assert len(engine.neighbours) == 0
    assert engine.counters["packets under our own name"] == len(own)
    assert node_handle(NodeId(holdings.key.node_id)) == own[0][2:6]


def test_parts_within_parts_are_malformed() -> None:
    engine, _ = an_engine()
    inner = Part(b"in!", 0, 1, bytes(400)).encode()
    parts = cut(inner[1:], PACKET_SIZE)
    engine.receive("x", parts[0].encode(), 0.0)
    with pytest.raises(Malformed, match="in parts"):
        engine.receive("x", parts[1].encode(), 0.0)


def test_a_forged_run_does_not_keep_the_true_one_from_being_passed_on() -> None:
    """What was merely claimed on this road does not count as carried by it once the door has refused it."""
    island = Island("a", MemoryHoldings(node_key(1)))
    island.tick(0.0)
    run = a_run()
    island.receive("liar", parcel_of(run, signature=bytes(64)), 1.0)
    island.holdings.accept(run)
    said = [packet for now in range(2, 9) for packet in island.tick(float(now))]
    assert [Kind(packet[1]) for packet in said if packet[1] != Kind.BEACON] == [Kind.PACKED]


def test_one_forged_part_a_minute_silences_nobody() -> None:
    """Parts of a message that never ends make others wait for a while, and not for ever."""
    found = [Island(name, MemoryHoldings(node_key(number))) for number, name in enumerate("ab", 1)]
    air = Air(*found)
    air.run(60)
    for number in range(30):
        air.say("liar", Part(number.to_bytes(3, "big"), 0, 60, bytes(225)).encode(), air.now)
        if number == 5:
            found[0].holdings.write("in spite of it all")
            air.stir()
        air.run(30)
        if number == 9:
            assert air.agree(), "four such parts after it was written"
    late = Island("z", MemoryHoldings(node_key(26)))
    air.join(late)
    for number in range(30, 50):
        air.say("liar", Part(number.to_bytes(3, "big"), 0, 60, bytes(225)).encode(), air.now)
        air.run(30)
    assert air.agree()


def test_what_a_liar_makes_a_node_say_is_bounded() -> None:
    """Beacons with ever new digests, heads that differ, wants for nothing: bytes out stay near bytes in."""
    holdings = MemoryHoldings(node_key(1))
    holdings.write("one", "two")
    island, chance = Island("a", holdings), Random(5)
    handle = log_handle(holdings.log_in(PUBLIC))
    said = heard = 0
    for second in range(1800):
        packets_in: list[Packet] = [
            Beacon(chance.randbytes(4), chance.randbytes(5), bytes(5)),
            Heads(scope_handle(PUBLIC), chance.randbytes(4), (HeadClaim(handle, 3, chance.randbytes(4)),)),
        ]
        for packet in packets_in:
            heard += len(packet.encode())
            island.receive("liar", packet.encode(), float(second))
        said += sum(map(len, island.tick(second + 0.5)))
    assert said < heard / 3


def test_pieces_of_another_size_than_the_file_s_are_malformed() -> None:
    engine, holdings = an_engine()
    name = holdings.wish(bytes(100))
    for first, content in ((0, bytes(71)), (1, bytes(29)), (0, bytes(101)), (2, bytes(1)), (2**60, bytes(72))):
        with pytest.raises(Malformed):
            engine.receive("x", Pieces(name[:8], first, content).encode(), 0.0)
    assert engine.receive("x", Pieces(name[:8], 0, bytes(100)).encode(), 0.0)


def test_logs_that_share_a_handle_are_told_apart_by_the_door() -> None:
    """Four bytes can be made to collide: then both are tried, one is refused, and nothing stays missing."""
    found = [Island(name, MemoryHoldings(node_key(number))) for number, name in enumerate("ab", 1)]
    air = Air(*found)
    log = found[0].holdings.write("one")
    twin = LogId(log[:4] + bytes(12))
    air.run(60, air.agree)
    real = found[1].engine._dialogues[PUBLIC].outlook
    real.logs = lambda handle: [twin, log] if handle == log[:4] else []  # type: ignore[method-assign]
    found[0].holdings.write("two")
    air.stir()
    air.run(60, air.agree)
    assert air.agree()


def test_a_road_too_narrow_for_gossip_is_refused() -> None:
    holdings = MemoryHoldings(node_key(1))
    with pytest.raises(ValueError, match="140"):
        Engine(holdings.key.node_id, holdings, 139, Random(0))
