"""Cutting zines into leaves: nothing is lost, nothing hostile grows back, and notes find their places."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webui.test_reading import HOSTILE, SVG
from tests.webui.visitor import Page
from webui import reading
from webui.elements import cut, parse
from webui.leaves import BLOCK_SIZE, PART_SIZE, Leaves
from webui.reading import BLOCKS, INLINE, SIZE_MAX, TABLES, from_html, from_markdown

ALLOWED_TAGS = INLINE | BLOCKS | TABLES | {"sub", "sup"}
BOOK = """<!doctype html><html><head><title>x</title><style>p{color:red}</style><script>alert(1)</script></head><body>
<div class="page"><h1 id="top">Hedges</h1><div>One.</div><div>Two, <b>bold</b> and <i>slanted</i>.</div>
<section><h3>Hawthorn</h3>
<p onclick="x()">White in <a href="#top">May</a>, <a href="#gone">gone</a>, H<sub>2</sub>O.</p></section>
<figure><img src="http://evil.example/pixel.png" alt="a hedge"><figcaption>A hedge.</figcaption></figure>
<ul><li><p>berries</p></li><li>thorns</li></ul></div>loose words</body></html>"""


def leaves(html: str, title: str = "") -> Leaves:
    return Leaves.of(html, title, "/archive/x")


def shown(html: str, title: str = "") -> str:
    return "".join(block.html for part in leaves(html, title).parts for block in part)


def test_html_of_others_is_read_as_its_own_kind_of_zine():
    html = shown(from_html(BOOK), "Hedges")
    assert "Hedges" not in html  # the page says it already
    assert html.startswith("<p>One.</p><p>Two, <strong>bold</strong> and <em>slanted</em>.</p>")
    assert '<h2 id="z-hawthorn">Hawthorn</h2>' in html
    assert "H<sub>2</sub>O" in html
    assert "<li>thorns</li>" in html
    assert html.endswith("<p>loose words</p>")
    for gone in ("alert", "color:red", "onclick", "evil.example", "<div", "<section"):
        assert gone not in html


def test_links_within_html_lead_to_their_part():
    html = shown(from_html('<p id="a">One.</p><p><a href="#a">up</a> <a href="#b">nowhere</a></p>'))
    assert '<p id="z-a">' in html
    assert 'href="/archive/x/read?part=1#z-a"' in html
    assert "#b" not in html


@pytest.mark.parametrize(
    "text", [*HOSTILE, "<p id='x' onclick=y style=z>a</p>", "<a id=q href='#x\"><script>'>b</a>", BOOK]
)
def test_nothing_hostile_grows_back(text: str):
    for tag, given_ in Page(shown(from_html(text))).tags:
        assert tag in ALLOWED_TAGS
        assert set(given_) <= {"href", "title", "rel", "src", "alt", "start", "id", "loading"}
        assert re.match(r"(?i)(https?://|mailto:|tel:|/(?!/))", given_.get("href", "/")), given_
        assert re.match(r"data:image/(svg\+xml|png|jpeg)", given_.get("src", SVG)), given_
        assert given_.get("id", "z-").startswith("z-")


@given(st.text(alphabet=st.sampled_from("<>/pdivbaul \"'=&;h12id#x\n"), max_size=200))
def test_any_html_becomes_harmless_leaves(text: str):
    for tag, given_ in Page(shown(from_html(text))).tags:
        assert tag in ALLOWED_TAGS
        assert not [name for name in given_ if name.startswith("on")]


@given(st.lists(st.text(alphabet="ab <>&\"'\n", max_size=400), min_size=1, max_size=40), st.integers(20, 300))
def test_what_is_cut_says_the_same(texts: list[str], limit: int):
    markup = "".join(f"<ol>{''.join(f'<li>{part}</li>' for part in text.split('a'))}</ol>" for text in texts)
    blocks = parse(reading.clean(markup))
    pieces = [piece for block in blocks for piece in cut(block, limit)]

    def words(elements: list) -> str:
        return "".join("".join("".join(element.words()) for element in elements).split())

    assert words(pieces) == words(blocks)


def test_a_list_that_is_cut_goes_on_counting():
    html = from_markdown("\n".join(f"{number}. {'word ' * 100}" for number in range(5, 45)))
    pieces = [piece for block in parse(html) for piece in cut(block, BLOCK_SIZE)]
    starts = [int(piece.attributes.get("start", 1)) for piece in pieces]
    assert starts[0] == 5
    items = [sum(child.tag == "li" for child in piece.children if not isinstance(child, str)) for piece in pieces]
    assert starts[1:] == [start + count for start, count in zip(starts, items, strict=True)][:-1]
    assert all(piece.size <= BLOCK_SIZE * 1.1 for piece in pieces)


def test_a_table_that_is_cut_keeps_its_head():
    rows = "\n".join(f"| {number} | {'word ' * 20} |" for number in range(200))
    pieces = [
        piece for block in parse(from_markdown(f"| No | Words |\n|--|--|\n{rows}")) for piece in cut(block, BLOCK_SIZE)
    ]
    assert len(pieces) > 2
    assert all("<th>No</th>" in piece.html for piece in pieces)


def test_depth_without_end_is_flattened_and_quick():
    began = time.thread_time()
    html = shown(from_html("<ul><li>" * 5_000 + "deep" + "</li></ul>" * 5_000))
    assert "deep" in html
    assert html.count("<ul>") <= 16
    assert time.thread_time() - began < 3


def test_html_of_nothing_but_tags_is_shown_as_its_words():
    text = "<b>a</b> &lt;i&gt; " * (SIZE_MAX // 20)
    began = time.thread_time()
    html = leaves(from_html(text))
    assert "&lt;i&gt;" in html.parts[0][0].html
    assert time.thread_time() - began < 3


def test_no_part_is_larger_than_it_may_be():
    texts = ("x" * SIZE_MAX, "word " * (SIZE_MAX // 5), "## H\n\n" + "line\n" * 20_000, "字" * 300_000)
    for text in texts:
        for part in leaves(from_markdown(text)).parts:
            assert sum(len(block.html.encode()) for block in part) <= PART_SIZE + BLOCK_SIZE


# where notes belong

ARABIC = "\u0643\u0650\u062a\u064e\u0627\u0628\u064c"
POEM = from_markdown(
    f"A rose is a rose.\n\nIs a rose a rose?\n\nA  rose\nis\na rose, *no* thorn.\n\n{ARABIC} here\u200f."
)


@pytest.mark.parametrize(
    ("quote", "before", "after", "block"),
    [
        ("A rose is a rose", "", "", 1),
        ("a rose", "", "", 1),
        ("a rose", "A rose is", ".", 1),
        ("a rose", "Is", "a rose?", 2),
        ("a rose", "Is a rose", "?", 2),
        ("a rose", "A rose is", ", no thorn", 3),
        ("rose, no thorn.", "", "", 3),
        ("  a   rose,\nno ", "", "", 3),
        ("rose. Is", "", "", 1),
        (f"{ARABIC} here.", "", "", 4),
        ("lily", "", "", None),
        ("", "", "", None),
        ("A rose is a roses", "", "", None),
    ],
)
def test_a_passage_is_found_where_it_stands(quote: str, before: str, after: str, block: int | None):
    assert leaves(POEM).find(quote, before, after) == block


@given(st.integers(1, 4), st.integers(0, 20), st.integers(1, 20))
def test_what_stands_around_a_quote_leads_back_to_its_block(number: int, at: int, length: int):
    poem = leaves(POEM)
    block = poem.block(number)
    assert block is not None
    quote = block.words[at : at + length].strip()
    if quote:
        found = poem.find(quote, *poem.around(quote, number))
        assert found is not None
        assert found == number or quote in poem.parts[0][found - 1].words


@given(st.text(max_size=60), st.text(max_size=10), st.text(max_size=10))
def test_any_note_is_placed_or_not(quote: str, before: str, after: str):
    poem = leaves(POEM)
    assert poem.find(quote, before, after) in {None, 1, 2, 3, 4}
    poem.around(quote, 99)


def test_leaves_of_nothing(tmp_path: Path):
    empty = leaves("")
    assert empty.find("x") is None
    assert empty.around("x", 1) == ("", "")
    assert empty.block(1) is None
    file = tmp_path / "a"
    file.write_bytes(b"# Only a title\n")
    assert reading.leaves(file, "text/markdown", "Only a title", "/archive/x").parts == ()
