"""Texts and calls on a road: in their order, at a radio's pace, within the law, and no text answered twice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from appliance.daemon import Daemon
from appliance.errors import StoreFault
from appliance.node import Node
from appliance.power.ladder import Step
from appliance.roads import Road
from appliance.textdoor.sentences import Said
from appliance.texts import GAP_S, LIVES_S, WAITING_MAX, Letter, Texts
from appliance.voice import CRY_AFTER_S, TRIES_MAX, UNANSWERED_MAX, Voice
from mesh.airtime import airtime_ms, text_on_air_bytes
from mesh.distress import Caller, Distress, Level
from mesh.errors import AirtimeSpent
from mesh.governor import Priority
from mesh.packet import Kind
from mesh.transports import Heard, Inbox
from mesh.transports.lora_pipe import TextBy
from tests.appliance.street import PIN
from tests.appliance.test_calls import Ticks, turn_clock
from tests.appliance.test_roads import Radio

KEY = bytes([1] * 32)
ELSEWHERE = 0xBEEF


class TextRadio(Radio):
    """A radio that carries texts as well, and keeps them."""

    node = 0xE1000001
    clock_epoch: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, int, bytes, int]] = []
        self.came: list[TextBy] = []
        self.is_full = False

    def say(self, text: bytes, to: int, key: bytes, hops: int) -> None:
        if self.is_full:
            raise AirtimeSpent("full")
        self.said.append((text.decode(), to, key, hops))

    def take_texts(self) -> list[TextBy]:
        came, self.came = self.came, []
        return came

    def text_airtime_ms(self, size: int, *, is_sealed: bool) -> float:
        return airtime_ms("LongFast", text_on_air_bytes(size, is_sealed=is_sealed))

    def hears(self, text: str, packet: int, key: bytes = KEY, hops: int = 0) -> None:
        self.came.append(TextBy(ELSEWHERE, packet, hops, key, text.encode()))


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def radio() -> TextRadio:
    radio = TextRadio()
    radio.open(Inbox())
    return radio


@pytest.fixture
def node(elm: Path, ticks: Ticks) -> Iterator[Node]:
    node = Node.open(elm)
    turn_clock(node, ticks)
    yield node
    node.close()


@pytest.fixture
def road(node: Node, radio: TextRadio, ticks: Ticks) -> Road:
    return Road("lora", radio, node.node_id, node.holdings, "EU_868", ticks=ticks, line=radio)


@pytest.fixture
def voice(node: Node, ticks: Ticks) -> Voice:
    return Voice(node, ticks)


def pass_time(voice: Voice, road: Road, ticks: Ticks, seconds: float) -> None:
    for _ in range(math.ceil(seconds)):
        voice.tend([road], news=False)
        ticks.now += 1


def calls(radio: TextRadio) -> list[bytes]:
    return [packet for packet in radio.sent if packet[1] == Kind.DISTRESS]


def use_up(road: Road, priority: Priority) -> None:
    """Use the hour's air as far as this may."""
    while road._governor.room_ms(road.now(), priority) >= 1000:
        road._governor.spend(1000, road.now(), priority)


def test_a_text_is_answered_to_its_key_over_as_many_hops_as_it_took(
    voice: Voice, road: Road, radio: TextRadio, ticks: Ticks
) -> None:
    radio.hears("BAL", 7, hops=2)
    radio.hears("BAL", 7, hops=1)  # the mesh brings it once more
    pass_time(voice, road, ticks, 5)
    ((text, to, key, hops),) = radio.said
    assert text.startswith("I do not know this phone yet.")
    assert (to, key, hops) == (ELSEWHERE, KEY, 2)


def test_a_text_that_met_a_failing_store_is_answered_when_it_works_again(
    node: Node, voice: Voice, road: Road, radio: TextRadio, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.text(KEY, f"PAIR {node.pairing_code(node.sign_in('Ana', PIN))}")
    spend, fails = node._limits.spend, [True]

    def failing(*what: Any) -> int:
        if fails[0]:
            raise StoreFault("the card does not answer")
        return spend(*what)

    monkeypatch.setattr(node._limits, "spend", failing)
    radio.hears("BAL", 11)
    radio.hears("SOS fire", 12)
    radio.hears("NEWS", 13)
    for _ in range(3):
        with pytest.raises(StoreFault):
            voice.tend([road], news=False)
    radio.hears("BAL", 11)  # the mesh brings it once more, meanwhile
    assert (radio.said, node.calls()) == ([], []), "nobody is told what was not done"
    fails[0] = False
    pass_time(voice, road, ticks, 15)
    told = [text for text, to, *_ in radio.said if to == ELSEWHERE]
    assert [text.partition(" ")[0] for text in told] == ["You", "Your", "Nothing"]
    assert [call.words for call in node.calls()] == ["fire"]


def test_a_text_that_never_comes_through_is_given_up_with_a_word_and_calls_go_on(
    node: Node, voice: Voice, road: Road, radio: TextRadio, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise StoreFault("the card does not answer")

    node.raise_call(node.sign_in("Ana", PIN).account, "danger", 60, "fire")
    monkeypatch.setattr(node, "text", fails)
    for packet in range(100, 100 + 2 * UNANSWERED_MAX):
        radio.hears("BAL", packet)
    for _ in range(TRIES_MAX):
        with pytest.raises(StoreFault):
            voice.tend([road], news=True)
        ticks.now += GAP_S
    assert calls(radio), "a call waits for no text"
    voice.tend([road], news=False)
    assert road.counters["texts given up"] == UNANSWERED_MAX
    assert Said.CARD_FAILS.value in [text for text, *_ in radio.said]


def test_what_nobodys_key_has_sealed_is_nobodys_word(
    node: Node, voice: Voice, road: Road, radio: TextRadio, ticks: Ticks
) -> None:
    node.text(KEY, f"PAIR {node.pairing_code(node.sign_in('Ana', PIN))}")
    radio.hears("SOS fire", 8, key=b"")
    pass_time(voice, road, ticks, 5)
    assert (radio.said, node.calls(), road.counters["open texts"]) == ([], [], 1)


def test_bytes_that_are_no_text_are_answered_like_any_other(
    voice: Voice, road: Road, radio: TextRadio, ticks: Ticks
) -> None:
    radio.came.append(TextBy(ELSEWHERE, 9, 0, KEY, b"\xff\xfe\x00BAL"))
    pass_time(voice, road, ticks, 5)
    assert len(radio.said) == 1


def test_texts_go_out_no_faster_than_a_radio_takes_them(road: Road, radio: TextRadio, ticks: Ticks) -> None:
    for number in range(3):
        road.write(Letter(str(number)))
    times = []
    for _ in range(100):
        before = len(radio.said)
        road.speak_up()
        times += [ticks.now] * (len(radio.said) - before)
        ticks.now += 0.1
    assert [text for text, *_ in radio.said] == ["0", "1", "2"]
    assert min(after - before for before, after in pairwise(times)) >= GAP_S


def test_a_text_waits_for_room_and_not_for_ever(road: Road, radio: TextRadio, ticks: Ticks) -> None:
    radio.is_full = True
    road.write(Letter("later"))
    road.speak_up()
    radio.is_full = False
    ticks.now += 10
    road.speak_up()
    assert [text for text, *_ in radio.said] == ["later"]
    road.write(Letter("never"))
    ticks.now += LIVES_S + 1
    road.speak_up()
    assert len(radio.said) == 1


def test_letters_are_few_and_a_call_goes_before_them() -> None:
    texts = Texts()
    for number in range(WAITING_MAX + 5):
        texts.put(Letter(str(number)), 0.0)
    texts.put(Letter("SOS", priority=Priority.DISTRESS), 0.0)
    assert len(texts) == WAITING_MAX
    first = texts.due(0.0)
    assert first is not None
    assert first.text == "SOS"


def test_a_call_is_said_beyond_our_share_and_never_beyond_the_law(
    node: Node, voice: Voice, road: Road, radio: TextRadio, ticks: Ticks
) -> None:
    road.speak_up()
    use_up(road, Priority.LEDGER)
    node.raise_call(node.sign_in("Ana", PIN).account, "danger", 60, "fire")
    ticks.now += 10
    pass_time(voice, road, ticks, 10)
    said = len(calls(radio))
    assert said >= 1, "our share of the hour is used up, and the call goes out"
    assert [text for text, *_ in radio.said] == ["SOS, life in danger: fire (Ana, Elm)"]
    use_up(road, Priority.DISTRESS)
    pass_time(voice, road, ticks, 600)
    assert len(calls(radio)) == said
    assert road.counters["held_back"] > 0


def test_a_call_waits_for_no_window_while_power_is_saved(
    node: Node, road: Road, radio: TextRadio, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(node), "power_step", lambda _: Step.TIMETABLE)
    monkeypatch.setattr("appliance.daemon.timetable.is_open", lambda *_: False)
    daemon = Daemon(node, lambda: [road], ticks)
    daemon.step()
    node.raise_call(node.sign_in("Ana", PIN).account, "danger", 60, "fire")
    ticks.now += 10
    daemon.step()
    assert calls(radio)
    assert calls(radio) == radio.sent, "and nothing else is said"
    daemon.close()


def test_phones_are_told_at_once_and_twice_more_and_twice_that_it_is_over(
    node: Node, voice: Voice, road: Road, radio: TextRadio, ticks: Ticks
) -> None:
    ana = node.sign_in("Ana", PIN).account
    node.raise_call(ana, "help", 60, "")
    pass_time(voice, road, ticks, CRY_AFTER_S[-1] + 20)
    assert [text for text, *_ in radio.said] == ["SOS, help needed (Ana, Elm)"] * 3
    assert {(to, key, hops) for _, to, key, hops in radio.said} == {(0xFFFFFFFF, b"", 3)}
    node.end_own_call(ana)
    pass_time(voice, road, ticks, 1000)
    assert [text for text, *_ in radio.said][3:] == ["ALL CLEAR (Ana, Elm)"] * 2


def test_a_call_of_another_node_is_passed_on_and_no_text_is_made_of_it(
    oak: Path, node: Node, voice: Voice, road: Road, radio: TextRadio, ticks: Ticks
) -> None:
    other = Node.open(oak)
    turn_clock(other, ticks)
    other.raise_call(other.sign_in("Dora", PIN).account, "danger", 60, "flood")
    (call,) = other.calls_on_air()
    other.close()
    for _ in range(2):
        for effect in road.receive(Heard("lora", "oak", call.encode())):
            voice.heard(road, effect.call)  # type: ignore[union-attr]
    assert (road.counters["calls that are news"], road.counters["calls heard again"]) == (1, 1)
    pass_time(voice, road, ticks, 30)
    assert calls(radio)
    assert calls(radio)[0][3:] == call.encode()[3:], "the same words and signature, at its present age"
    assert radio.said == []


def test_while_the_radio_is_away_a_call_waits_for_it(
    node: Node, voice: Voice, road: Road, radio: TextRadio, ticks: Ticks
) -> None:
    radio.trouble = "There is no radio."
    node.raise_call(node.sign_in("Ana", PIN).account, "danger", 60, "fire")
    pass_time(voice, road, ticks, 30)
    assert (radio.sent, radio.said) == ([], [])
    road.speak(False)
    assert road.rest_s() > 0, "and nobody turns round and round meanwhile"
    radio.trouble = None
    pass_time(voice, road, ticks, 5)
    assert len(calls(radio)) == 1
    assert len(radio.said) == 1


def test_forged_calls_are_counted_against_who_brought_them(
    road: Road, node: Node, radio: TextRadio, ticks: Ticks
) -> None:
    daemon = Daemon(node, lambda: [road], ticks)
    forged = Distress(0, Caller(node.node_id[:4], 1), 5, Level.DANGER, 60, 0, "fire", bytes(64))
    daemon._carry_out(road, road.receive(Heard("lora", "rogue", forged.encode())))
    assert road.counters["BadSignature"] == 1
    assert road.receive(Heard("lora", "rogue", forged.encode()[:40])) == []
    assert road.counters["Malformed"] == 1
    assert node.calls() == []
    daemon.close()
