"""Notes in the margin: appended, carried, taken back, and the same at every node in whatever order they came."""

from __future__ import annotations

from io import BytesIO
from random import Random
from typing import Final

import pytest

from appliance.answers import Account
from appliance.errors import Answer, Objection, Refused
from appliance.kinds import ZineCard
from appliance.ledger.verdicts import Verdict
from appliance.library import NoteForm, Zine, ZineForm
from appliance.node import Node
from appliance.notes import PAGE_MAX, QUOTE_LENGTH_MAX, TEXT_LENGTH_MAX, NoteCard
from appliance.store.database import Database
from appliance.store.migrations import NOTES
from mesh.keys import LogId
from mesh.record import RecordId
from tests.appliance.scribes import SALT, Scribe, key_of
from tests.appliance.street import PIN, Street

SAYS: Final = NoteForm("Rye wants longer.", "a long night", "salt and ", ".")


@pytest.fixture
def elm(street: Street) -> Node:
    return street.elm


@pytest.fixture
def oak(street: Street, elm: Node) -> Node:
    return street.welcome("Oak")


@pytest.fixture
def ana(street: Street, elm: Node) -> Account:
    return street.neighbour(elm, "Ana")


@pytest.fixture
def zine(elm: Node) -> Zine:
    return elm.publish(ZineForm("Bread"), BytesIO(b"Flour, water, salt and a long night."), "a.md", None)


def refused(verdict: Answer, node: Node, zine_id: str, form: NoteForm, who: Account, key: str | None = None) -> None:
    before = node.records.count()
    with pytest.raises(Refused) as refusal:
        node.annotate(zine_id, form, who, key)
    assert refusal.value.verdict is verdict
    assert node.records.count() == before


def test_a_note_stands_in_the_margin_here_and_at_the_next_node(
    street: Street, elm: Node, oak: Node, ana: Account, zine: Zine
) -> None:
    note = elm.annotate(zine.id, SAYS, ana)
    assert (note.zine_id, note.text, note.by, note.written_at) == (zine.id, "Rye wants longer.", "Ana", "Elm")
    assert (note.quote, note.before, note.after, note.page) == ("a long night", "salt and", ".", 0)
    assert note.place == "\u201ca long night\u201d"
    street.settle()
    assert oak.notes(zine.id).rows == (note,)
    assert len(street.hashes()) == 1
    for node in (elm, oak):
        assert list(node.verify()) == []


def test_nobodys_name_is_nobodys_in_every_byte_that_leaves(elm: Node, ana: Account, zine: Zine) -> None:
    note = elm.annotate(zine.id, NoteForm("Too salty.", page=3, is_signed=False), ana)
    assert (note.by, note.page, note.place) == ("", 3, "3")
    record = elm.records.record(RecordId.read(note.id))
    assert record is not None
    assert record.fields()[2:] == [*RecordId.read(zine.id)]
    assert record.said() == {0: "Too salty.", 5: 3}


def test_notes_are_told_newest_first_and_go_on(elm: Node, ana: Account, zine: Zine) -> None:
    for number in range(5):
        elm.annotate(zine.id, NoteForm(f"Note {number}"), ana)
    first = elm.notes(zine.id, limit=3)
    rest = elm.notes(zine.id, older=first.older, limit=3)
    assert [note.text for note in (*first.rows, *rest.rows)] == [f"Note {number}" for number in (4, 3, 2, 1, 0)]
    assert rest.older == ""


@pytest.mark.parametrize(
    ("form", "verdict"),
    [
        (NoteForm(""), Objection.TEXT_EMPTY),
        (NoteForm(" \u202e\n"), Objection.TEXT_EMPTY),
        (NoteForm("x" * (TEXT_LENGTH_MAX + 1)), Objection.TEXT_TOO_LONG),
        (NoteForm("x", quote="y" * (QUOTE_LENGTH_MAX + 1)), Objection.TEXT_TOO_LONG),
        (NoteForm("x", page=-1), Objection.PAGE_UNCOUNTED),
        (NoteForm("x", page=PAGE_MAX + 1), Objection.PAGE_UNCOUNTED),
    ],
)
def test_what_is_no_note_is_refused(elm: Node, ana: Account, zine: Zine, form: NoteForm, verdict: Answer) -> None:
    refused(verdict, elm, zine.id, form, ana)


@pytest.mark.parametrize("number", ["", "x", "a" * 26 + "-1", "../../node.key"])
def test_a_note_on_nothing(elm: Node, ana: Account, number: str) -> None:
    refused(Objection.NOT_FOUND, elm, number, SAYS, ana)
    for ask in (elm.notes, elm.note, elm.withdraw_note):
        with pytest.raises(Refused) as refusal:
            ask(number)
        assert refusal.value.verdict is Objection.NOT_FOUND


def test_a_note_is_written_at_home(street: Street, elm: Node, oak: Node, ana: Account, zine: Zine) -> None:
    street.settle()
    refused(Verdict.HOME_IS_ELSEWHERE, oak, zine.id, SAYS, oak.account(ana.id))


def test_a_key_writes_one_note(elm: Node, ana: Account, zine: Zine) -> None:
    first = elm.annotate(zine.id, SAYS, ana, "key")
    assert elm.annotate(zine.id, SAYS, ana, "key") == first
    refused(Objection.KEY_REUSED, elm, zine.id, NoteForm("Other words."), ana, "key")
    assert len(elm.notes(zine.id).rows) == 1


def test_only_its_writer_or_a_keeper_takes_a_note_back_everywhere(
    street: Street, elm: Node, oak: Node, ana: Account, zine: Zine
) -> None:
    street.neighbour(elm, "Ben")
    street.neighbour(elm, "Kim", keeper=True)
    one, other = elm.annotate(zine.id, SAYS, ana), elm.annotate(zine.id, NoteForm("Hm.", is_signed=False), ana)
    street.settle()
    sessions = {name: elm.sign_in(name, PIN) for name in ("Ana", "Ben", "Kim")}
    may = {name: elm.notes(zine.id, session).rows[0].may_withdraw for name, session in sessions.items()}
    assert may == {"Ana": True, "Ben": False, "Kim": True}
    for node, session in ((elm, sessions["Ben"]), (oak, None)):
        with pytest.raises(Refused) as refusal:
            node.withdraw_note(one.id, session)
        assert refusal.value.verdict is Objection.NOT_YOURS
    elm.withdraw_note(one.id, sessions["Ana"])
    elm.withdraw_note(other.id, sessions["Kim"])
    street.settle()
    assert elm.notes(zine.id).rows == oak.notes(zine.id).rows == ()
    assert len(street.hashes()) == 1
    assert list(oak.verify()) == []


def test_the_zine_may_go_and_its_notes_with_it(elm: Node, ana: Account, zine: Zine) -> None:
    elm.annotate(zine.id, SAYS, ana)
    elm.withdraw_zine(zine.id)
    with pytest.raises(Refused):
        elm.notes(zine.id)
    assert list(elm.verify()) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_note_may_come_before_its_zine(street: Street, elm: Node, oak: Node, ana: Account, seed: int) -> None:
    """Elm's notes are about a zine of Oak, and Rowan may hear either of them first."""
    rowan = street.welcome("Rowan")
    zine = oak.publish(ZineForm("Rye"), BytesIO(b"Rye."), "a.md", None)
    street.settle()
    note = elm.annotate(zine.id, NoteForm("Sour."), ana)
    elm.withdraw_note(elm.annotate(zine.id, NoteForm("Wrong."), ana).id)
    street.chance = Random(seed)
    street.settle()
    assert rowan.notes(zine.id).rows == (note,)
    assert len(street.hashes()) == 1


def test_a_note_waits_for_a_zine_that_is_not_here(elm: Node) -> None:
    """Somebody's note on a zine that this node never heard of counts, and shows nowhere until the zine comes."""
    author, maker = Scribe.public(key_of(5)), Scribe.public(key_of(6))
    author.say(NoteCard(RecordId(maker.log, 2), "Good.").record(0, SALT))
    author.say(NoteCard(RecordId(LogId(b"?" * 16), 7), "Of nothing.").record(0, SALT))
    elm.accept(author.run())
    zine_id = str(RecordId(maker.log, 2))
    with pytest.raises(Refused):
        elm.notes(zine_id)
    maker.say(card("Late").record(0, SALT))
    elm.accept(maker.run())
    assert [note.text for note in elm.notes(zine_id).rows] == ["Good."]
    assert list(elm.verify()) == []


def card(title: str) -> ZineCard:
    return ZineCard(b"z" * 32, 5, "text/plain", title, "", "en", "", "", "", "", ())


def test_a_program_that_learns_of_notes_counts_those_that_came_before(
    street: Street, elm: Node, oak: Node, ana: Account, zine: Zine
) -> None:
    """Oak ran the older program while Elm's notes arrived: they stood in the log and in no view."""
    elm.annotate(zine.id, SAYS, ana)
    street.settle()
    street.close(oak)
    database = Database(oak.settings.database)
    with database.writing():
        for sql in ("DROP TABLE note", *NOTES):
            database.run(sql)
    database.close()
    oak = street.open("Oak")
    assert len(oak.notes(zine.id).rows) == 1
    assert len(street.hashes()) == 1
    assert oak.private.mark("views") == ""
