"""Bodies of records: any that somebody signed is read, or malformed; and each reads back as it was written."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import kinds
from appliance.commons.names import BODY_LENGTH_MAX, DESCRIPTION_LENGTH_MAX, NAME_LENGTH_MAX, TITLE_LENGTH_MAX
from appliance.desks.bringing import LANGUAGE_LENGTH_MAX, TAGS_MAX
from appliance.kinds import (
    BOARDS,
    CODE_LENGTH_MAX,
    DECIMALS_MAX,
    FLOOR_MIN,
    MEDIA_TYPES,
    CurrencyRules,
    Member,
    NodeCard,
    PostCard,
    ZineCard,
)
from appliance.ledger.transfer import Transfer
from appliance.notes import CONTEXT_LENGTH_MAX, PAGE_MAX, QUOTE_LENGTH_MAX, TEXT_LENGTH_MAX, NoteCard
from mesh import links
from mesh.canonical import INT_MAX
from mesh.errors import Malformed, PeerFault
from mesh.keys import LogId, NodeId
from mesh.record import Record, RecordId

SALT: Final = bytes(16)
WIDE: Final = "\U0001f469"  # four bytes in UTF-8
HOME: Final = NodeId(b"h" * 16)
READERS: Final[dict[int, Any]] = {
    kinds.NODE: NodeCard.read,
    kinds.MEMBER: Member.read,
    kinds.CURRENCY: CurrencyRules.read,
    kinds.TRANSFER: lambda record: Transfer.read(record.fields(), HOME),
    kinds.POST: PostCard.read,
    kinds.ZINE: ZineCard.read,
    kinds.NOTE: NoteCard.read,
    links.OPEN: links.Opening.read,
    links.ABSORB: links.read_height,
    links.HELD: links.read_height,
    links.WITHDRAW: links.read_withdrawal,
    links.ADMIT: links.read_admission,
}

texts = st.text(max_size=30)
cards = st.one_of(
    st.builds(NodeCard, texts),
    st.builds(Member, st.integers(1, INT_MAX), texts),
    st.builds(
        CurrencyRules,
        number=st.integers(0, INT_MAX),
        code=st.text(min_size=1, max_size=CODE_LENGTH_MAX),
        decimals=st.integers(0, DECIMALS_MAX),
        floor=st.integers(FLOOR_MIN, 0),
        name=texts,
        meaning=texts,
    ),
    st.builds(PostCard, st.sampled_from(BOARDS), st.integers(1, INT_MAX), texts, texts),
    st.builds(
        ZineCard,
        blob=st.binary(min_size=32, max_size=32),
        size=st.integers(1, INT_MAX),
        media_type=st.sampled_from(MEDIA_TYPES),
        title=texts,
        creator=texts,
        language=texts,
        description=texts,
        series=texts,
        issue=texts,
        licence=texts,
        tags=st.lists(texts, max_size=3).map(tuple),
    ),
    st.builds(
        NoteCard,
        zine=st.builds(RecordId, st.binary(min_size=16, max_size=16).map(LogId), st.integers(1, INT_MAX)),
        text=texts,
        by=texts,
        quote=texts,
        before=texts,
        after=texts,
        page=st.integers(0, PAGE_MAX),
    ),
)


@given(cards)
def test_what_is_written_is_read(card: Any) -> None:
    record = Record.parse(card.record(7, SALT).encode())
    assert type(card).read(record) == card


@given(cards)
def test_a_text_that_was_taken_back_was_never_said(card: Any) -> None:
    record = card.record(7, SALT)
    assert type(card).read(record.without_text()) == type(card).read(Record.new(record.fields()))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-INT_MAX, INT_MAX) | st.text(max_size=8) | st.binary(max_size=33),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 9) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)
kind_numbers = st.sampled_from([*READERS, 77])


@given(kind_numbers, st.lists(values, max_size=7), values)
def test_any_record_is_read_or_malformed(kind: int, rest: list[Any], said: Any) -> None:
    record = Record.new([kind, 0, *rest], said, SALT if said is not None else b"")
    assert Record.parse(record.encode()) == record
    if reader := READERS.get(kind):
        with suppress(PeerFault):
            reader(record)


@given(cards, values)
def test_a_text_of_another_shape_is_as_if_never_said(card: Any, said: Any) -> None:
    fields = card.record(7, SALT).fields()
    strange = Record.new(fields, said, SALT if said is not None else b"")
    known = type(card).read(Record.new(fields))
    read = type(card).read(strange)
    assert read == known or read.record(7, SALT).said() == said


@pytest.mark.parametrize(
    "said",
    [
        {0: ""},
        {0: "x" * (TEXT_LENGTH_MAX + 1)},
        {0: "x", 1: "x" * (NAME_LENGTH_MAX + 1)},
        {0: "x", 2: "x" * (QUOTE_LENGTH_MAX + 1)},
        {0: "x", 5: 0},
        {0: "x", 5: PAGE_MAX + 1},
        {0: "x", 5: True},
        {0: "x", 6: "x"},
        {0: "x", "1": "x"},
        {0: 1},
        ["x"],
    ],
)
def test_a_note_that_keeps_to_no_rule_says_nothing(said: Any) -> None:
    assert NoteCard.read(Record.new([kinds.NOTE, 0, b"z" * 16, 1], said, SALT)).text == ""


GOOD_ZINE: Final = [kinds.ZINE, 0, b"z" * 32, 5, 0]


@pytest.mark.parametrize(
    "core",
    [
        [kinds.NODE, 0, 1],
        [kinds.MEMBER, 0],
        [kinds.MEMBER, 0, 0],
        [kinds.MEMBER, 0, -1],
        [kinds.MEMBER, 0, True],
        [kinds.MEMBER, 0, "1"],
        [kinds.MEMBER, 0, 1, 2],
        [kinds.CURRENCY, 0, 0, 2, -2000],
        [kinds.CURRENCY, 0, -1, 2, -2000, "hours"],
        [kinds.CURRENCY, 0, 0, DECIMALS_MAX + 1, -2000, "hours"],
        [kinds.CURRENCY, 0, 0, -1, -2000, "hours"],
        [kinds.CURRENCY, 0, 0, 2, 1, "hours"],
        [kinds.CURRENCY, 0, 0, 2, FLOOR_MIN - 1, "hours"],
        [kinds.CURRENCY, 0, 0, 2, False, "hours"],
        [kinds.CURRENCY, 0, 0, 2, -2000, ""],
        [kinds.CURRENCY, 0, 0, 2, -2000, "x" * (CODE_LENGTH_MAX + 1)],
        [kinds.CURRENCY, 0, 0, 2, -2000, b"hours"],
        [kinds.POST, 0, len(BOARDS), 1],
        [kinds.POST, 0, -1, 1],
        [kinds.POST, 0, 0, 0],
        [kinds.ZINE, 0, b"z" * 31, 5, 0],
        [kinds.ZINE, 0, "z" * 32, 5, 0],
        [kinds.ZINE, 0, b"z" * 32, 0, 0],
        [kinds.ZINE, 0, b"z" * 32, -5, 0],
        [kinds.ZINE, 0, b"z" * 32, True, 0],
        [kinds.ZINE, 0, b"z" * 32, 5, len(MEDIA_TYPES)],
        [kinds.ZINE, 0, b"z" * 32, 5, -1],
        [kinds.ZINE, 0, b"z" * 32, 5],
        [kinds.NOTE, 0, b"z" * 15, 1],
        [kinds.NOTE, 0, "z" * 16, 1],
        [kinds.NOTE, 0, b"z" * 16, 0],
        [kinds.NOTE, 0, b"z" * 16, True],
        [kinds.NOTE, 0, b"z" * 16],
        [kinds.NOTE, 0, b"z" * 16, 1, 1],
    ],
)
def test_a_core_that_breaks_its_rules_is_malformed(core: list[Any]) -> None:
    with pytest.raises(Malformed):
        READERS[core[0]](Record.new(core))


def test_the_most_that_people_may_type_can_be_signed() -> None:
    title, tag = WIDE * TITLE_LENGTH_MAX, WIDE * 40
    PostCard("offer", INT_MAX, title, WIDE * BODY_LENGTH_MAX).record(2**40, SALT)
    description, tags = WIDE * DESCRIPTION_LENGTH_MAX, (tag,) * TAGS_MAX
    language = "x" * LANGUAGE_LENGTH_MAX
    zine = ZineCard(b"z" * 32, INT_MAX, "text/plain", title, title, language, description, title, title, title, tags)
    zine.record(2**40, SALT)
    quote, context = WIDE * QUOTE_LENGTH_MAX, WIDE * CONTEXT_LENGTH_MAX
    place, name = RecordId(LogId(b"z" * 16), INT_MAX), WIDE * NAME_LENGTH_MAX
    NoteCard(place, WIDE * TEXT_LENGTH_MAX, name, quote, context, context, PAGE_MAX).record(2**40, SALT)
    CurrencyRules(0, WIDE * NAME_LENGTH_MAX, 2, -2000, WIDE * NAME_LENGTH_MAX, "").record(2**40, SALT)


def test_numbers_are_never_used_twice() -> None:
    assert len(READERS) == len({*READERS})
    ours = (kinds.NODE, kinds.MEMBER, kinds.CURRENCY, kinds.TRANSFER, kinds.POST, kinds.ZINE, kinds.NOTE)
    assert all(number >= 16 for number in ours)
