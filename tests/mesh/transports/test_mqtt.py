"""Gossip over a real Mosquitto: rights, sessions, restarts, TLS, brokers that hang, lie or are none."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from mesh.errors import TransportDown
from mesh.transports import Heard, Inbox, mqtt
from mesh.transports.mqtt import UNCONFIRMED_MAX, MqttRoad
from tests import certificates
from tests.mesh.transports.streets import COMMONS, MqttStreet, send_when_up, trouble, until
from tests.mosquitto import Broker

pytestmark = pytest.mark.real

RECEIVED = "$SYS/broker/publish/messages/received"


def drained(inbox: Inbox, count: int) -> list[bytes]:
    """The first `count` arrivals."""
    arrived: list[bytes] = []

    def enough() -> bool:
        arrived.extend(heard.packet for heard in inbox.drain())
        return len(arrived) >= count

    until(enough, f"for {count}, got {arrived}")
    return arrived


def test_a_wrong_password_is_told_in_one_sentence(mqtt_street: MqttStreet) -> None:
    road = mqtt_street.new_road("ana", password="not hers")
    mqtt_street.open_on(road, Inbox())
    until(lambda: "has not answered yet" not in trouble(road))
    where = f"127.0.0.1:{mqtt_street.broker.port}"
    assert trouble(road) == (
        f"The broker at {where} does not accept the name and password of this node. "
        "Everything is saved and will leave by itself."
    )
    assert road.trouble == trouble(road)
    assert road.counters["sent_packets"] == 0


def test_the_broker_counts_what_it_carries(mqtt_street: MqttStreet) -> None:
    inbox = Inbox()
    sender, _ = mqtt_street.open("ana", Inbox()), mqtt_street.open("bo", inbox)
    before = mqtt_street.broker.sys_counters().get(RECEIVED, 0)
    for number in range(10):
        sender.send(b"%d" % number)
    assert len(drained(inbox, 10)) == 10
    until(lambda: mqtt_street.broker.sys_counters().get(RECEIVED, 0) == before + 10)


def test_nobody_writes_in_another_s_name(mqtt_street: MqttStreet) -> None:
    inbox = Inbox()
    mqtt_street.open("ana", inbox)
    mqtt_street.publish(f"{COMMONS}/gossip/bo", b"forged", name="cho")
    mqtt_street.publish(f"{COMMONS}/gossip/cho", b"honest", name="cho")
    assert drained(inbox, 1) == [b"honest"], "the forged one was sent first and went to nobody"


def test_a_node_without_its_right_to_write_counts_what_was_refused(mqtt_street: MqttStreet) -> None:
    inbox = Inbox()
    mqtt_street.open("bo", inbox)
    misnamed = MqttRoad("127.0.0.1", mqtt_street.broker.port, COMMONS, "bo", "ana", "ana's word")
    mqtt_street.open_on(misnamed, Inbox())
    send_when_up(misnamed, b"as bo")
    until(lambda: misnamed.counters["refused"] == 1)
    assert inbox.drain() == []


def test_another_commons_is_not_heard(mqtt_street: MqttStreet) -> None:
    inbox = Inbox()
    mqtt_street.open("ana", inbox)
    mqtt_street.publish("c0ffee/gossip/bo", b"not ours", name="bo")
    mqtt_street.publish(f"{COMMONS}/gossip/bo", b"ours", name="bo")
    assert drained(inbox, 1) == [b"ours"]


def test_kept_oversized_and_empty_packets_are_dropped_and_counted(mqtt_street: MqttStreet) -> None:
    topic = f"{COMMONS}/gossip/bo"
    mqtt_street.publish(topic, b"of last week", name="bo", retain=True)
    inbox = Inbox()
    road = mqtt_street.open("ana", inbox)
    until(lambda: road.counters["retained"] == 1)
    for payload in (bytes(8193), bytes(20_000), b"", bytes(8192)):
        mqtt_street.publish(topic, payload, name="bo")
    assert drained(inbox, 1) == [bytes(8192)]
    assert road.counters["oversize"] == 1, "what is far too large the broker kept back"
    assert road.counters["garbage"] == 1
    assert road.counters["heard_packets"] == 1


def test_what_was_accepted_outlives_listener_and_broker(mqtt_street: MqttStreet) -> None:
    sender, listener = mqtt_street.open("ana", Inbox()), mqtt_street.open("bo", Inbox())
    listener.close()
    sent = [b"%d" % number for number in range(50)]
    for packet in sent:
        sender.send(packet)
    until(lambda: mqtt_street.broker.log().count("Sending PUBACK to ana") == 50)
    sender.close()
    mqtt_street.broker.restart()
    inbox = Inbox()
    mqtt_street.open("bo", inbox)
    assert drained(inbox, 50) == sent


def test_a_broker_that_loses_power_costs_nothing_that_it_had_not_confirmed(mqtt_street: MqttStreet) -> None:
    inbox = Inbox()
    sender, listener = mqtt_street.open("ana", Inbox()), mqtt_street.open("bo", inbox)
    mqtt_street.broker.restart()  # so that it has saved who listens
    until(lambda: listener.counters["connections"] == sender.counters["connections"] == 2)
    with frozen(mqtt_street.broker):
        for number in range(5):
            sender.send(b"%d" % number)
        mqtt_street.broker.kill()
    mqtt_street.broker.start()
    assert set(drained(inbox, 5)) == {b"%d" % number for number in range(5)}


@contextmanager
def frozen(broker: Broker) -> Iterator[None]:
    """A broker that is there and does nothing."""
    assert broker._process is not None
    process = broker._process
    process.send_signal(signal.SIGSTOP)
    yield
    if process.returncode is None:
        process.send_signal(signal.SIGCONT)


def test_a_broker_that_hangs_blocks_nobody(mqtt_street: MqttStreet) -> None:
    road = mqtt_street.open("ana", Inbox())
    with frozen(mqtt_street.broker):
        began_s = time.monotonic()
        for _ in range(UNCONFIRMED_MAX):
            road.send(bytes(8192))
        with pytest.raises(TransportDown, match="does not keep up"):
            road.send(b"one more")
        assert time.monotonic() - began_s < 1
        began_s = time.monotonic()
        road.close()
        assert time.monotonic() - began_s < 5


def test_what_is_no_broker_is_told_and_its_bytes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_WITHIN_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        replies = iter((b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x03\x00\x00\x00\x32\x03\xff\xff\xff"))

        def answer() -> None:
            for reply in replies:
                caller, _ = server.accept()
                with caller:
                    caller.recv(1000)
                    caller.sendall(reply)
                    caller.settimeout(5)
                    while caller.recv(1000):
                        pass

        stranger = threading.Thread(target=answer)
        stranger.start()
        road = MqttRoad("127.0.0.1", server.getsockname()[1], COMMONS, "ana", "ana", "word")
        road.open(Inbox())
        stranger.join(15)
        assert not stranger.is_alive(), "it tries again after each disappointment"
        assert "The broker at 127.0.0.1" in trouble(road)
        road.close()
        assert road.counters["connections"] == 0


def test_any_bytes_from_a_broker_cost_one_connection_and_never_the_road(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "PAUSE_MIN_S", 0.0)
    chance = Random(5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        road = MqttRoad("127.0.0.1", server.getsockname()[1], COMMONS, "ana", "ana", "word")
        road.open(Inbox())
        for _ in range(300):
            caller, _ = server.accept()
            with caller:
                caller.recv(1000)
                caller.sendall(any_reply(chance))
        road.close()
    assert road.counters["sent_packets"] == 0


def any_reply(chance: Random) -> bytes:
    """Mostly a welcome, then packets of true kinds with bodies of chance."""
    reply = b"" if chance.random() < 0.2 else b"\x20\x03\x00\x00\x00"
    for _ in range(chance.randrange(1, 4)):
        kind = chance.choice((0x20, 0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0, 0xE0))
        body = chance.randbytes(chance.choice((0, 1, 2, 3, 4, 5, 8, 20)))
        reply += bytes((kind, len(body))) + body
    return reply


def test_a_broker_that_is_not_there_or_has_no_name_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for host, why in (("127.0.0.1", "Connection refused"), ("no-such-broker.invalid", "")):
        road = MqttRoad(host, port, COMMONS, "ana", "ana", "word")
        road.open(Inbox())
        until(lambda road=road: "cannot be reached" in trouble(road))  # type: ignore[misc]
        assert why in trouble(road)
        road.close()


def test_two_roads_of_one_name_take_turns_and_harm_nobody(mqtt_street: MqttStreet) -> None:
    first = mqtt_street.open("ana", Inbox())
    mqtt_street.open("ana", Inbox())
    until(lambda: first.counters["connections"] > 1)
    inbox = Inbox()
    sender = mqtt_street.open("bo", inbox)
    sender.send(b"hello")
    assert sender.counters["sent_packets"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"commons": "xyz"},
        {"commons": "+"},
        {"commons": "A0"},
        {"station": "ana/bo"},
        {"station": "#"},
        {"host": ""},
        {"port": 0},
        {"port": 65_536},
    ],
)
def test_a_place_that_cannot_be_is_our_own_mistake(wrong: dict[str, str | int]) -> None:
    place = {"host": "127.0.0.1", "port": 1883, "commons": COMMONS, "station": "ana"} | wrong
    with pytest.raises(ValueError, match=r"no handle|cannot name|no broker"):
        MqttRoad(**place, username="ana", password="word")  # type: ignore[arg-type]


# After a failed handshake paho leaves its socket to the garbage collector, which closes it and says so.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_tls_carries_packets_and_only_from_a_broker_that_is_vouched_for(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for directory in (ours, theirs):
        directory.mkdir()
    files, (other_authority, _, _) = certificates.for_broker(ours), certificates.for_broker(theirs)
    with Broker(ours, tls=files) as broker:
        for name in ("ana", "bo"):
            broker.add_node(name, "word")

        def road(name: str, tls_ca: Path | None) -> MqttRoad:
            return MqttRoad(broker.host, broker.port, COMMONS, name, name, "word", str(tls_ca) if tls_ca else None)

        inbox, listener, sender = Inbox(), road("bo", files[0]), road("ana", files[0])
        listener.open(inbox)
        sender.open(Inbox())
        until(lambda: listener.counters["connections"] == 1)
        send_when_up(sender, b"sealed")
        until(lambda: inbox.wait(0))
        assert inbox.drain() == [Heard("mqtt", "ana", b"sealed")]
        sender.close()
        listener.close()
        (theirs / "empty.pem").touch()
        for authority, why in (
            (other_authority, "does not vouch for"),
            (theirs / "nowhere.pem", "does not open"),
            (theirs / "empty.pem", "does not open"),
            (None, "has hung up"),
        ):
            wary = road("ana", authority)
            wary.open(Inbox())
            until(lambda wary=wary: "has not answered yet" not in trouble(wary))  # type: ignore[misc]
            assert why in trouble(wary)
            wary.close()
            assert wary.counters["connections"] == 0
