"""Our own texts as pages: every word comes back from the paper, and what cannot be set is said in words."""

from __future__ import annotations

import re
import unicodedata
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from appliance.archive.blocks import Block, Picture, Verbatim
from appliance.archive.imposition import Layout
from appliance.archive.paper import PAPERS, page_size
from appliance.archive.starter_shelf import StarterZine, starter_zines
from appliance.errors import Refused
from appliance.markdown import as_blocks
from appliance.pdf.letters import EAST_ASIAN, Letters
from appliance.pdf.typesetting import Note, Text, frame, typeset
from tests.appliance.pdf.numbered import check, said
from tests.appliance.test_markdown import words

LETTERS = re.compile(r"\w+")


def set_text(text: Text, layout: Layout, paper: str = "A4", margin: float = 0.0) -> bytes:
    return typeset(text, frame(page_size(paper, layout), layout, margin), layout, Letters(EAST_ASIAN))


def set_markdown(markdown: str, layout: Layout = Layout.BOOKLET, **facts) -> bytes:
    return set_text(Text("Title", as_blocks(markdown), **facts), layout)


def read_back(pdf: bytes, into: Path) -> str:
    """Return the words that poppler finds on the pages."""
    file = into / "pages.pdf"
    file.write_bytes(pdf)
    check(file)
    return unicodedata.normalize("NFKC", said("pdftotext", "-raw", file, "-"))


def starter(zine: StarterZine) -> Text:
    blocks = as_blocks(zine.body.decode(), zine.title)
    return Text(zine.title, blocks, zine.series, zine.creator, zine.description, ("Made by Hedgerow",))


@pytest.mark.real
@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("layout", Layout)
def test_every_word_of_every_starter_zine_is_on_paper(layout: Layout, paper: str, tmp_path: Path) -> None:
    usual = paper == "A4" and layout is not Layout.PAGES
    for zine in starter_zines()[: None if usual else 3]:
        text = starter(zine)
        pdf = set_text(text, layout, paper)
        found = LETTERS.findall(read_back(pdf, tmp_path))
        # A word may be parted behind its hyphen; nothing else may be lost, changed or doubled.
        wanted = LETTERS.findall(unicodedata.normalize("NFKC", " ".join(words(text.blocks))))
        assert set(wanted) <= set(found), zine.title
        assert all(found.count(word) >= wanted.count(word) for word in set(wanted)), zine.title
        pages = len(PdfReader(BytesIO(pdf)).pages)
        assert pages == 8 if layout is Layout.MINI else pages % (4 if layout is Layout.BOOKLET else 1) == 0


@pytest.mark.real
def test_nothing_is_drawn_beyond_the_edges(tmp_path: Path) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitän " * 3 + "https://example.org/" + "a" * 300
    code = "for x in y  # " * 30
    markdown = f"# {long}\n\n{long}\n\n- [ ] {long}\n\n> {long}\n\n```\n{code}\n{long}\n```\n\n"
    markdown += f"|a|b|\n|-|-|\n|{long}|{long}|\n"
    for layout in Layout:
        pdf = set_text(Text(long, as_blocks(markdown), maker=long, summary=long), layout)
        file = tmp_path / "pages.pdf"
        file.write_bytes(pdf)
        for page in re.split("<page ", said("pdftotext", "-bbox", file, "-"))[1:]:
            width = float(re.findall(r'width="([\d.]+)"', page)[0])
            lefts = [float(found) for found in re.findall(r'xMin="([-\d.]+)"', page)]
            rights = [float(found) for found in re.findall(r'xMax="([-\d.]+)"', page)]
            side = frame(page_size("A4", layout), layout, 0).side - 0.5
            assert not lefts or (min(lefts) >= side and max(rights) <= width - side)


def test_a_text_too_long_for_eight_small_pages_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="Choose the booklet"):
        set_markdown("Many words stand here. " * 2000, Layout.MINI)
    with pytest.raises(Refused, match="more than 200 pages"):
        set_markdown("Many words stand here.\n\n" * 20_000)


def test_a_short_text_is_set_in_large_letters_and_a_long_one_smaller() -> None:
    sizes = []
    for count in (10, 1200, 2000):
        pdf = set_markdown("word " * count, Layout.MINI)
        content = PdfReader(BytesIO(pdf)).pages[1].get_contents()
        assert content is not None
        sizes.append(max(float(found) for found in re.findall(rb"/F\d\+\d ([\d.]+) Tf", content.get_data())))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[2] >= 6.0


@pytest.mark.real
def test_a_cell_set_to_the_right_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = read_back(set_markdown("| Panel | Size |\n|---|--:|\n| one | 35 W, (a) 2 x |\n"), tmp_path)
    assert "35 W, (a) 2 x" in found


@pytest.mark.real
def test_boxes_numbers_tables_and_code_are_there(tmp_path: Path) -> None:
    markdown = (
        "3. three\n4. four\n\n- [x] torch\n\n| Days | Litres |\n|---|--:|\n| 3 | 9 |\n\n    let it = stay\n\n~~gone~~\n"
    )
    found = read_back(set_markdown(markdown), tmp_path).split()
    assert [
        word
        for word in ("3.", "three", "4.", "four", "torch", "Days", "Litres", "9", "let", "gone")
        if word not in found
    ] == []


@pytest.mark.real
def test_arabic_and_hebrew_come_back_in_order(tmp_path: Path) -> None:
    arabic, hebrew = "املأ الزجاجات النظيفة وأغلقها", "מלאו בקבוקים נקיים"
    found = read_back(set_markdown(f"{arabic}\n\n{hebrew}\n", from_the_right=True), tmp_path)
    for line in (arabic, hebrew):
        for word in line.split():
            assert word in found


@pytest.mark.real
def test_east_asian_texts_break_and_come_back(tmp_path: Path) -> None:
    found = read_back(set_markdown("把水存放在阴凉处。" * 40, Layout.MINI), tmp_path)
    assert re.sub(r"\s", "", found).count("把水存放在阴凉处。") == 40


@pytest.mark.real
def test_letters_that_no_font_has_are_named_in_brackets(tmp_path: Path) -> None:
    found = read_back(set_markdown("Say नमस्ते and \U0001f331.", unprinted="Not printed: {signs}"), tmp_path)
    assert "Say [devanagari] and [seedling]." in found
    assert "Not printed: devanagari, seedling" in found
    without = typeset(
        Text("T", as_blocks("水")), frame(page_size("A4", Layout.MINI), Layout.MINI, 0), Layout.MINI, Letters()
    )
    assert "[cjk]" in read_back(without, tmp_path)


@pytest.mark.real
def test_notes_stand_behind_the_text(tmp_path: Path) -> None:
    notes = (Note("\u201cthree days\u201d", "Five, in July.", "Ben"), Note("", "Thank you", ""))
    found = read_back(set_markdown("For three days.", notes_title="Notes", notes=notes), tmp_path)
    assert (
        found.index("For three days.") < found.index("Notes") < found.index("Five, in July.") < found.index("Thank you")
    )
    assert "\u2014 Ben" in found


def picture(kind: str, size: tuple[int, int], mode: str = "RGB") -> bytes:
    whole = BytesIO()
    Image.new(mode, size).save(whole, kind)
    return whole.getvalue()


def pictured(*pictures: Picture) -> bytes:
    blocks: tuple[Block, ...] = pictures
    return set_text(Text("Title", blocks), Layout.BOOKLET)


def test_photographs_are_set() -> None:
    jpeg, png = picture("JPEG", (200, 100)), picture("PNG", (40, 400), "RGBA")
    pages = PdfReader(BytesIO(pictured(Picture("image/jpeg", jpeg, "a"), Picture("image/png", png, "b")))).pages
    assert len([image for page in pages for image in page.images]) >= 2


@pytest.mark.real
@pytest.mark.parametrize(
    "bad",
    [
        Picture("image/png", b"\x89PNG\r\n\x1a\nnothing", "what it shows"),
        Picture("image/png", picture("PNG", (100, 100))[:-40], "what it shows"),
        Picture("image/png", picture("PNG", (6000, 6000), "1"), "what it shows"),
        Picture("image/jpeg", b"", "what it shows"),
        Picture("image/svg+xml", b"<svg/>", "what it shows"),
        Picture("image/svg+xml", b'<svg viewBox="0 0 10 10"><path d="M0 0Lx"/></svg>', "what it shows"),
        Picture("image/svg+xml", b'<svg viewBox="0 0 10 10">' + b"<g>" * 100, "what it shows"),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_told_in_words(bad: Picture, tmp_path: Path) -> None:
    assert "[what it shows]" in read_back(pictured(bad), tmp_path)


def test_a_drawing_that_asks_for_the_outside_gets_nothing() -> None:
    svg = (
        b'<!DOCTYPE svg [<!ENTITY a "b"><!ENTITY x SYSTEM "file:///etc/passwd">]><svg viewBox="0 0 90 90">'
        b'<script>alert(1)</script><image href="http://example.org/a.png"/><text x="9" y="9">&x;&a;</text>'
        b'<style>@import "http://example.org"</style><rect width="9" height="9" fill="url(http://example.org)"/></svg>'
    )
    pdf = pictured(Picture("image/svg+xml", svg, "a"))
    assert b"example.org" not in pdf
    assert b"root:" not in pdf


PARTS = (
    '<svg viewBox="0 0 9 9">',
    "<g transform='rotate(9)'>",
    "</g>",
    "</svg>",
    "<text>",
    "a&amp;b",
    "</text>",
    '<path d="M1 1a2 2 0 1 1 3 3z"/>',
    '<rect width="1e9" rx="-3" height="nan"/>',
    "<circle r='4' stroke='#1'/>",
    "<!--",
    "]]>",
    "<a b=",
    "'",
)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PARTS), max_size=25))
def test_any_drawing_is_drawn_or_told_in_words(parts: list[str]) -> None:
    pictured(Picture("image/svg+xml", "".join(parts).encode(), "words"))


@settings(max_examples=40)
@given(st.text(max_size=200))
def test_any_text_is_set(text: str) -> None:
    set_text(Text(text[:40], (*as_blocks(text), Verbatim(text)), maker=text[:20]), Layout.BOOKLET)


def test_a_picture_of_the_starter_shelf_is_vectors() -> None:
    text = starter(starter_zines()[0])
    assert any(isinstance(block, Picture) for block in text.blocks)
    pages = PdfReader(BytesIO(set_text(text, Layout.BOOKLET))).pages
    assert not [image for page in pages for image in page.images]
