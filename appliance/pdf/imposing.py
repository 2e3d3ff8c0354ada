"""Any PDF onto sheets that fold. Each page becomes one form (ISO 32000-1, 8.10), so that what it draws is carried over as it
stands, never read, and nothing it leaves open can reach the page beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Final, NamedTuple

from pypdf import PageObject, PdfWriter
from pypdf.generic import (
    ArrayObject,
    ContentStream,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NullObject,
    StreamObject,
)

from appliance.archive.imposition import MINI_PAGES, Layout, Place, Side, impose, in_printing_order
from appliance.archive.paper import Panel, PrintOrder, Size, panel
from appliance.errors import Objection, Refused

PAGES_MAX: Final = 400
SIDE_MIN: Final = 3.0  # points; ISO 32000-1, annex C.2
# Acrobat's largest page in units of a point (annex C.2); a larger unit of its own is what `UserUnit` is for.
SIDE_MAX: Final = 14_400.0
CUT_GREY: Final = 0.6
TICK: Final = 6.0  # points; a mark at the edge that tells where to fold


class Source(NamedTuple):
    """A page of the zine as a form: what of it is shown, in its own coordinates, and how far it is turned clockwise."""

    form: IndirectObject
    x0: float
    y0: float
    x1: float
    y1: float
    turn: int  # 0, 90, 180 or 270 degrees

    @property
    def size(self) -> Size:
        """Width and height as shown."""
        width, height = self.x1 - self.x0, self.y1 - self.y0
        return Size(height, width) if self.turn in (90, 270) else Size(width, height)


def imposed(pages: Sequence[PageObject], order: PrintOrder) -> PdfWriter:
    """Return the sheets of a zine. Raises `Refused`, and pypdf's errors where the file is damaged."""
    count = len(pages)
    if count == 0:
        raise Refused(Objection.PDF_UNPRINTABLE)
    if count > PAGES_MAX:
        raise Refused(Objection.TOO_MANY_PAGES, limit=PAGES_MAX)
    if order.layout is Layout.MINI and count > MINI_PAGES:
        raise Refused(Objection.TOO_LONG_FOR_MINI)
    sides = in_printing_order(impose(count, order.layout, order.from_the_right), order.turning)
    writer = PdfWriter()
    sources = [_source(page, writer) for page in pages]
    for side in sides:
        _draw_side(writer, side, sources, order)
    return writer


def _source(page: PageObject, writer: PdfWriter) -> Source:
    """Make a form of a page, and measure it."""
    x0, y0, x1, y1 = shown_box(page)
    form = _contents(page, writer)
    form[NameObject("/Type")] = NameObject("/XObject")
    form[NameObject("/Subtype")] = NameObject("/Form")
    form[NameObject("/BBox")] = ArrayObject(FloatObject(round(edge, 4)) for edge in (x0, y0, x1, y1))
    for key in ("/Resources", "/Group"):
        if isinstance(found := page.get(key, NullObject()).get_object(), DictionaryObject):
            form[NameObject(key)] = found.clone(writer)
    return Source(writer._add_object(form), x0, y0, x1, y1, _turn(page))  # noqa: SLF001 (pypdf has no other way)


def _contents(page: PageObject, writer: PdfWriter) -> StreamObject:
    """Return a fresh stream with what a page draws: packed as it is where it is one stream, else joined."""
    found = page.get("/Contents", NullObject()).get_object()
    if isinstance(found, ArrayObject) and len(found) == 1:
        found = found[0].get_object()
    if isinstance(found, StreamObject):
        kept = {key: found[key] for key in ("/Filter", "/DecodeParms") if key in found}
        form = StreamObject()
        form.update({NameObject(key): value.clone(writer) for key, value in kept.items()})
        form._data = found._data  # noqa: SLF001 (unpacking and packing again would cost time and memory)
        return form
    joined = DecodedStreamObject()
    if isinstance(found, ArrayObject):
        joined.set_data(ContentStream(found, page.pdf).get_data())
    return joined.flate_encode()


def shown_box(page: PageObject) -> tuple[float, float, float, float]:
    """Return what of a page is shown: its crop box within its media box (ISO 32000-1, 14.11.2). Raises `Refused`."""
    media = _box(page, "/MediaBox")
    crop = _box(page, "/CropBox") or media
    if media is None or crop is None:
        raise Refused(Objection.PAGE_UNPRINTABLE)
    x0, y0 = max(media[0], crop[0]), max(media[1], crop[1])
    x1, y1 = min(media[2], crop[2]), min(media[3], crop[3])
    if min(x1 - x0, y1 - y0) < SIDE_MIN:  # the crop box lies outside: viewers fall back to the whole page
        x0, y0, x1, y1 = media
    if not SIDE_MIN <= min(x1 - x0, y1 - y0) <= max(x1 - x0, y1 - y0) <= SIDE_MAX:
        raise Refused(Objection.PAGE_UNPRINTABLE)
    return x0, y0, x1, y1


def _box(page: PageObject, name: str) -> tuple[float, float, float, float] | None:
    """Read a rectangle by any two opposite corners (ISO 32000-1, 7.9.5); None where it is none."""
    found = page.get(name, NullObject()).get_object()
    if not isinstance(found, ArrayObject) or len(found) != 4:
        return None
    try:
        edges = [float(edge.get_object()) for edge in found]
    except (TypeError, ValueError):
        return None
    if not all(isfinite(edge) and abs(edge) < 1e9 for edge in edges):
        return None
    return min(edges[0], edges[2]), min(edges[1], edges[3]), max(edges[0], edges[2]), max(edges[1], edges[3])


def _turn(page: PageObject) -> int:
    """Return how far a page is turned clockwise; what is no quarter turn counts as none."""
    found = page.get("/Rotate", NullObject()).get_object()
    turn = int(found) % 360 if isinstance(found, int | float) and isfinite(found) else 0
    return turn if turn % 90 == 0 else 0


def _draw_side(writer: PdfWriter, side: Side, sources: list[Source], order: PrintOrder) -> None:
    sheet = order.sheet
    shown = [(place, sources[place.page - 1]) for place in side.places if place.page]
    if order.layout is Layout.PAGES and shown[0][1].size.width > shown[0][1].size.height:
        sheet = Size(sheet.height, sheet.width)
    page = writer.add_blank_page(sheet.width, sheet.height)
    forms, drawn = DictionaryObject(), list(_marks(order))
    for number, (place, source) in enumerate(shown):
        forms[NameObject(f"/P{number}")] = source.form
        numbers = " ".join(f"{value:.5f}" for value in matrix(source, place, panel(side, place, sheet, order.margin)))
        drawn.append(f"q {numbers} cm /P{number} Do Q")
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): forms})
    content = DecodedStreamObject()
    content.set_data("\n".join(drawn).encode("ascii"))
    page[NameObject("/Contents")] = writer._add_object(content)  # noqa: SLF001


def matrix(source: Source, place: Place, panel: Panel) -> tuple[float, float, float, float, float, float]:
    """Return the transformation that shows a page as large as its panel allows, in its middle, the right way up.

    As PDF writes it: x' = ax + cy + e, y' = bx + dy + f (ISO 32000-1, 8.3.4).
    """
    size = source.size
    scale = min(panel.width / size.width, panel.height / size.height)
    a, b, c, d, e, f = {
        0: (1, 0, 0, 1, -source.x0, -source.y0),
        90: (0, -1, 1, 0, -source.y0, source.x1),
        180: (-1, 0, 0, -1, source.x1, source.y1),
        270: (0, 1, -1, 0, source.y1, -source.x0),
    }[source.turn]
    if place.upside_down:
        a, b, c, d, e, f = -a, -b, -c, -d, size.width - e, size.height - f
    left = panel.x + (panel.width - scale * size.width) / 2
    low = panel.y + (panel.height - scale * size.height) / 2
    return scale * a, scale * b, scale * c, scale * d, scale * e + left, scale * f + low


def _marks(order: PrintOrder) -> Iterator[str]:
    """Draw where to cut and fold, in a grey that a copier loses."""
    width, height = order.sheet
    if order.layout is Layout.MINI:
        yield f"q {CUT_GREY} G 0.4 w [3 3] 0 d {width / 4:.2f} {height / 2:.2f} m {3 * width / 4:.2f} {height / 2:.2f} l S Q"
    folds = {Layout.MINI: (0.25, 0.5, 0.75), Layout.BOOKLET: (0.5,), Layout.PAGES: ()}[order.layout]
    for fold in folds:
        x = fold * width
        yield f"q {CUT_GREY} G 0.4 w {x:.2f} 0 m {x:.2f} {TICK} l {x:.2f} {height - TICK:.2f} m {x:.2f} {height:.2f} l S Q"
