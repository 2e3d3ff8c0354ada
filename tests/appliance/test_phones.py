"""A paired phone: known by its key, asked before it pays, and paid once however often a text comes."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest

from appliance.answers import Board
from appliance.desks import phones as desk
from appliance.errors import Objection, Refused
from appliance.ledger.verdicts import Verdict
from appliance.node import Node
from appliance.textdoor.sentences import Said
from tests.appliance.street import PIN
from tests.appliance.test_calls import Ticks, turn_clock

KEY, OTHER = bytes([1] * 32), bytes([2] * 32)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def node(elm: Path, ticks: Ticks) -> Iterator[Node]:
    node = Node.open(elm)
    turn_clock(node, ticks)
    yield node
    node.close()


def pair(node: Node, name: str = "Ana", key: bytes = KEY) -> None:
    code = node.pairing_code(node.sign_in(name, PIN))
    assert node.text(key, f"pair {code.lower()}") == [Said.PAIRED.value.format(name=name)]


def question(node: Node, text: str, key: bytes = KEY) -> str:
    """Ask for a payment; return the code that would make it."""
    (asked,) = node.text(key, text)
    code = re.search(r"YES (\w{4})", asked)
    assert code, asked
    return code[1]


def balance(node: Node, name: str) -> int:
    account = next(account for account in node.accounts() if account.name == name)
    return node.rooms(account)[0].balance


def test_who_did_not_pair_can_do_nothing(node: Node) -> None:
    for text in ("BAL", "PAY ben 3", "YES ABCD", "SOS fire", "SAFE", "NEWS", "ZINES x"):
        assert node.text(KEY, text) == [Said.NOT_PAIRED.value.format(node="Elm")]
    assert node.calls() == []
    assert [node.text(bytes([n] * 32), "BAL") for n in range(20)][-1] == [], "strangers share one allowance"


def test_a_code_pairs_one_phone_once_and_not_for_ever(node: Node, ticks: Ticks) -> None:
    pair(node)
    code = node.pairing_code(node.sign_in("Ben", PIN))
    ticks.now += 901
    assert node.text(OTHER, f"PAIR {code}") == [Said.CODE_WRONG.value]
    code = node.pairing_code(node.sign_in("Ben", PIN))
    assert node.text(OTHER, f"PAIR {code}") == [Said.PAIRED.value.format(name="Ben")]
    assert node.text(KEY, f"PAIR {code}") == [Said.CODE_WRONG.value]
    assert node.text(KEY, "BAL")[0].startswith("You have 0 hours")


def test_a_phone_that_was_lost_is_taken_off(node: Node) -> None:
    pair(node)
    ana, ben = node.sign_in("Ana", PIN), node.sign_in("Ben", PIN)
    (phone,) = node.phones(ana)
    code = question(node, "PAY ben 3")
    for who, name in ((ben, phone.id), (ana, "00"), (ana, "ñ" * 64)):
        with pytest.raises(Refused) as refusal:
            node.unpair(who, name)
        assert refusal.value.verdict is Objection.NOT_FOUND
    node.unpair(ana, phone.id)
    assert node.phones(ana) == []
    assert node.text(KEY, f"YES {code}") == [Said.NOT_PAIRED.value.format(node="Elm")]


def test_a_fourth_phone_takes_the_place_of_the_one_that_was_paired_first(node: Node) -> None:
    keys = [bytes([number] * 32) for number in (9, 3, 5, 1)]
    for key in keys:
        pair(node, key=key)
    pair(node, key=keys[1])
    assert [phone.id for phone in node.phones(node.sign_in("Ana", PIN))] == [
        keys[2].hex(),
        keys[3].hex(),
        keys[1].hex(),
    ]
    pair(node, key=keys[0])
    assert [phone.id for phone in node.phones(node.sign_in("Ana", PIN))] == [
        keys[3].hex(),
        keys[1].hex(),
        keys[0].hex(),
    ]


def test_a_member_has_at_most_three_phones(node: Node) -> None:
    for number in range(1, 6):
        pair(node, key=bytes([number] * 32))
    assert len(node.phones(node.sign_in("Ana", PIN))) == desk.PHONES_MAX
    assert node.text(bytes([5] * 32), "BAL")[0].startswith("You have")


def test_a_payment_is_asked_about_and_made_once(node: Node) -> None:
    pair(node)
    asked = node.text(KEY, "pay ben 3 bread and jam")
    assert re.fullmatch(
        r"Pay 3 hours to Ben@Elm \(bread and jam\)\? To do it, text YES \w{4} within 5 minutes\.", asked[0]
    )
    assert balance(node, "Ben") == 0, "a question pays nothing"
    code = asked[0].partition("YES ")[2][:4]
    assert node.text(KEY, "YES 0000") == [Said.NOTHING_WAITS.value]
    assert node.text(OTHER, f"YES {code}") == [Said.NOT_PAIRED.value.format(node="Elm")]
    paid = node.text(KEY, f"yes {code}")
    assert paid == ["Paid: 3 hours to Ben. It is good."]
    assert [node.text(KEY, f"YES {code}") for _ in range(3)] == [paid] * 3, "said again, not done again"
    assert (balance(node, "Ben"), balance(node, "Ana")) == (300, -300)


def test_the_currency_may_be_named(node: Node) -> None:
    pair(node)
    (asked,) = node.text(KEY, "PAY ben 1.5 Hours two loaves")
    assert asked.startswith("Pay 1.5 hours to Ben@Elm (two loaves)?")


def test_a_yes_that_comes_too_late_pays_nothing(node: Node, ticks: Ticks) -> None:
    pair(node)
    code = question(node, "PAY ben 3")
    ticks.now += 301
    assert node.text(KEY, f"YES {code}") == [Said.TOO_LATE.value]
    code = question(node, "PAY ben 3")
    node.private.__dict__["boot"] = "another boot"
    assert node.text(KEY, f"YES {code}") == [Said.TOO_LATE.value], "nobody knows how long the machine was off"
    assert balance(node, "Ben") == 0


def test_what_was_paid_is_told_again_even_after_its_time(node: Node, ticks: Ticks) -> None:
    pair(node)
    code = question(node, "PAY ben 3")
    paid = node.text(KEY, f"YES {code}")
    ticks.now += 900
    assert node.text(KEY, f"YES {code}") == paid
    assert balance(node, "Ben") == 300


def test_the_rules_of_the_ledger_hold_by_text(node: Node) -> None:
    pair(node)
    assert "Nobody" in node.text(KEY, "PAY zoe 3")[0] or "zoe" in node.text(KEY, "PAY zoe 3")[0]
    code = question(node, "PAY ben 500")
    (refused,) = node.text(KEY, f"YES {code}")
    assert not refused.startswith("Paid")
    assert balance(node, "Ben") == 0


def _confirm_and_die(data: Path, code: str) -> None:
    """Pay, and lose power before anybody hears of it."""
    node = Node.open(data)
    node.text(KEY, f"YES {code}")
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_power_cut_after_the_payment_and_a_repeated_text_pay_once(elm: Path) -> None:
    node = Node.open(elm)
    pair(node)
    code = question(node, "PAY ben 3")
    node.close()
    died = get_context("fork").Process(target=_confirm_and_die, args=(elm, code))
    died.start()
    died.join(30)
    assert died.exitcode == -signal.SIGKILL
    node = Node.open(elm)
    assert node.text(KEY, f"YES {code}") == ["Paid: 3 hours to Ben. It is good."]
    assert balance(node, "Ben") == 300
    node.close()


def test_sos_calls_once_and_safe_takes_it_back(node: Node) -> None:
    pair(node)
    for _ in range(2):
        assert node.text(KEY, "SOS fire at 12") == [Said.CALLED.value]
    (call,) = node.calls()
    assert (call.level, call.words, call.author.name) == ("danger", "fire at 12", "Ana")
    assert call.id.endswith(".1"), "a text that comes twice calls once"
    assert node.text(KEY, "SAFE") == [Said.SAFE.value]
    assert node.text(KEY, "SAFE") == [Said.NOTHING_TO_END.value]
    assert node.calls()[0].is_over


def test_an_allowance_is_used_up_and_comes_back_but_help_is_always_heard(node: Node, ticks: Ticks) -> None:
    pair(node)
    answered = [bool(node.text(KEY, "BAL")) for _ in range(20)]
    assert answered == [True] * desk.TEXTS_AT_ONCE + [False] * (20 - desk.TEXTS_AT_ONCE)
    assert node.text(KEY, "SOS fire") == [Said.CALLED.value]
    ticks.now += 3600 / desk.TEXTS_PER_HOUR + 1
    assert node.text(KEY, "BAL")


def test_news_and_zines_are_told(node: Node) -> None:
    pair(node)
    assert node.text(KEY, "NEWS") == [Said.NO_NEWS.value]
    ana = node.sign_in("Ana", PIN).account
    node.post(Board.NOTICE, "Meeting on Friday", "at the oak", ana)
    assert node.text(KEY, "NEWS") == ["Meeting on Friday: at the oak"]
    assert node.text(KEY, "ZINES") == [Said.WHICH_ZINES.value]
    assert node.text(KEY, "ZINES unheardof") == [Said.NO_ZINES.value]


@pytest.mark.parametrize("amount", ["99999999999999999999", "1000000000000"])
def test_an_amount_that_no_store_holds_is_refused_in_a_sentence(node: Node, amount: str) -> None:
    pair(node)
    (answer,) = node.text(KEY, f"PAY ben {amount} bread")
    assert answer == str(Refused(Verdict.AMOUNT_TOO_LARGE))
    assert node.text(KEY, "YES ABCD") == [Said.NOTHING_WAITS.value]


def test_a_question_goes_with_whoever_was_asked(node: Node) -> None:
    pair(node)
    code = question(node, "PAY ben 3")
    pair(node)
    assert node.text(KEY, f"YES {code}") == ["Paid: 3 hours to Ben. It is good."], "still the same member's phone"
    code = question(node, "PAY ben 3")
    pair(node, "Ben")
    assert node.text(KEY, f"YES {code}") == [Said.NOTHING_WAITS.value]


def test_a_phone_that_is_paired_again_puts_no_other_out(node: Node) -> None:
    for number in (1, 2, 3, 3):
        pair(node, key=bytes([number] * 32))
    assert len(node.phones(node.sign_in("Ana", PIN))) == desk.PHONES_MAX


def test_a_long_call_that_is_texted_twice_is_one_call(node: Node, ticks: Ticks) -> None:
    pair(node)
    text = f"SOS  the cellar of {'the old mill ' * 9}"
    assert node.text(KEY, text) == [Said.CALLED.value]
    (call,) = node.calls_on_air()
    ticks.now += 30
    assert node.text(KEY, text) == [Said.CALLED.value]
    assert [held.turn for held in node.calls_on_air()] == [call.turn]


def test_whoever_texts_in_vain_wears_no_card(node: Node) -> None:
    pair(node)
    while node.text(KEY, "BAL"):
        pass
    with closing(sqlite3.connect(node.settings.database)) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        assert [node.text(KEY, "BAL") for _ in range(50)] == [[]] * 50
        assert other.execute("PRAGMA data_version").fetchone() == before
        node.text(KEY, "SOS fire")
        assert other.execute("PRAGMA data_version").fetchone() != before, "it would have shown"
