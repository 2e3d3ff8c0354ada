"""What every road promises, asked of each of them over its real medium."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from mesh.errors import TransportDown
from mesh.transports import Heard, Inbox
from tests.mesh.transports.streets import Street, send_when_up, trouble, until

pytestmark = pytest.mark.real


def heard(inbox: Inbox, count: int) -> list[Heard]:
    """The first `count` arrivals, or as many as come in time."""
    arrived: list[Heard] = []

    def enough() -> bool:
        arrived.extend(inbox.drain())
        return len(arrived) >= count

    until(enough, f"for {count} packets, got {arrived}")
    return arrived


def test_a_packet_reaches_everybody_but_its_sender(street: Street) -> None:
    inboxes = {name: Inbox() for name in ("ana", "bo", "cho")}
    roads = {name: street.open(name, inbox) for name, inbox in inboxes.items()}
    packet = bytes(range(200))
    roads["ana"].send(packet)
    for listener in ("bo", "cho"):
        assert heard(inboxes[listener], 1) == [Heard(roads["ana"].road, street.peer("ana"), packet)]
    roads["bo"].send(b"answer")
    for listener in ("ana", "cho"):
        assert heard(inboxes[listener], 1) == [Heard(roads["ana"].road, street.peer("bo"), b"answer")]
    assert roads["ana"].counters["sent_packets"] == 1
    assert roads["ana"].counters["sent_bytes"] == 200
    assert roads["cho"].counters["heard_packets"] == 2
    assert roads["cho"].counters["heard_bytes"] == 206


def test_the_largest_packet_passes_and_a_larger_or_empty_one_is_our_own_mistake(street: Street) -> None:
    inbox = Inbox()
    sender, listener = street.open("ana", Inbox()), street.open("bo", inbox)
    largest = b"\xff" * sender.packet_size_max
    sender.send(largest)
    assert heard(inbox, 1)[0].packet == largest
    for wrong in (b"", largest + b"x"):
        with pytest.raises(ValueError, match=f"1 to {sender.packet_size_max}"):
            sender.send(wrong)
    assert listener.counters["heard_packets"] == 1
    assert sender.airtime_ms(100) >= 0.0


def test_the_medium_dies_and_returns_and_the_roads_find_it_by_themselves(street: Street) -> None:
    inbox = Inbox()
    sender, listener = street.open("ana", Inbox()), street.open("bo", inbox)
    sender.send(b"before")
    assert heard(inbox, 1)[0].packet == b"before"
    street.die()
    until(lambda: trouble(sender) != "", "for the road to notice")
    assert trouble(sender).endswith("Everything is saved and will leave by itself.")
    street.revive()
    until(lambda: min(road.counters["connections"] for road in (sender, listener)) == 2, "for both to return")
    sent = [b"after %d" % number for number in range(5)]
    for packet in sent:
        send_when_up(sender, packet)
    arrived = Counter(one.packet for one in heard(inbox, 5))
    assert set(arrived) - {b"are you there?"} == set(sent)
    assert max(arrived.values()) <= street.copies_max


def test_a_road_may_be_opened_before_its_medium_is_there(street: Street) -> None:
    street.die()
    began_s = time.monotonic()
    inbox = Inbox()
    sender, listener = street.road("ana", Inbox()), street.road("bo", inbox)
    assert time.monotonic() - began_s < 1
    with pytest.raises(TransportDown):
        sender.send(b"too early")
    street.revive()
    until(lambda: min(road.counters["connections"] for road in (sender, listener)) == 1)
    sender.send(b"in time")
    assert heard(inbox, 1)[0].packet == b"in time"


def test_closing_ends_its_threads_and_twice_is_harmless(street: Street) -> None:
    before = set(threading.enumerate())
    road, never_there = street.open("ana", Inbox()), street.road("bo", Inbox())
    began_s = time.monotonic()
    for closing in (road, never_there, road, never_there):
        closing.close()
    assert time.monotonic() - began_s < 3
    assert set(threading.enumerate()) == before
    with pytest.raises(TransportDown):
        road.send(b"late")


def test_a_road_that_lost_its_medium_closes_too(street: Street) -> None:
    before = {thread for thread in threading.enumerate() if thread.name != "ether"}
    road = street.open("ana", Inbox())
    street.die()
    until(lambda: trouble(road) != "")
    road.close()
    assert set(threading.enumerate()) <= before


def test_garbage_from_outside_is_counted_and_harms_nobody(street: Street) -> None:
    inbox = Inbox()
    listener, sender = street.open("ana", inbox), street.open("bo", Inbox())
    street.litter(20)
    until(lambda: street.littered() == 20)
    sender.send(b"still here")
    assert [one.packet for one in heard(inbox, 1)] == [b"still here"]
    assert listener.counters["heard_packets"] == 1


def test_a_full_inbox_drops_the_newcomers_and_counts_them(street: Street) -> None:
    inbox = Inbox(size_max=2)
    listener, sender = street.open("ana", inbox), street.open("bo", Inbox())
    for number in range(6):
        send_when_up(sender, b"%d" % number)
    until(lambda: listener.counters["heard_packets"] == 6)
    until(lambda: listener.counters["dropped"] == 4)
    assert inbox.dropped == 4
    assert len(inbox.drain()) == 2
    send_when_up(sender, b"room again")
    assert heard(inbox, 1)[0].packet == b"room again"
