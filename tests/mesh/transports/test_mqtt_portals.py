"""Where pages answer, told over a real broker: kept for who comes later, in one's own name only, and never in gossip's way."""

from __future__ import annotations

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from mesh.addresses import Address, Announcement
from mesh.keys import NodeId
from mesh.transports import Inbox
from mesh.transports.mqtt import ANNOUNCED_MAX, MqttRoad
from tests.mesh.transports.streets import COMMONS, MqttStreet, until

pytestmark = pytest.mark.real

ANA, BO = NodeId(b"a" * 16), NodeId(b"b" * 16)
PORTAL = f"hedgerow/{COMMONS}/portal/"


def opened(street: MqttStreet, name: str, told: Announcement | None) -> MqttRoad:
    road = MqttRoad(street.broker.host, street.broker.port, COMMONS, name, name, f"{name}'s word", announcement=told)
    street.open_on(road, Inbox())
    until(lambda: road.counters["connections"] > 0)
    return road


def say(street: MqttStreet, name: str, topic: str, said: bytes) -> None:
    """Say something as a station that may be up to no good."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(name, f"{name}'s word")
    client.connect(street.broker.host, street.broker.port)
    client.loop_start()
    client.publish(topic, said, qos=1, retain=True).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_who_comes_later_hears_it_too_and_a_change_and_its_end(mqtt_street: MqttStreet) -> None:
    ana = opened(mqtt_street, "ana", Announcement(ANA, Address("10.0.0.1", 8080)))
    bo = opened(mqtt_street, "bo", Announcement(BO, Address("elm.local", 80)))
    until(lambda: bo.announced() == {ANA: Address("10.0.0.1", 8080)})
    until(lambda: ana.announced() == {BO: Address("elm.local", 80)})
    say(mqtt_street, "cho", PORTAL + "cho", Announcement(ANA, Address("10.0.0.3", 80)).encode())
    until(lambda: bo.announced()[ANA] == Address("10.0.0.3", 80))
    say(mqtt_street, "cho", PORTAL + "cho", b"")
    until(lambda: bo.announced() == {ANA: Address("10.0.0.1", 8080)})


def test_nobody_announces_in_anothers_name(mqtt_street: MqttStreet) -> None:
    opened(mqtt_street, "ana", Announcement(ANA, Address("10.0.0.1", 8080)))
    bo = opened(mqtt_street, "bo", None)
    say(mqtt_street, "cho", PORTAL + "ana", Announcement(ANA, Address("10.0.0.66", 80)).encode())
    say(mqtt_street, "cho", PORTAL + "cho", Announcement(BO, Address("10.0.0.3", 80)).encode())
    until(lambda: BO in bo.announced())
    assert bo.announced()[ANA] == Address("10.0.0.1", 8080)


def test_garbage_is_counted_and_forgotten(mqtt_street: MqttStreet) -> None:
    bo = opened(mqtt_street, "bo", None)
    for said in (b"http://10.0.0.1", b"\xff\x00", b"x" * 20_000, b"hedgerow-portal-2 x http://10.0.0.1:80"):
        say(mqtt_street, "cho", PORTAL + "cho", said)
    until(lambda: bo.counters["garbage"] == 3)  # the largest one the broker kept back
    assert bo.announced() == {}
    assert bo.trouble is None


def test_so_many_are_remembered_and_no_more(mqtt_street: MqttStreet) -> None:
    road = mqtt_street.new_road("ana")
    for number in range(ANNOUNCED_MAX + 50):
        said = Announcement(NodeId(number.to_bytes(16, "big")), Address("10.0.0.1", 80)).encode()
        road._note_portal(f"station-{number}", said)
    assert len(road.announced()) == ANNOUNCED_MAX


def test_a_broker_of_earlier_days_carries_gossip_all_the_same(mqtt_street: MqttStreet) -> None:
    broker = mqtt_street.broker
    broker.stop()
    old = "pattern read hedgerow/+/gossip/+\npattern write hedgerow/+/gossip/%u\n"
    broker.acl = old
    broker.start()
    ana = opened(mqtt_street, "ana", Announcement(ANA, Address("10.0.0.1", 8080)))
    inbox = Inbox()
    bo = MqttRoad(broker.host, broker.port, COMMONS, "bo", "bo", "bo's word")
    mqtt_street.open_on(bo, inbox)
    until(lambda: bo.counters["connections"] > 0)
    ana.send(b"a packet")
    until(lambda: [heard.packet for heard in inbox.drain()] == [b"a packet"])
    assert ana.trouble is None
    assert bo.announced() == {}
