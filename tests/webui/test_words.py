"""How facts are put into words."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.answers import Account, Currency
from appliance.errors import Objection, Refused
from appliance.ledger.verdicts import Verdict
from webui.words import amount, moment, person, rfc3339, sentence, signed_amount, size


def currency(decimals: int) -> Currency:
    return Currency(0, "hours", "hours", "", decimals, -2000, 0)


@pytest.fixture
def greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = os.environ.get("TZ", "")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    ("units", "decimals", "words"),
    [
        (700, 2, "7"),
        (150, 2, "1.5"),
        (155, 2, "1.55"),
        (5, 2, "0.05"),
        (-5, 2, "\u22120.05"),
        (0, 2, "0"),
        (7, 0, "7"),
        (-7, 0, "\u22127"),
        (2**63 - 1, 2, "92233720368547758.07"),
        (1, 6, "0.000001"),
    ],
)
def test_amounts_are_written_as_people_write_them(units: int, decimals: int, words: str):
    assert amount(units, currency(decimals)) == words


@given(st.integers(-(2**63), 2**63), st.integers(0, 6))
def test_no_digit_of_an_amount_is_lost(units: int, decimals: int):
    written = amount(units, currency(decimals)).replace("\u2212", "-")
    whole, _, fraction = written.partition(".")
    assert int(whole + fraction.ljust(decimals, "0")) == units


def test_a_statement_shows_the_sign():
    assert signed_amount(150, currency(2)) == "+1.5"
    assert signed_amount(-150, currency(2)) == "\u22121.5"


def test_a_moment_is_a_day_and_a_time(greenwich: None, app):
    with app.test_request_context():
        assert moment(1760000000) == '<time datetime="2025-10-09T08:53+00:00">2025-10-09 08:53</time>'
        for at in (0, -1, 2**62, 10**15):
            assert "time unsure" in moment(at)


def test_a_feed_always_has_a_time():
    assert rfc3339(1760000000) == "2025-10-09T08:53:20Z"
    for at in (0, -5, 2**62):
        assert rfc3339(at) == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_500_000, "2 MB"), (64_000_000_000, "64 GB")]
)
def test_sizes_are_rounded(count: int, words: str):
    assert size(count) == words


def test_names_stand_apart_and_withdrawn_ones_are_said_to_be(app):
    with app.test_request_context():
        assert person(Account("n.1", "<Ana>", "n", "Elm", True)) == "<bdi>&lt;Ana&gt;</bdi>"
        assert "at \u2068Mill\u2069" in person(Account("n.1", "Ana", "n", "Mill", False))
        assert "took the name back" in person(Account("n.1", "", "n", "Elm", True))


def test_a_name_in_another_script_leaves_the_sentence_in_order(app):
    with app.test_request_context():
        said = sentence(Refused(Objection.NAME_TAKEN, name="\u0622\u0630\u0631"))
        assert said.startswith("\u2068\u0622\u0630\u0631\u2069 is already")
        assert sentence(Refused(Objection.NAME_TAKEN, name="Ana")).startswith("Ana is already")


@pytest.mark.parametrize("answer", [*Verdict, *Objection])
def test_every_answer_can_be_said(app, answer):
    names = "currency decimals text name example limit home room hours language seconds ending kind width height latest"
    details = dict.fromkeys([*names.split(), "typed", "least", "most"], "7")
    with app.test_request_context():
        assert "{" not in sentence(Refused(answer, **details))
