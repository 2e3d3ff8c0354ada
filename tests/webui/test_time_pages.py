"""Neighbours are asked what time it is, and a keeper's word decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.moons import REST_S
from appliance.node import Node
from appliance.timekeeping import BUILT_AT, YEAR_S
from tests.webui.visitor import Page, Visitor
from webui.words import local_minute

NOW = BUILT_AT + YEAR_S
TYPED = local_minute(NOW)


@pytest.fixture(autouse=True)
def lost(node: Node) -> None:
    """The clock stands at 1970."""
    node.clock = replace(node.clock, wall=lambda: 0.0, ticks=lambda: 1000.0)


def clock(node: Node) -> object:
    return node.status().as_json()["clock"]


def test_a_passer_by_is_not_asked(stranger: Visitor, node: Node) -> None:
    assert "/mesh/time" not in stranger.get("/mesh").text
    assert stranger.send("/mesh/time", {"at": TYPED}).status_code == 400
    assert clock(node) == {"trust": "none", "now": 0}


def test_a_keepers_word_decides(ana: Visitor, node: Node) -> None:
    assert "your word decides" in ana.get("/mesh").text
    assert ana.submit("/mesh", "/mesh/time", at=TYPED).status_code == 200
    assert clock(node) == {"trust": "agreed", "now": NOW // 60 * 60}
    assert "is sure of the time" in ana.get("/mesh").text


def test_a_members_word_is_one_of_several(ana: Visitor, ben: Visitor, chiara: Visitor, node: Node) -> None:
    assert ben.submit("/mesh", "/mesh/time", at=TYPED).status_code == 200
    assert chiara.submit("/mesh", "/mesh/time", at=TYPED).status_code == 200
    assert clock(node) == {"trust": "none", "now": 0}
    node.clock = replace(node.clock, wall=lambda: NOW + 200)
    assert TYPED in ben.get("/mesh").text.replace(local_minute(NOW + 200), TYPED), (
        "what the node has heard stands there"
    )
    assert ben.submit("/mesh", "/mesh/time", at=local_minute(NOW + 240)).status_code == 200
    assert clock(node)["trust"] == "agreed"  # type: ignore[index]
    assert "/mesh/time" not in ben.get("/mesh").text
    assert "/mesh/time" in ana.get("/mesh").text, "who may mend a slip"


@pytest.mark.parametrize(
    "typed", ["", "soon", "2026-13-01T10:00", "9" * 500, "0001-01-01T00:00", "9999-12-31T23:59:59"]
)
def test_what_is_no_time_is_refused_in_words(ana: Visitor, node: Node, typed: str) -> None:
    answer = ana.submit("/mesh", "/mesh/time", at=typed)
    assert answer.status_code == 422
    assert "That " in answer.text
    assert clock(node) == {"trust": "none", "now": 0}


def test_the_commons_own_calendar_is_shown_once_there_is_one(ana: Visitor, stranger: Visitor, node: Node) -> None:
    """By its nodes' word, with those who have not said it yet: a node that fell silent keeps its share."""
    assert "own calendar" not in stranger.get("/mesh").text
    node.look_at_moon()
    node.clock = replace(node.clock, ticks=lambda: 1000.0 + REST_S)
    ana.submit("/mesh", "/mesh/time", at=TYPED)
    assert node.look_at_moon() == 1
    told = Page(stranger.get("/mesh").text).words
    assert "it is moon 1 since its founding" in told
    assert "The others" not in told
    node.look_at_moon()  # as the daemon does each minute
    with node.database.writing():
        node.database.run("INSERT INTO admitted (node) VALUES (?)", b"another node....")
    assert "own calendar" in stranger.get("/mesh").text, "it never goes back"
    assert "(none yet)." in Page(stranger.get("/mesh").text).words
