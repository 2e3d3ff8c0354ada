"""How a printed sheet becomes a zine: each step in words and as a drawing without words. Both bring their own paper and ink."""

from __future__ import annotations

from typing import Final, NamedTuple

from appliance.archive.imposition import Layout
from appliance.archive.imprint import Folding

FRAME: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="110" viewBox="0 0 160 110" fill="#fff" stroke="#222"'
    ' stroke-width="2" stroke-linejoin="round" stroke-linecap="round">'
    '<rect width="160" height="110" fill="#f7f5ef" stroke="none"/>{}</svg>'
)
CREASE: Final = '<path d="{}" fill="none" stroke="#777" stroke-width="1.5" stroke-dasharray="4 4"/>'
ARROW: Final = '<path d="{}" fill="none" stroke="#9c380f" stroke-width="2.5"/>'
SHEET: Final = '<rect x="20" y="20" width="120" height="70"/>'
BOOK: Final = '<path d="M58 24l12-8h44v66l-12 8z" fill="#bbb"/><path d="M58 24h44v66H58z"/>'
LINES: Final = '<path d="M66 40h28M66 50h20" fill="none" stroke="#777"/>'


class Step(NamedTuple):
    """One step: what to do, and an SVG of 160 by 110 units that shows it."""

    words: Folding
    svg: str


def _drawn(*shapes: str) -> str:
    return FRAME.format("".join(shapes))


MINI: Final = (
    Step(
        Folding.MINI_1,
        _drawn(
            SHEET,
            CREASE.format("M50 20v70M80 20v70M110 20v70"),
            ARROW.format("M26 10q26-8 50 2m-8-5l8 5-8 4"),
            ARROW.format("M134 10q-26-8-50 2m8-5l-8 5 8 4"),
        ),
    ),
    Step(
        Folding.MINI_2,
        _drawn(
            SHEET,
            CREASE.format("M50 20v70M80 20v70M110 20v70M20 55h120"),
            ARROW.format("M148 26q10 28-2 54m7-7l-7 7-3-9"),
        ),
    ),
    Step(
        Folding.MINI_3,
        _drawn(
            '<rect x="54" y="16" width="60" height="70" fill="#ddd"/><rect x="50" y="20" width="60" height="70"/>',
            '<path d="M50 20v70" stroke-width="4"/>',
            CREASE.format("M80 20v70M80 55h30"),
            '<path d="M50 55h30" stroke="#9c380f" stroke-width="3" stroke-dasharray="6 5"/>',
            '<path d="M44 53L26 44M44 57L26 66" stroke="#9c380f"/><circle cx="22" cy="42" r="4" stroke="#9c380f"/>',
            '<circle cx="22" cy="68" r="4" stroke="#9c380f"/>',
        ),
    ),
    Step(
        Folding.MINI_4,
        _drawn(
            '<path d="M20 44l6-6h120v35l-6 6z" fill="#ddd"/><rect x="20" y="44" width="120" height="35"/>',
            CREASE.format("M50 44v35M80 44v35M110 44v35"),
            '<path d="M50 41h60" stroke="#9c380f" stroke-width="4"/>',
        ),
    ),
    Step(
        Folding.MINI_5,
        _drawn(
            '<path d="M50 50l30-18 30 18-30 18z" fill="#bbb"/>',
            '<path d="M24 50h26v36H24zM50 50l30 18v36L50 86zM110 50L80 68v36l30-18zM110 50h26v36h-26z"/>',
            ARROW.format("M4 68h14m-6-5l6 5-6 5M156 68h-14m6-5l-6 5 6 5"),
        ),
    ),
    Step(Folding.MINI_6, _drawn(BOOK, LINES)),
)

BOOKLET: Final = (
    Step(
        Folding.BOOKLET_1,
        _drawn(
            '<rect x="28" y="14" width="112" height="72"/><rect x="24" y="18" width="112" height="72"/>',
            '<rect x="20" y="22" width="112" height="72"/>',
            CREASE.format("M76 22v72"),
        ),
    ),
    Step(
        Folding.BOOKLET_2,
        _drawn(
            '<path d="M20 30h60v64H20z"/><path d="M80 30q34-26 56-10v62q-22-14-56 12z" fill="#ddd"/>',
            ARROW.format("M140 12q-26-16-56 2m3-9l-3 9 10 0"),
        ),
    ),
    Step(
        Folding.BOOKLET_3,
        _drawn(
            '<path d="M20 26l60 8 60-8v60l-60 8-60-8z"/><path d="M80 34v60" stroke="#777"/>',
            '<path d="M80 46v12M80 70v12" stroke="#9c380f" stroke-width="5"/>',
        ),
    ),
    Step(Folding.BOOKLET_4, _drawn(BOOK, LINES, '<path d="M60 40v8M60 66v8" stroke="#9c380f" stroke-width="3"/>')),
)


def steps(layout: Layout) -> tuple[Step, ...]:
    """Return how sheets of a layout are folded; nothing where pages stay as they are."""
    return {Layout.MINI: MINI, Layout.BOOKLET: BOOKLET, Layout.PAGES: ()}[layout]
