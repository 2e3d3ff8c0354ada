"""Pages for a wall or a pocket: a heading, squares that phones read, and a few lines of large print."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Final, NamedTuple

import segno

from appliance.archive.blocks import Span
from appliance.archive.paper import PAPERS, POINTS_PER_MM, Size
from appliance.pdf.letters import EAST_ASIAN, Letters, Pen, Piece, blank_canvas
from appliance.pdf.setting import Column, Measure, Setter

MARGIN: Final = 18 * POINTS_PER_MM
HEADING: Final = 34.0
CAPTION: Final = 15.0
PRINT: Final = 15.0
QUIET: Final = 4  # cells of white around a square (ISO/IEC 18004)


class Square(NamedTuple):
    """What a phone reads, and what stands below it for people."""

    content: str
    caption: str


class Poster(NamedTuple):
    """One page."""

    heading: str
    squares: tuple[Square, ...]
    lines: tuple[str, ...]


def posters(pages: Sequence[Poster], paper: str = "A4") -> bytes:
    """Return a PDF with one page for each of `pages`; `paper` is a key of PAPERS."""
    whole, size = BytesIO(), PAPERS[paper]
    canvas = blank_canvas(whole, size)
    pen = Pen(canvas, Letters(EAST_ASIAN))
    for page in pages:
        y = _heading(pen, page.heading, size)
        y = _squares(pen, page.squares, size, y)
        _lines(pen, page.lines, size, y)
        canvas.showPage()
    canvas.save()
    return whole.getvalue()


def _heading(pen: Pen, heading: str, size: Size) -> float:
    line = [Piece(pen.letters.printable(heading), "strong")]
    room = size.width - 2 * MARGIN
    height = min(HEADING, HEADING * room / max(1.0, pen.width(line, HEADING)))
    pen.write(line, MARGIN, size.height - MARGIN - height, height)
    return size.height - MARGIN - 2 * height


def _squares(pen: Pen, squares: Sequence[Square], size: Size, top: float) -> float:
    """Draw squares side by side, as large as they fit; return where the page goes on."""
    if not squares:
        return top
    gap = MARGIN / 2
    side = min((size.width - 2 * MARGIN - gap * (len(squares) - 1)) / len(squares), size.height * 0.36)
    for place, square in enumerate(squares):
        left = MARGIN + place * (side + gap)
        _square(pen, square.content, left, top - side, side)
        line = [Piece(pen.letters.printable(square.caption), "strong")]
        height = min(CAPTION, CAPTION * side / max(1.0, pen.width(line, CAPTION)))
        pen.write(line, left + (side - pen.width(line, height)) / 2, top - side - CAPTION, height)
    return top - side - 3 * CAPTION


def _square(pen: Pen, content: str, left: float, bottom: float, side: float) -> None:
    cells = segno.make_qr(content, error="m").matrix
    cell = side / (len(cells) + 2 * QUIET)
    canvas = pen.canvas
    canvas.setFillGray(0)
    for row, line in enumerate(cells):
        y = bottom + side - (QUIET + row + 1) * cell
        for column, is_dark in enumerate(line):
            if is_dark:  # a trace wider than its cell: no white hair between two on any printer
                canvas.rect(left + (QUIET + column) * cell, y, cell * 1.01, cell * 1.01, stroke=0, fill=1)


def _lines(pen: Pen, lines: Sequence[str], size: Size, top: float) -> None:
    setter, column = Setter(pen.letters, Measure(PRINT)), Column(MARGIN, size.width - 2 * MARGIN)
    y = top
    for strip in (strip for line in lines for strip in setter.paragraph((Span(line),), column)):
        y -= strip.above
        strip.draw(pen, 0, y)
        y -= strip.height
