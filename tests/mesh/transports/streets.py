"""A street for each kind of road: its medium, real and running, and as many roads on it as a test asks for."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from mesh.errors import TransportDown
from mesh.transports import Inbox, Transport
from mesh.transports.ether import Ether
from mesh.transports.loopback import LoopbackRadio
from mesh.transports.lora import Channel, LoraRadio
from mesh.transports.lora_watch import Patience
from mesh.transports.mqtt import MqttRoad
from tests.mosquitto import Broker
from tests.radio.device import Mood
from tests.radio.ether import RadioEther

PATIENCE_S = 30.0
COMMONS = "5eed"
NODES = {"ana": 0xA0000001, "bo": 0xB0000002, "cho": 0xC0000003}
BRISK = Patience(start=6.0, ask=0.5, answer=2.5, pause_min=0.1, pause_max=0.5, settle=0.5, parting=2.0)


def until(true: Callable[[], bool], what: str = "") -> None:
    """Wait until something is so; fail when it takes too long."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s, f"waited too long {what}"
        time.sleep(0.005)


def send_when_up(road: Transport, packet: bytes) -> None:
    """Send as soon as the road takes it."""

    def sent() -> bool:
        try:
            road.send(packet)
        except TransportDown:
            return False
        return True

    until(sent, f"to send {packet!r}")


def trouble(road: Transport) -> str:
    """What the road says instead of sending."""
    try:
        road.send(b"are you there?")
    except TransportDown as down:
        return str(down)
    return ""


class Street(Protocol):
    """What the contract asks of a street."""

    copies_max: int  # of one packet at one listener

    def peer(self, name: str) -> str: ...
    def road(self, name: str, inbox: Inbox) -> Transport: ...
    def open(self, name: str, inbox: Inbox) -> Transport: ...
    def die(self) -> None: ...
    def revive(self) -> None: ...
    def litter(self, count: int) -> None: ...
    def littered(self) -> int: ...
    def close(self) -> None: ...


class _Opened:
    def __init__(self) -> None:
        self.roads: list[Transport] = []

    def peer(self, name: str) -> str:
        """What the others call this road."""
        return name

    def open_on(self, road: Transport, inbox: Inbox) -> Transport:
        road.open(inbox)
        self.roads.append(road)
        return road

    def close_all(self) -> None:
        for road in self.roads:
            road.close()


class LoopbackStreet(_Opened):
    """An ether in this process, a hundred times as fast as the air."""

    copies_max = 1

    def __init__(self, preset: str = "LongFast", loss: float = 0.0, speed: float = 100.0) -> None:
        super().__init__()
        self.preset, self.loss, self.speed = preset, loss, speed
        self.ether = Ether(preset, loss, seed=7, speed=speed)
        self.ether.start()

    def road(self, name: str, inbox: Inbox) -> Transport:
        """Opened, reached or not."""
        return self.open_on(LoopbackRadio(self.ether.address, name, self.preset), inbox)

    def open(self, name: str, inbox: Inbox) -> Transport:
        """Opened and on the register."""
        road = self.road(name, inbox)
        until(lambda: road.counters["connections"] > 0)
        return road

    def die(self) -> None:
        self.ether.close()

    def revive(self) -> None:
        self.ether = Ether(self.preset, self.loss, seed=8, port=self.ether.address[1], speed=self.speed)
        self.ether.start()

    def litter(self, count: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for number in range(count):
                stranger.sendto(bytes((number, 0xFF)) + os.urandom(number * 40), self.ether.address)

    def littered(self) -> int:
        return self.ether.counters["garbage"]

    def close(self) -> None:
        self.close_all()
        self.ether.close()


class LoraStreet(_Opened):
    """Stand-ins for radios, met by the real client package in a process of its own for each road."""

    copies_max = 1

    def __init__(
        self, loss: float = 0.0, speed: float = 100.0, patience: Patience = BRISK, signs: bool = False, **traits: Any
    ) -> None:
        """Where the devices sign, so says their node; `traits` are those of all devices."""
        super().__init__()
        self.ether = RadioEther("LongFast", loss, speed)
        self.signs, self.traits = signs, traits
        self.patience = patience
        self.channel = Channel("EU_868", "LongFast", "Hedgerow", bytes(range(32)))
        self.places = {name: self.add(name) for name in NODES}

    def add(self, name: str) -> str:
        """Switch a device on that is set as it should be."""
        ours = {"channel": (self.channel.name, self.channel.key), "settled": True, "signs": self.signs}
        return self.ether.add(name, NODES[name], **ours, **self.traits)

    def peer(self, name: str) -> str:
        return f"{NODES[name]:08x}"

    def road(self, name: str, inbox: Inbox) -> Transport:
        """Opened, reached or not."""
        return self.open_on(LoraRadio(self.places[name], self.channel, signs=self.signs, patience=self.patience), inbox)

    def open(self, name: str, inbox: Inbox) -> Transport:
        """Opened and in service."""
        road = self.road(name, inbox)
        until(lambda: road.counters["connections"] > 0)
        return road

    def die(self) -> None:
        for name in NODES:
            self.ether.become(name, Mood.GONE)

    def revive(self) -> None:
        for name in NODES:
            self.ether.become(name, Mood.WELL)

    def litter(self, count: int) -> None:
        """Strangers with our key say nothing at length, or what came by way of somebody's broker."""
        sealed = (self.channel.name, self.channel.key)
        for number in range(count):
            self.ether.talk("ana", b"relayed" * (number % 2), self.channel.port, sealed, via_mqtt=number % 2 == 1)

    def littered(self) -> int:
        return self.roads[0].counters["garbage"]

    def close(self) -> None:
        self.close_all()
        self.ether.close()


class MqttStreet(_Opened):
    """A real Mosquitto, with a password and its own topic for each road."""

    copies_max = 2  # QoS 1: at least once

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.broker = Broker(directory)
        for name in ("ana", "bo", "cho", "rogue.one"):
            self.broker.add_node(name, f"{name}'s word")
        self.broker.start()

    def new_road(self, name: str, password: str | None = None) -> MqttRoad:
        """Not opened yet."""
        word = f"{name}'s word" if password is None else password
        return MqttRoad(self.broker.host, self.broker.port, COMMONS, name, name, word)

    def road(self, name: str, inbox: Inbox) -> Transport:
        """Opened, reached or not."""
        return self.open_on(self.new_road(name), inbox)

    def open(self, name: str, inbox: Inbox) -> Transport:
        """Opened and subscribed."""
        road = self.road(name, inbox)
        until(lambda: road.counters["connections"] > 0)
        return road

    def die(self) -> None:
        self.broker.stop()

    def revive(self) -> None:
        self.broker.start()

    def stranger(self, name: str = "rogue.one") -> Client:
        """A client of our own making with a node's credentials, connected."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        client.username_pw_set(name, f"{name}'s word")
        client.connect(self.broker.host, self.broker.port)
        client.loop_start()
        until(client.is_connected)
        return client

    def publish(
        self, topic: str, payload: bytes, *, name: str = "rogue.one", count: int = 1, retain: bool = False
    ) -> None:
        """Publish as a stranger would, and wait until the broker has it."""
        client = self.stranger(name)
        for _ in range(count):
            client.publish(f"hedgerow/{topic}", payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)
        client.disconnect()
        until(lambda: not client.is_connected())

    def litter(self, count: int) -> None:
        self.publish(f"{COMMONS}/gossip/rogue.one", b"litter", count=count)

    def littered(self) -> int:
        return self.roads[0].counters["garbage"]

    def close(self) -> None:
        self.close_all()
        self.broker.stop()
