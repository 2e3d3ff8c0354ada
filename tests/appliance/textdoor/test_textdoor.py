"""What is typed on a phone, and answers that fit its screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.textdoor.commands import (
    Balance,
    Command,
    HalfPay,
    Help,
    News,
    Pair,
    Pay,
    Safe,
    Sos,
    Unclear,
    Yes,
    Zines,
    read,
)
from appliance.textdoor.cutting import SIZE_MAX, TEXTS_MAX, clip, cut
from appliance.textdoor.sentences import Said


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("HELP", Help()),
        (" help! ", Help()),
        ("bal", Balance()),
        ("PAY ana 30 bread", Pay("ana", "30", "bread")),
        ("pay Ana Maria@Old Oak 1,5 hours two loaves", Pay("Ana Maria@Old Oak", "1.5", "hours two loaves")),
        ("PAY 7 of 9 3", Pay("7 of", "9", "3")),
        ("PAY ana", HalfPay()),
        ("PAY 30", HalfPay()),
        ("PAY", HalfPay()),
        ("yes k-7 2x", Yes("K72X")),
        ("YES", Unclear()),
        ("NEWS", News()),
        ("zines winter garden", Zines("winter garden")),
        ("SOS fire at 12", Sos("fire at 12")),
        ("SOS", Sos("")),
        ("Safe.", Safe()),
        ("PAIR abcd-efgh", Pair("ABCDEFGH")),
        ("hello", Unclear()),
        ("", Unclear()),
    ],
    ids=str,
)
def test_what_is_typed_is_understood(typed: str, meant: Command) -> None:
    assert read(typed) == meant


@given(st.text(max_size=300))
def test_whatever_is_typed_is_one_of_the_commands(typed: str) -> None:
    assert isinstance(read(typed), Command)


@given(st.lists(st.text(max_size=700), max_size=8))
def test_answers_are_few_and_fit(lines: list[str]) -> None:
    texts = cut(lines)
    assert len(texts) <= TEXTS_MAX
    assert all(1 <= len(text) <= SIZE_MAX and len(text.encode()) <= SIZE_MAX for text in texts if any(lines))


def test_short_lines_share_a_text_and_long_answers_say_that_there_is_more() -> None:
    assert cut(["one", "two"]) == ["one\ntwo"]
    assert cut([]) == []
    long = cut(["word " * 300])
    assert len(long) == TEXTS_MAX
    assert long[-1].endswith("…")


@given(st.text(), st.integers(0, 40))
def test_a_clip_is_the_beginning_and_no_letter_is_halved(text: str, size: int) -> None:
    assert text.startswith(clip(text, size))
    assert len(clip(text, size).encode()) <= size


def test_help_fits_one_text() -> None:
    assert len(cut([Said.HELP.value])) == 1
