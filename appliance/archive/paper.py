"""Paper and its panels, in points (1/72 inch) from the lower left corner, as PDF measures (ISO 32000-1, 8.3.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from appliance.archive.imposition import Layout, Place, Side, Turning

POINTS_PER_MM: Final = 72 / 25.4
MARGIN_MM_MAX: Final = 20


class Size(NamedTuple):
    width: float
    height: float


class Panel(NamedTuple):
    """Where a page may be drawn: its lower left corner and its size."""

    x: float
    y: float
    width: float
    height: float


PAPERS: Final = {  # as they stand: ISO 216, and the North American Letter
    "A4": Size(210 * POINTS_PER_MM, 297 * POINTS_PER_MM),
    "Letter": Size(612.0, 792.0),
}


def sheet_size(paper: str, layout: Layout) -> Size:
    """Return the size of a sheet as it is looked at: wide for what is folded."""
    size = PAPERS[paper]
    return size if layout is Layout.PAGES else Size(size.height, size.width)


def page_size(paper: str, layout: Layout) -> Size:
    """Return the size of one page of the folded zine: A7 and A5 from A4; a quarter and a half of a Letter sheet's width."""
    sheet = sheet_size(paper, layout)
    columns, rows = {Layout.MINI: (4, 2), Layout.BOOKLET: (2, 1), Layout.PAGES: (1, 1)}[layout]
    return Size(sheet.width / columns, sheet.height / rows)


def panel(side: Side, place: Place, sheet: Size, margin: float) -> Panel:
    """Return the part of a panel where a page is drawn, `margin` points away from the edges of the sheet.

    Only edges of the sheet need a margin, not folds. All panels of a layout are equally large, so that all pages are scaled
    alike: each gives up as much as the one that gives up most.
    """
    width, height = sheet.width / side.columns, sheet.height / side.rows
    left, right = margin * (place.column == 0), margin * (place.column == side.columns - 1)
    above, below = margin * (place.row == 0), margin * (place.row == side.rows - 1)
    lost = Size(margin * (2 if side.columns == 1 else 1), margin * (2 if side.rows == 1 else 1))
    x = place.column * width + left + (lost.width - left - right) / 2
    y = (side.rows - 1 - place.row) * height + below + (lost.height - below - above) / 2
    return Panel(x, y, width - lost.width, height - lost.height)


@dataclass(frozen=True, slots=True)
class PrintOrder:
    """How a zine is wanted on paper."""

    layout: Layout
    paper: str = "A4"  # a key of PAPERS
    turning: Turning = Turning.SHORT_EDGE
    margin_mm: float = 0.0  # what the printer cannot reach, at every edge of the sheet
    from_the_right: bool = False

    @property
    def sheet(self) -> Size:
        return sheet_size(self.paper, self.layout)

    @property
    def page(self) -> Size:
        return page_size(self.paper, self.layout)

    @property
    def margin(self) -> float:
        """In points."""
        return self.margin_mm * POINTS_PER_MM
