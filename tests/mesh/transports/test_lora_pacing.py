"""How fast a radio is fed: by its own queue, within the law, calls for help first."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from meshtastic.protobuf import mesh_pb2

from mesh.distress import HEAD
from mesh.errors import AirtimeSpent
from mesh.transports import Inbox
from mesh.transports.lora import QUEUE_SIZE_MAX
from tests.mesh.transports.streets import LoraStreet, trouble, until
from tests.mesh.transports.test_lora import gathered, on_another
from tests.radio.device import DUTY_SPENT, QUEUE_FULL

pytestmark = pytest.mark.real


@pytest.fixture
def street() -> Iterator[LoraStreet]:
    made = LoraStreet()
    yield made
    made.close()


def test_a_burst_is_paced_by_the_radio_and_nothing_overflows() -> None:
    street = LoraStreet(speed=20.0)
    try:
        inbox = Inbox()
        sender, _ = street.open("ana", Inbox()), street.open("bo", inbox)
        held = 0
        for number in range(40):
            while True:
                try:
                    sender.send(b"%02d" % number + bytes(100))
                    break
                except AirtimeSpent:
                    held += 1
                    time.sleep(0.01)
        said = [b"%02d" % number + bytes(100) for number in range(40)]
        assert gathered(inbox, set(said)) == said
        assert held > 0
        device = street.ether.device("ana").counters
        assert device[f"refused {QUEUE_FULL}"] == 0, "who watches `free` is never refused"
        assert device["repeated"] == 0, "and repeats nothing"
        assert device["accepted"] == sender.counters["sent_packets"] == 40
        assert device["accepted bytes"] == sender.counters["sent_bytes"]
    finally:
        street.close()


def test_a_call_for_help_goes_before_all_that_waits() -> None:
    street = LoraStreet(speed=20.0)
    try:
        sender = street.open("ana", Inbox())
        device = street.ether.device("ana")
        device.refusing = 5  # so that all is queued here before the first one leaves
        for number in range(QUEUE_SIZE_MAX):
            sender.send(b"%02d" % number + bytes(100))
        with pytest.raises(AirtimeSpent):
            sender.send(b"one too many")
        call = HEAD + bytes(96)
        sender.send(call)
        until(lambda: len(device.accepted) >= 9)
        said = [packet.decoded.payload for packet in device.accepted]
        assert said.index(call) <= 1, "at most the one that was being handed over goes before"
        assert device.accepted[said.index(call)].priority == mesh_pb2.MeshPacket.Priority.ALERT
        assert {packet.priority for packet in device.accepted if packet.decoded.payload != call} == {64}
    finally:
        street.close()


def test_what_a_full_radio_refused_is_offered_again_under_a_new_number(street: LoraStreet) -> None:
    inbox = Inbox()
    sender, _ = street.open("ana", Inbox()), street.open("bo", inbox)
    device = street.ether.device("ana")
    device.refusing = 3
    sender.send(b"in the end it goes")
    until(lambda: [heard.packet for heard in inbox.drain()] == [b"in the end it goes"])
    assert device.counters[f"refused {QUEUE_FULL}"] == 3
    assert (device.counters["repeated"], sender.counters["sent_packets"], sender.counters["refused"]) == (0, 1, 0)


def test_at_the_laws_limit_the_radio_refuses_and_we_hold_back(street: LoraStreet) -> None:
    road = on_another(street, channel=(street.channel.name, street.channel.key), settled=True, duty=0.0005)
    until(lambda: road.counters["connections"] == 1)

    def is_held_back() -> bool:
        return "what the law gives it" in trouble(road)

    until(is_held_back)
    assert street.ether.device("dot").counters[f"refused {DUTY_SPENT}"] >= 1
    assert road.counters["sent_packets"] == street.ether.device("dot").counters["accepted"]
    assert road.trouble is None, "a radio that keeps the law is not broken"
