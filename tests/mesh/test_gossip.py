"""Islands whose engines hear each other's bytes. Named after what goes wrong."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from mesh.airform import AirRun, Parcel, scope_handle
from mesh.gossip import WAKE_MAX_S, Send, Timing
from mesh.governor import Priority
from mesh.keys import PUBLIC, EpochKey, LogId, Scope
from mesh.packet import Delivery, Kind, Part, is_packed, parse
from tests.mesh.islands import PACKET_SIZE, Air, Island, MemoryHoldings, node_key

COMMONS = Scope(bytes([1]) * 16)
EPOCH_KEY = EpochKey(bytes([5]) * 32)
DAY = 86_400.0


def islands(count: int, commons: Scope | None = None, seed: int = 0) -> list[Island]:
    key = EPOCH_KEY if commons else None
    return [
        Island("abcdefgh"[number], MemoryHoldings(node_key(number + 1), commons, key), seed) for number in range(count)
    ]


def settled(count: int = 3, commons: Scope | None = None) -> tuple[Air, list[Island]]:
    """Return neighbours who have found each other and fallen silent."""
    found = islands(count, commons)
    air = Air(*found)
    air.run(100)
    return air, found


def packets_after(air: Air, since: float) -> list[bytes]:
    return [packet for at, _, packet in air.log if at > since]


def test_a_record_reaches_all_neighbours_in_one_packet() -> None:
    air, (a, b, c) = settled()
    began = air.now
    a.holdings.write("two loaves, rye")
    air.stir()
    air.run(3)
    assert air.agree()
    assert air.kinds(began) == {Kind.PACKED: 1}
    assert len(b.frontier().reaches) == len(c.frontier().reaches) == 1


def test_what_came_by_this_road_is_not_sent_on_it_again() -> None:
    air, (a, _, _) = settled()
    began = air.now
    a.holdings.write("two loaves, rye")
    air.stir()
    air.run(3600)
    assert [speaker for at, speaker, packet in air.log if at > began and is_packed(packet)] == ["a"]


def test_what_may_not_be_said_just_now_wakes_nobody() -> None:
    air, (a, _, _) = settled()
    a.holdings.write("two loaves, rye")
    a.engine.tick(air.now, Priority.DISTRESS)
    assert a.engine.next_wake(air.now) == WAKE_MAX_S
    a.engine.tick(air.now, Priority.LEDGER)
    assert a.engine.next_wake(air.now) < 60


def test_no_message_is_longer_than_there_is_room_for() -> None:
    """What does not fit the hour would be dropped in its middle, and everybody would ask for the rest."""
    _, (a, _, _) = settled()
    for _ in range(60):
        a.holdings.write("two loaves, rye, and a jar of the plums that grow behind the school " * 3)
    begun = [sent for now in range(4000, 4030) for sent in a.engine.tick(float(now), room=lambda _: 0)]
    assert [effect for effect in begun if isinstance(effect, Send) and effect.packet[1] >= Kind.PACKED] == []
    said = [sent for now in range(4030, 4050) for sent in a.engine.tick(float(now), room=lambda _: 3)]
    parts = [parse(sent.packet) for sent in said if isinstance(sent, Send)]
    assert {part.last + 1 for part in parts if isinstance(part, Part)} == {3}


def test_a_lost_packet_is_asked_for_by_the_one_who_lost_it() -> None:
    air, (a, _, _) = settled()
    began = air.now
    air.drops = lambda hearer, speaker, packet: hearer == "c" and is_packed(packet) and air.now < began + 5
    a.holdings.write("two loaves, rye")
    air.stir()
    air.run(60, air.agree)
    assert air.agree()
    assert air.kinds(began)[Kind.WANT] == 1
    assert air.kinds(began)[Kind.PACKED] == 2


def test_one_answer_serves_all_who_lack_the_same() -> None:
    air, (a, *_) = settled(5)
    began = air.now
    air.drops = lambda hearer, speaker, packet: is_packed(packet) and air.now < began + 5
    a.holdings.write("two loaves, rye")
    air.stir()
    air.run(120, air.agree)
    assert air.agree()
    assert air.kinds(began)[Kind.PACKED] == 2
    assert air.kinds(began)[Kind.WANT] <= 2


def healed_kinds(seed: int) -> Counter[Kind]:
    """Return what four said, of each kind, from the moment a cut between two and two healed until all agreed."""
    a, b, c, d = found = islands(4, seed=seed)
    air = Air(*found)
    air.run(100)
    air.hears = lambda hearer, speaker: (hearer in "ab") == (speaker in "ab")
    for number in range(5):
        a.holdings.write(f"on one side {number}")
        d.holdings.write(f"on the other {number}")
        air.stir()
        air.run(600)
    assert a.frontier() == b.frontier() != c.frontier() == d.frontier()
    air.hears = lambda hearer, speaker: True
    healed = air.now
    air.run(1500, air.agree)
    assert air.agree()
    return air.kinds(healed)


def test_a_cut_and_a_heal() -> None:
    streets = 3
    kinds = sum(map(healed_kinds, range(streets)), Counter[Kind]())
    assert kinds[Kind.DATA] + kinds[Kind.PACKED] + kinds[Kind.PART] <= 6 * streets
    assert kinds[Kind.WANT] <= 6 * streets


def test_a_missing_neighbour_is_looked_for_every_twenty_minutes() -> None:
    air, (a, _) = settled(2)
    air.hears = lambda hearer, speaker: False
    a.holdings.write("is anybody there?")
    air.stir()
    air.run(3600)
    began = air.now
    air.run(DAY)
    spoken = [at for at, speaker, _ in air.log if speaker == "a" and at > began]
    assert 70 <= len(spoken) <= 74
    assert max(later - sooner for sooner, later in pairwise(spoken)) <= 2 * 1200


def test_a_node_that_joins_late_and_knows_no_log() -> None:
    air, (a, b) = settled(2)
    for number in range(12):
        a.holdings.write(f"an old note {number}")
        b.holdings.write(f"another {number}")
    air.stir()
    air.run(300, air.agree)
    late = Island("z", MemoryHoldings(node_key(26)))
    air.join(late)
    air.run(120, air.agree)
    assert air.agree()
    assert not late.refusals


def test_a_node_whose_card_died_learns_its_own_log_again() -> None:
    air, (a, b, _) = settled()
    a.holdings.write("one", "two", "three")
    air.stir()
    air.run(60, air.agree)
    log = a.holdings.log_in(PUBLIC)
    born_again = Island("a", MemoryHoldings(node_key(1)), seed=1)
    air.join(born_again)
    air.run(120, air.agree)
    assert born_again.frontier().height(log) == 4 == b.frontier().height(log)


def test_a_far_behind_node_is_brought_up_in_full_packets() -> None:
    air, (a, b) = settled(2)
    for number in range(150):
        a.holdings.write(f"note {number}: bread on Tuesday, come and knead")
    began = air.now
    air.stir()
    air.run(3600, air.agree)
    assert air.agree()
    data = [packet for packet in packets_after(air, began) if Kind(packet[1]) in (Kind.PART, Kind.PACKED)]
    assert sum(map(len, data)) >= 0.9 * PACKET_SIZE * len(data)
    plain = sum(record.size for record in b.holdings.logs[a.holdings.log_in(PUBLIC)].records)
    assert sum(map(len, data)) <= 1.15 * plain


def test_one_lost_part_costs_one_part() -> None:
    air, (a, _) = settled(2)
    began = air.now
    lost: list[bytes] = []

    def third_part(hearer: str, speaker: str, packet: bytes) -> bool:
        is_it = Kind(packet[1]) is Kind.PART and packet[5] == 2 and not lost
        lost.extend([packet] if is_it else [])
        return is_it

    air.drops = third_part
    a.holdings.write(*[f"note {number}: bread on Tuesday" for number in range(25)])
    air.stir()
    air.run(300, air.agree)
    assert air.agree()
    parts = [packet for packet in packets_after(air, began) if Kind(packet[1]) is Kind.PART]
    count = (parts[0][1] & 0x7F) + 1
    assert len(parts) == count + 1
    assert parts[-1][5] >= count, "a sum of all parts, which would serve others too"
    assert air.kinds(began)[Kind.WANT] == 0


@pytest.mark.parametrize("seed", range(6))
def test_three_nodes_agree_where_three_packets_in_ten_are_lost(seed: int) -> None:
    found = islands(3, seed=seed)
    air = Air(*found, loss=0.3, seed=seed)
    air.run(60)
    for number in range(10):
        for island in found:
            island.holdings.write(f"note {number} of {island.name}")
            air.stir()
            air.run(20)
    air.run(3600, air.agree)
    assert air.agree()
    assert len(air.log) < 250
    assert not any(island.refusals for island in found)


def test_a_chain_of_islands_passes_records_from_hand_to_hand() -> None:
    found = islands(5)
    air = Air(*found)
    air.hears = lambda hearer, speaker: abs(ord(hearer) - ord(speaker)) == 1
    air.run(100)
    found[0].holdings.write("from one end")
    found[4].holdings.write("from the other")
    air.stir()
    air.run(600, air.agree)
    assert air.agree()


def test_a_day_of_agreement_is_nearly_silent() -> None:
    air, (a, *_) = settled()
    a.holdings.write("two loaves, rye")
    air.stir()
    air.run(3600)
    began = air.now
    air.run(DAY)
    for name in air.islands:
        spoken = [packet for at, speaker, packet in air.log if speaker == name and at > began]
        assert {packet[1] for packet in spoken} <= {Kind.BEACON, Kind.ACCORD}
        on_air = sum(len(packet) + 23 for packet in spoken)  # Meshtastic's frame around each
        assert 0 < on_air <= 210
    assert all(island.engine.next_wake(air.now) >= 1.0 for island in air.islands.values())


def test_nodes_that_start_together_and_hold_the_same_find_each_other() -> None:
    _, found = settled()
    assert all(len(island.engine.neighbours.recent(100.0)) == 2 for island in found)


@pytest.mark.parametrize("commons", [None, COMMONS], ids=["public", "commons"])
def test_a_node_that_restarts_among_silent_neighbours_learns_that_it_is_not_alone(commons: Scope | None) -> None:
    air, (a, _, _) = settled(commons=commons)
    a.holdings.write("two loaves, rye")
    air.stir()
    air.run(2 * 3600)
    again = Island("a", a.holdings, seed=1)
    air.join(again)
    air.stir()
    air.run(30)
    assert len(again.engine.neighbours.recent(air.now)) >= 1


@pytest.mark.parametrize("commons", [None, COMMONS], ids=["public", "commons"])
def test_a_node_that_restarts_soon_after_the_others_spoke_need_not_wait_for_long(commons: Scope | None) -> None:
    air, (a, _, _) = settled(commons=commons)
    a.holdings.write("two loaves, rye")
    air.stir()
    air.run(120)
    again = Island("a", a.holdings, seed=1)
    air.join(again)
    air.stir()
    air.run(240)
    assert len(again.engine.neighbours.recent(air.now)) >= 1


def test_records_cross_from_one_road_to_another() -> None:
    a, bridge, _ = islands(3)
    other_side = Island("b", bridge.holdings, timing=Timing.for_ip(), packet_size=8192)
    far = Island("c", MemoryHoldings(node_key(3)), timing=Timing.for_ip(), packet_size=8192)
    radio, broker = Air(a, bridge), Air(other_side, far)
    radio.run(60)
    broker.run(60)
    a.holdings.write("by radio")
    far.holdings.write("by broker")
    for _ in range(40):
        for air in (radio, broker):
            air.stir()
            air.run(1)
    assert a.frontier() == far.frontier()
    assert len(a.frontier().reaches) == 2
    assert radio.kinds(60)[Kind.WANT] == 0, "eager once is enough where nothing is lost"


def test_own_records_leave_at_once_and_those_of_other_roads_wait_a_slot() -> None:
    air, (a, _) = settled(2)
    stranger = MemoryHoldings(node_key(9))
    stranger.write("came by stick")
    began = air.now
    a.holdings.logs.update(stranger.logs)
    assert a.tick(began) == []
    assert 0.5 <= a.engine.next_wake(began) <= 3.0
    air.stir()
    air.run(10)
    assert air.agree()
    a.holdings.write("mine")
    assert [Kind(packet[1]) for packet in a.tick(air.now)] == [Kind.PACKED]


def test_a_packet_with_room_left_is_filled_with_runs_of_other_logs() -> None:
    air, (a, _) = settled(2)
    for number in (11, 12):
        stranger = MemoryHoldings(node_key(number))
        stranger.write(None)
        a.holdings.logs.update(stranger.logs)
    began = air.now
    air.stir()
    air.run(60, air.agree)
    assert air.agree()
    kinds = air.kinds(began)
    assert kinds[Kind.DATA] + kinds[Kind.PACKED] + kinds[Kind.PART] <= 2


def test_commons_and_public_are_talked_about_apart() -> None:
    air, (a, b) = settled(2, COMMONS)
    a.holdings.write("for all", scope=PUBLIC)
    b.holdings.write("for us", scope=COMMONS)
    air.stir()
    air.run(60, lambda: air.agree() and air.agree(COMMONS))
    assert air.agree()
    assert air.agree(COMMONS)
    assert {shown.scope for shown in a.shown} == {PUBLIC, COMMONS}


def test_a_long_stream_in_one_scope_does_not_starve_the_other() -> None:
    air, (a, _) = settled(2, COMMONS)
    for number in range(100):
        a.holdings.write(f"a long public note {number} about bread and seeds", scope=PUBLIC)
    a.holdings.write("a payment", scope=COMMONS)
    began = air.now
    air.stir()
    air.run(3600, lambda: air.agree(COMMONS))
    assert air.now - began < 60
    assert not air.agree()


def test_a_stranger_s_commons_costs_a_few_wants_and_then_hardly_any() -> None:
    ours, theirs = Scope(bytes([1]) * 16), Scope(bytes([2]) * 16)
    a = Island("a", MemoryHoldings(node_key(1), ours, EPOCH_KEY))
    b = Island("b", MemoryHoldings(node_key(2), theirs, EPOCH_KEY))
    a.holdings.write("ours", scope=ours)
    b.holdings.write("theirs", scope=theirs)
    air = Air(a, b)
    air.run(3600)
    assert not a.frontier(theirs).reaches
    assert a.engine.counters["packets of another scope"] > 0
    assert a.engine.stalemates == []
    began = air.now
    air.run(DAY)
    assert sum(map(len, packets_after(air, began))) <= 2 * 210


def test_a_run_above_a_gap_waits_and_is_delivered_once_the_gap_closes() -> None:
    a, b = islands(2)
    a.holdings.write("one")
    log = a.holdings.log_in(PUBLIC)
    handover(a, b, log, after=0)
    a.holdings.write("two")
    lower = a.holdings.run(log, 2, 10_000)
    a.holdings.write("three")
    handover(a, b, log, after=3)
    assert b.frontier().height(log) == 2
    assert lower is not None
    b.holdings.accept(lower)
    b.tick(5.0)
    assert b.frontier().height(log) == 4
    assert not b.refusals


def handover(sender: Island, hearer: Island, log: LogId, after: int) -> None:
    """Let `hearer` hear just the run above `after`."""
    run = sender.holdings.run(log, after, 10_000)
    assert run is not None
    parcel = Parcel(scope_handle(PUBLIC), b"from", bytes(5), (AirRun.pack(run, None),))
    hearer.receive(sender.name, Delivery(parcel).encode(), 1.0)
