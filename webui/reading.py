"""A zine as a page. What strangers write may be anything, so three walls stand behind each other.

Markdown is read without raw HTML; what comes out keeps only the tags and addresses listed here; and the page's policy lets no
script run whatever got through. The only place that knows markdown-it and nh3.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

SIZE_MAX: Final = 256 * 1024  # bytes; what is larger is for taking along
KEPT_PAGES: Final = 12
PATIENCE_S: Final = 2.0  # of computing; a page of forty sheets takes a tenth of it
MARKDOWN: Final = "text/markdown"

INLINE: Final = frozenset(("a", "br", "code", "em", "img", "s", "strong"))
BLOCKS: Final = frozenset(("blockquote", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"))
TABLES: Final = frozenset(("table", "tbody", "td", "th", "thead", "tr"))
ATTRIBUTES: Final = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "data"})
# An SVG within <img> can neither run a script nor load anything (SVG Integration, "secure static mode").
PICTURE: Final = re.compile(r"data:image/(svg\+xml|png|jpeg)[;,]", re.IGNORECASE)
ADDRESS: Final = re.compile(r"(https?://|mailto:|tel:|/(?![/\\])|#)", re.IGNORECASE)


@lru_cache(maxsize=KEPT_PAGES)
def page(path: Path, media_type: str, title: str) -> Markup:
    """Return the file at `path` as HTML that may stand below `title`. Its name is its digest, so a few pages can be kept."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return from_markdown(text, title) if media_type == MARKDOWN else from_text(text)


def from_text(text: str) -> Markup:
    """Return plain text as it stands, its lines kept."""
    return Markup('<pre class="text" dir="auto">{}</pre>').format(text)


def from_markdown(text: str, title: str = "") -> Markup:
    """Return Markdown (CommonMark with tables) as clean HTML whose headings stand below the page's own, which is `title`.

    A text made to take long, such as a hundred thousand opening brackets, is shown as it stands instead.
    """
    reader = _reader(time.thread_time() + PATIENCE_S)
    try:
        tokens = reader.parse(text)
    except _TookTooLong:
        return from_text(text)
    tokens = _without_title(tokens, title)
    _nest_headings(tokens)
    _draw_boxes(tokens)
    rough = reader.renderer.render(tokens, reader.options, {})
    return Markup(clean(rough))  # noqa: S704 (it was just cleaned)


def clean(html: str) -> str:
    """Return `html` with nothing in it but the tags and addresses that are listed here."""
    return nh3.clean(
        html,
        tags=set(INLINE | BLOCKS | TABLES),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_harmless,
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )


class _TookTooLong(Exception):
    """The text would cost more than its reader is given."""


def _reader(until: float) -> MarkdownIt:
    """Return a reader that gives up when this thread has computed `until` so many seconds."""

    def mind_the_time(*_: object) -> bool:
        if time.thread_time() > until:
            raise _TookTooLong
        return False

    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])
    reader.inline.ruler.before("text", "time", mind_the_time)
    reader.block.ruler.before("table", "time", mind_the_time)
    reader.validateLink = _may_be_shown  # type: ignore[assignment, method-assign]
    return reader


def _may_be_shown(address: str) -> bool:
    return bool(PICTURE.match(address) or ADDRESS.match(address))


def _harmless(_tag: str, name: str, value: str) -> str | None:
    """Keep an address only where it belongs: pictures are within the zine, and links are no pictures."""
    if name == "src":
        return value if PICTURE.match(value) else None
    if name == "href":
        return value if ADDRESS.match(value) else None
    return value


def _without_title(tokens: list[Token], title: str) -> list[Token]:
    """Leave out a first heading that only says the title again."""
    starts_with_title = len(tokens) >= 3 and tokens[0].type == "heading_open" and tokens[1].content.strip() == title
    return tokens[3:] if starts_with_title else tokens


def _draw_boxes(tokens: Sequence[Token]) -> None:
    """Draw the boxes of a list to tick off on paper."""
    for opening, words in zip(tokens, tokens[2:], strict=False):
        if opening.type == "list_item_open" and words.type == "inline" and words.children:
            first = words.children[0]
            first.content = re.sub(
                r"^\[( |[xX])\] ", lambda found: "\u2610 " if found[1] == " " else "\u2611 ", first.content
            )


def _nest_headings(tokens: Sequence[Token]) -> None:
    """Set headings below the page's own, none deeper than one step, so that a screen reader can walk them (WCAG 1.3.1)."""
    above: list[int] = []
    for opening, words, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type != "heading_open":
            continue
        level = int(opening.tag[1])
        above = [*(outer for outer in above if outer < level), level]
        opening.tag = closing.tag = f"h{min(len(above) + 1, 6)}" if words.content.strip() else "p"
