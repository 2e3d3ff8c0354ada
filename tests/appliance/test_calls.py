"""Calls for help at real nodes: raised, passed on, shown, ended; and what a liar cannot do with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from appliance.answers import Session
from appliance.calling import Call
from appliance.clock import Clock
from appliance.desks import calls as desk
from appliance.errors import Objection, Refused
from appliance.node import Node
from appliance.timekeeping import Kept
from mesh import alarms
from mesh.alarms import Hearing
from mesh.bundle import BundleWriter
from mesh.distress import Distress, Level
from mesh.errors import BadSignature
from mesh.frames import CallsFrame
from mesh.keys import NodeKey
from tests.appliance.street import PIN, Street


class Ticks:
    """A monotonic clock that the test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def street(elm: Path, oak: Path, ticks: Ticks) -> Iterator[tuple[Node, Node]]:
    nodes = Node.open(elm), Node.open(oak)
    for node in nodes:
        turn_clock(node, ticks)
    yield nodes
    for node in nodes:
        node.close()


def turn_clock(node: Node, ticks: Ticks) -> None:
    node.clock = Clock(ticks=ticks)
    node.private._clock = node.clock


def signed_in(node: Node, name: str) -> Session:
    return node.sign_in(name, PIN)


def raised(node: Node, name: str = "Ana", level: str = "danger", minutes: int = 60, words: str = "fire") -> Call:
    return node.raise_call(signed_in(node, name).account, level, minutes, words)


def on_air(node: Node) -> Distress:
    (call,) = node.calls_on_air()
    return call


def shown(node: Node) -> list[tuple[str, str, str]]:
    return [(call.level, call.words, call.author.name) for call in node.calls()]


def test_what_is_raised_at_one_node_is_shown_and_passed_on_at_another(street: tuple[Node, Node]) -> None:
    elm, oak = street
    call = raised(elm)
    assert (call.level, call.words, call.left_s) == ("danger", "fire", 3600)
    assert oak.accept_call(on_air(elm)) is Hearing.NEWS
    assert shown(oak) == shown(elm) == [("danger", "fire", "Ana")]
    assert on_air(oak) == on_air(elm)
    assert oak.accept_call(on_air(elm)) is Hearing.AGAIN


def test_a_call_ends_everywhere_without_any_clock_on_the_wall(street: tuple[Node, Node], ticks: Ticks) -> None:
    elm, oak = street
    raised(elm)
    ticks.now += 61
    late = on_air(elm)
    assert late.age == 2, "rounded up"
    oak.accept_call(late)
    ticks.now += 57 * 60
    assert shown(elm)
    assert on_air(oak).age >= on_air(elm).age, "what is passed on never grows younger"
    ticks.now += 120
    assert shown(oak) == shown(elm) == []
    assert elm.calls_on_air() == []


def test_who_called_takes_it_back_or_a_keeper_does(street: tuple[Node, Node]) -> None:
    elm, oak = street
    call = raised(elm, "Ben")
    oak.accept_call(on_air(elm))
    with pytest.raises(Refused) as refusal:
        oak.end_call(oak.calls()[0].id, signed_in(oak, "Dora"))
    assert refusal.value.verdict is Objection.NOT_YOURS
    assert [one.may_end for one in elm.calls(signed_in(elm, "Ana"))] == [True], "a keeper"
    elm.end_call(call.id, signed_in(elm, "Ben"))
    with pytest.raises(Refused):
        elm.end_call(call.id, signed_in(elm, "Ben"))
    first = on_air(elm)
    assert (first.level, first.turn) == (Level.OVER, 2)
    assert oak.accept_call(first) is Hearing.NEWS
    assert shown(oak) == shown(elm) == [("over", "fire", "Ben")]


def test_what_was_taken_back_or_has_ended_is_not_shown_again(street: tuple[Node, Node], ticks: Ticks) -> None:
    elm, oak = street
    raised(elm)
    recorded = on_air(elm)
    oak.accept_call(recorded)
    elm.end_own_call(signed_in(elm, "Ana").account)
    oak.accept_call(on_air(elm))
    assert oak.accept_call(recorded) is Hearing.OVER
    assert shown(oak) == [("over", "fire", "Ana")]
    ticks.now += 2 * 3600
    assert oak.accept_call(recorded) is Hearing.OVER
    assert oak.accept_call(replace(recorded, age=0)) is Hearing.OVER
    assert oak.calls() == []


def test_a_forged_age_neither_ends_a_call_nor_keeps_it_alive(street: tuple[Node, Node], ticks: Ticks) -> None:
    elm, oak = street
    raised(elm, minutes=60)
    true = on_air(elm)
    assert oak.accept_call(replace(true, age=60)) is Hearing.OVER
    assert oak.accept_call(replace(true, age=58)) is Hearing.NEWS
    assert oak.accept_call(true) is Hearing.AGAIN
    assert oak.calls()[0].left_s == 3600, "a younger copy counts, up to the whole life since it was first heard"
    assert oak.accept_call(replace(true, age=59)) is Hearing.AGAIN
    assert oak.calls()[0].left_s == 3600, "an older one takes nothing away"
    ticks.now += 3500
    oak.accept_call(replace(true, age=0))
    assert oak.calls()[0].left_s == 100
    ticks.now += 101
    assert oak.accept_call(replace(true, age=0)) is Hearing.OVER
    assert oak.calls() == []


def test_nobody_calls_in_anothers_name(street: tuple[Node, Node]) -> None:
    elm, oak = street
    raised(elm)
    true = on_air(elm)
    stranger = NodeKey(bytes([7] * 32))
    for forged in (
        replace(true, words="all is well"),
        replace(true, turn=9),
        replace(true, turn=9).signed(stranger, elm.commons),
        replace(true, caller=true.caller._replace(node=stranger.node_id[:4])).signed(stranger, elm.commons),
    ):
        with pytest.raises(BadSignature):
            oak.accept_call(forged)
    assert oak.calls() == []


def test_who_presses_twice_calls_once_and_who_calls_later_calls_anew(street: tuple[Node, Node], ticks: Ticks) -> None:
    elm, _ = street
    first = raised(elm)
    ticks.now += 100
    assert raised(elm).id == first.id
    assert raised(elm, level="help").id != first.id
    ticks.now += 3600
    again = raised(elm, minutes=90)
    ticks.now += desk.SAME_WITHIN_S + 1
    later = raised(elm, minutes=90)
    assert (later.id != again.id, later.left_s) == (True, 90 * 60)


def test_one_author_cannot_flood_the_street(street: tuple[Node, Node], ticks: Ticks) -> None:
    elm, oak = street
    account = signed_in(elm, "Ana").account
    for number in range(desk.RAISED_AT_ONCE):
        elm.raise_call(account, "watch", 60, f"wolf {number}")
    with pytest.raises(Refused) as refusal:
        elm.raise_call(account, "watch", 60, "wolf")
    assert refusal.value.verdict is Objection.TRY_LATER
    base = on_air(elm)
    heard = [oak.accept_call(replace(base, turn=10 + turn).signed(elm.key, elm.commons)) for turn in range(20)]
    assert heard == [Hearing.NEWS] * alarms.HEARD_AT_ONCE + [Hearing.TOO_MANY] * (20 - alarms.HEARD_AT_ONCE)
    ticks.now += 24 * 3600
    for person in range(1, 9):
        caller = base.caller._replace(person=person)
        oak.accept_call(replace(base, turn=100 + person, caller=caller).signed(elm.key, elm.commons))
    assert len(oak.calls()) == alarms.CALLS_OF_A_NODE_MAX
    assert len(oak._calls.all()) == alarms.CALLS_OF_A_NODE_MAX, "nothing grows"


def test_after_a_reboot_a_call_goes_on_where_it_was_noted(street: tuple[Node, Node], ticks: Ticks) -> None:
    elm, _ = street
    raised(elm, minutes=60)
    ticks.now += 700
    elm.calls_on_air()  # the daemon looks, and notes what is left
    ticks.now = 5.0  # a new boot: the uptime begins again
    elm.private.__dict__["boot"] = "another boot"
    assert elm.calls()[0].left_s == 2900
    elm.calls_on_air()
    ticks.now += 2901
    assert elm.calls() == []


def test_a_restored_node_is_heard_although_it_forgot_its_turns(street: tuple[Node, Node]) -> None:
    elm, oak = street
    for _ in range(2):
        raised(elm)
        oak.accept_call(on_air(elm))
    elm.database.run("DELETE FROM distress")
    elm.reopen()
    raised(elm, words="after the restore")
    assert oak.accept_call(on_air(elm)) is Hearing.NEWS
    assert shown(oak) == [("danger", "after the restore", "Ana")]


def test_a_node_that_only_reads_calls_for_help_all_the_same(
    street: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    elm, _ = street
    monkeypatch.setattr(elm, "_here", "another machine")
    assert elm.trouble is not None
    raised(elm)
    assert shown(elm) == [("danger", "fire", "Ana")]


@pytest.mark.parametrize(("level", "minutes"), [("over", 60), ("none", 60), ("help", 0), ("help", 1441)])
def test_a_call_that_says_nothing_is_refused(street: tuple[Node, Node], level: str, minutes: int) -> None:
    with pytest.raises(Refused) as refusal:
        raised(street[0], level=level, minutes=minutes)
    assert refusal.value.verdict is Objection.CALL_UNREADABLE


def test_words_are_cut_to_what_one_packet_carries(street: tuple[Node, Node]) -> None:
    call = raised(street[0], words="ساعدوني " * 20)
    assert len(call.words.encode()) <= 76
    assert call.words.startswith("ساعدوني")


# --- carried by hand


def carried(node: Node) -> bytes:
    file = BytesIO()
    node.export_bundle(file)
    return file.getvalue()


def handed_in(node: Node, content: bytes) -> int:
    """Return how many calls of it were news."""
    came = node.import_bundle(BytesIO(content))
    assert (came.refused, came.torn) == (0, False)
    return came.calls


def test_a_bundle_carries_calls_that_live_and_each_is_shown_once(street: tuple[Node, Node], ticks: Ticks) -> None:
    elm, oak = street
    before = carried(elm)
    raised(elm)
    ticks.now += 600
    stick = carried(elm)
    assert (before[8], stick[8]) == (1, 2), "a program that knows no calls says so, and reads all other bundles"
    assert handed_in(oak, before) == 0
    assert handed_in(oak, stick) == 1
    assert [(call.words, call.left_s) for call in oak.calls()] == [("fire", 3000)]
    assert handed_in(oak, stick) == 0
    assert handed_in(elm, carried(oak)) == 0
    ticks.now += 3000
    assert carried(oak)[8] == 1
    assert handed_in(oak, stick) == 0
    assert oak.calls() == []


def test_what_was_taken_back_does_not_come_again_on_an_old_stick(street: tuple[Node, Node]) -> None:
    elm, oak = street
    raised(elm)
    old = carried(elm)
    elm.end_own_call(signed_in(elm, "Ana").account)
    handed_in(oak, carried(elm))
    assert shown(oak) == [("over", "fire", "Ana")]
    assert handed_in(oak, old) == 0
    assert shown(oak) == [("over", "fire", "Ana")]


@pytest.mark.parametrize(
    ("passed_s", "left_s"), [(0, 3600), (90, 3480), (3540, 60), (3541, 0), (30 * 86_400, 0), (-500, 3600)]
)
def test_where_both_know_the_time_a_stick_under_way_grows_old(
    street: tuple[Node, Node], ticks: Ticks, passed_s: int, left_s: int
) -> None:
    elm, oak = street
    knows_time(elm, ticks, 1_800_000_000)
    raised(elm)
    stick = carried(elm)
    knows_time(oak, ticks, 1_800_000_000 + passed_s)
    handed_in(oak, stick)
    assert [call.left_s for call in oak.calls()] == ([left_s] if left_s else [])


def knows_time(node: Node, ticks: Ticks, now: int) -> None:
    node.clock = Clock(ticks=ticks, kept=lambda: Kept(epoch=now - int(ticks.now)))
    node.private._clock = node.clock


def test_who_does_not_know_the_time_believes_an_old_stick_once_and_no_longer_than_a_call_lives(
    street: tuple[Node, Node], ticks: Ticks
) -> None:
    elm, oak = street
    raised(elm)
    stick = carried(elm)
    assert handed_in(oak, stick) == 1
    ticks.now += 3600
    assert (handed_in(oak, stick), oak.calls()) == (0, [])


def test_a_stick_brings_the_caller_and_the_call(tmp_path: Path) -> None:
    with Street(tmp_path) as street:
        oak = street.welcome("Oak")
        fir = street.invite("Fir")
        ana = street.neighbour(oak, "Ana")
        oak.raise_call(ana, "help", 60, "a broken leg")
        assert handed_in(street.elm, carried(oak)) == 1
        assert handed_in(fir, carried(street.elm)) == 1
        assert shown(fir) == [("help", "a broken leg", "Ana")]


def test_forged_calls_on_a_stick_are_not_shown(street: tuple[Node, Node]) -> None:
    elm, oak = street
    raised(elm)
    lies = tuple(replace(on_air(elm), words=words) for words in ("come all", "all is well"))
    file = BytesIO()
    writer = BundleWriter(file, elm.key, {elm.commons: elm.commons_key}, version=2)
    writer.calls(CallsFrame(elm.commons, 0, lies))
    writer.close()
    assert (handed_in(oak, file.getvalue()), oak.calls()) == (0, [])
