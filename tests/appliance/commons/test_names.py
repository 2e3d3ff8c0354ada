"""Names and texts as people type them, in every script, with and without tricks."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.commons.names import (
    INVISIBLE,
    JOINER,
    MARKS,
    MARKS_MAX,
    NAME_LENGTH_MAX,
    clean_name,
    clean_text,
    folded,
    visible,
)
from appliance.errors import Objection, Refused

FAMILY: Final = "👩\u200d👩\u200d👧\u200d👧"
ZALGO: Final = "Z" + "\u0337\u0322\u0311\u0307" * 20 + "oe"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ana", "Ana"),
        ("  Ana   María ", "Ana María"),
        ("Ana\u00a0R.", "Ana R."),
        ("Ana\tR.\nB.", "Ana R. B."),
        ("e\u0301", "é"),
        ("陳大文", "陳大文"),
        ("さくら", "さくら"),
        ("מרים", "מרים"),
        ("\u202eAna\u202c", "Ana"),
        ("\u2066Ana\u2069\u200f\u061c", "Ana"),
        ("A\u200bn\ufeffa\u00ad", "Ana"),
        ("A\x00n\x1ba\x7f", "Ana"),
        (FAMILY, FAMILY),
        (f"Ana {FAMILY}", f"Ana {FAMILY}"),
        ("7", "7"),
        ("O'Neill-Pérez (the elder)", "O'Neill-Pérez (the elder)"),
        ("<b>Ana</b>", "<b>Ana</b>"),
        ("'; DROP TABLE member; --", "'; DROP TABLE member; --"),
        ("e\u200b\u0301", "é"),
    ],
)
def test_what_is_typed_is_kept_as(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


def test_marks_do_not_pile_up() -> None:
    name = clean_name(ZALGO)
    assert name.startswith("Z")
    assert name.endswith("oe")
    assert len(name) <= 3 + MARKS_MAX


@pytest.mark.parametrize("typed", ["नमस्ते", "ไทย", "Việt", "עִבְרִית", "မြန်မာ"])
def test_scripts_that_need_marks_keep_them(typed: str) -> None:
    assert clean_name(typed) == unicodedata.normalize("NFC", typed)


@pytest.mark.parametrize(
    ("typed", "objection"),
    [
        ("", Objection.NAME_EMPTY),
        (" \t\n", Objection.NAME_EMPTY),
        ("\u202e\u200b\u200d", Objection.NAME_EMPTY),
        ("...", Objection.NAME_EMPTY),
        ("\u0301\u0302", Objection.NAME_EMPTY),
        ("a" * (NAME_LENGTH_MAX + 1), Objection.NAME_TOO_LONG),
        ("a" * 10_000, Objection.NAME_TOO_LONG),
        ("陳" * 10_000, Objection.NAME_TOO_LONG),
        ("\u202e" * 10_000, Objection.NAME_TOO_LONG),
        (FAMILY * 20, Objection.NAME_TOO_LONG),
        ("ana@elm", Objection.NAME_UNWRITABLE),
    ],
)
def test_what_is_no_name_is_refused(typed: str, objection: Objection) -> None:
    with pytest.raises(Refused) as refusal:
        clean_name(typed)
    assert refusal.value.verdict is objection
    assert len(str(refusal.value)) < 160


def test_the_longest_name_is_kept() -> None:
    assert clean_name("陳" * NAME_LENGTH_MAX) == "陳" * NAME_LENGTH_MAX


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana", "ANA"),
        ("Ana", "\uff21\uff4e\uff41"),  # full width
        ("Ana", "A\u200dna"),
        ("Ana Li", " Ana  Li "),
        ("\u05e9\u05e8\u05d4", "\u200f\u05e9\u05e8\u05d4\u202c"),
        ("Zoë", "Zoe\u0308"),
        ("Strauß", "STRAUSS"),
        ("fi", "\ufb01"),
        ("2", "²"),
        ("\u03a3igma\u03c2", "\u03c3igma\u03c3"),
    ],
)
def test_two_spellings_of_one_name_are_equal(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("Ana", "Anna"), ("陳", "陈"), ("Zoe", "Zoë")])
def test_two_names_are_two(one: str, other: str) -> None:
    assert folded(one) != folded(other)


letters = st.text(st.characters(), max_size=60)
tricky = st.text(st.sampled_from("aÉe\u0301\u0337\u200b\u200d\u202e \n\t👩陳@\x00\ud800\ufb01"), max_size=60)


@given(st.one_of(letters, tricky))
def test_a_name_is_clean_after_one_washing(typed: str) -> None:
    with suppress(Refused):
        name = clean_name(typed)
        assert clean_name(name) == name
        assert 0 < len(name) <= NAME_LENGTH_MAX
        name.encode()
        assert not any(unicodedata.category(letter) in INVISIBLE and letter != JOINER for letter in name)


@given(st.one_of(letters, tricky))
def test_what_is_visible_holds_no_trick(typed: str) -> None:
    shown = visible(typed)
    shown.encode()
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\n\x00") & set(shown)
    run = 0
    for letter in shown:
        run = run + 1 if unicodedata.category(letter) in MARKS else 0
        assert run <= MARKS_MAX


def test_texts_keep_their_lines() -> None:
    assert clean_text("  Bread \r\n\r\nand\tmilk  \n\n", 100) == "Bread\n\nand milk"
    assert clean_text("", 100, required=False) == ""


@pytest.mark.parametrize(
    ("typed", "objection"),
    [
        ("", Objection.TEXT_EMPTY),
        ("\n \u200b\n", Objection.TEXT_EMPTY),
        ("a" * 101, Objection.TEXT_TOO_LONG),
        ("\u202e" * 10_000, Objection.TEXT_TOO_LONG),
    ],
)
def test_what_is_no_text_is_refused(typed: str, objection: Objection) -> None:
    with pytest.raises(Refused) as refusal:
        clean_text(typed, 100)
    assert refusal.value.verdict is objection


@given(st.one_of(letters, tricky))
def test_a_text_is_clean_after_one_washing(typed: str) -> None:
    text = clean_text(typed, 100, required=False)
    assert clean_text(text, 100, required=False) == text
