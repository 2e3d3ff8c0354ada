"""Imposition: which page stands where on which sheet, so that folded paper reads in order.

Mini-zine: one sheet, printed on one side, eight panels in two rows of four. Folded along all creases and cut along the middle
between the two inner columns, it is one closed band of eight panels; pushed together, the band becomes a cross whose four
arms are the leaves. Zine makers know the fold as the one-sheet zine; our starter zine "Making and folding an eight-page zine"
tells it step by step. Lower row, upright: 8 1 2 3. Upper row, upside down: 7 6 5 4.

Booklet: sheets folded once, laid into each other and stitched through the fold (saddle stitch). The outermost sheet of n pages
bears n and 1 on its outside, 2 and n-1 on its inside; the next one n-2 and 3, and so on, as psbook(1) of PSUtils orders them.
More than `SIGNATURE_SHEETS_MAX` sheets do not fold flat, so a thick book becomes several signatures, one behind the other.

A book that is read from right to left has its spine on the right: each side is mirrored, and every page stays upright.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

MINI_PAGES: Final = 8
SIGNATURE_SHEETS_MAX: Final = 10  # 40 pages of 80 g paper still close
SIDE_PAGES: Final = 2  # of a booklet
SHEET_PAGES: Final = 4

# The upper row stands on its head; places are counted from the left.
MINI_UPPER: Final = (7, 6, 5, 4)
MINI_LOWER: Final = (8, 1, 2, 3)


class Layout(Enum):
    MINI = "mini"
    BOOKLET = "booklet"
    PAGES = "pages"  # one page a sheet side, as they are


class Turning(Enum):
    """How the back of a sheet comes to be printed; sheets lie wide, as they are read."""

    SHORT_EDGE = "short-edge"  # the printer turns each sheet about its short edge
    LONG_EDGE = "long-edge"  # about its long edge: backs are printed upside down
    BY_HAND = "by-hand"  # all fronts, the stack is turned, all backs in the same order
    BY_HAND_LAST_FIRST = "by-hand-last-first"  # the printer lays sheets so that the last one comes back first

    @property
    def is_by_hand(self) -> bool:
        return self in (Turning.BY_HAND, Turning.BY_HAND_LAST_FIRST)


@dataclass(frozen=True, slots=True)
class Place:
    """One panel of a side: `column` from the left and `row` from the top, both from 0. `page` counts from 1; None stays blank."""

    page: int | None
    column: int = 0
    row: int = 0
    upside_down: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    columns: int
    rows: int
    places: tuple[Place, ...]

    def turned(self) -> Side:
        """Return the same side, turned by half a turn."""
        return Side(self.columns, self.rows, tuple(self._turned(place) for place in self.places))

    def mirrored(self) -> Side:
        """Return the side with its columns from right to left; every page keeps its head up."""
        places = (Place(p.page, self.columns - 1 - p.column, p.row, p.upside_down) for p in self.places)
        return Side(self.columns, self.rows, tuple(places))

    def _turned(self, place: Place) -> Place:
        column, row = self.columns - 1 - place.column, self.rows - 1 - place.row
        return Place(place.page, column, row, not place.upside_down)


@dataclass(frozen=True, slots=True)
class Sheet:
    """`back` is seen after the sheet was turned over sideways; None where nothing is printed there."""

    front: Side
    back: Side | None = None


class TooManyPages(ValueError):
    """More pages than the layout has panels."""


def impose(pages: int, layout: Layout, from_the_right: bool = False) -> list[Sheet]:
    """Return the sheets of `pages` pages, the first or outermost first. Raises `TooManyPages` for a mini-zine of more than 8.

    Missing pages are blank and come last.
    """
    if pages < 1:
        raise ValueError("nothing to impose")
    if layout is Layout.MINI:
        sheets = [_mini(pages)]
    elif layout is Layout.BOOKLET:
        sheets = _booklet(pages)
    else:
        return [Sheet(Side(1, 1, (Place(page),))) for page in range(1, pages + 1)]
    return [_mirrored(sheet) for sheet in sheets] if from_the_right else sheets


def in_printing_order(sheets: Sequence[Sheet], turning: Turning) -> list[Side]:
    """Return the sides in the order in which they leave the printer, turned as its way to the back asks."""
    if all(sheet.back is None for sheet in sheets):
        return [sheet.front for sheet in sheets]
    fronts = [sheet.front for sheet in sheets]
    backs = [sheet.back or Side(sheet.front.columns, sheet.front.rows, ()) for sheet in sheets]
    if turning is Turning.BY_HAND:
        return fronts + backs
    if turning is Turning.BY_HAND_LAST_FIRST:
        return fronts + backs[::-1]
    if turning is Turning.LONG_EDGE:
        backs = [back.turned() for back in backs]
    return [side for pair in zip(fronts, backs, strict=True) for side in pair]


def signatures(sheets: int) -> list[int]:
    """Return how many sheets each signature of a booklet has: as even as can be, the thicker ones first."""
    count = -(-sheets // SIGNATURE_SHEETS_MAX)
    return [sheets // count + (number < sheets % count) for number in range(count)]


def _mini(pages: int) -> Sheet:
    if pages > MINI_PAGES:
        raise TooManyPages(f"{pages} pages do not go on one sheet of {MINI_PAGES}")
    upper = [Place(_there(page, pages), column, 0, True) for column, page in enumerate(MINI_UPPER)]
    lower = [Place(_there(page, pages), column, 1) for column, page in enumerate(MINI_LOWER)]
    return Sheet(Side(4, 2, (*upper, *lower)))


def _booklet(pages: int) -> list[Sheet]:
    sheets: list[Sheet] = []
    first = 1
    for size in signatures(-(-pages // SHEET_PAGES)):
        last = first + SHEET_PAGES * size - 1
        for inward in range(0, SIDE_PAGES * size, SIDE_PAGES):
            front = _spread(last - inward, first + inward, pages)
            sheets.append(Sheet(front, _spread(first + inward + 1, last - inward - 1, pages)))
        first = last + 1
    return sheets


def _spread(left: int, right: int, pages: int) -> Side:
    return Side(2, 1, (Place(_there(left, pages), 0), Place(_there(right, pages), 1)))


def _there(page: int, pages: int) -> int | None:
    return page if page <= pages else None


def _mirrored(sheet: Sheet) -> Sheet:
    return Sheet(sheet.front.mirrored(), sheet.back.mirrored() if sheet.back else None)
