"""Two thousand zines in five scripts: everything is found that should be, by one question to the index for a page of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from random import Random

import pytest

from appliance.bench import portal
from appliance.bench.library import ZINES, Library, pointed
from appliance.node import Node
from appliance.store import searching
from tests.appliance.street import Street

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


@pytest.fixture(scope="module")
def texts(library: Library) -> list[str]:
    return library.texts


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, library: Library) -> Iterator[Node]:
    with Street(tmp_path_factory.mktemp("street")) as street, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)  # a card that is only filled need not survive a power cut
        library.shelve(street.elm)
        yield street.elm


def found(node: Node, query: str) -> set[int]:
    numbers: set[int] = set()
    page = node.zines(query)
    while True:
        numbers |= {int(zine.title.removeprefix("Zine ")) for zine in page.rows}
        if not page.older:
            return numbers
        page = node.zines(query, page.older)


def test_any_two_signs_are_found_wherever_they_stand(node: Node, texts: list[str]) -> None:
    chance = Random(1)
    for _ in range(40):
        number = chance.choice([number for number in range(ZINES) if number % 5 < 2])
        at = chance.randrange(len(texts[number]) - 3)
        query = texts[number][at : at + 2]
        wanted = {other for other, text in enumerate(texts) if query in text}
        assert found(node, query) == wanted, query


def test_arabic_is_found_whatever_its_signs(node: Node, library: Library, texts: list[str]) -> None:
    plain = [searching.folded(text).split() for text in texts]
    for word in Random(2).sample(library.arabic, 25):
        loose = searching.folded(word)
        wanted = {number for number, words in enumerate(plain) if any(one.startswith(loose) for one in words)}
        for written in (word, pointed(word, Random(3)), "".join(letter + "\u064e" for letter in word)):
            assert found(node, written) == wanted, written


def test_typing_without_accents_finds_them(node: Node, library: Library, texts: list[str]) -> None:
    plain = [searching.folded(text).split() for text in texts]
    for word in Random(4).sample([word for word in library.latin if not word.isascii()], 25):
        loose = searching.folded(word)
        assert loose.isascii()
        wanted = {number for number, words in enumerate(plain) if any(one.startswith(loose) for one in words)}
        assert found(node, loose) == found(node, word.upper()) == wanted, word


def statements(node: Node, ask: Callable[[], object]) -> list[str]:
    said: list[str] = []
    connection = node.database._peewee.connection()
    connection.set_trace_callback(said.append)
    ask()
    connection.set_trace_callback(None)
    return [statement for statement in said if not statement.startswith("--")]  # what FTS5 asks itself


def test_a_page_of_what_was_found_is_one_question(
    node: Node, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a search costs what the index costs (`hedgerow bench portal` tells how much), however many zines a page shows."""
    monkeypatch.setattr(node.blobs, "read", lambda *_: pytest.fail("a file was read to find zines"))
    for query in ("the", library.latin[7], library.arabic[7], library.texts[0][20:22]):
        assert len(statements(node, lambda query=query: node.zines(query))) == 1, query  # type: ignore[misc]
    assert (
        len(statements(node, lambda: node.zines("nowhere whatsoever"))) == 3
    )  # words; whether they stand anywhere; letters


def test_the_bench_asks_every_kind_both_ways(node: Node, library: Library) -> None:
    few = {kind: queries[:2] for kind, queries in portal.questions(library).items()}
    assert all(node.zines(query).rows for queries in few.values() for query in queries)
    ours, by_hand = portal.compared(node, few)
    assert len(by_hand) == 2 * len(few)
    assert set(by_hand) < set(ours)
    assert min(*ours.values(), *by_hand.values()) > 0
