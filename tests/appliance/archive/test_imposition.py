"""Every sheet that is printed, turned, folded and cut reads in order, upright, and opens on the right side."""

from __future__ import annotations

import pytest

from appliance.archive.imposition import (
    MINI_LOWER,
    MINI_PAGES,
    MINI_UPPER,
    SIGNATURE_SHEETS_MAX,
    Layout,
    Place,
    Sheet,
    Side,
    TooManyPages,
    Turning,
    impose,
    in_printing_order,
    signatures,
)
from appliance.archive.paper import PAPERS, POINTS_PER_MM, page_size, panel, sheet_size
from tests.appliance.archive.paperfolder import leafed_through_booklet, leafed_through_mini, print_front, printed

COUNTS = range(1, 65)
each_script = pytest.mark.parametrize("from_the_right", [False, True], ids=["left to right", "right to left"])


def expected(pages: int, panels: int) -> list[int | None]:
    return [page if page <= pages else None for page in range(1, panels + 1)]


@each_script
@pytest.mark.parametrize("turning", Turning, ids=lambda turning: turning.value)
def test_a_folded_booklet_reads_in_order_on_every_printer(turning: Turning, from_the_right: bool) -> None:
    for pages in COUNTS:
        sheets = impose(pages, Layout.BOOKLET, from_the_right)
        papers = printed(in_printing_order(sheets, turning), turning)
        read = []
        for size in signatures(len(sheets)):
            signature, papers = papers[:size], papers[size:]
            read += leafed_through_booklet(signature, from_the_right)
        assert [face.page for face in read] == expected(pages, 4 * len(sheets))
        assert all(face.up for face in read)


@each_script
def test_a_folded_and_cut_mini_zine_reads_in_order(from_the_right: bool) -> None:
    for pages in range(1, MINI_PAGES + 1):
        (sheet,) = impose(pages, Layout.MINI, from_the_right)
        read = leafed_through_mini(print_front(sheet.front), from_the_right)
        assert [face.page for face, _ in read] == expected(pages, 8)
        assert all(face.up for face, _ in read)
        # Odd pages stand on the side where a book of this script opens.
        assert [left for _, left in read] == [(number % 2 == 0) != from_the_right for number in range(8)]
        assert sheet.back is None


@pytest.mark.parametrize("pages", [9, 12, 64])
def test_more_than_eight_pages_are_no_mini_zine(pages: int) -> None:
    with pytest.raises(TooManyPages):
        impose(pages, Layout.MINI)


@pytest.mark.parametrize("layout", Layout)
def test_no_page_is_no_zine(layout: Layout) -> None:
    with pytest.raises(ValueError, match="nothing"):
        impose(0, layout)


@pytest.mark.parametrize("turning", Turning)
def test_pages_as_they_are_come_one_by_one(turning: Turning) -> None:
    for pages in COUNTS:
        sides = in_printing_order(impose(pages, Layout.PAGES), turning)
        assert [side.places for side in sides] == [(Place(page),) for page in range(1, pages + 1)]


def test_signatures_are_even_and_none_is_too_thick() -> None:
    for sheets in range(1, 200):
        sizes = signatures(sheets)
        assert sum(sizes) == sheets
        assert max(sizes) <= SIGNATURE_SHEETS_MAX
        assert max(sizes) - min(sizes) <= 1
    assert signatures(10) == [10]
    assert signatures(11) == [6, 5]


def test_the_folder_of_these_tests_notices_a_wrong_order() -> None:
    """The oracle can fail: pages changed, one page on its head, a back that was turned the other way."""
    (mini,) = impose(8, Layout.MINI)
    exchanged = {MINI_UPPER[0]: MINI_LOWER[0], MINI_LOWER[0]: MINI_UPPER[0]}
    places = [Place(exchanged.get(p.page or 0, p.page), p.column, p.row, p.upside_down) for p in mini.front.places]
    wrong = leafed_through_mini(print_front(Side(4, 2, tuple(places))))
    assert [face.page for face, _ in wrong] != expected(8, 8)
    fallen = Side(4, 2, tuple(Place(p.page, p.column, p.row, p.page == 3) for p in mini.front.places))
    assert not all(face.up for face, _ in leafed_through_mini(print_front(fallen)))
    sides = in_printing_order(impose(4, Layout.BOOKLET), Turning.LONG_EDGE)
    turned = leafed_through_booklet(printed(sides, Turning.SHORT_EDGE))
    assert not all(face.up for face in turned)
    (sheet,) = impose(4, Layout.BOOKLET)
    swapped = [Sheet(sheet.front.mirrored(), sheet.back)]
    read = leafed_through_booklet(printed(in_printing_order(swapped, Turning.SHORT_EDGE), Turning.SHORT_EDGE))
    assert [face.page for face in read] != [1, 2, 3, 4]


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("margin_mm", [0, 6, 10])
@pytest.mark.parametrize("layout", Layout)
def test_panels_keep_away_from_the_edges_and_from_each_other(layout: Layout, paper: str, margin_mm: int) -> None:
    margin = margin_mm * POINTS_PER_MM
    sheet = sheet_size(paper, layout)
    side = impose(8, layout)[0].front
    panels = [panel(side, place, sheet, margin) for place in side.places]
    assert len({(round(one.width, 6), round(one.height, 6)) for one in panels}) == 1
    for one in panels:
        assert one.x >= margin - 1e-9
        assert one.y >= margin - 1e-9
        assert one.x + one.width <= sheet.width - margin + 1e-9
        assert one.y + one.height <= sheet.height - margin + 1e-9
    for number, one in enumerate(panels):
        for other in panels[number + 1 :]:
            beside = one.x + one.width <= other.x + 1e-9 or other.x + other.width <= one.x + 1e-9
            above = one.y + one.height <= other.y + 1e-9 or other.y + other.height <= one.y + 1e-9
            assert beside or above
    if not margin_mm:
        assert (panels[0].width, panels[0].height) == pytest.approx(page_size(paper, layout))


def test_pages_of_common_papers_have_the_sizes_people_know() -> None:
    measured = [round(length / POINTS_PER_MM) for length in page_size("A4", Layout.MINI)]
    assert measured == [74, 105]
    assert [round(length / POINTS_PER_MM) for length in page_size("A4", Layout.BOOKLET)] == [148, 210]
    assert page_size("Letter", Layout.MINI) == (198, 306)
    assert page_size("Letter", Layout.BOOKLET) == (396, 612)
