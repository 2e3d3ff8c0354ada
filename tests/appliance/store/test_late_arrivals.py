"""Small histories, each heard in every order: what arrives late changes nothing in what it all amounts to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, permutations
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.door import Door
from appliance.kinds import MEMBER, ZINE, NodeCard, PostCard
from appliance.settings import Settings
from appliance.store.database import Row
from appliance.store.views import _state_rows
from mesh import links
from mesh.keys import PUBLIC, Head, digest
from mesh.links import Height
from mesh.log import Run
from mesh.record import Record
from tests.appliance.scribes import SALT, STREET, Scribe, key_of, stranger_in_the_street, unsynced

OAK: Final = key_of(2)
Ask = Callable[[Door], Any]


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return stranger_in_the_street(tmp_path_factory.mktemp("street") / "blank")


@pytest.fixture
def in_every_order(blank: Settings, tmp_path: Path) -> Callable[[Ask, list[Run]], Any]:
    """Deliver runs in every order (of five in some), each time to a fresh node; return the one answer that all of them give."""

    def hear(ask: Ask, runs: list[Run]) -> Any:
        orders = islice(permutations(runs), 0, None, 7 if len(runs) > 4 else 1)
        heard = [hear_once(order, blank, tmp_path / "hearing", ask) for order in orders]
        assert all(one == heard[0] for one in heard[1:])
        return heard[0][0]

    return hear


def hear_once(order: tuple[Run, ...], blank: Settings, data: Path, ask: Ask) -> tuple[Any, list[Row]]:
    shutil.copytree(blank.data, data)
    door = Door(replace(blank, data=data), make=unsynced)
    try:
        waiting = list(order)
        for _ in order:
            waiting = [run for run in waiting if door.accept(run).waits]
        assert not waiting
        return ask(door), [tuple(row) for scope in (PUBLIC, STREET) for row in _state_rows(door.database, scope)]
    finally:
        door.close()
        shutil.rmtree(data)


def counted(scribe: Scribe) -> Ask:
    """Ask how far a log counts."""
    return lambda door: door.counting.counted(door.records.log(scribe.log))  # type: ignore[arg-type]  # it is there


def balance(scribe: Scribe, number: int) -> Ask:
    sql = "SELECT amount FROM balance WHERE node = ? AND number = ?"
    return lambda door: door.database.value(sql, *scribe.account(number))


@pytest.fixture
def elm() -> Scribe:
    scribe = Scribe.founder()
    scribe.say(links.admit(0, OAK.node_id))
    scribe.member(1, "Ana")
    scribe.seal()
    return scribe


@pytest.fixture
def oak(elm: Scribe) -> Scribe:
    """A node that was let in, counts in the street's currency, and has one neighbour."""
    scribe = Scribe.invited(OAK)
    scribe.say(links.absorb(0, elm.place()))
    scribe.member(1, "Ben")
    scribe.seal()
    return scribe


def test_whoever_is_let_in_late_counts_from_the_first_record_on(in_every_order, oak: Scribe, elm: Scribe) -> None:
    oak.pay(1, elm.account(1), 700)
    before = elm.run(upto=elm.seals[0])
    assert in_every_order(balance(oak, 1), [before, oak.run(after=0, upto=oak.seals[0]), oak.run(after=3)]) == -700


def test_credits_count_once_they_were_absorbed(in_every_order, oak: Scribe, elm: Scribe) -> None:
    oak.pay(1, elm.account(1), 1900)
    elm.pay(1, oak.account(1), 3000)  # passes the floor: nothing was absorbed yet
    elm.say(links.absorb(0, oak.place()))
    elm.pay(1, oak.account(1), 3000)
    assert in_every_order(balance(elm, 1), [elm.run(upto=elm.seals[0]), elm.run(after=4), oak.run()]) == -1100


@pytest.mark.timeout(60)
def test_whoever_absorbs_what_nobody_wrote_waits_and_hangs_nobody(in_every_order, oak: Scribe, elm: Scribe) -> None:
    oak.say(links.absorb(0, Height(oak.log, 2, Head(bytes(32)))))
    oak.say(Record.new([77, 0]))
    elm.say(links.absorb(0, Height(oak.log, 2, Head(bytes(32)))))
    elm.say(Record.new([77, 0]))
    runs = [elm.run(), oak.run()]
    assert in_every_order(counted(oak), runs) == 3
    assert in_every_order(counted(elm), runs) == 4


def test_two_that_wait_for_each_other_hang_nobody(in_every_order, oak: Scribe, elm: Scribe) -> None:
    for one, other in ((oak, elm), (elm, oak)):
        one.say(links.absorb(0, replace(other.place(), head=Head(bytes(32)))))
        one.say(Record.new([77, 0]))
    assert in_every_order(counted(oak), [elm.run(), oak.run()]) == 3


def test_a_text_that_is_no_name_is_as_if_taken_back(in_every_order, elm: Scribe) -> None:
    place = elm.say(Record.new([MEMBER, 0, 2], ["two", "names"], SALT))
    elm.pay(2, elm.account(1), 100)
    first = elm.run()
    elm.say(links.withdraw(0, *place))
    second = elm.run(after=first.upto)
    silent = replace(
        first,
        records=tuple(
            r.without_text() if r.fields()[0] == MEMBER and r.said() == ["two", "names"] else r for r in first.records
        ),
    )
    assert in_every_order(balance(elm, 2), [first, second]) == -100
    assert in_every_order(balance(elm, 2), [replace(elm.run(), records=(*silent.records, *second.records))]) == -100


def test_a_zine_that_says_nonsense_is_never_on_the_shelf(in_every_order, elm: Scribe) -> None:
    public = Scribe.public(elm.key)
    for said in (7, {0: 7}, {9: "x"}, {0: "Bread", 7: "no list"}, ["Bread"]):
        public.say(Record.new([ZINE, 0, digest(b"bread"), 5, 0], said, SALT))
    public.say(Record.new([ZINE, 0, digest(b"bread"), 5, 0]))
    assert in_every_order(lambda door: door.database.value("SELECT count(*) FROM zine"), [public.run()]) == 0


def test_texts_are_taken_back_before_or_after_they_arrive(in_every_order, elm: Scribe) -> None:
    place = elm.say(PostCard("notice", 1, "Street breakfast", "").record(0, SALT))
    elm.seal()
    back = elm.again(elm.place(place.seq))
    back.say(links.withdraw(0, *place))
    titles: Ask = lambda door: door.database.rows("SELECT title FROM post")  # noqa: E731
    assert in_every_order(titles, [elm.run(), back.run()]) == []


# homes that come back


def test_a_tail_that_somebody_held_counts_again(in_every_order, oak: Scribe, elm: Scribe) -> None:
    oak.pay(1, elm.account(1), 100)
    oak.seal()
    oak.pay(1, elm.account(1), 200)
    oak.seal()
    oak.pay(1, elm.account(1), 400)
    back = oak.again(oak.place(4))
    back.pay(1, elm.account(1), 800)
    elm.say(links.held(0, oak.place(5)))
    runs = [elm.run(), oak.run(), back.run()]
    assert in_every_order(balance(oak, 1), runs) == -1100
    assert in_every_order(counted(oak), runs) == 5


def test_what_waits_beyond_an_end_names_nothing(in_every_order, oak: Scribe, elm: Scribe) -> None:
    """An absorb names its target while it is next in line; once its own log is left behind before it, it never was."""
    ash = Scribe.invited(key_of(3))
    ash.seal()
    ash.pay(1, elm.account(1), 100)
    ash.seal()
    ash_back = ash.again(ash.place(1))
    oak.say(links.absorb(0, replace(ash.place(2), head=Head(bytes(32)))))
    oak_back = oak.again(oak.place(3))
    elm.say(links.admit(0, ash.node))
    runs = [elm.run(), oak.run(), oak_back.run(), ash.run(), ash_back.run()]
    assert in_every_order(counted(ash), runs) == 1


def test_a_tail_cannot_speak_for_itself(in_every_order, oak: Scribe, elm: Scribe) -> None:
    oak.pay(1, elm.account(1), 200)
    oak.say(links.held(0, replace(oak.place(), height=99)))
    back = oak.again(oak.place(3))
    assert in_every_order(counted(oak), [elm.run(), oak.run(), back.run()]) == 3


def test_nor_through_whom_it_let_in(in_every_order, oak: Scribe, elm: Scribe) -> None:
    ash = Scribe.invited(key_of(3))
    oak.say(links.admit(0, ash.node))
    ash.say(links.held(0, oak.place()))
    back = oak.again(oak.place(3))
    runs = [elm.run(), oak.run(), back.run(), ash.run()]
    assert in_every_order(counted(oak), runs) == 3
    assert in_every_order(counted(ash), runs) == 0


def test_a_number_given_twice_by_two_lives_of_a_home_is_judged_alike(in_every_order, oak: Scribe, elm: Scribe) -> None:
    oak.seal()
    oak.member(2, "Cara, of the tail")
    back = oak.again(oak.place(3))
    back.member(2, "Dora")
    back.pay(2, elm.account(1), 100)
    elm.say(links.held(0, oak.place()))
    runs = [elm.run(), oak.run(), back.run()]
    assert in_every_order(balance(oak, 2), runs) == -100
    names: Ask = lambda door: door.database.rows("SELECT name FROM member WHERE number = 2")  # noqa: E731
    assert in_every_order(names, runs) == [("Cara, of the tail",)]


def test_the_latest_incarnation_says_what_a_node_is_called(in_every_order) -> None:
    old, new = Scribe.public(OAK), Scribe.public(OAK, incarnation=1)
    for scribe, name in ((old, "Oak"), (new, "Old Oak")):
        scribe.say(NodeCard(name).record(0, SALT))
    old.seal()
    old.say(NodeCard("Oak again").record(0, SALT))
    names: Ask = lambda door: door.database.value("SELECT name FROM node_name WHERE node = ?", OAK.node_id)  # noqa: E731
    assert in_every_order(names, [old.run(), new.run(), old.run(upto=old.seals[0])]) == "Old Oak"


def test_a_public_log_moves_nothing_in_a_street(in_every_order, oak: Scribe, elm: Scribe) -> None:
    oak.seal()
    oak.pay(1, elm.account(1), 200)
    back, public = oak.again(oak.place(3)), Scribe.public(elm.key)
    public.say(links.held(0, oak.place()))
    public.say(links.withdraw(0, oak.log, 3))
    runs = [elm.run(), oak.run(), back.run(), public.run()]
    assert in_every_order(counted(oak), runs) == 3
    assert in_every_order(lambda door: door.database.rows("SELECT name FROM member ORDER BY name"), runs) == [
        ("Ana",),
        ("Ben",),
    ]
