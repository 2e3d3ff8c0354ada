"""Markdown (CommonMark, tables, struck words), read once for the screen and for paper. The only place that knows markdown-it.

Raw HTML is never read as such; a picture must stand within the text as a `data:` address, since a node asks nothing outside.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from markdown_it import MarkdownIt
from markdown_it.token import Token

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
    Spans,
    Table,
    Verbatim,
)

PATIENCE_S: Final = 2.0  # of computing; a page of forty sheets takes a tenth of it
# An SVG within <img> can neither run a script nor load anything (SVG Integration, "secure static mode").
PICTURE: Final = re.compile(r"data:image/(svg\+xml|png|jpeg)[;,]", re.IGNORECASE)
ADDRESS: Final = re.compile(r"(https?://|mailto:|tel:|/(?![/\\])|#)", re.IGNORECASE)
BOX: Final = re.compile(r"^\[( |[xX])\] ")
STYLES: Final = {"strong": "strong", "em": "emphasis", "s": "struck"}


class TookTooLong(Exception):
    """The text would cost more than its reader is given, such as a hundred thousand opening brackets."""


def as_html(text: str, title: str = "") -> str:
    """Return HTML, still to be cleaned, whose headings stand below the page's own, which is `title`. Raises `TookTooLong`."""
    reader = _reader(time.thread_time() + PATIENCE_S)
    tokens = _without_title(reader.parse(text), title)
    _nest_headings(tokens)
    _draw_boxes(tokens)
    return str(reader.renderer.render(tokens, reader.options, {}))


def as_blocks(text: str, title: str = "") -> tuple[Block, ...]:
    """Return the text as blocks, without a first heading that only says `title` again. Raises `TookTooLong`."""
    return _Builder(_without_title(_reader(time.thread_time() + PATIENCE_S).parse(text), title)).blocks("")


def _reader(until: float) -> MarkdownIt:
    """Return a reader that gives up when this thread has computed `until` so many seconds."""

    def mind_the_time(*_: object) -> bool:
        if time.thread_time() > until:
            raise TookTooLong
        return False

    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])
    reader.inline.ruler.before("text", "time", mind_the_time)
    reader.block.ruler.before("table", "time", mind_the_time)
    reader.validateLink = _may_be_shown  # type: ignore[assignment, method-assign]
    return reader


def _may_be_shown(address: str) -> bool:
    return bool(PICTURE.match(address) or ADDRESS.match(address))


def _without_title(tokens: list[Token], title: str) -> list[Token]:
    """Leave out a first heading that only says the title again."""
    starts_with_title = len(tokens) >= 3 and tokens[0].type == "heading_open" and tokens[1].content.strip() == title
    return tokens[3:] if starts_with_title else tokens


def _draw_boxes(tokens: Sequence[Token]) -> None:
    """Draw the boxes of a list to tick off on paper."""
    for opening, words in zip(tokens, tokens[2:], strict=False):
        if opening.type == "list_item_open" and words.type == "inline" and words.children:
            first = words.children[0]
            first.content = BOX.sub(lambda found: "\u2610 " if found[1] == " " else "\u2611 ", first.content)


def _nest_headings(tokens: Sequence[Token]) -> None:
    """Set headings below the page's own, none deeper than one step, so that a screen reader can walk them (WCAG 1.3.1)."""
    above: list[int] = []
    for opening, words, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type != "heading_open":
            continue
        level = int(opening.tag[1])
        above = [*(outer for outer in above if outer < level), level]
        opening.tag = closing.tag = f"h{min(len(above) + 1, 6)}" if words.content.strip() else "p"


class _Builder:
    """Walks the reader's flat list once and nests it."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = iter(tokens)

    def blocks(self, closing: str) -> tuple[Block, ...]:
        """Return the blocks up to a token of type `closing`, or to the end."""
        found: list[Block] = []
        for token in self._tokens:
            if token.type == closing:
                break
            found += self._block(token)
        return tuple(found)

    def _block(self, token: Token) -> Iterator[Block]:
        match token.type:
            case "heading_open":
                yield Heading(int(token.tag[1]), _spans(next(self._tokens)))
            case "inline":
                yield from _paragraphs(token)
            case "bullet_list_open":
                yield Listing(tuple(self._items("bullet_list_close")))
            case "ordered_list_open":
                yield Listing(tuple(self._items("ordered_list_close")), int(token.attrGet("start") or 1))
            case "blockquote_open":
                yield Quote(self.blocks("blockquote_close"))
            case "fence" | "code_block":
                yield Verbatim(token.content.rstrip("\n"))
            case "table_open":
                yield self._table()
            case "hr":
                yield Rule()

    def _items(self, closing: str) -> Iterator[Item]:
        for token in self._tokens:
            if token.type == closing:
                return
            if token.type == "list_item_open":
                yield _ticked(self.blocks("list_item_close"))

    def _table(self) -> Table:
        rows: list[list[Spans]] = []
        right: list[bool] = []
        for token in self._tokens:
            match token.type:
                case "table_close":
                    break
                case "tr_open":
                    rows.append([])
                case "th_open":
                    right.append("right" in str(token.attrGet("style") or ""))
                case "inline":
                    rows[-1].append(_spans(token))
        return Table(tuple(tuple(row) for row in rows), tuple(right))


def _ticked(blocks: tuple[Block, ...]) -> Item:
    """Read the box that a list item may begin with."""
    match blocks:
        case (Paragraph(spans=(Span(text=text) as first, *others)), *rest) if found := BOX.match(text):
            kept = Span(text[found.end() :], first.strong, first.emphasis)
            return Item((Paragraph((kept, *others)), *rest), found[1] != " ")
    return Item(blocks)


def _spans(inline: Token) -> Spans:
    return tuple(piece for piece in _pieces(inline) if isinstance(piece, Span))


def _paragraphs(inline: Token) -> Iterator[Block]:
    """Yield the words around pictures as paragraphs, and the pictures between them."""
    spans: list[Span] = []
    for piece in _pieces(inline):
        if isinstance(piece, Span):
            spans.append(piece)
            continue
        if any(span.text.strip() for span in spans):
            yield Paragraph(tuple(spans))
        spans = []
        yield piece
    if any(span.text.strip() for span in spans):
        yield Paragraph(tuple(spans))


def _pieces(inline: Token) -> Iterator[Span | Picture]:
    depth = dict.fromkeys(STYLES.values(), 0)
    for child in inline.children or ():
        kind, _, end = child.type.rpartition("_")
        style = {name: bool(count) for name, count in depth.items()}
        if kind in STYLES:
            depth[STYLES[kind]] += 1 if end == "open" else -1
        elif child.type == "image":
            yield picture(str(child.attrGet("src") or ""), child.content) or Span(f"[{child.content}]", **style)
        elif child.type in {"text", "text_special", "code_inline"}:
            yield Span(child.content, code=child.type == "code_inline", **style)
        elif child.type in {"softbreak", "hardbreak"}:
            yield Span("\n" if child.type == "hardbreak" else " ", **style)


def picture(address: str, words: str) -> Picture | None:
    """Read a picture that stands within the text (RFC 2397); None where it cannot be read. `words` say what it shows."""
    found = PICTURE.match(address)
    head, _, body = address.partition(",")
    if not found:
        return None
    content = unquote_to_bytes(body)
    try:
        content = base64.b64decode(content, validate=True) if head.casefold().endswith(";base64") else content
    except binascii.Error:
        return None
    return Picture(f"image/{found[1].casefold()}", content, words)
