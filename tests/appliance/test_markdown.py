"""Markdown as blocks for paper: every construct comes through, and nothing that strangers write breaks it."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.archive.blocks import (
    Block,
    Heading,
    Item,
    Listing,
    Paragraph,
    Picture,
    Quote,
    Rule,
    Span,
    Table,
    Verbatim,
)
from appliance.archive.starter_shelf import starter_zines
from appliance.markdown import PATIENCE_S, TookTooLong, as_blocks

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def words(blocks: tuple[Block, ...]) -> Iterator[str]:
    """Every word that a reader of the paper will find."""
    for block in blocks:
        match block:
            case Heading(spans=spans) | Paragraph(spans=spans):
                yield from "".join(span.text for span in spans).split()
            case Quote(blocks=inner):
                yield from words(inner)
            case Listing(items=items):
                for item in items:
                    yield from words(item.blocks)
            case Table(rows=rows):
                yield from " ".join(span.text for row in rows for cell in row for span in cell).split()
            case Verbatim(text=text):
                yield from text.split()


def test_every_construct_is_a_block() -> None:
    text = "# A\n\nb *c* **d** `e` ~~f~~\\\ng\n\n> h\n\n```\ni  j\n```\n\n---\n\n1. k\n2. l\n\n| m | n |\n|---|--:|\n| o | p |\n"
    assert as_blocks(text) == (
        Heading(1, (Span("A"),)),
        Paragraph(
            (
                Span("b "),
                Span("c", emphasis=True),
                Span(" "),
                Span("d", strong=True),
                Span(" "),
                Span("e", code=True),
                Span(" "),
                Span("f", struck=True),
                Span("\n"),
                Span("g"),
            )
        ),
        Quote((Paragraph((Span("h"),)),)),
        Verbatim("i  j"),
        Rule(),
        Listing((Item((Paragraph((Span("k"),)),)), Item((Paragraph((Span("l"),)),))), 1),
        Table((((Span("m"),), (Span("n"),)), ((Span("o"),), (Span("p"),))), (False, True)),
    )


def test_boxes_and_lists_within_lists() -> None:
    (listing,) = as_blocks("- [ ] torch\n- [x] water\n  - clean\n- [link] stays\n")
    assert isinstance(listing, Listing)
    assert [item.ticked for item in listing.items] == [False, True, None]
    assert list(words(as_blocks("- [ ] torch\n- [x] water\n  - clean\n"))) == ["torch", "water", "clean"]
    assert isinstance(listing.items[1].blocks[1], Listing)


def test_a_picture_stands_between_the_words_around_it() -> None:
    before, picture, after = as_blocks(f"see ![a drop](data:image/png;base64,{PNG}) there")
    assert picture == Picture("image/png", b"\x89PNG\r\n\x1a\n", "a drop")
    assert list(words((before, after))) == ["see", "there"]
    assert as_blocks("![a drop](data:image/svg+xml,%3Csvg/%3E)") == (Picture("image/svg+xml", b"<svg/>", "a drop"),)


def test_a_picture_that_cannot_be_read_leaves_its_words() -> None:
    assert list(words(as_blocks("![a drop](data:image/png;base64,!!)"))) == ["[a", "drop]"]


def test_the_title_is_not_said_twice() -> None:
    assert as_blocks("# Seeds\n\nDry.\n", "Seeds") == as_blocks("Dry.\n")


@pytest.mark.parametrize("zine", starter_zines(), ids=lambda zine: f"{zine.issue}-{zine.language}")
def test_the_starter_zines_have_only_blocks_that_are_known(zine) -> None:
    blocks = as_blocks(zine.body.decode(), zine.title)
    assert len(list(words(blocks))) > 900
    assert 1 <= sum(isinstance(block, Picture) for block in blocks) <= 3


@given(st.text(alphabet="ab *_`~[]()!|>-#1.\n\\&<:/", max_size=200))
def test_any_text_is_blocks(text: str) -> None:
    as_blocks(text)


@pytest.mark.parametrize("pattern", ["[", "- " * 30 + "\n"])
def test_no_pattern_costs_more_than_a_moment(pattern: str) -> None:
    text = (pattern * 262_144)[:262_144]
    began = time.thread_time()
    try:
        as_blocks(text)
    except TookTooLong:
        assert time.thread_time() - began > PATIENCE_S
    assert time.thread_time() - began < 6
