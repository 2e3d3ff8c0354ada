"""The radio road through the real client package: settings, pacing, limits, and what happens when a device misbehaves."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from meshtastic.protobuf import config_pb2

from mesh.airtime import airtime_ms, on_air_bytes
from mesh.errors import TransportDown
from mesh.transports import Inbox
from mesh.transports.lora import QUEUE_SIZE_MAX, Channel, LoraRadio
from mesh.transports.lora_watch import SETTINGS_MAX
from tests.mesh.transports.streets import BRISK, LoraStreet, send_when_up, trouble, until
from tests.radio.device import Mood
from tests.radio.serial_line import SerialLine

pytestmark = pytest.mark.real
CLIENT_MUTE = config_pb2.Config.DeviceConfig.Role.CLIENT_MUTE


@pytest.fixture
def street() -> Iterator[LoraStreet]:
    made = LoraStreet()
    yield made
    made.close()


def children() -> list[int]:
    """Processes that this one started and that own a radio, the dead ones that nobody saw off among them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and (
                fields[0] == "Z" or b"lora_child" in (process / "cmdline").read_bytes()
            ):
                found.append(int(process.name))
    return found


def gathered(inbox: Inbox, awaited: set[bytes]) -> list[bytes]:
    """What arrives, until all that is awaited is there."""
    arrived: list[bytes] = []

    def is_all() -> bool:
        arrived.extend(heard.packet for heard in inbox.drain())
        return awaited <= set(arrived)

    until(is_all, f"for {len(awaited)} packets")
    return arrived


def on_another(street: LoraStreet, inbox: Inbox | None = None, **traits) -> LoraRadio:
    """A road to a device of its own kind, opened."""
    place = street.ether.add("dot", 0xD0000004, **traits)
    road = LoraRadio(place, street.channel, patience=BRISK)
    street.open_on(road, inbox or Inbox())
    return road


def test_packets_go_out_with_no_hop_no_wish_for_an_answer_and_on_our_port(street: LoraStreet) -> None:
    inbox = Inbox()
    sender, _ = street.open("ana", Inbox()), street.open("bo", inbox)
    sender.send(b"x" * 231)
    until(lambda: len(inbox.drain()) == 1)
    packet = street.ether.device("ana").accepted[0]
    assert (packet.hop_limit, packet.want_ack, packet.to) == (0, False, 0xFFFFFFFF)
    assert (packet.decoded.portnum, packet.channel) == (256, 0)
    assert sender.airtime_ms(231) == airtime_ms("LongFast", 255)
    assert sender.counters["sent_air_us"] == round(1000 * sender.airtime_ms(231))


def test_a_radio_that_knows_the_time_tells_it_and_one_that_does_not_says_nothing(street: LoraStreet) -> None:
    late = 1_800_000_000
    inbox, other = Inbox(), Inbox()
    knowing = on_another(street, clock_s=late, inbox=inbox)
    sender, unknowing = street.open("ana", Inbox()), street.open("bo", other)
    assert isinstance(unknowing, LoraRadio)
    until(lambda: not any(road.trouble for road in (sender, knowing, unknowing)))
    sender.send(b"a packet of any kind")
    for box in (inbox, other):
        gathered(box, {b"a packet of any kind"})
    until(lambda: knowing.clock_epoch is not None)
    assert knowing.clock_epoch == pytest.approx(late - time.monotonic(), abs=5)
    assert unknowing.clock_epoch is None


def test_where_radios_sign_the_limit_is_lower_and_the_air_is_dearer() -> None:
    road = LoraRadio("/dev/null", Channel("EU_868", "LongFast", "Hedgerow", bytes(32)), signs=True)
    assert road.packet_size_max == 165
    assert road.airtime_ms(165) == airtime_ms("LongFast", 255)
    assert road.airtime_ms(100) == airtime_ms("LongFast", 189)
    road.close()


def test_a_radio_fresh_from_the_shop_is_set_to_ours_once(street: LoraStreet) -> None:
    road = on_another(street, region="UNSET", preset="SHORT_FAST")
    until(lambda: road.counters["connections"] == 1)
    device = street.ether.device("dot")
    assert device.tuned == (street.channel.name, street.channel.key)
    assert (device.lora.region, device.lora.modem_preset) == (3, 0)
    assert device.counters["settings"] == 1
    assert road.counters["starts"] == 2


def test_a_radio_that_keeps_its_settings_is_told_in_one_line(street: LoraStreet) -> None:
    road = on_another(street, region="US", locked=True)
    until(lambda: road.counters["starts"] == SETTINGS_MAX + 1, "to be set in vain")
    until(lambda: "cannot be set to the region EU_868 and the channel Hedgerow of this commons" in (road.trouble or ""))
    assert road.counters["connections"] == 0
    street.ether.swap("dot", 0xD0000005, channel=(street.channel.name, street.channel.key), settled=True)
    until(lambda: road.counters["connections"] == 1)
    assert road.counters["swaps"] == 1


def test_another_radio_in_its_place_is_set_up_and_counted(street: LoraStreet) -> None:
    inbox = Inbox()
    road, _ = street.open("ana", Inbox()), street.open("bo", inbox)
    street.ether.swap("ana", 0xA0000099)
    until(lambda: road.counters["connections"] == 2)
    assert road.counters["swaps"] == 1
    send_when_up(road, b"from the new one")
    until(lambda: [heard.peer for heard in inbox.drain()] == ["a0000099"])


def test_where_radios_sign_165_bytes_arrive_and_their_signatures_are_counted() -> None:
    street = LoraStreet(signs=True, strict=True)
    try:
        inbox = Inbox()
        sender, _ = street.open("ana", Inbox()), street.open("bo", inbox)
        assert sender.packet_size_max == 165
        said = [bytes([size]) * size for size in (1, 127, 128, 165)]
        for packet in said:
            sender.send(packet)
        assert gathered(inbox, set(said)) == said
        until(lambda: street.ether.counters["frames"] == len(said))
        assert street.ether.counters["frame_bytes"] == sum(on_air_bytes(len(packet)) + 66 for packet in said)
        air_ms = sum(airtime_ms("LongFast", on_air_bytes(len(packet)) + 66) for packet in said)
        assert sender.counters["sent_air_us"] == pytest.approx(1000 * air_ms, abs=len(said))
        assert street.ether.counters["airtime_ms"] == pytest.approx(air_ms, abs=len(said))
    finally:
        street.close()


def test_what_is_too_long_to_be_signed_is_dropped_by_a_strict_radio() -> None:
    street = LoraStreet(strict=True)
    try:
        inbox = Inbox()
        sender, _ = street.open("ana", Inbox()), street.open("bo", inbox)
        street.ether.device("ana").signs = True  # and its node does not know
        for packet in (b"a" * 165, b"b" * 166, b"c" * 231, b"d"):
            sender.send(packet)
        assert gathered(inbox, {b"a" * 165, b"d"}) == [b"a" * 165, b"d"]
        assert street.ether.device("bo").counters["unsigned"] == 2
    finally:
        street.close()


def test_a_radio_says_little_by_itself_and_that_is_counted() -> None:
    street = LoraStreet(speed=28_800.0)  # eight hours in a second
    try:
        place = street.ether.add("dot", 0xD0000004, speaks=True)
        device, ether = street.ether.device("dot"), street.ether.counters
        until(lambda: device.counters["said by itself"] >= 20, "for the chatter of a day")
        road = LoraRadio(place, street.channel, patience=BRISK)
        street.open_on(road, Inbox())
        until(lambda: road.counters["connections"] == 1)
        assert device.habits.device.role == CLIENT_MUTE
        said, own = Counter(device.counters), Counter(road.counters)
        until(lambda: device.counters["said by itself"] > said["said by itself"], "for the one thing that is left")
        until(lambda: road.counters["own_packets"] > own["own_packets"], "to be told of it")
        frames = ether["frames"]
        time.sleep(1.0)  # eight hours
        assert ether["frames"] == frames, "who it is, once a day, and no more"
        assert road.counters["own_packets"] - own["own_packets"] == 1
        assert device.counters["said by itself"] - said["said by itself"] == 1
        said_us = 1000 * (device.counters["ms by itself"] - said["ms by itself"])
        counted_us = road.counters["own_air_us"] - own["own_air_us"]
        assert said_us <= counted_us <= 1.5 * said_us, "counted a little too high"
    finally:
        street.close()


def test_a_radio_that_insists_on_its_chatter_serves_all_the_same(street: LoraStreet) -> None:
    road = on_another(street, channel=(street.channel.name, street.channel.key), locked=True)
    until(lambda: road.counters["connections"] == 1)
    assert road.counters["starts"] == SETTINGS_MAX + 1
    os.kill(children()[0], signal.SIGKILL)
    until(lambda: road.counters["connections"] == 2)
    assert road.counters["starts"] == SETTINGS_MAX + 2, "and is not set again each time"


def roads_to(street: LoraStreet, moods: Collection[Mood], then: Mood | None = None) -> dict[Mood, LoraRadio]:
    """A device for each mood, and an open road to it; with `then`, the devices are in that mood from the start."""
    roads = {}
    for number, mood in enumerate(moods):
        ours = {"channel": (street.channel.name, street.channel.key), "settled": True}
        place = street.ether.add(mood.name, 0xD0000000 + number, **ours)
        if then is None:
            street.ether.become(mood.name, mood)
        roads[mood] = LoraRadio(place, street.channel, patience=BRISK)
        street.open_on(roads[mood], Inbox())
    return roads


def test_radios_that_misbehave_from_the_start_are_told_and_healed(street: LoraStreet) -> None:
    roads = roads_to(street, (Mood.MUTE, Mood.HALF, Mood.DEAF, Mood.GONE))
    until(lambda: all(road.counters["starts"] >= 2 for road in roads.values()))
    assert trouble(roads[Mood.GONE]).startswith("There is no radio at")
    for mood in (Mood.MUTE, Mood.HALF, Mood.DEAF):
        assert "does not answer and is tried again" in trouble(roads[mood])
    for mood in roads:
        street.ether.become(mood.name, Mood.WELL)
    until(lambda: all(road.counters["connections"] == 1 for road in roads.values()))
    for road in roads.values():
        road.close()
    assert children() == []


def test_radios_that_stop_later_are_told_and_healed(street: LoraStreet) -> None:
    inbox = Inbox()
    street.open("bo", inbox)
    roads = roads_to(street, (Mood.MUTE, Mood.DEAF, Mood.GONE), Mood.WELL)
    until(lambda: all(road.counters["connections"] == 1 for road in roads.values()))
    for mood, road in roads.items():
        street.ether.become(mood.name, mood)
        with suppress(TransportDown):
            for _ in range(QUEUE_SIZE_MAX):
                road.send(b"into nothing")
    until(lambda: all(road.trouble is not None for road in roads.values()))
    for mood in roads:
        street.ether.become(mood.name, Mood.WELL)
    until(lambda: all(road.counters["connections"] == 2 for road in roads.values()))
    for (
        mood,
        road,
    ) in roads.items():  # one after another: the stand-in's ether spoils frames that overlap, as a real one does
        send_when_up(road, mood.name.encode())
        gathered(inbox, {mood.name.encode()})
    for road in roads.values():
        road.close()
    assert len(children()) == 1


@pytest.mark.parametrize("politely", [False, True])
def test_a_radio_that_begins_anew_is_met_anew(street: LoraStreet, politely: bool) -> None:
    road = street.open("ana", Inbox())
    street.ether.reboot("ana", politely)
    until(lambda: road.counters["connections"] == 2)
    assert road.counters["swaps"] == 0


def test_a_slow_noisy_radio_with_absurd_reports_serves_all_the_same(street: LoraStreet) -> None:
    inbox = Inbox()
    road = on_another(street, channel=(street.channel.name, street.channel.key), settled=True, answer_s=0.8, noisy=True)
    street.open("bo", inbox)
    until(lambda: road.counters["connections"] == 1)
    for _ in range(30):
        street.ether.tell("dot", street.ether.device("dot").absurdities())
    send_when_up(road, b"all the same")
    until(lambda: [heard.packet for heard in inbox.drain()] == [b"all the same"])
    assert road.counters["connections"] == 1
    assert road.counters["heard_packets"] == 0


def test_another_commons_on_the_same_air_is_not_heard(street: LoraStreet) -> None:
    inbox = Inbox()
    road = street.open("ana", inbox)
    street.ether.talk("ana", b"not for us", 256, ("Hedgerow", b"another key" * 3))
    street.ether.talk("ana", b"our key, another port", 257, (street.channel.name, street.channel.key))
    street.ether.talk("ana", b"for us", 256, (street.channel.name, street.channel.key))
    until(lambda: [heard.packet for heard in inbox.drain()] == [b"for us"])
    assert road.counters["garbage"] == 0


def test_a_child_that_is_killed_or_stopped_is_replaced_and_seen_off(street: LoraStreet) -> None:
    road = street.open("ana", Inbox())
    for number, how in enumerate((signal.SIGKILL, signal.SIGSTOP), start=2):
        (child,) = children()
        os.kill(child, how)
        while road.counters["connections"] < number:
            time.sleep(0.05)
        assert child not in children()
    road.close()
    assert children() == []


def test_a_serial_device_that_is_not_there_is_told_and_costs_little() -> None:
    road = LoraRadio("/dev/ttyHedgerow9", Channel("EU_868", "LongFast", "Hedgerow", bytes(32)), patience=BRISK)
    road.open(Inbox())
    until(lambda: "Plug the radio into a USB port" in (road.trouble or ""))
    road.close()
    assert children() == []


def test_a_radio_on_a_serial_line_is_unplugged_and_plugged_in_again(street: LoraStreet, tmp_path: Path) -> None:
    inbox = Inbox()
    street.open("bo", inbox)
    with SerialLine(tmp_path / "ttyUSB0", street.places["ana"]) as line:
        road = LoraRadio(str(line.path), street.channel, patience=BRISK)
        street.open_on(road, Inbox())
        until(lambda: road.counters["connections"] == 1)
        send_when_up(road, b"by wire")
        assert gathered(inbox, {b"by wire"}) == [b"by wire"]
        line.unplug()
        until(lambda: "Plug the radio into a USB port" in (road.trouble or ""))
        line.plug()
        until(lambda: road.counters["connections"] == 2)
        send_when_up(road, b"again")
        assert gathered(inbox, {b"again"}) == [b"again"]
        road.close()


def test_what_a_child_should_not_say_ends_it(street: LoraStreet, monkeypatch: pytest.MonkeyPatch) -> None:
    road = street.road("ana", Inbox())
    assert isinstance(road, LoraRadio)
    until(lambda: road.counters["connections"] == 1)
    monkeypatch.setattr("mesh.transports.lora.WORDS", frozenset({0x18}))
    os.kill(children()[0], signal.SIGKILL)
    until(lambda: road.counters["garbage"] >= 1)
    monkeypatch.undo()
    until(lambda: road.counters["connections"] == 2)
