"""Numbered pages on sheets: poppler finds each at its place and the right way up, whatever boxes its page had."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, FloatObject, NameObject, NumberObject

from appliance.archive.imposition import Layout, Turning, impose, in_printing_order
from appliance.archive.paper import PAPERS, PrintOrder
from appliance.errors import Refused
from appliance.pdf.imposing import PAGES_MAX, imposed
from tests.appliance.pdf.numbered import check, numbered, seen

pytestmark = pytest.mark.real

COUNTS = {Layout.MINI: (1, 7, 8), Layout.BOOKLET: (1, 6, 32, 50), Layout.PAGES: (1, 3)}
ODD_ORIGIN = (-100.0, 50.0, 320.0, 645.0)


def sheets(content: bytes, order: PrintOrder, into: Path) -> Path:
    file = into / "sheets.pdf"
    with file.open("wb") as out:
        imposed(PdfReader(BytesIO(content)).pages, order).write(out)
    return file


def assert_in_place(file: Path, pages: int, order: PrintOrder) -> None:
    """Every page stands in its panel, its head above or, on its head, below its number; and no page is missing."""
    sides = in_printing_order(impose(pages, order.layout, order.from_the_right), order.turning)
    found = seen(file)
    assert len(found) == len(sides)
    shown = set()
    for side, words in zip(sides, found, strict=True):
        assert set(words) == {f"{mark}{p.page}" for p in side.places if p.page for mark in "ph"}
        for place in side.places:
            if place.page is None:
                continue
            shown.add(place.page)
            x, y = words[f"p{place.page}"]
            assert (int(x * side.columns), int(y * side.rows)) == (place.column, place.row)
            head_x, head_y = words[f"h{place.page}"]
            assert (head_y > y) == place.upside_down
            assert head_x == pytest.approx(x, abs=0.02)
    assert shown == set(range(1, pages + 1))


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("layout", Layout)
def test_every_page_lands_in_its_panel(layout: Layout, paper: str, tmp_path: Path) -> None:
    for pages in COUNTS[layout]:
        for from_the_right in (False, True):
            order = PrintOrder(layout, paper, margin_mm=6, from_the_right=from_the_right)
            file = sheets(numbered(pages), order, tmp_path)
            assert_in_place(file, pages, order)
            check(file)
            size = PdfReader(file).pages[0].mediabox
            assert (size.width, size.height) == pytest.approx(order.sheet, abs=0.01)


@pytest.mark.parametrize("turning", Turning)
def test_backs_stand_as_the_printer_turns_them(turning: Turning, tmp_path: Path) -> None:
    order = PrintOrder(Layout.BOOKLET, turning=turning)
    assert_in_place(sheets(numbered(12), order, tmp_path), 12, order)


def altered(change: Any) -> bytes:
    """Eight numbered pages, each changed."""
    writer = PdfWriter(BytesIO(numbered(8)))
    for page in writer.pages:
        change(page, writer)
    whole = BytesIO()
    writer.write(whole)
    return whole.getvalue()


def rectangle(*edges: float) -> ArrayObject:
    return ArrayObject(FloatObject(edge) for edge in edges)


def moved(page: Any, writer: PdfWriter) -> None:
    """The whole page lies elsewhere on the plane, and only its middle part is shown."""
    page.add_transformation((1, 0, 0, 1, ODD_ORIGIN[0], ODD_ORIGIN[1]))
    page[NameObject("/MediaBox")] = rectangle(-5000, -5000, 5000, 5000)
    page[NameObject("/CropBox")] = rectangle(ODD_ORIGIN[2], ODD_ORIGIN[3], ODD_ORIGIN[0], ODD_ORIGIN[1])


def turned(degrees: int, box: tuple[float, float, float, float], matrix: tuple[float, ...]) -> Any:
    """The page was drawn lying, and is shown turned."""

    def change(page: Any, writer: PdfWriter) -> None:
        page.add_transformation(matrix)
        page[NameObject("/MediaBox")] = page[NameObject("/CropBox")] = rectangle(*box)
        page[NameObject("/Rotate")] = NumberObject(degrees)

    return change


def in_large_units(page: Any, writer: PdfWriter) -> None:
    page.add_transformation((0.1, 0, 0, 0.1, 0, 0))
    page[NameObject("/MediaBox")] = page[NameObject("/CropBox")] = rectangle(0, 0, 42, 59.5)
    page[NameObject("/UserUnit")] = FloatObject(10)


def left_open(page: Any, writer: PdfWriter) -> None:
    """What the page draws is in two parts, changes everything behind it, and closes nothing."""
    second = DecodedStreamObject()
    second.set_data(b"q q 0.1 0 0 0.1 300 300 cm 1 0 0 RG 40 w")
    page[NameObject("/Contents")] = ArrayObject([page["/Contents"].indirect_reference, writer._add_object(second)])


def cropped_away(page: Any, writer: PdfWriter) -> None:
    page[NameObject("/CropBox")] = rectangle(9000, 9000, 9100, 9100)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(moved, id="a crop box with an odd origin"),
        pytest.param(turned(90, (0, 0, 595, 420), (0, 1, -1, 0, 595, 0)), id="turned by 90"),
        pytest.param(turned(-90, (0, 0, 595, 420), (0, -1, 1, 0, 0, 420)), id="turned by 270"),
        pytest.param(turned(540, (0, 0, 420, 595), (-1, 0, 0, -1, 420, 595)), id="turned by 180"),
        pytest.param(turned(7, (0, 0, 420, 595), (1, 0, 0, 1, 0, 0)), id="no quarter turn"),
        pytest.param(in_large_units, id="a user unit of ten points"),
        pytest.param(left_open, id="a page that closes nothing"),
        pytest.param(cropped_away, id="a crop box outside the page"),
    ],
)
@pytest.mark.parametrize("layout", [Layout.MINI, Layout.BOOKLET])
def test_pages_of_any_make_are_shown_alike(change: Any, layout: Layout, tmp_path: Path) -> None:
    order = PrintOrder(layout, "A4")
    plain = seen(sheets(numbered(8), order, tmp_path))
    file = sheets(altered(change), order, tmp_path)
    check(file)
    assert_in_place(file, 8, order)
    for before, after in zip(plain, seen(file), strict=True):
        assert before.keys() == after.keys()
        for word, place in before.items():
            assert after[word] == pytest.approx(place, abs=0.004)


def test_a_wide_page_keeps_its_shape(tmp_path: Path) -> None:
    words = seen(sheets(numbered(4, 800, 400), PrintOrder(Layout.BOOKLET, "A4"), tmp_path))[0]
    assert words["p1"] == pytest.approx((0.75, 0.5), abs=0.02)
    wide = PdfReader(sheets(numbered(1, 800, 400), PrintOrder(Layout.PAGES, "A4"), tmp_path)).pages[0].mediabox
    assert wide.width > wide.height


def test_a_margin_keeps_every_line_away_from_the_edge(tmp_path: Path) -> None:
    order = PrintOrder(Layout.MINI, "A4", margin_mm=10)
    page = imposed(PdfReader(BytesIO(numbered(8, 300, 424))).pages, order).pages[0]
    contents = page.get_contents()
    assert contents is not None
    content = contents.get_data()
    drawn = [line.split() for line in content.decode().splitlines() if " cm " in line]
    assert len(drawn) == 8
    for words in drawn:
        a, _, _, d, e, f = (float(word) for word in words[1:7])
        for x, y in ((e, f), (a * 300 + e, d * 424 + f)):
            assert order.margin - 0.01 <= x <= order.sheet.width - order.margin + 0.01
            assert order.margin - 0.01 <= y <= order.sheet.height - order.margin + 0.01


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        (rectangle(0, 0, 0, 0), "no size that paper can have"),
        (rectangle(0, 0, 1e30, 10), "no size that paper can have"),
        (rectangle(0, 0, 200_000, 200_000), "no size that paper can have"),
        (rectangle(0, 0, 600), "no size that paper can have"),
        (ArrayObject([NameObject("/a")] * 4), "no size that paper can have"),
    ],
)
def test_a_page_without_a_size_is_refused(box: ArrayObject, sentence: str, tmp_path: Path) -> None:
    def change(page: Any, writer: PdfWriter) -> None:
        page[NameObject("/MediaBox")] = page[NameObject("/CropBox")] = box

    with pytest.raises(Refused, match=sentence):
        sheets(altered(change), PrintOrder(Layout.BOOKLET), tmp_path)


def test_too_many_pages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Choose the booklet"):
        sheets(numbered(9), PrintOrder(Layout.MINI), tmp_path)
    with pytest.raises(Refused, match="more than 400 pages"):
        sheets(numbered(PAGES_MAX + 1), PrintOrder(Layout.BOOKLET), tmp_path)
