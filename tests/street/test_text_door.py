"""A street by radio, and somebody with only a Meshtastic app in it: the real client package as their phone, real browsers at
the portals. A conversation that pays, and a call for help that everybody sees.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from meshtastic.protobuf import mesh_pb2
from playwright.sync_api import Browser

from appliance.textdoor.sentences import Said
from tests.radio.device import KEY_WRONG
from tests.radio.ether import RadioEther
from tests.radio.phone import Phone
from tests.street.brisk import SPEED
from tests.street.browser import Neighbour, chromium
from tests.street.street import Street
from tests.street.waiting import wait_until, wait_until_equal

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

CHECKOUT = Path(__file__).parent.parent.parent
NUMBERS = {"Elm": 0xE1000001, "Oak": 0x0A000002, "Fir": 0xF1000003}
PEOPLE = {"Elm": ("Ana", "Ben"), "Oak": ("Dora",), "Fir": ("Gus",)}
PHONE = 0x0F000009
WITHIN_S = 60
SAID_AGAIN_WITHIN_S = 200  # two that speak at once drown each other; a text is said again after two minutes


@pytest.fixture(scope="module")
def ether() -> Iterator[RadioEther]:
    with RadioEther(speed=SPEED) as ether:
        yield ether


@pytest.fixture(scope="module")
def street(ether: RadioEther, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with Street(tmp_path_factory.mktemp("street")) as street:
        for name, people in PEOPLE.items():
            node = street.make(name, {"lora": {"device": ether.add(name, NUMBERS[name], region="UNSET")}})
            node.program = (sys.executable, "-m", "tests.street.brisk")
            node.start(PYTHONPATH=str(CHECKOUT))
            street.move_in(node, *people)
        wait_until_equal("all know each other", street.nodes, WITHIN_S)
        yield street


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def phone(ether: RadioEther) -> Iterator[Phone]:
    with Phone(ether.add("phone", PHONE)) as phone:
        yield phone


def test_a_conversation_pairs_tells_and_pays_once(
    street: Street, ether: RadioEther, browser: Browser, phone: Phone
) -> None:
    elm, oak, _ = street.nodes
    number = NUMBERS["Elm"]
    assert phone.asks(number, "BAL") == Said.NOT_PAIRED.value.format(node="Elm")
    ana = Neighbour(browser, elm, "Ana")
    code = ana.pairing_code()
    assert phone.asks(number, f"pair {code}") == Said.PAIRED.value.format(name="Ana")
    assert phone.asks(number, "HELP") == Said.HELP.value
    assert phone.asks(number, "bal").startswith("You have 0 hours.")

    asked = phone.asks(number, "PAY dora@Oak 1.5 bread")
    assert asked.startswith("Pay 1.5 hours to Dora@Oak (bread)?")
    yes = re.search(r"YES \w{4}", asked)
    assert yes
    forge(ether, yes[0])
    assert "bread" not in ana.statement(), "whoever claims the phone's number pays nothing"
    paid = phone.asks(number, yes[0])
    assert paid.startswith("Paid: 1.5 hours to Dora.")
    assert phone.asks(number, yes[0]).startswith("Paid: 1.5 hours to Dora."), "said again, and not done again"
    assert ana.statement().count("bread") == 1
    dora = Neighbour(browser, oak, "Dora")
    wait_until("Dora sees it at her own node", lambda: "bread" in dora.statement(), WITHIN_S)
    assert phone.asks(number, "BAL").startswith("You have \u22121.5 hours.")
    assert all(len(text) <= 200 for _, _, text in phone.heard)
    print(*(text for _, _, text in phone.heard), sep="\n")


def forge(ether: RadioEther, text: str) -> None:
    """Let Elm's radio hear the same words from the phone's number: unsealed, then sealed by somebody else's key."""
    for key in (b"", b"x" * 32):
        packet = mesh_pb2.MeshPacket(to=NUMBERS["Elm"], id=77 + len(key), pki_encrypted=bool(key), public_key=key)
        setattr(packet, "from", PHONE)
        packet.decoded.portnum, packet.decoded.payload = 1, text.encode()
        ether.tell("Elm", [mesh_pb2.FromRadio(packet=packet)])


@pytest.mark.timeout(600)
def test_a_call_for_help_by_text_is_seen_on_every_portal_and_every_phone(
    street: Street, ether: RadioEther, browser: Browser, phone: Phone
) -> None:
    elm, _, fir = street.nodes
    people = [Neighbour(browser, node) for node in street.nodes]
    assert [person.alarms() for person in people] == [[]] * 3
    assert phone.asks(NUMBERS["Elm"], "SOS fire at number 12") == Said.CALLED.value
    for person, node in zip(people, street.nodes, strict=True):
        wait_until(f"it is seen at {node}", person.alarms, WITHIN_S)
        (alarm,) = person.alarms()
        assert "A life is in danger: fire at number 12" in alarm
        assert "Ana" in alarm
    wait_until("phones show it", lambda: bool(phone.shouts_heard()), WITHIN_S)
    assert set(phone.shouts_heard()) == {"SOS, life in danger: fire at number 12 (Ana, Elm)"}

    gus = Neighbour(browser, fir, "Gus")
    gus.calls_for_help("a broken leg in the yard")
    wait_until("two calls are seen everywhere", lambda: all(len(one.alarms()) == 2 for one in people), WITHIN_S)
    assert all("Somebody needs help: a broken leg in the yard" in one.alarms()[1] for one in people), "the worst first"
    hurt = "SOS, help needed: a broken leg in the yard (Gus, Fir)"
    wait_until("phones show it as well", lambda: hurt in phone.shouts_heard(), SAID_AGAIN_WITHIN_S)
    gus.says_it_is_over()
    wait_until("one is left", lambda: all(len(one.alarms()) == 1 for one in people), WITHIN_S)

    Neighbour(browser, elm, "Ana").says_it_is_over()
    wait_until("it is over everywhere", lambda: not any(person.alarms() for person in people), WITHIN_S)
    everything = {
        "SOS, life in danger: fire at number 12 (Ana, Elm)",
        hurt,
        "ALL CLEAR: a broken leg in the yard (Gus, Fir)",
        "ALL CLEAR: fire at number 12 (Ana, Elm)",
    }
    wait_until("phones show that too", lambda: len(set(phone.shouts_heard())) == len(everything), SAID_AGAIN_WITHIN_S)
    assert set(phone.shouts_heard()) == everything


def test_texts_and_calls_are_counted_to_the_byte(street: Street, ether: RadioEther) -> None:
    for node in street.nodes:
        node.stop()
    for node in street.nodes:
        sent = [packet.decoded.payload for packet in ether.device(node.name).accepted]
        air = node.tells("status")["air"]
        assert (air["packets_day"], air["bytes_day"]) == (len(sent), sum(map(len, sent)))
        refused = {key for key in ether.device(node.name).counters if key.startswith("refused")}
        assert refused <= {f"refused {KEY_WRONG}"}, "only what would have answered the forger"
        assert "Traceback" not in node.said()
