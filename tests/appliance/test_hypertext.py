"""Web pages as blocks for paper: what is read stays, in its order; what only runs, loads or arranges is gone."""

from __future__ import annotations

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
from appliance.hypertext import as_blocks
from tests.appliance.intake.specimens import HTML


def no_picture(address: str, words: str) -> None:
    return None


def blocks(html: str, title: str = "") -> tuple[Block, ...]:
    return as_blocks(html, title, no_picture)


def words(text: str) -> Paragraph:
    return Paragraph((Span(text),))


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h1>Seeds</h1><p>Dry\n  them.", (words("Dry them."),)),
        ("<h2>Seeds</h2>tail", (words("tail"),)),
        ("<h2>Other</h2>tail", (Heading(2, (Span("Other"),)), words("tail"))),
        ("one<p>two</p>three<div>four</div>", tuple(map(words, ("one", "two", "three", "four")))),
        (
            "<p>a <b>b <i>c</i></b><br>d",
            (Paragraph((Span("a "), Span("b ", strong=True), Span("c", strong=True, emphasis=True), Span("\n"), Span("d"))),),
        ),
        (
            "<ul><li>a<li>b<ol start=3><li>c</ol></ul>",
            (Listing((Item((words("a"),)), Item((words("b"), Listing((Item((words("c"),)),), 3))))),),
        ),
        ("<li>loose</li>", (words("loose"),)),
        ("<blockquote><p>a</p>b</blockquote>", (Quote((words("a"), words("b"))),)),
        ("<pre>x\n  <b>y</b></pre>z", (Verbatim("x\n  y"), words("z"))),
        ("a<hr/>b", (words("a"), Rule(), words("b"))),
        (
            "<table><tr><th>A<th>B<tr><td><td>2<tr><td colspan=2>3</table>",
            (Table((((Span("A"),), (Span("B"),)), ((), (Span("2"),)), ((Span("3"),), ())), (False, False)),),
        ),
        ("<table><tr><td>only</table>after", (words("only"), words("after"))),
        (f"<table><tr><td>{'x' * 500}<td>y</table>", (words("x" * 500), words("y"))),
        ("<script>a</script><style>b</style><title>c</title><p>d<math>e</math><audio>f</audio>", (words("d"),)),
        ("<script src='s.js'/><p>kept</p>", (words("kept"),)),
        ("<p>&eacute;&#233;&amp;lt;", (words("éé&lt;"),)),
        ("<img src='maps/street.webp'>", (Picture("", b"", "street"),)),
        ("<p>a<img src='data:x' alt='a  hedge'>b", (words("a"), Picture("", b"", "a hedge"), words("b"))),
        ("<img src='data:x' alt=''>", ()),
        ("</ul></p></table></blockquote>", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_a_page_becomes_blocks(html: str, expected: tuple[Block, ...]) -> None:
    assert blocks(html, "Seeds") == expected


def test_a_picture_is_asked_for_by_its_address_and_its_words() -> None:
    asked = []

    def find(address: str, words: str) -> Picture:
        asked.append((address, words))
        return Picture("image/png", b"x", words)

    drawn = as_blocks("<svg><image xlink:href='c.jpg'/></svg><h1>On <img src=a.png alt=A> it</h1>", "", find)
    assert asked == [("c.jpg", "c"), ("a.png", "A")]
    assert [type(block) for block in drawn] == [Picture, Heading, Picture, Heading]


def test_however_deep_it_is_it_ends() -> None:
    (listing,) = blocks("<ul><li>" * 5000 + "x")
    depth = 0
    while isinstance(listing, Listing):
        depth, listing = depth + 1, listing.items[-1].blocks[0]
    assert depth <= 10
    assert listing == words("x")


TAGS = st.sampled_from(
    ["<p>", "</p>", "<ul>", "<li>", "</ul>", "</li>", "<table>", "<tr>", "<td>", "</td>", "</table>", "<pre>", "</pre>", "<b>",
     "</b>", "<h2>", "</h2>", "<blockquote>", "</blockquote>", "<script>", "</script>", "<br>", "<img alt=a>", "<td colspan=3>",
     "<q>", "word ", "\n", "<!-- -->", "<![CDATA[x]]>", "<svg/>", "&amp;", "<ol start='-9'>"]
)  # fmt: skip


@given(st.lists(TAGS, max_size=30).map("".join))
def test_any_page_becomes_blocks(html: str) -> None:
    found = blocks(html)
    assert all(len({len(row) for row in block.rows}) == 1 for block in found if isinstance(block, Table))


def test_what_acts_in_a_page_is_not_on_paper() -> None:
    said = repr(blocks(HTML.decode("latin-1")))
    assert "elderberries" in said
    for word in ("tracker", "color", "javascript", "Rosa"):
        assert word not in said
