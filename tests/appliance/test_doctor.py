"""Each check finds its own trouble, and its advice is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from appliance import board, doctor, keel, radio_switch, street
from appliance.answers import PowerState
from appliance.board import Board, Card, Wifi
from appliance.clock import Clock
from appliance.library import Rack, ZineForm
from appliance.node import Node
from appliance.settings import Archive, LoopbackRoad, LoraRoad
from appliance.settings_power import Power
from mesh.keys import NodeId, PublicKey
from tests.appliance.conftest import carry


@pytest.fixture(autouse=True)
def silent_board(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that tells nothing about itself: whatever runs these tests may be hot or worn out."""
    monkeypatch.setattr(board, "look", lambda _: Board(None, None, None, None))


@pytest.fixture
def node(elm: Path) -> Iterator[Node]:
    node = Node.open(elm)
    yield node
    node.close()


def unwell(node: Node) -> dict[str, str]:
    return {check.name: check.advice for check in node.checks() if not check.healthy}


def test_a_fresh_node_is_well(node: Node) -> None:
    assert unwell(node) == {}
    assert len({check.name for check in node.checks()}) == len(doctor.CHECKS)


def test_little_room(node: Node) -> None:
    node.settings = replace(node.settings, archive=Archive(free_space_floor_bytes=2**60))
    assert unwell(node).keys() == {"card space"}


def test_an_archive_that_is_nearly_full_names_what_could_go_by_rarity(node: Node, oak: Path, tmp_path: Path) -> None:
    other = Node.open(oak)
    for title, size in (("Rare", 100), ("Common", 50)):
        other.publish(ZineForm(title), BytesIO(title.encode() * size), "a.txt", None)
    carry(other, node, tmp_path)
    other.close()
    assert "0 of 4096 MB" in next(check.advice for check in node.checks() if check.name == "archive")
    common = node.zines("Common", rack=Rack.ARRIVALS).rows[0]
    with node.database.writing():
        node.shelf.note_holder(bytes.fromhex(common.blob), NodeId(b"n" * 16))
    node.settings = replace(node.settings, archive=Archive(free_space_floor_bytes=0, quota_bytes=500))
    advice = unwell(node)["archive"]
    assert "These could go, for neighbours hold them too: “Common” (held by 2), “Rare” (held by 1)." in advice
    assert "archive.quota_bytes" in advice


def test_a_clock_at_1970(node: Node) -> None:
    node.clock = Clock(wall=lambda: 86_400.0)
    assert unwell(node).keys() == {"clock"}


def test_a_road_that_is_down(node: Node) -> None:
    node.settings = replace(node.settings, roads=(LoopbackRoad("127.0.0.1:9"),))
    assert "hedgerow run" in unwell(node)["roads"]
    node.note_road("loopback", False, "The radio does not answer.")
    assert "The radio does not answer." in unwell(node)["roads"]
    node.note_road("loopback", True, "")
    assert unwell(node) == {}


def test_the_switch(node: Node) -> None:
    radio_switch.turn(node.settings.data, on=False)
    assert "hedgerow radio on" in unwell(node)["roads"]


def test_neighbours_that_fell_silent(node: Node) -> None:
    with node.database.writing():
        node.private.keep_peer(NodeId(b"n" * 16), PublicKey(b"k" * 32), "Oak")
    assert unwell(node).keys() == {"neighbours"}
    with node.database.writing():
        node.private.heard(NodeId(b"n" * 16), "loopback")
    assert unwell(node) == {}


def test_a_keel_mark_that_is_behind_or_gone(node: Node) -> None:
    keel.write(node.settings.keel_file, keel.Keel("0" * 32, ()))
    assert "is behind" in unwell(node)["keel mark"]
    node.settings.keel_file.unlink()
    assert "is behind" in unwell(node)["keel mark"]


def test_a_keel_mark_with_nowhere_to_be(node: Node) -> None:
    node.settings = replace(node.settings, keel=Path("/proc/nowhere/elm.keel"))
    assert "cannot be written" in unwell(node)["keel mark"]


def test_every_advice_is_short_and_whole(node: Node) -> None:
    for check in node.checks():
        assert check.advice.endswith(".") or "hedgerow" in check.advice or "chmod" in check.advice
        assert len(check.advice) < 220


def test_a_radio_is_spoken_of_in_words_for_people(node: Node) -> None:
    node.settings = replace(node.settings, roads=(LoraRoad("/dev/ttyUSB0"), LoraRoad("/dev/ttyUSB1")))
    node.note_road("lora", True, "")
    node.note_road("lora-2", False, "There is no radio at /dev/ttyUSB1. Plug the radio into a USB port.")
    assert unwell(node)["roads"].startswith("radio (LoRa) 2: There is no radio")
    node.note_road("lora-2", True, "Another radio is plugged in than before.")
    assert unwell(node) == {}
    assert "radio (LoRa), radio (LoRa) 2. radio (LoRa) 2: Another radio" in doctor.check_roads(node).advice
    node.keep_roads(["lora"])
    assert doctor.check_roads(node).advice == "In service: radio (LoRa)."


@pytest.mark.parametrize(
    ("told", "name", "advice"),
    [
        (Board(None, None, Card(32 << 30, 300 * (32 << 30), 0), None), "card", "over 300 times"),
        (Board(None, None, Card(32 << 30, 1 << 30, 3), None), "card", "failed 3 times"),
        (Board(83.4, None, None, None), "temperature", "83 °C"),
        (Board(None, 0x50005, None, None), "supply", "is too weak"),
        (Board(None, 0x50000, None, None), "supply", "was, since the start, too weak"),
        (Board(None, None, None, Wifi("wlan0", 8, 8)), "phones", "8 of about 8 phones that this board's WiFi serves"),
        (
            Board(None, None, None, Wifi("wlan0", 9, 8, 19)),
            "phones",
            "its minimal firmware serves 19: see update-alternatives",
        ),
    ],
    ids=["worn", "failing", "hot", "weak", "was weak", "crowded", "crowded, with a way out"],
)
def test_what_is_wrong_with_the_board(node: Node, monkeypatch, told: Board, name: str, advice: str) -> None:
    monkeypatch.setattr(board, "look", lambda _: told)
    assert advice in unwell(node)[name]
    assert unwell(node).keys() == {name}
    assert len(unwell(node)[name]) < 220
    assert doctor.calls_for_a_hand(node) == (name != "phones")


@pytest.mark.parametrize(
    ("file", "told", "name", "advice"),
    [
        (street.AIR, "wpa3\n", "wifi", "Phones join by WPA2"),
        (street.AIR, "channel\n", "wifi", "on another channel"),
        (street.WAY, "dead\n", "internet", "leads nowhere"),
        (street.AIR, "", "", ""),
        (street.WAY, "open\n", "", ""),
        (street.WAY, "\xff" * 100, "", ""),
    ],
)
def test_what_the_services_of_the_street_tell(
    node: Node, tmp_path: Path, monkeypatch, file: str, told: str, name: str, advice: str
) -> None:
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_text(told, encoding="latin-1")
    here = street.look(tmp_path)
    monkeypatch.setattr(street, "look", lambda: here)
    assert unwell(node).keys() == ({name} if name else set())
    assert advice in unwell(node).get(name, "")
    assert len(unwell(node).get(name, "")) < 220
    assert not doctor.calls_for_a_hand(node)


def test_a_board_that_is_well(node: Node, monkeypatch) -> None:
    told = Board(51.0, 0, Card(32 << 30, 1 << 30, 0), Wifi("wlan0", 5, 19))
    monkeypatch.setattr(board, "look", lambda _: told)
    assert unwell(node) == {}
    assert not doctor.calls_for_a_hand(node)


def test_a_battery_that_is_low_or_not_looked_at(node: Node) -> None:
    power = Power("ina219", "/dev/i2c-1", 20.0, halt_command="poweroff")
    node.settings = replace(node.settings, power=power)
    assert "hedgerow power" in unwell(node)["battery"]
    node.note_power(PowerState("timetable", percent=27, hours_left=9.4, volts=12.9))
    assert unwell(node)["battery"].startswith(
        "27 % are left, so this node saves power (timetable). It lasts about 9 hours"
    )
    node.note_power(PowerState("normal", percent=None, trouble="The wire came off."))
    assert unwell(node)["battery"] == "The wire came off."
    node.note_power(PowerState("normal", percent=80, volts=13.2))
    assert unwell(node) == {}
    node.settings = replace(node.settings, power=replace(power, halt_command=""))
    assert "Nothing halts this board" in unwell(node)["battery"]
