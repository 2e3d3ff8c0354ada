"""Blocks into strips: pieces of a column that are never cut, each with its height and what it draws."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final

from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfdoc import PDFError
from reportlab.pdfbase.pdfutils import readJPEGInfo

from appliance.archive.blocks import (
    Block,
    Heading,
    Item,
    Listing,
    Paragraph,
    Picture,
    Quote,
    Span,
    Spans,
    Table,
    Verbatim,
)
from appliance.archive.outlines import Unreadable
from appliance.archive.paper import Size
from appliance.pdf.drawing import Drawing
from appliance.pdf.letters import Letters, Pen, Piece
from appliance.pdf.lines import Line, broken, natural_width

PIXELS_MAX: Final = 12_000_000
PNG: Final = b"\x89PNG\r\n\x1a\n"
UNREADABLE: Final = (Unreadable, PDFError, OSError, ValueError, SyntaxError, struct.error)
HEADING_SIZES: Final = {1: 1.5, 2: 1.3, 3: 1.12}
GREY: Final = 0.55
COLUMNS_MAX: Final = 12

Draw = Callable[[Pen, float, float], None]


@dataclass(frozen=True, slots=True)
class Strip:
    """`draw(pen, x, y)` draws it with its upper left corner at (x, y). `above` is a gap that the top of a page does not have."""

    height: float
    draw: Draw
    above: float = 0.0
    keep: bool = False  # on one page with the strip after it


@dataclass(frozen=True, slots=True)
class Measure:
    """How a column is set: letters in points, the distance of base lines in letters."""

    size: float
    leading: float = 1.35
    picture_height: float = 300.0
    from_the_right: bool = False

    @property
    def line(self) -> float:
        return self.size * self.leading

    @property
    def gap(self) -> float:
        return self.size * 0.55


@dataclass(frozen=True, slots=True)
class Column:
    """Where strips are set: `left` points from the left edge of the text, `width` points wide."""

    left: float
    width: float

    def inside(self, by: float, from_the_right: bool) -> Column:
        return Column(self.left + (0.0 if from_the_right else by), self.width - by)


class Setter:
    """Sets blocks in one measure. What it cannot draw it says in words."""

    def __init__(self, letters: Letters, measure: Measure) -> None:
        self.letters = letters
        self.measure = measure

    def strips(self, blocks: Sequence[Block], column: Column) -> list[Strip]:
        return [strip for block in blocks for strip in self._block(block, column)]

    def _block(self, block: Block, column: Column) -> list[Strip]:
        match block:
            case Heading():
                strips = self._heading(block, column)
            case Paragraph(spans=spans):
                strips = self.paragraph(spans, column)
            case Listing():
                strips = self._listing(block, column)
            case Quote(blocks=blocks):
                strips = self._quote(blocks, column)
            case Verbatim():
                strips = self._verbatim(block, column)
            case Picture():
                strips = [self._picture(block, column)]
            case Table():
                strips = self._table(block, column)
            case _:
                strips = [self._rule(column)]
        return strips

    def paragraph(self, spans: Spans, column: Column, size: float = 0.0, centred: bool = False) -> list[Strip]:
        """Set a paragraph; neither its first nor its last line stands alone on a page."""
        size = size or self.measure.size
        lines = broken(spans, column.width, size, self.letters, self.measure.from_the_right)
        strips = [self._line(line, column, size, centred) for line in lines]
        last = len(strips) - 1
        strips = [replace(s, keep=number in (0, last - 1) and number < last) for number, s in enumerate(strips)]
        return [replace(strips[0], above=self.measure.gap), *strips[1:]]

    def _line(
        self, line: Line, column: Column, size: float, centred: bool = False, at_the_right: bool = False
    ) -> Strip:
        height = size * self.measure.leading
        rest = column.width - line.width
        shift = column.left + (rest / 2 if centred else rest if at_the_right or line.from_the_right else 0.0)

        def draw(pen: Pen, x: float, y: float) -> None:
            base = y - height + (height - size) / 2 + size * 0.2
            pen.write(line.pieces, x + shift, base, size, line.from_the_right)

        return Strip(height, draw)

    def _heading(self, heading: Heading, column: Column) -> list[Strip]:
        size = self.measure.size * HEADING_SIZES.get(heading.level, 1.0)
        spans = tuple(replace(span, strong=True) for span in heading.spans)
        strips = [replace(strip, keep=True) for strip in self.paragraph(spans, column, size)]
        return [replace(strips[0], above=self.measure.size * 1.1), *strips[1:]]

    def _listing(self, listing: Listing, column: Column) -> list[Strip]:
        size = self.measure.size
        numbers = (
            [f"{listing.first + place}." for place in range(len(listing.items))] if listing.first is not None else []
        )
        inset = max((self.letters.width(Piece(number), size) for number in numbers), default=0.0) + size * 0.5
        inner = column.inside(max(inset, size * 1.5), self.measure.from_the_right)
        found: list[Strip] = []
        for place, item in enumerate(listing.items):
            strips = self.strips(item.blocks, inner) or self.paragraph((Span(""),), inner)
            gap = self.measure.gap * (1.0 if place == 0 else 0.45)
            mark = self._mark(numbers[place] if numbers else "", item, column)
            found += [replace(strips[0], draw=_both(strips[0].draw, mark), above=gap), *strips[1:]]
        return found

    def _mark(self, number: str, item: Item, column: Column) -> Draw:
        """Draw a number, a box to tick, or a dot where an item begins."""
        size, line = self.measure.size, self.measure.line

        def draw(pen: Pen, x: float, y: float) -> None:
            base = y - line + (line - size) / 2 + size * 0.2
            wide = pen.width([Piece(number)], size) if number else size
            at = x + column.left + (column.width - wide if self.measure.from_the_right else 0.0)
            pen.canvas.setLineWidth(size / 14)
            if item.ticked is not None:
                pen.canvas.rect(at, base - size * 0.06, size * 0.8, size * 0.8)
                if item.ticked:
                    pen.canvas.lines(_tick(at, base, size))
            elif number:
                pen.write([Piece(number)], at, base, size, self.measure.from_the_right)
            else:
                pen.canvas.circle(at + size * 0.45, base + size * 0.3, size * 0.14, stroke=0, fill=1)

        return draw

    def _quote(self, blocks: Sequence[Block], column: Column) -> list[Strip]:
        inset = self.measure.size
        at = column.left + (column.width if self.measure.from_the_right else 0.0)
        strips = self.strips(blocks, column.inside(inset, self.measure.from_the_right))
        return [replace(strip, draw=_both(strip.draw, _bar(at, strip.height))) for strip in strips]

    def _verbatim(self, block: Verbatim, column: Column) -> list[Strip]:
        """Set lines as they stand; an empty line is a gap."""
        strips: list[Strip] = []
        above = self.measure.gap
        for text in block.text.split("\n"):
            if not text.strip():
                above += self.measure.line * 0.7
                continue
            indent = len(text.expandtabs(4)) - len(text.expandtabs(4).lstrip())
            inner = column.inside(min(indent * self.measure.size * 0.5, column.width / 2), False)
            kept = text.strip().expandtabs(4).replace("  ", "\u00a0\u00a0")
            span = (Span(kept, code=block.is_code),)
            size = self.measure.size * (0.88 if block.is_code else 1.0)
            lines = self.paragraph(span, inner, size)
            strips += [replace(lines[0], above=above), *lines[1:]]
            above = 0.0
        if block.is_code:
            strips = [
                replace(strip, draw=_both(strip.draw, _bar(column.left - 4, strip.height, 0.8))) for strip in strips
            ]
        return strips

    def _rule(self, column: Column) -> Strip:
        def draw(pen: Pen, x: float, y: float) -> None:
            pen.canvas.setLineWidth(0.5)
            middle = x + column.left + column.width / 2
            pen.canvas.line(
                middle - column.width / 6, y - self.measure.size, middle + column.width / 6, y - self.measure.size
            )

        return Strip(self.measure.size * 2, draw)

    def _picture(self, picture: Picture, column: Column) -> Strip:
        try:
            size, draw_at = _drawable(picture)
        except UNREADABLE:
            self.letters.unprinted.add(picture.words[:60])
            return self._said_instead(picture.words, column)
        scale = min(column.width / size.width, self.measure.picture_height / size.height, 0.95)
        left = column.left + (column.width - size.width * scale) / 2

        def draw(pen: Pen, x: float, y: float) -> None:
            draw_at(pen, x + left, y - size.height * scale, scale)

        return Strip(size.height * scale + self.measure.gap, draw, above=self.measure.gap * 1.4)

    def _said_instead(self, words: str, column: Column) -> Strip:
        strips = self.paragraph((Span(f"[{words}]", emphasis=True),), column)

        def draw(pen: Pen, x: float, y: float) -> None:
            for strip in strips:
                strip.draw(pen, x, y)
                y -= strip.height

        return Strip(sum(strip.height for strip in strips), draw, above=self.measure.gap)

    def _table(self, table: Table, column: Column) -> list[Strip]:
        widths = self._column_widths(table, column.width)
        strips = []
        for number, row in enumerate(table.rows):
            cells = [
                tuple(replace(span, strong=span.strong or number == 0) for span in cell) for cell in row[: len(widths)]
            ]
            strips.append(replace(self._row(cells, table, widths, column), keep=number == 0))
        return [replace(strips[0], above=self.measure.gap), *strips[1:]] if strips else []

    def _column_widths(self, table: Table, width: float) -> list[float]:
        """Give each column what its words need at least, and share the rest by what it would like."""
        count = min(max((len(row) for row in table.rows), default=0), COLUMNS_MAX)
        space = self.measure.size * 0.8
        sizes = [
            [
                natural_width(tuple(replace(s, strong=True) for s in cell), self.measure.size, self.letters)
                for cell in cells
            ]
            for cells in ([row[place] for row in table.rows if place < len(row)] for place in range(count))
        ]
        likes = [max(size[0] for size in column) + space for column in sizes]
        needs = [max(size[1] for size in column) + space for column in sizes]
        if sum(likes) <= width:
            return likes
        if sum(needs) >= width:
            return [width * need / sum(needs) for need in needs]
        free = (width - sum(needs)) / (sum(likes) - sum(needs))
        return [need + (like - need) * free for need, like in zip(needs, likes, strict=True)]

    def _row(self, cells: Sequence[Spans], table: Table, widths: Sequence[float], column: Column) -> Strip:
        size, pad = self.measure.size, self.measure.size * 0.25
        set_cells: list[tuple[float, list[Strip]]] = []
        left = column.left + (column.width if self.measure.from_the_right else 0.0)
        for place, cell in enumerate(cells):
            left -= widths[place] if self.measure.from_the_right else 0.0
            room = Column(left, max(widths[place] - size * 0.8, size))
            lines = broken(cell, room.width, size, self.letters, self.measure.from_the_right)
            at_the_right = place < len(table.right) and table.right[place]
            set_cells.append((left, [self._line(line, room, size, at_the_right=at_the_right) for line in lines]))
            left += 0.0 if self.measure.from_the_right else widths[place]
        height = max(sum(strip.height for strip in strips) for _, strips in set_cells) + 2 * pad

        def draw(pen: Pen, x: float, y: float) -> None:
            for _, strips in set_cells:
                for number, strip in enumerate(strips):
                    strip.draw(pen, x, y - pad - number * strip.height)
            pen.canvas.setLineWidth(0.4)
            pen.canvas.setStrokeGray(GREY)
            begin = x + column.left + (column.width - sum(widths) if self.measure.from_the_right else 0.0)
            pen.canvas.line(begin, y - height, begin + sum(widths), y - height)
            pen.canvas.setStrokeGray(0)

        return Strip(height, draw)


def _drawable(picture: Picture) -> tuple[Size, Callable[[Pen, float, float, float], None]]:
    """Return a picture's size in its own units, and how to draw it at a place and scale. Raises where it is unreadable."""
    if picture.media_type == "image/svg+xml":
        drawing = Drawing(picture.content)
        return drawing.size, drawing.draw
    width, height = _pixels(picture.content)
    if not 0 < width * height <= PIXELS_MAX:
        raise Unreadable("too many pixels")
    image = ImageReader(BytesIO(picture.content))
    image.getRGBData()
    return Size(width, height), lambda pen, x, y, scale: pen.canvas.drawImage(
        image, x, y, width * scale, height * scale, mask="auto"
    )


def _pixels(content: bytes) -> tuple[int, int]:
    """Return how many pixels a picture says it has, before anything of it is unpacked."""
    if content.startswith(PNG) and len(content) > 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    width, height, *_ = readJPEGInfo(BytesIO(content))
    return width, height


def _both(first: Draw, second: Draw) -> Draw:
    def draw(pen: Pen, x: float, y: float) -> None:
        first(pen, x, y)
        second(pen, x, y)

    return draw


def _bar(at: float, height: float, grey: float = GREY) -> Draw:
    def draw(pen: Pen, x: float, y: float) -> None:
        pen.canvas.setLineWidth(1.2)
        pen.canvas.setStrokeGray(grey)
        pen.canvas.line(x + at, y, x + at, y - height)
        pen.canvas.setStrokeGray(0)

    return draw


def _tick(x: float, y: float, size: float) -> list[tuple[float, float, float, float]]:
    low = (x + size * 0.32, y + size * 0.12)
    return [(x + size * 0.14, y + size * 0.36, *low), (*low, x + size * 0.7, y + size * 0.66)]


def strips_height(strips: Sequence[Strip]) -> float:
    """Return how high strips stand below each other, the gap before the first left out."""
    return sum(strip.height + strip.above * (number > 0) for number, strip in enumerate(strips))


def groups(strips: Iterable[Strip]) -> Iterator[list[Strip]]:
    """Yield strips that stay together."""
    group: list[Strip] = []
    for strip in strips:
        group.append(strip)
        if not strip.keep:
            yield group
            group = []
    if group:
        yield group
