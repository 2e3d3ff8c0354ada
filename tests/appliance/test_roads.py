"""One road and its engine: silent until the medium is reached, within its share of the air, unmoved by garbage."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from appliance import settings
from appliance.air_note import AirNote
from appliance.errors import SettingsFault
from appliance.node import Node
from appliance.roads import NEWCOMER, Named, Road, make_roads
from appliance.settings import LoopbackRoad, MqttRoad
from mesh.airtime import airtime_ms, on_air_bytes
from mesh.errors import AirtimeSpent, TransportDown
from mesh.transports import Heard, Inbox, fresh_counters


class Radio:
    """A radio without a thread: it is reached when the test says so, and keeps what is sent."""

    road = "radio"
    packet_size_max = 231

    def __init__(self) -> None:
        self.counters: Counter[str] = fresh_counters()
        self.trouble: str | None = None
        self.waiting = 0
        self.sent: list[bytes] = []
        self.refuses: TransportDown | None = None

    def open(self, inbox: Inbox) -> None:
        self.counters["connections"] += 1

    def send(self, packet: bytes) -> None:
        if self.refuses:
            raise self.refuses
        self.sent.append(packet)
        self.counters.update(sent_packets=1, sent_bytes=len(packet))
        self.counters["sent_air_us"] += round(1000 * self.airtime_ms(len(packet)))

    def airtime_ms(self, packet_size: int) -> float:
        return airtime_ms("LongFast", on_air_bytes(packet_size))

    def close(self) -> None:
        pass


class Hand:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def node(elm: Path):
    node = Node.open(elm)
    node.seal()
    yield node
    node.close()


@pytest.fixture
def radio() -> Radio:
    return Radio()


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def road(node: Node, radio: Radio, hand: Hand) -> Road:
    return Road("radio", radio, node.node_id, node.holdings, "EU_868", ticks=hand)


def pass_time(road: Road, hand: Hand, seconds: float, news: bool = False) -> None:
    end = hand.at + seconds
    while hand.at < end:
        road.speak(news)
        hand.at += min(end - hand.at, max(0.05, road.rest_s()))


def test_nothing_is_said_before_the_medium_is_reached(road: Road, radio: Radio, hand: Hand) -> None:
    pass_time(road, hand, 100)
    assert road.receive(Heard("radio", "somebody", b"\x01")) == []
    assert radio.sent == []
    assert road.counters == {}


def test_once_reached_it_speaks_and_its_air_is_counted(road: Road, radio: Radio, hand: Hand) -> None:
    radio.open(Inbox())
    pass_time(road, hand, 30)
    assert radio.sent
    air = road.take_air()
    assert (air.packets, air.size) == (len(radio.sent), sum(map(len, radio.sent)))
    assert air.used_ms == pytest.approx(sum(radio.airtime_ms(len(packet)) for packet in radio.sent), abs=1)
    assert road.take_air().packets == 0


def test_a_medium_that_comes_back_is_greeted_anew(road: Road, radio: Radio, hand: Hand) -> None:
    radio.open(Inbox())
    pass_time(road, hand, 4000)  # by now it would speak every twenty minutes
    said = len(radio.sent)
    radio.open(Inbox())
    pass_time(road, hand, 30)
    assert len(radio.sent) > said


def test_time_may_run_faster_on_a_simulated_road(node: Node, radio: Radio, hand: Hand) -> None:
    radio.open(Inbox())
    fast = Road("radio", radio, node.node_id, node.holdings, "EU_868", speed=100.0, ticks=hand)
    pass_time(fast, hand, 0.3)
    assert radio.sent


@pytest.mark.parametrize("packet", [b"", b"\x00", b"\xff" * 231, os.urandom(231), b"\x01\x01"])
def test_garbage_is_counted_and_followed_by_nothing(road: Road, radio: Radio, packet: bytes) -> None:
    radio.open(Inbox())
    assert road.receive(Heard("radio", "stranger", packet)) == []
    assert sum(road.counters.values()) == 1


def test_another_radio_in_its_place_is_told_for_an_hour(road: Road, radio: Radio, hand: Hand) -> None:
    radio.open(Inbox())
    assert road.remarks() == ""
    radio.counters["swaps"] += 1
    assert road.remarks() == NEWCOMER
    hand.at += 3599
    assert road.remarks() == NEWCOMER
    hand.at += 2
    assert road.remarks() == ""


def test_the_keeper_is_told_of_useless_packets_once_a_minute(road: Road, radio: Radio, hand: Hand) -> None:
    radio.counters["connections"] = 1
    assert road.complaint() == ""
    road.receive(Heard("radio", "rogue", b"\x11"))
    assert road.complaint() == "1 packet could not be used in the last minute, the most by rogue."
    for _ in range(500):
        road.receive(Heard("radio", "rogue", b"\x11"))
    radio.counters.update(garbage=20, oversize=3, dropped=7)
    hand.at += 59
    assert road.complaint().startswith("1 ")
    hand.at += 1
    assert road.complaint().startswith("530 ")
    radio.counters["connections"] = 2  # a new engine; nothing is told twice
    road.receive(Heard("radio", "bo", b"\x11"))
    hand.at += 60
    assert road.complaint().startswith("1 ")
    hand.at += 60
    assert road.complaint() == ""


def test_when_the_share_of_the_air_is_spent_it_falls_silent_for_a_while(road: Road, radio: Radio, hand: Hand) -> None:
    radio.open(Inbox())
    road._governor.spend(road._governor.budget_ms - 1, hand.at)
    pass_time(road, hand, 600, news=True)
    assert radio.sent == []
    road.speak(news=True)
    assert 0 < road.rest_s() <= 60
    pass_time(road, hand, 3700)
    assert radio.sent


def test_what_waits_in_the_radio_is_not_forgotten_an_hour_later(road: Road, radio: Radio, hand: Hand) -> None:
    radio.open(Inbox())
    road._governor.spend(road._governor.budget_ms - 1, hand.at)
    radio.waiting = 1
    pass_time(road, hand, 3700, news=True)
    assert radio.sent == []
    radio.waiting = 0
    pass_time(road, hand, 3700, news=True)
    assert radio.sent


@pytest.fixture
def note_of(tmp_path: Path):
    return lambda boot: AirNote(tmp_path / "air-radio.note", boot)


@pytest.mark.parametrize(("boot", "ends"), [("one", True), ("one", False), ("two", True), ("two", False)])
def test_an_hour_outlives_a_restart_and_a_pulled_plug(
    node: Node, radio: Radio, hand: Hand, note_of, boot: str, ends: bool
) -> None:
    radio.open(Inbox())
    road = Road("radio", radio, node.node_id, node.holdings, "EU_868", ticks=hand, note=note_of("one"))
    pass_time(road, hand, 60, news=True)
    used = road._governor.used_ms(road.now())
    assert used > 0
    if ends:
        road.close()
    hand.at += 600
    after = Road("radio", radio, node.node_id, node.holdings, "EU_868", ticks=hand, note=note_of(boot))
    recalled = after._governor.used_ms(after.now())
    if ends:
        assert recalled == pytest.approx(used)
        same_boot = boot == "one"
        assert (after._governor.used_ms(after.now() + 3070) == 0) is same_boot
    else:
        assert used <= recalled <= used + after._governor.budget_ms / 6


def test_a_note_that_cannot_be_read_is_an_hour_of_silence_and_none_is_a_new_radio(
    node: Node, radio: Radio, hand: Hand, note_of, tmp_path: Path
) -> None:
    (tmp_path / "air-radio.note").write_bytes(b"torn")
    road = Road("radio", radio, node.node_id, node.holdings, "EU_868", ticks=hand, note=note_of("one"))
    assert road._governor.room_ms(road.now()) == 0
    (tmp_path / "air-radio.note").unlink()
    road = Road("radio", radio, node.node_id, node.holdings, "EU_868", ticks=hand, note=note_of("one"))
    assert road._governor.room_ms(road.now()) == road._governor.budget_ms


def test_nothing_is_said_that_a_full_card_could_make_forgotten(
    node: Node, radio: Radio, hand: Hand, note_of, monkeypatch
) -> None:
    radio.open(Inbox())
    road = Road("radio", radio, node.node_id, node.holdings, "EU_868", ticks=hand, note=note_of("one"))
    monkeypatch.setattr(AirNote, "write", lambda self, note, now_s: False)
    pass_time(road, hand, 60, news=True)
    assert radio.sent == []
    assert road.counters["held_back"] > 0


def test_what_is_heard_is_counted_and_a_busy_channel_is_left_to_others(road: Road, radio: Radio, hand: Hand) -> None:
    radio.open(Inbox())
    road.speak(news=False)
    for _ in range(150):
        road.receive(Heard("radio", "bo", bytes(231)))
        hand.at += 2
    assert road.take_air().heard_ms == pytest.approx(150 * radio.airtime_ms(231), abs=1)
    said = len(radio.sent)
    pass_time(road, hand, 200, news=True)
    assert len(radio.sent) == said
    pass_time(road, hand, 600, news=True)
    assert len(radio.sent) > said


@pytest.mark.parametrize(
    ("refusal", "counted"), [(AirtimeSpent("full"), "held_back"), (TransportDown("unplugged"), "down")]
)
def test_a_packet_that_does_not_leave_takes_no_air(
    road: Road, radio: Radio, hand: Hand, refusal: TransportDown, counted: str
) -> None:
    radio.open(Inbox())
    radio.refuses = refusal
    pass_time(road, hand, 30)
    assert road.counters[counted] > 0
    assert road.take_air().packets == 0
    radio.refuses = None
    pass_time(road, hand, 4000)
    assert radio.sent


def test_roads_of_one_kind_have_names_of_their_own(node: Node) -> None:
    wanted = replace(node.settings, roads=(MqttRoad("a"), MqttRoad("b"), LoopbackRoad("127.0.0.1:9", speed=3.0)))
    roads = make_roads(wanted, node.node_id, node.holdings)
    assert [(road.name, road.speed) for road in roads] == [("mqtt", 1.0), ("mqtt-2", 1.0), ("loopback", 3.0)]


def test_what_arrives_carries_the_name_of_its_road() -> None:
    inbox = Inbox()
    Named(inbox, "mqtt-2").put(Heard("mqtt", "oak", b"x"))
    assert inbox.drain() == [Heard("mqtt-2", "oak", b"x")]


def test_a_password_is_one_line_of_a_file_beside_the_settings(node: Node, elm: Path) -> None:
    wanted = replace(node.settings, roads=(MqttRoad("a", username="elm", password_file="broker.password"),))
    with pytest.raises(SettingsFault, match=r"broker\.password cannot be read"):
        make_roads(wanted, node.node_id, node.holdings)
    (elm / "broker.password").write_text("secret\nsecond line")
    (road,) = make_roads(wanted, node.node_id, node.holdings)
    assert road.transport.trouble


def test_a_user_name_that_names_no_station_is_refused(node: Node) -> None:
    wanted = replace(node.settings, roads=(MqttRoad("a", username="elm/street"),))
    settings.check(wanted)
    with pytest.raises(SettingsFault, match=r"roads\[0\] cannot be used"):
        make_roads(wanted, node.node_id, node.holdings)
