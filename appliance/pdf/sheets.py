"""The test sheet: a booklet of numbers that shows what a printer cannot reach and how it turns paper."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Final

from reportlab.pdfgen.canvas import Canvas

from appliance.archive.blocks import Span
from appliance.archive.imposition import SHEET_PAGES, Layout
from appliance.archive.paper import POINTS_PER_MM, PrintOrder, Size
from appliance.pdf.letters import EAST_ASIAN, Letters, Pen, Piece, blank_canvas
from appliance.pdf.setting import Column, Measure, Setter

MM: Final = POINTS_PER_MM
REACH_MM: Final = 16
STEP: Final = 4.2 * MM  # between one millimetre's line and the next one's


def trial_page_count(order: PrintOrder) -> int:
    """Return how many pages the test booklet has: two sheets where their order counts, else one."""
    return SHEET_PAGES * (2 if order.turning.is_by_hand else 1)


def trial_pages(order: PrintOrder, words: Mapping[str, str]) -> bytes:
    """Return the pages of the test booklet. `words` are the sentences first, margin and back."""
    whole = BytesIO()
    size = order.page if order.layout is Layout.BOOKLET else PrintOrder(Layout.BOOKLET, order.paper).page
    canvas = blank_canvas(whole, size)
    pen = Pen(canvas, Letters(EAST_ASIAN))
    pages = trial_page_count(order)
    for page in range(1, pages + 1):
        line = [Piece(str(page), "strong")]
        pen.write(line, (size.width - pen.width(line, 120)) / 2, size.height * 0.42, 120)
        _arrow(canvas, size)
        if page in (1, pages):
            _rulers(pen, size, on_the_right=(page == 1) != order.from_the_right)
        if page == 1:
            _say(pen, (words["first"].format(pages=pages), words["margin"]), size, 0.93)
            _say(pen, (words["back"],), size, 0.28)
        canvas.showPage()
    canvas.save()
    return whole.getvalue()


def _say(pen: Pen, sentences: tuple[str, ...], size: Size, share: float) -> None:
    inset = (REACH_MM + 4) * MM
    setter = Setter(pen.letters, Measure(9.5))
    strips = [s for text in sentences for s in setter.paragraph((Span(text),), Column(inset, size.width - 2 * inset))]
    y = size.height * share - inset / 2
    for strip in strips:
        y -= strip.above
        strip.draw(pen, 0, y)
        y -= strip.height


def _arrow(canvas: Canvas, size: Size) -> None:
    """Point to where the head of the page is."""
    x, y = size.width / 2, size.height * 0.66
    canvas.setLineWidth(3)
    canvas.lines([(x, y - 40, x, y), (x - 12, y - 14, x, y), (x + 12, y - 14, x, y)])


def _rulers(pen: Pen, size: Size, on_the_right: bool) -> None:
    """Draw a line for each millimetre from the upper, the lower and the outer edge, each beside the one before."""
    pen.canvas.setLineWidth(0.4)
    for away in range(REACH_MM):
        at = away * MM
        along = size.width * 0.2 + away * STEP
        up = size.height * 0.4 + away * STEP
        side = size.width - at if on_the_right else at
        pen.canvas.line(along, at, along + STEP, at)
        pen.canvas.line(along, size.height - at, along + STEP, size.height - at)
        pen.canvas.line(side, up, side, up + STEP)
        if away % 5 == 0 and away:
            label = [Piece(str(away))]
            pen.write(label, along + STEP * 0.3, at + 2, 7)
            pen.write(label, along + STEP * 0.3, size.height - at - 8, 7)
            pen.write(label, side - 10 if on_the_right else side + 3, up + STEP * 0.3, 7)
