"""Neighbours: names that are taken, PINs that are slow to guess, sessions that end when they should."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters

from appliance import clock, settings
from appliance.clock import Clock
from appliance.desks import people
from appliance.errors import Answer, Objection, Refused
from appliance.node import Node
from appliance.store import private
from appliance.store.private import SESSIONS_MAX, TRIES_MAX, WAIT_MAX_S
from tests.appliance.street import PIN, Street

MIB = 1 << 10  # Argon2 counts in KiB


class Uptime:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def uptime() -> Uptime:
    return Uptime()


@pytest.fixture
def elm(street: Street, uptime: Uptime) -> Iterator[Node]:
    street.neighbour(street.elm, "Ana", keeper=True)
    street.neighbour(street.elm, "Ben")
    node = opened(street.elm.settings.data, uptime)
    yield node
    node.close()


def opened(data: Path, uptime: Uptime) -> Node:
    return Node(settings.load(data), Clock(ticks=uptime))


def refused(node: Node, name: str, pin: str) -> Refused:
    with pytest.raises(Refused) as refusal:
        node.sign_in(name, pin)
    return refusal.value


def verdicts(node: Node, name: str, pin: str, times: int) -> list[Answer]:
    return [refused(node, name, pin).verdict for _ in range(times)]


# signing in


@pytest.mark.parametrize("typed", ["Ana", " ana ", "ANA", "\uff21na"])
def test_whoever_knows_the_pin_comes_in(elm: Node, typed: str) -> None:
    session = elm.sign_in(typed, PIN)
    assert (session.account.name, session.is_keeper) == ("Ana", True)
    assert not elm.sign_in("Ben", PIN).is_keeper
    again = elm.session(session.token)
    assert again == session
    assert elm.session("") is None
    assert elm.session(session.token + "x") is None


@pytest.mark.parametrize(
    ("name", "pin"), [("Ana", "1235"), ("Ana", ""), ("Ana", PIN + "\x00"), ("Nobody", PIN), ("", PIN), ("\u202e", PIN)]
)
def test_whoever_does_not_stays_out_and_learns_nothing(elm: Node, name: str, pin: str) -> None:
    assert refused(elm, name, pin).verdict is Objection.SIGN_IN_FAILED


def test_ten_thousand_letters_are_no_name_and_no_pin(elm: Node) -> None:
    assert refused(elm, "a" * 10_000, PIN).verdict is Objection.SIGN_IN_FAILED
    assert refused(elm, "Ana", "1" * 10_000).verdict is Objection.SIGN_IN_FAILED


def test_who_lives_elsewhere_is_sent_home(street: Street, elm: Node) -> None:
    oak = street.welcome("Oak")
    street.neighbour(oak, "Cara")
    street.settle()
    refusal = refused(elm, "cara", PIN)
    assert str(refusal) == "The account of Cara is kept at Oak. Please sign in there."


def test_the_card_of_a_neighbour_tells_a_pin_that_works(elm: Node) -> None:
    card = elm.add_member("Dora")
    assert (len(card.pin), card.node_name) == (6, "Elm")
    assert elm.sign_in("Dora", card.pin).account == card.account
    assert elm.add_member("Emil").pin != elm.add_member("Fred").pin


# wrong PINs


def test_wrong_pins_wait_twice_as_long_each_time(elm: Node, uptime: Uptime) -> None:
    assert verdicts(elm, "Ana", "0000", 3) == [Objection.SIGN_IN_FAILED] * 3
    for wait in (1, 2, 4, 8, 16):
        assert refused(elm, "Ana", PIN).details == {"seconds": wait}
        uptime.now += wait - 1
        assert refused(elm, "Ana", PIN).verdict is Objection.TRY_LATER
        uptime.now += 1
        assert refused(elm, "Ana", "0000").verdict is Objection.SIGN_IN_FAILED
    assert refused(elm, "ana", PIN).verdict is Objection.TRY_LATER, "however the name is written"
    assert elm.sign_in("Ben", PIN).account.name == "Ben"
    uptime.now += 32
    assert elm.sign_in("Ana", PIN).account.name == "Ana"
    assert verdicts(elm, "Ana", "0000", 3) == [Objection.SIGN_IN_FAILED] * 3, "and then they are forgotten"


def test_it_never_becomes_a_lock(elm: Node, uptime: Uptime) -> None:
    for _ in range(16):
        refused(elm, "Ana", "0000")
        uptime.now += WAIT_MAX_S
    assert elm.sign_in("Ana", PIN).account.name == "Ana"


def test_the_wait_outlives_a_restart(elm: Node, uptime: Uptime) -> None:
    verdicts(elm, "Ana", "0000", 3)
    again = opened(elm.settings.data, uptime)
    assert refused(again, "Ana", PIN).details == {"seconds": 1}
    uptime.now += 1
    assert again.sign_in("Ana", PIN).account.name == "Ana"
    again.close()


def test_the_wait_outlives_a_reboot_and_ends(
    elm: Node, uptime: Uptime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        refused(elm, "Ana", "0000")
        uptime.now += 1
    other_boot = tmp_path / "boot_id"
    other_boot.write_text("another boot\n")
    monkeypatch.setattr(clock, "BOOT_ID", other_boot)
    uptime.now = 5.0  # the uptime clock began again, and what it said before means nothing
    again = opened(elm.settings.data, uptime)
    assert refused(again, "Ana", PIN).details == {"seconds": 2}
    uptime.now += 1
    assert refused(again, "Ana", PIN).details == {"seconds": 1}
    uptime.now += 1
    assert again.sign_in("Ana", PIN).account.name == "Ana"
    again.close()


def test_names_that_were_tried_fill_no_card(elm: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "TRIES_MAX", 5)
    assert TRIES_MAX == 1000
    verdicts(elm, "Ana", "0000", 3)
    with elm.database.writing():
        for number in range(50):
            elm.private.note_failure(f"name {number}")
    assert elm.database.value("SELECT count(*) FROM tries") <= 6
    assert refused(elm, "Ana", PIN).verdict is Objection.TRY_LATER, "the name that was tried most stays"


# sessions


def test_sessions_outlive_a_restart_and_end_by_signing_out(elm: Node, uptime: Uptime) -> None:
    session = elm.sign_in("Ana", PIN)
    again = opened(elm.settings.data, uptime)
    assert again.session(session.token) == session
    again.sign_out(session.token)
    assert elm.session(session.token) is None
    again.close()


def test_the_oldest_session_ends_when_there_are_too_many(elm: Node) -> None:
    ben = elm.sign_in("Ben", PIN)
    sessions = [elm.sign_in("Ana", PIN) for _ in range(SESSIONS_MAX + 1)]
    assert elm.session(sessions[0].token) is None
    assert all(elm.session(one.token) for one in (*sessions[1:], ben))
    assert len({one.csrf for one in sessions}) == len(sessions)


def test_a_new_pin_ends_all_sessions_but_this_one(elm: Node) -> None:
    sessions = [elm.sign_in("Ana", PIN) for _ in range(SESSIONS_MAX)]
    ben = elm.sign_in("Ben", PIN)
    with pytest.raises(Refused):
        elm.change_pin(sessions[0], "0000", "4321")
    assert all(elm.session(one.token) for one in sessions), "a wrong PIN ends nothing"
    elm.change_pin(sessions[0], PIN, "4321")
    assert [bool(elm.session(one.token)) for one in (*sessions, ben)] == [True] + [False] * (SESSIONS_MAX - 1) + [True]
    assert refused(elm, "Ana", PIN).verdict is Objection.SIGN_IN_FAILED
    assert elm.sign_in("Ana", "4321").is_keeper


@pytest.mark.parametrize(
    "pin", ["", "123", "1" * 13, "12 34", "abcd", "-123", "\u0661\u0662\u0663\u0664", "\uff11\uff12\uff13\uff14"]
)
def test_a_pin_is_four_to_twelve_digits(elm: Node, pin: str) -> None:
    session = elm.sign_in("Ana", PIN)
    for wanted in (lambda: elm.change_pin(session, PIN, pin), lambda: elm.add_member("Dora", pin or " ")):
        with pytest.raises(Refused) as refusal:
            wanted()
        assert refusal.value.verdict is Objection.PIN_TOO_WEAK
    assert [account.name for account in elm.accounts()] == ["Ana", "Ben"]


def test_a_pin_takes_memory_to_guess_but_no_more_than_the_board_has(
    elm: Node, quick_pins: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "HASHER", quick_pins)
    elm.change_pin(elm.sign_in("Ana", PIN), PIN, PIN)
    pin_hash, _ = elm.private.credential(1) or ("", False)
    taken = extract_parameters(pin_hash)
    assert taken.type.name == "ID"
    assert 8 * MIB <= taken.memory_cost <= 16 * MIB
    assert taken.parallelism == 1
    assert PIN not in json.dumps([str(row) for row in elm.database.rows("SELECT * FROM credential")])


# names


@pytest.mark.parametrize("name", ["Ana", "ANA", " ana", "\uff21\uff4e\uff41", "A\u200dna", "A\u202ena", "a\u200bna"])
def test_a_name_is_taken_however_it_is_written(elm: Node, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        elm.add_member(name, PIN)
    assert refusal.value.verdict is Objection.NAME_TAKEN
    assert len(elm.accounts()) == 2


@pytest.mark.parametrize(
    "name", ["陳大文", "👩\u200d👩\u200d👧\u200d👧 and co", "מרים", "Ana R.", "Z" + "\u0337\u0322" * 30]
)
def test_neighbours_are_called_as_they_like(elm: Node, name: str) -> None:
    account = elm.add_member(name, PIN).account
    assert elm.find_payee(name) == elm.find_payee(account.name) == elm.account(account.id) == account
    assert elm.sign_in(name, PIN).account == account


def test_neighbours_are_found_by_how_their_names_begin(elm: Node) -> None:
    for name in ("Anton", "Émile", "100 %", "_a"):
        elm.add_member(name, PIN)
    assert [account.name for account in elm.accounts("AN")] == ["Ana", "Anton"]
    assert [account.name for account in elm.accounts("_")] == ["_a"]
    assert [account.name for account in elm.accounts("%")] == []
    assert [account.name for account in elm.accounts("e\u0301")] == ["Émile"]
    assert elm.accounts("'; DROP TABLE member; --") == []


@pytest.mark.parametrize("number", ["", "x", "1", ".", "a" * 26 + ".1", "a" * 10_000])
def test_an_account_that_is_none(elm: Node, number: str) -> None:
    with pytest.raises(Refused) as refusal:
        elm.account(number)
    assert refusal.value.verdict is Objection.NOT_FOUND


def test_nobody_joins_at_a_node_that_was_not_let_in_yet(street: Street) -> None:
    oak = street.invite("Oak")
    with pytest.raises(Refused) as refusal:
        oak.add_member("Cara", PIN)
    assert refusal.value.verdict is Objection.NOT_LET_IN_YET
    for _ in range(5):
        street.sync(street.elm, oak)
        assert not oak.do_duties(), "and it says nothing in the commons either"
    street.settle()
    assert oak.add_member("Cara", PIN).account.is_here


def test_a_keeper_gives_who_forgot_the_pin_another(elm: Node, uptime: Uptime):
    session = elm.sign_in("Ben", PIN)
    verdicts(elm, "Ben", "0000", 3)
    card = elm.renew_pin(" ben ")
    assert (card.account.name, len(card.pin)) == ("Ben", people.NEW_PIN_DIGITS)
    assert elm.session(session.token) is None, "who found the phone is signed out"
    assert elm.sign_in("Ben", card.pin).account == card.account, "at once: earlier tries are forgotten"
    assert refused(elm, "Ben", PIN).verdict is Objection.SIGN_IN_FAILED


def test_another_pin_makes_nobody_a_keeper_and_no_keeper_less(elm: Node):
    assert not elm.sign_in("Ben", elm.renew_pin("Ben").pin).is_keeper
    assert elm.sign_in("Ana", elm.renew_pin("Ana", "86420").pin).is_keeper


def test_another_pin_is_refused_to_who_is_not_at_home_here(elm: Node):
    for name, pin, verdict in (
        ("Nobody", None, Objection.NOT_OUR_NEIGHBOUR),
        ("", None, Objection.NOT_OUR_NEIGHBOUR),
        ("Ben", "12", Objection.PIN_TOO_WEAK),
    ):
        with pytest.raises(Refused) as refusal:
            elm.renew_pin(name, pin)
        assert refusal.value.verdict is verdict
    assert elm.sign_in("Ben", PIN).account.name == "Ben"
