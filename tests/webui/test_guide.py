"""The keeper's guide: readable before any shelf is filled, and a calculator that answers without a script."""

from __future__ import annotations

from io import BytesIO

import pytest

from appliance.archive.starter_shelf import starter_zines
from appliance.library import ZineForm
from appliance.node import Node
from appliance.power.sizing import GREY, POLE, size
from tests.webui.visitor import Page, Visitor


def test_everybody_reads_both_halves(stranger: Visitor) -> None:
    page = stranger.page("/guide")
    for number, title in ((1, "Building a node"), (2, "Keeping a node")):
        assert title in page.words
        half = stranger.get(f"/guide/read?part={number}")
        assert half.status_code == 200
        assert f'<h1 lang="en">{title}</h1>' in half.text
        assert half.text.count(title) < 6, "its title stands once, above the text"
    assert "/guide" in stranger.page("/help").links


@pytest.mark.parametrize("part", ["0", "99", "x", ""])
def test_a_part_that_is_none_is_the_nearest(stranger: Visitor, part: str) -> None:
    assert stranger.get(f"/guide/read?part={part}").status_code == 200


def test_it_is_printed_where_it_stands_on_the_shelf(node: Node, stranger: Visitor) -> None:
    assert "Fold and print" not in stranger.page("/guide/read").words
    zine = next(zine for zine in starter_zines() if zine.title == "Building a node")
    form = ZineForm(zine.title, zine.creator, "en", zine.description, zine.series, zine.issue, zine.licence, zine.tags)
    made = node.publish(form, BytesIO(zine.body), "zine.md", None)
    assert f"/archive/{made.id}/print" in stranger.page("/guide/read").links


def test_the_calculator_says_what_the_formula_says(stranger: Visitor) -> None:
    wanted = size(52.5, POLE.watts, 5, GREY)
    words = stranger.page("/guide?latitude=52,5&build=pole&days=5&sky=grey").words
    assert f"{wanted.panel_w} W Battery {wanted.battery_ah} Ah" in words
    assert "December" in words
    assert "towards the south" in words
    south = stranger.page("/guide?latitude=-33&build=own&watts=4.2&days=3&sky=mixed")
    assert "June" in south.words
    assert "towards the north" in south.words
    assert ("input", "4.2") in [(tag, given.get("value")) for tag, given in south.tags if given.get("name") == "watts"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("latitude=abc", "abc is no number from -65 to 65."),
        ("latitude=80", "80 is no number"),
        ("latitude=1e3", "1e3 is no number"),
        ("latitude=nan", "nan is no number"),
        ("latitude=50&build=own", "? is no number from 0.1 to 200."),
        ("latitude=50&build=own&watts=-3", "-3 is no number"),
        ("latitude=50&days=" + "9" * 400, "is no number from 0 to 30."),
        ("latitude=65&build=own&watts=100&sky=grey", "too low there for any panel"),
    ],
)
def test_what_cannot_be_is_one_sentence(stranger: Visitor, asked: str, sentence: str) -> None:
    answer = stranger.get(f"/guide?{asked}")
    assert answer.status_code in (200, 422)
    assert sentence in Page(answer.text).words


def test_an_unknown_sky_is_taken_for_a_grey_one(stranger: Visitor) -> None:
    assert stranger.page("/guide?latitude=50&sky=green&build=pole").words.count("W Battery") == 1
