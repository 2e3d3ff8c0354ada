"""What strangers write, as a page: nothing in it may run, load or lead astray."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webui.visitor import Page
from webui.reading import BLOCKS, INLINE, SIZE_MAX, TABLES, clean, from_markdown, from_text

SVG = "data:image/svg+xml;base64,PHN2Zy8+"
ALLOWED_TAGS = INLINE | BLOCKS | TABLES

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<style>*{display:none}</style>",
    "<iframe src=//evil.example></iframe>",
    "<form action=//evil.example><input></form>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#x0A;script:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](vbscript:x)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](file:///etc/passwd)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](http://evil.example/pixel.png)",
    "![x](//evil.example/pixel.png)",
    "![x](/signout)",
    "![x](data:text/html,<script>alert(1)</script>)",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x](/a "onmouseover=alert(1)")',
    "`<script>`\n\n    <script>\n\n```html\n<script>\n```",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_comes_through(text: str):
    page = Page(from_markdown(text))
    for tag, given_ in page.tags:
        assert tag in ALLOWED_TAGS
        assert set(given_) <= {"href", "title", "rel", "src", "alt", "start"}
        assert re.match(r"(?i)(https?://|mailto:|tel:|/(?!/)|#)", given_.get("href", "#")), given_
        assert re.match(r"data:image/(svg\+xml|png|jpeg)", given_.get("src", SVG)), given_


@given(st.text(alphabet=st.sampled_from("<>[]()!\"'`*_#-:;&/\\ \nax1\u202e\0javscript"), max_size=200))
def test_any_text_becomes_harmless_html(text: str):
    for tag, given_ in Page(from_markdown(text)).tags:
        assert tag in ALLOWED_TAGS
        assert not [name for name in given_ if name.startswith("on")]
        assert "script:" not in given_.get("href", "").lower()


@given(st.text(max_size=300))
def test_plain_text_is_never_markup(text: str):
    assert {tag for tag, _ in Page(from_text(text)).tags} == {"pre"}


def test_the_second_wall_stands_alone():
    rough = f'<p onclick="x" style="color:red">a<script>b</script><a href="javascript:x">c</a><img src="{SVG}"><img src="/x"></p>'
    assert clean(rough) == f'<p>a<a rel="noopener noreferrer nofollow">c</a><img src="{SVG}"><img></p>'


def test_drawings_tables_and_links_come_through():
    html = from_markdown(
        f"![a drop]({SVG})\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n[help](/help) <https://example.org> ~~old~~"
    )
    assert f'<img src="{SVG}" alt="a drop">' in html
    assert "<td>2</td>" in html
    assert '<a href="/help" rel="noopener noreferrer nofollow">help</a>' in html
    assert "<s>old</s>" in html


def test_a_drawing_may_be_written_once_and_named_in_the_text():
    assert f'<img src="{SVG}" alt="a drop">' in from_markdown(f"![a drop][drop]\n\n[drop]: {SVG}")


@pytest.mark.parametrize(
    ("levels", "shown"),
    [("112", "223"), ("24434", "23334"), ("3123", "2234"), ("123456", "234566"), ("65", "22")],
)
def test_headings_stand_below_the_pages_own_without_gaps(levels: str, shown: str):
    html = from_markdown("\n\n".join(f"{'#' * int(level)} Words" for level in levels))
    assert "".join(re.findall(r"<h(\d)>", html)) == shown


def test_a_title_is_not_said_twice():
    assert "Seeds" not in from_markdown("# Seeds\n\nDry them.\n", "Seeds")
    assert "<h2>Beans</h2>" in from_markdown("# Beans\n\nDry them.\n", "Seeds")


def test_boxes_to_tick_are_drawn():
    html = from_markdown("- [ ] torch\n- [x] water\n- [link] stays\n")
    assert "\u2610 torch" in html
    assert "\u2611 water" in html
    assert "[link] stays" in html


def test_an_empty_heading_is_none():
    assert "<h" not in from_markdown("#\n\n## \n")


@pytest.mark.parametrize(
    "pattern",
    ["[", "&", "a|b\n", "> ", "*a "],
)
def test_no_pattern_costs_more_than_a_moment(pattern: str):
    text = (pattern * SIZE_MAX)[:SIZE_MAX]
    began = time.thread_time()
    from_markdown(text)
    assert time.thread_time() - began < 6
