"""A text as pages: a cover, the text, what is noted in its margin, and on the back who made it and what one may do with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from typing import Final, TypeAlias

from appliance.archive.blocks import Block, Heading, Paragraph, Rule, Span
from appliance.archive.imposition import MINI_PAGES, SHEET_PAGES, Layout
from appliance.archive.paper import POINTS_PER_MM, Size
from appliance.errors import Objection, Refused
from appliance.pdf.letters import Letters, Pen, Piece, blank_canvas
from appliance.pdf.setting import Column, Measure, Setter, Strip, groups, strips_height

MM: Final = POINTS_PER_MM
Pages: TypeAlias = list[list[Strip]]
PAGES_MAX: Final = 200
THIN: Final = 16  # pages; of a thicker booklet one sheet less is little
# Sizes of letters that are tried, the best first. DejaVu's small letters are high: 6 points read as 7 of a book's.
MINI_SIZES: Final = (9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0)
BOOKLET_SIZES: Final = (10.0, 9.5, 9.0)
PAGE_SIZES: Final = (11.0,)


@dataclass(frozen=True, slots=True)
class Note:
    """What a neighbour wrote in the margin: at which words, what, and who."""

    place: str
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class Text:
    """All that is set. `imprint` are the lines of the last page; `notes_title` stands above the notes."""

    title: str
    blocks: tuple[Block, ...]
    kicker: str = ""
    maker: str = ""
    summary: str = ""
    imprint: tuple[str, ...] = ()
    notes_title: str = ""
    notes: tuple[Note, ...] = ()
    unprinted: str = "[ ]: {signs}"  # what is said where letters had to be left out
    from_the_right: bool = False
    is_bare: bool = False  # neither cover nor last page: its pages follow others


@dataclass(frozen=True, slots=True)
class Frame:
    """A page and its edges, in points; the number stands in the middle of the lower one."""

    page: Size
    side: float
    top: float
    bottom: float

    @property
    def column(self) -> Column:
        return Column(0.0, self.page.width - 2 * self.side)

    @property
    def height(self) -> float:
        return self.page.height - self.top - self.bottom


def frame(page: Size, layout: Layout, margin: float) -> Frame:
    """Return the edges of a page: wide enough for the printer and for a thumb."""
    side, top, bottom = {
        Layout.MINI: (5.5 * MM, 5.5 * MM, 9 * MM),
        Layout.BOOKLET: (13 * MM, 13 * MM, 16 * MM),
        Layout.PAGES: (24 * MM, 22 * MM, 24 * MM),
    }[layout]
    return Frame(page, max(side, margin + 1 * MM), max(top, margin + 1 * MM), max(bottom, margin + 4 * MM))


def typeset(text: Text, frame: Frame, layout: Layout, letters: Letters) -> bytes:
    """Return the pages as a PDF, a thin booklet in letters that save a sheet. Raises `Refused` where there are too many."""
    if layout is Layout.MINI:
        return _printed(_small_enough(text, frame, letters), frame, text, letters)
    size, *smaller = BOOKLET_SIZES if layout is Layout.BOOKLET else PAGE_SIZES
    best = _Book(text, frame, layout, letters, size).pages(PAGES_MAX)
    if best is None:
        raise Refused(Objection.TOO_MANY_PAGES, limit=PAGES_MAX)
    for size in smaller if len(best) <= THIN else ():
        pages = _Book(text, frame, layout, letters, size).pages(len(best))
        best = pages if pages and _sheets(pages) < _sheets(best) else best
    return _printed(best, frame, text, letters)


def _small_enough(text: Text, frame: Frame, letters: Letters) -> Pages:
    """Return the pages of a mini-zine in the largest letters that let it end on its eighth. Raises `Refused`."""
    low, high = 0, len(MINI_SIZES)  # every size from `high` on is small enough
    best: Pages | None = None
    while low < high:
        middle = (low + high) // 2
        pages = _Book(text, frame, Layout.MINI, letters, MINI_SIZES[middle]).pages(MINI_PAGES)
        low, high = (low, middle) if pages else (middle + 1, high)
        best = pages or best
    if best is None:
        raise Refused(Objection.TOO_LONG_FOR_MINI)
    return best


def _sheets(pages: Pages) -> int:
    return -(-len(pages) // SHEET_PAGES)


class _Book:
    """One try at one size."""

    def __init__(self, text: Text, frame: Frame, layout: Layout, letters: Letters, size: float) -> None:
        self.text = text
        self.frame = frame
        self.layout = layout
        leading = 1.25 if layout is Layout.MINI else 1.36
        measure = Measure(size, leading, frame.height * (0.55 if layout is Layout.MINI else 0.45), text.from_the_right)
        self.setter = Setter(letters, measure)
        self.small = Setter(letters, replace(measure, size=size * 0.85))

    def pages(self, most: int) -> Pages | None:
        """Return the strips of each page, from the cover to the back; None where there are more than `most`.

        Blank pages lie before the back.
        """
        body = list(islice(_filled(self._strips(), self.frame.height), most))
        pages = self._bound(body)
        return pages if len(pages) <= most else None

    def _strips(self) -> Iterator[Strip]:
        for block in (*self.text.blocks, *self._notes()):
            yield from self.setter.strips((block,), self.frame.column)

    def _bound(self, body: Pages) -> Pages:
        if self.text.is_bare:
            return body
        pages = [self._cover(), *body]
        imprint = self._imprint()
        unit = {Layout.MINI: MINI_PAGES, Layout.BOOKLET: SHEET_PAGES, Layout.PAGES: 1}[self.layout]
        room = self.frame.height - strips_height(pages[-1])
        if len(pages) % unit == 0 and len(pages) > 1 and strips_height(imprint) + self.setter.measure.line <= room:
            gap = room - strips_height(imprint)
            return [*pages[:-1], [*pages[-1], replace(imprint[0], above=gap), *imprint[1:]]]
        blanks: list[list[Strip]] = [[] for _ in range(-(len(pages) + 1) % unit)]
        return [*pages, *blanks, [_space(self.frame.height - strips_height(imprint)), *imprint]]

    def _cover(self) -> list[Strip]:
        column = self.frame.column
        size = self.frame.page.height / 18
        while size > 6 and self._widest_word(size) > column.width:
            size *= 0.9
        kicker = self.small.paragraph((Span(self.text.kicker),), column) if self.text.kicker else []
        title = self.setter.paragraph((Span(self.text.title, strong=True),), column, size)
        body = max(self.setter.measure.size, self.frame.page.height / 60)
        summary = self.setter.paragraph((Span(self.text.summary),), column, body) if self.text.summary else []
        summary = [
            replace(strip, above=size * 0.6 if number == 0 else strip.above) for number, strip in enumerate(summary)
        ]
        maker = self.setter.paragraph((Span(self.text.maker),), column, body) if self.text.maker else []
        head = [*kicker, replace(title[0], above=size * 0.8), *title[1:], *summary]
        hedge = _hedge(column.width, self.frame.height * 0.16)
        rest = self.frame.height - strips_height(head) - hedge.height - strips_height(maker)
        foot = [hedge, *maker]
        return [*head, replace(foot[0], above=max(0.0, rest - size * 0.2)), *foot[1:]]

    def _widest_word(self, size: float) -> float:
        letters = self.setter.letters
        words = letters.printable(self.text.title).split() or [""]
        return max(letters.width(Piece(word, "strong"), size) for word in words)

    def _imprint(self) -> list[Strip]:
        column = self.frame.column
        unprinted = sorted(self.setter.letters.unprinted)
        lines = [*self.text.imprint, *([self.text.unprinted.format(signs=", ".join(unprinted))] if unprinted else [])]
        return [strip for line in lines for strip in self.small.paragraph((Span(line),), column)] or [_space(1.0)]

    def _notes(self) -> Iterator[Block]:
        if self.text.notes:
            yield Rule()
            yield Heading(2, (Span(self.text.notes_title),))
        for note in self.text.notes:
            place = (Span(f"{note.place}\n", strong=True),) if note.place else ()
            by = (Span(f" \u2014 {note.by}", emphasis=True),) if note.by else ()
            yield Paragraph((*place, Span(note.text), *by))


def _filled(strips: Iterable[Strip], height: float) -> Iterator[list[Strip]]:
    """Fill pages. What stays together but is higher than a page is parted after all."""
    page: list[Strip] = []
    used = 0.0
    parts = (
        part
        for group in groups(strips)
        for part in ([group] if strips_height(group) <= height else [[s] for s in group])
    )
    for part in parts:
        needed = strips_height(part) + (part[0].above if page else 0.0)
        if page and used + needed > height + 0.01:
            yield page
            page, used, needed = [], 0.0, strips_height(part)
        page += part
        used += needed
    if page:
        yield page


def _space(height: float) -> Strip:
    return Strip(max(height, 0.0), lambda _pen, _x, _y: None)


def _hedge(width: float, height: float) -> Strip:
    """A hedgerow, in lines that a copier keeps."""

    def draw(pen: Pen, x: float, y: float) -> None:
        canvas = pen.canvas
        ground = y - height
        canvas.setLineWidth(0.8)
        canvas.line(x, ground + 2, x + width, ground + 2)
        path = canvas.beginPath()
        count = max(4, round(width / height * 1.4))
        shares = [(1.0, 0.75, 1.2, 0.85, 0.95)[number % 5] for number in range(count)]
        at, low = x, ground + height * 0.35
        path.moveTo(x, ground + 2)
        path.lineTo(x, low)
        for share in shares:
            wide = width * share / sum(shares)
            top = low + min(wide * 0.8, height * 0.85)
            path.curveTo(at + wide * 0.04, top, at + wide * 0.96, top, at + wide, low)
            at += wide
        path.lineTo(x + width, ground + 2)
        canvas.drawPath(path)

    return Strip(height, draw)


def _printed(pages: Pages, frame: Frame, text: Text, letters: Letters) -> bytes:
    whole = BytesIO()
    canvas = blank_canvas(whole, frame.page)
    canvas.setTitle(text.title)
    canvas.setAuthor(text.maker)
    pen = Pen(canvas, letters)
    for number, strips in enumerate(pages, 1):
        y = frame.page.height - frame.top
        for place, strip in enumerate(strips):
            y -= strip.above if place else 0.0
            strip.draw(pen, frame.side, y)
            y -= strip.height
        if strips and 1 < number < len(pages) and not text.is_bare:
            line = [Piece(str(number))]
            size = max(frame.bottom / 5.5, 5.0)
            pen.write(line, (frame.page.width - pen.width(line, size)) / 2, frame.bottom * 0.42, size)
        canvas.showPage()
    canvas.save()
    return whole.getvalue()
