"""Finding zines by what a person types: in any script, with any sign, and never as a language of its own."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.answers import ZineForm
from appliance.node import Node
from tests.appliance.street import Street

SHELF: Final = {
    "Bread": "# Bröt\n\nFlour, water, salt and a long night.",
    "水的储存": "把水存放在阴凉处。面包很好吃。",
    "パンの作り方": "小麦粉と水と塩。東京のパン屋。",
    "Лук": "Лук и чеснок зимой.",
    "ماء": "خزّن الماء في الظل.",
    "Pictures": "![x](data:image/png;base64,QUJDREVGR0hJSktMTU5P) the end",
    "OR": "Not an operator AND nothing NEAR it.",
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Street(tmp_path_factory.mktemp("street")) as street:
        for title, text in SHELF.items():
            form = ZineForm(
                title, creator="Zoë 陳", description="winter", tags=("côte d'azur",) if title == "Bread" else ()
            )
            street.elm.publish(form, BytesIO(text.encode()), "a.md", None)
        yield street.elm


def found(node: Node, query: str) -> list[str]:
    return [zine.title for zine in node.zines(query).rows][::-1]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("bread", ["Bread"]),
        ("BREAD flour", ["Bread"]),
        ("brot", ["Bread"]),
        ("bröt", ["Bread"]),
        ("flo", ["Bread"]),
        ("fl", ["Bread"]),
        ("lour", ["Bread"]),
        ("cote azur", ["Bread"]),
        ("bread nothing", []),
        ("水", ["水的储存", "パンの作り方"]),
        ("储存", ["水的储存"]),
        ("面包", ["水的储存"]),
        ("面包很", ["水的储存"]),
        ("很好吃", ["水的储存"]),
        ("水 面包", ["水的储存"]),
        ("水 东京", []),
        ("東京", ["パンの作り方"]),
        ("パン屋", ["パンの作り方"]),
        ("ЧЕСНОК", ["Лук"]),
        ("الماء", ["ماء"]),
        ("陳", list(SHELF)),
        ("zoe", list(SHELF)),
        ("winter", list(SHELF)),
        ("winter flour", ["Bread"]),
        ("base64", []),
        ("the end", ["Pictures"]),
    ],
)
def test_it_is_found(node: Node, query: str, titles: list[str]) -> None:
    assert found(node, query) == titles


@pytest.mark.parametrize("query", ["", " ", "\t\n"])
def test_no_words_find_everything(node: Node, query: str) -> None:
    assert found(node, query) == list(SHELF)


@pytest.mark.parametrize(
    "query",
    [
        '"', '""', '" OR NEAR(', "NEAR(flour water)", "flour NOT water", "flour OR", "-flour", "^flour", "fl*our", "title:bread",
        "{title}: bread", "(", ")", "'", "';--", "flour'", "%", "_", "\\", "\x00", "abc\x00def", "*", "***", "+", "a" * 10_000,
        "\ud800", "\u202e", "🍞", "\uff0c", "「」", "AND AND AND", '"flour" "water"',
    ],
)  # fmt: skip
def test_what_a_person_types_is_never_an_operator(node: Node, query: str) -> None:
    assert set(found(node, query)) <= set(SHELF)


def test_words_that_are_operators_elsewhere_are_words(node: Node) -> None:
    assert found(node, "NEAR") == found(node, "operator AND") == ["OR"]
    assert found(node, "flour OR operator") == []


@given(st.text(max_size=40))
def test_any_text_may_be_typed(node: Node, query: str) -> None:
    node.zines(query)


def test_the_shelf_is_paged_newest_first(node: Node) -> None:
    first = node.zines(limit=4)
    rest = node.zines(older=first.older, limit=4)
    assert [zine.title for zine in (*first.rows, *rest.rows)] == list(SHELF)[::-1]
    assert rest.older == ""
    assert [zine.title for zine in node.zines("winter", first.older).rows] == list(SHELF)[2::-1]
    for strange in ("x", "-1", "9" * 30, "\u0663"):
        assert len(node.zines(older=strange).rows) == len(SHELF)
