"""Finding zines by what a person types: in any script, with any sign, and never as a language of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.library import Passage, ZineForm
from appliance.node import Node
from appliance.store import searching
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


# however it is written


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Un café crème", "cafe"),
        ("Un cafe creme", "CAFÉ"),
        ("Cafe\u0301", "café"),
        ("Straße", "strasse"),
        ("Smørrebrød", "smorrebrod"),
        ("Łódź", "lodz"),
        ("\ufb01ne \ufb02our", "fine flour"),
        ("\uff26\uff55\uff4c\uff4c", "full"),
        ("كِتَابٌ جَدِيد", "كتاب"),
        ("كتاب", "كِتَاب"),
        ("كــتــاب", "كتاب"),
        ("أحمد إلى آخر", "احمد الى اخر"),
        ("مكتبة", "مكتبه"),
        ("שָׁלוֹם", "שלום"),
        ("小麦粉と水と塩", "麦粉"),
        ("ガーデニング", "\uff76\uff9e\uff70\uff83\uff9e\uff86"),
        ("빵을 굽는 법", "굽는"),
        ("오래된빵집에서", "빵집"),
        ("東京𠮷野家", "𠮷野"),
        ("чёрный хлеб", "черный"),
    ],
)
def test_it_is_found_however_it_is_written(written: str, typed: str) -> None:
    there, asked = searching.indexed(searching.folded(written)), searching.all_words(typed)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE VIRTUAL TABLE words USING fts5 (body, tokenize = 'unicode61 remove_diacritics 2')")
        database.execute("INSERT INTO words VALUES (?)", (there,))
        assert database.execute("SELECT count(*) FROM words WHERE words MATCH ?", (asked,)).fetchone() == (1,)
    sentence = searching.passage(f"Something else. {written}. The end.", typed)
    assert sentence is not None
    assert searching.folded(typed).split()[0] in searching.folded(sentence.before + sentence.found + sentence.after)


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("One. A long café night! Two.", "cafe", ("A long ", "café", " night!")),
        ("كِتَابٌ جَدِيد", "كتاب", ("", "كِتَابٌ", " جَدِيد")),
        ("面包很好吃。水也好。", "也好", ("水", "也好", "。")),
        ("x" * 300 + " flour " + "y" * 300, "flour", ("\u2026" + "x" * 79 + " ", "flour", " " + "y" * 79 + "\u2026")),
        ("Straße und Meer", "strasse", ("", "Straße", " und Meer")),
    ],
)
def test_the_word_is_shown_in_its_sentence(text: str, query: str, shown: tuple[str, str, str]) -> None:
    assert searching.passage(text, query) == Passage(*shown)


@pytest.mark.parametrize(("text", "query"), [("", "x"), ("bread", "flour"), ("bread", ""), ("bread", "!"), ("?", "?")])
def test_no_sentence_is_shown_where_the_word_is_not(text: str, query: str) -> None:
    assert searching.passage(text, query) is None


def test_a_sentence_of_markdown_is_shown_without_its_marks() -> None:
    text = "# Water\n\n- Fill **clean** bottles, [close them](/help) `now`, some_thing _slanted_ ~~old~~\n> quoted"
    sentence = searching.passage(text, "bottles", is_markdown=True)
    assert sentence == Passage("Fill clean ", "bottles", ", close them now, some_thing slanted old")


@given(st.text(max_size=60), st.text(max_size=10))
def test_any_text_may_be_looked_through(text: str, query: str) -> None:
    sentence = searching.passage(text, query)
    assert sentence is None or sentence.found in text


def test_sentences_come_with_what_was_found(node: Node) -> None:
    (sentence,) = node.passages("night", node.zines("night").rows).values()
    assert (sentence.found, sentence.before.endswith("a long ")) == ("night", True)
