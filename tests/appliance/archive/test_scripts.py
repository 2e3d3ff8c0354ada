"""Lines from right to left, judged by GNU FriBidi: the same order and the same joined letters."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.archive.scripts import (
    direction,
    has_right_to_left,
    is_right_to_left,
    joined,
    levels,
    mirrored,
    visual_order,
)

LINES = (
    "السلام عليكم",
    "لا إله إلا الله",
    "سلام 123 عدد 4.5 و 6,7",
    "املأ الزجاجات (ثم احفظها) في الظلام.",
    "قال Ana شيئا ثم Ben قال أكثر",
    "پنج چای گرم",
    "בדיקה 12:30 של טקסט עם English בפנים",
    "שלום, עולם! 50% פחות",
    "abc אבג 12.5 def",
    "Ana said שלום to me",
    "- 3 + 4 שווה",
    "مـــد طويل",
    'قالت الجارة: لا بأس. She said "OK (yes)".',
    "שלום (abc) עולם [x] (שוב) ((a) ב)",
    "one (אחד) two) (three",
    "ئ ؤ أ إ آ ى ة",
)


def drawn(line: str, from_the_right: bool) -> str:
    shaped = joined(line)
    ranks = levels(shaped, from_the_right)
    return "".join(mirrored(shaped[p]) if ranks[p] % 2 else shaped[p] for p in visual_order(shaped, from_the_right))


def judged(line: str, from_the_right: bool) -> str:
    words = ["fribidi", "--nopad", "--nobreak", "--rtl" if from_the_right else "--ltr"]
    run = subprocess.run(words, input=line + "\n", capture_output=True, text=True, check=True, timeout=20)
    return run.stdout.rstrip("\n").replace("\ufeff", "")


@pytest.mark.real
@pytest.mark.parametrize("from_the_right", [True, False])
@pytest.mark.parametrize("line", LINES)
def test_a_line_is_drawn_as_fribidi_draws_it(line: str, from_the_right: bool) -> None:
    assert drawn(line, from_the_right) == judged(line, from_the_right)


def test_latin_lines_stay_as_they_are() -> None:
    assert visual_order("one (two) 3.", False) == list(range(12))
    assert joined("one") == "one"
    assert not has_right_to_left("Ñandú — 12 €")
    assert has_right_to_left("a ב")


def test_the_first_strong_letter_decides_where_a_paragraph_begins() -> None:
    assert direction("12. שלום abc", otherwise=False)
    assert not direction("(abc) שלום", otherwise=True)
    assert direction("123", otherwise=True)


def test_languages_know_their_direction() -> None:
    assert is_right_to_left("ar")
    assert is_right_to_left("he-IL")
    assert is_right_to_left("FA")
    assert not is_right_to_left("en")
    assert not is_right_to_left("arn")


@given(
    st.text(alphabet="ab\u05d0\u05d1\u0633\u0644\u0627\u064512.,()+-% \u064b\u0640\u200f", max_size=30), st.booleans()
)
def test_no_letter_is_lost_or_doubled(line: str, from_the_right: bool) -> None:
    assert sorted(visual_order(line, from_the_right)) == list(range(len(line)))
    assert len(joined(line)) <= len(line)
