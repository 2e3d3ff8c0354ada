"""HTML as blocks for paper: what is read on a page, without what a page looks like. Read leniently, since strangers wrote it.

Nothing is fetched: `picture` gives what stands behind an address within the zine, or None. What has no place on paper (scripts,
styles, films, sounds, drawings made of other tags) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

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

FindPicture = Callable[[str, str], Picture | None]
"""From an address and the words that stand for it."""

STYLES: Final = {
    **dict.fromkeys(("b", "strong"), "strong"),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var"), "emphasis"),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), "code"),
    **dict.fromkeys(("s", "del", "strike"), "struck"),
}
HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
BOXES: Final = frozenset(
    ("address", "article", "aside", "body", "caption", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "header", "html", "legend", "main", "nav", "p", "section", "summary", "hgroup", "tbody",
    "tfoot", "thead")
)  # fmt: skip
FRAMES: Final = frozenset(("ul", "ol", "li", "blockquote"))
LEFT_OUT: Final = frozenset(
    ("script", "style", "template", "noscript", "iframe", "object", "applet", "math", "canvas", "audio", "video", "select",
    "textarea", "head", "title", "rp")
)  # fmt: skip
VOID: Final = frozenset(
    ("img", "image", "br", "hr", "wbr", "col", "input", "meta", "link", "embed", "source", "track", "area")
)
DEPTH_MAX: Final = 8  # lists and quotes within each other; deeper ones are set as if they stood there
COLUMNS_MAX: Final = 12
CELL_MAX: Final = 400  # letters: a table with more in one cell is one of those that only arrange a page
WORDS_MAX: Final = 300  # letters that may stand for a picture
SPACES: Final = re.compile(r"[ \t\r\n\f]+")


def as_blocks(text: str, title: str, picture: FindPicture) -> tuple[Block, ...]:
    """Return a page as blocks, without a first heading that only says `title` again."""
    reader = _Reader(picture)
    reader.feed(text)
    reader.close()
    blocks = reader.ended()
    match blocks:
        case (Heading(spans=spans), *rest) if "".join(span.text for span in spans).strip() == title:
            return tuple(rest)
    return blocks


@dataclass
class _Frame:
    """Something that holds blocks: the page, a list, an item, a quote."""

    tag: str
    blocks: list[Block] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    first: int | None = None


class _Reader(HTMLParser):
    def __init__(self, picture: FindPicture) -> None:
        super().__init__(convert_charrefs=True)
        self._find = picture
        self._frames = [_Frame("")]
        self._spans: list[Span] = []
        self._styles = dict.fromkeys(("strong", "emphasis", "code", "struck"), 0)
        self._heading = 0
        self._left_out: list[str] = []
        self._lines: list[str] | None = None  # of what is kept as it stands
        self._rows: list[list[Spans]] | None = None  # of the table that is being read
        self._tables = 0
        self._cell = 0  # its place in the last row

    def ended(self) -> tuple[Block, ...]:
        """Close what is still open, and return the blocks."""
        self._end_table()
        self._end_lines()
        while len(self._frames) > 1:
            self._pop()
        self._flush()
        return tuple(self._frames[0].blocks)

    # what the parser tells

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in LEFT_OUT:
            self._left_out.append(tag)
        if self._left_out:
            return
        given = {name: value or "" for name, value in attrs}
        if tag in STYLES:
            self._styles[STYLES[tag]] += 1
        elif tag == "br":
            self._write("\n")
        elif tag in ("img", "image"):
            self._picture(given.get("src") or given.get("xlink:href") or given.get("href", ""), given.get("alt", ""))
        elif tag in ("table", "tr", "td", "th"):
            self._table_tag(tag, given)
        elif tag == "q":
            self._write("\u201c")
        else:
            self._block_tag(tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._left_out:
            if tag == self._left_out[-1]:
                self._left_out.pop()
            return
        if tag in STYLES:
            self._styles[STYLES[tag]] = max(0, self._styles[STYLES[tag]] - 1)
        elif tag in FRAMES:
            self._close(tag)
        elif tag == "pre":
            self._end_lines()
        elif tag in ("table", "td", "th"):
            self._close_in_table(tag)
        elif tag == "q":
            self._write("\u201d")
        elif tag in BOXES or tag in HEADINGS:
            self._flush()

    def handle_data(self, data: str) -> None:
        if not self._left_out:
            self._write(data if self._lines is not None else SPACES.sub(" ", data))

    # words

    def _write(self, words: str) -> None:
        if self._lines is not None:
            self._lines.append(words)
            return
        before = self._spans[-1].text[-1:] if self._spans else "\n"
        words = words.lstrip(" ") if before in (" ", "\n") else words
        if words:
            self._spans.append(Span(words, **{name: count > 0 for name, count in self._styles.items()}))

    def _flush(self) -> None:
        """Set down the words so far as a paragraph or a heading; within a table they stay in their cell."""
        if self._rows is not None:
            if self._spans and self._spans[-1].text != "\n":
                self._write("\n")
            return
        spans, level = self._taken(), self._heading
        self._heading = 0
        if spans:
            self._frames[-1].blocks.append(Heading(level, spans) if level else Paragraph(spans))

    def _taken(self) -> Spans:
        spans, self._spans = self._spans, []
        while spans and not spans[-1].text.strip():
            spans.pop()
        return tuple(spans)

    # blocks

    def _block_tag(self, tag: str, given: dict[str, str]) -> None:
        if tag in HEADINGS:
            self._flush()
            self._heading = 0 if self._rows is not None else HEADINGS[tag]
        elif tag in FRAMES:
            self._open(tag, given)
        elif tag == "pre" and self._rows is None:
            self._flush()
            self._lines = []
        elif tag == "hr" and self._rows is None:
            self._flush()
            self._frames[-1].blocks.append(Rule())
        elif tag in BOXES:
            self._flush()

    def _open(self, tag: str, given: dict[str, str]) -> None:
        """Begin a list, an item, a quote. An item ends the one before it, as HTML has it."""
        self._flush()
        if self._rows is not None:
            return
        if tag == "li" and self._frames[-1].tag == "li":
            self._pop()
        if len(self._frames) > 2 * DEPTH_MAX or (tag == "li" and self._frames[-1].tag not in ("ul", "ol")):
            return
        start = given.get("start", "")
        number = int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1
        self._frames.append(_Frame(tag, first=number if tag == "ol" else None))

    def _close(self, tag: str) -> None:
        self._flush()
        if self._rows is None and any(frame.tag == tag for frame in self._frames):
            while self._pop() != tag:
                pass

    def _pop(self) -> str:
        """End the innermost frame, and put it where it belongs; return what it was."""
        self._flush()
        frame, outer = self._frames.pop(), self._frames[-1]
        if frame.tag == "li":
            outer.items.append(Item(tuple(frame.blocks)))
        elif frame.tag == "blockquote":
            outer.blocks += [Quote(tuple(frame.blocks))] if frame.blocks else []
        else:
            items = [*([Item(tuple(frame.blocks))] if frame.blocks else []), *frame.items]
            outer.blocks += [Listing(tuple(items), frame.first)] if items else []
        return frame.tag

    def _end_lines(self) -> None:
        lines, self._lines = self._lines, None
        text = "".join(lines or ()).strip("\n")
        if text.strip():
            self._frames[-1].blocks.append(Verbatim(text))

    def _picture(self, address: str, words: str) -> None:
        name = "" if address.startswith("data:") else address.rpartition("/")[2].partition(".")[0]
        words = " ".join((words or name).split())[:WORDS_MAX]
        if self._rows is not None or self._lines is not None:
            self._write(f"[{words}]" if words else "")
            return
        found = self._find(address, words) or Picture("", b"", words)  # whoever sets it says it in words
        if not found.content and not words:
            return
        level = self._heading
        self._flush()
        self._heading = level
        self._frames[-1].blocks.append(found)

    # tables

    def _table_tag(self, tag: str, given: dict[str, str]) -> None:
        if tag == "table":
            self._flush()
            self._tables += 1
            self._rows = self._rows if self._rows is not None else []
        elif self._rows is None or self._tables > 1:
            self._flush()
        elif tag == "tr":
            self._end_cell()
            self._rows.append([])
        else:
            self._end_cell()
            self._rows = self._rows or [[]]
            wide = given.get("colspan", "")
            more = min(int(wide), COLUMNS_MAX) - 1 if wide.isascii() and wide.isdigit() and len(wide) < 4 else 0
            self._cell = len(self._rows[-1])
            self._rows[-1] += [()] * (max(more, 0) + 1)

    def _close_in_table(self, tag: str) -> None:
        self._tables -= tag == "table" and self._tables > 0
        if tag != "table":
            self._end_cell()
        elif not self._tables:
            self._end_table()

    def _end_cell(self) -> None:
        if self._rows and self._cell < len(self._rows[-1]) and self._tables == 1:
            self._rows[-1][self._cell] = (*self._rows[-1][self._cell], *self._taken())

    def _end_table(self) -> None:
        if self._rows is None:
            return
        self._tables = 1
        self._end_cell()
        rows, self._rows, self._tables = [row for row in self._rows if any(row)], None, 0
        self._flush()
        self._frames[-1].blocks += _tabled(rows)


def _tabled(rows: Sequence[Sequence[Spans]]) -> list[Block]:
    """Return a table; or its cells one after another, where they were only to stand side by side."""
    columns = max((len(row) for row in rows), default=0)
    longest = max((sum(len(span.text) for span in cell) for row in rows for cell in row), default=0)
    if columns < 2 or columns > COLUMNS_MAX or longest > CELL_MAX:
        return [Paragraph(cell) for row in rows for cell in row if cell]
    return [Table(tuple((*row, *[()] * (columns - len(row))) for row in rows), (False,) * columns)]
