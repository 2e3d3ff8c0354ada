"""Paper that can be printed, turned over, folded, cut and leafed through, knowing nothing of how pages were ordered.

A sheet is looked at from its front. A panel remembers what is printed on its two faces and which way up each stands; `up` is
True where the head of the page points to the upper edge of the sheet. The back is named by the places of the front it is behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.archive.imposition import Side, Turning


@dataclass(frozen=True)
class Printed:
    page: int | None
    up: bool = True


@dataclass
class Paper:
    """One sheet, its faces by (column, row)."""

    front: dict[tuple[int, int], Printed] = field(default_factory=dict)
    back: dict[tuple[int, int], Printed] = field(default_factory=dict)


def print_front(side: Side) -> Paper:
    return Paper({(place.column, place.row): Printed(place.page, not place.upside_down) for place in side.places})


def print_back(paper: Paper, side: Side, about_short_edge: bool) -> None:
    """Print on the other face after the sheet, which lies wide, was turned about its short or its long edge."""
    for place in side.places:
        if about_short_edge:  # left becomes right
            paper.back[side.columns - 1 - place.column, place.row] = Printed(place.page, not place.upside_down)
        else:  # above becomes below
            paper.back[place.column, side.rows - 1 - place.row] = Printed(place.page, place.upside_down)


def printed(sides: Sequence[Side], turning: Turning) -> list[Paper]:
    """Run a printer, and the person beside it: return the sheets in the order of their fronts."""
    if not turning.is_by_hand:
        papers = [print_front(front) for front in sides[::2]]
        for paper, back in zip(papers, sides[1::2], strict=True):
            print_back(paper, back, turning is Turning.SHORT_EDGE)
        return papers
    half = len(sides) // 2
    papers = [print_front(front) for front in sides[:half]]
    for paper, back in zip(fed_again(papers, turning), sides[half:], strict=True):
        print_back(paper, back, about_short_edge=True)
    return papers


def fed_again(papers: Sequence[Paper], turning: Turning) -> list[Paper]:
    """Take the stack from the output, put it into the tray; return its sheets as they are drawn in, the top one first."""
    pile = list(papers)  # each falls on top of those before
    if turning is Turning.BY_HAND:
        pile.reverse()  # the person turns the whole stack over: what lay below is on top
    return pile[::-1]


def leafed_through_booklet(papers: Sequence[Paper], from_the_right: bool = False) -> list[Printed]:
    """Lay the sheets into each other, the first outside, fold them once, and read from cover to cover.

    The pile lies with all fronts down, the outermost lowest, so that seen from above left and right are changed. What lies
    right is folded over onto the left: the spine is now on the right. A book that opens so is read from above; any other is
    turned over sideways, which brings the spine to the left, and read from what was its underside.
    """
    leaves = [(paper.front[1, 0], paper.back[1, 0]) for paper in papers]  # (face below, face above), from below upwards
    leaves += [(paper.back[0, 0], paper.front[0, 0]) for paper in reversed(papers)]
    faces = [face for leaf in leaves for face in leaf]
    return faces[::-1] if from_the_right else faces


def leafed_through_mini(paper: Paper, from_the_right: bool = False) -> list[tuple[Printed, bool]]:
    """Fold a sheet of eight panels, cut it between the inner columns, push it together, and read from cover to cover.

    Returns each page, as it stands then, with whether the spine is at its left. The cover is one of the inner panels of the
    lower row, on whichever side of the spine that a book of this script has it.
    """
    faces = paper.front
    band = [(2, 1), (1, 1)] if from_the_right else [(1, 1), (2, 1)]  # a leaf: two panels back to back
    while len(band) < len(faces):
        band.append(next(place for place in _joined(band[-1]) if place != band[-2]))
    assert band[0] in _joined(band[-1]), "the cut leaves one closed band"
    return [(_hung(faces[place], place), _spine_is_left(place)) for place in band]


def _joined(place: tuple[int, int]) -> list[tuple[int, int]]:
    """The panels that still hang together with one: along its row, and across the long fold where it was not cut."""
    column, row = place
    beside = [(column + step, row) for step in (-1, 1) if 0 <= column + step < 4]
    return beside + ([(column, 1 - row)] if column in (0, 3) else [])


def _hung(face: Printed, place: tuple[int, int]) -> Printed:
    """Folded the long way, print outwards, the sheet hangs from its fold: the upper row's lower edge is now its upper one."""
    return Printed(face.page, face.up if place[1] == 1 else not face.up)


def _spine_is_left(place: tuple[int, int]) -> bool:
    """Pushed together, the creases 0|1 and 2|3 between columns meet as the spine. The upper row is seen from behind."""
    column, row = place
    return (column % 2 == 1) == (row == 1)
