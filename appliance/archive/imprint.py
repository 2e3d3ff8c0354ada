"""What a node says on paper besides the zine itself: who made it, how to fold it, what could not be printed."""

from __future__ import annotations

from enum import unique

from appliance.errors import Answer


@unique
class Imprint(Answer):
    """Sentences for the last page of a zine and for the test sheet."""

    MADE_BY = "Made by {maker}"
    UNSIGNED = "Unsigned"
    MAY = "You may: {licence}"
    PRINTED_AT = "From the archive of {node}"
    NOTES = "Notes from the margin"
    NOTE_ON_PAGE = "On page {page}"
    UNPRINTED = "What stands in brackets could not be printed here: {signs}."
    TEST_FIRST = "Test sheet. Print it as you would print a zine, fold it and leaf through it. It should count from 1 to {pages}."
    TEST_MARGIN = (
        "The smallest number of millimetres that you can see at an edge is what your printer cannot reach there."
    )
    TEST_BACK = (
        "Do backs stand on their heads? Choose the other edge. Are they in the wrong order? Choose the other order."
    )


@unique
class Folding(Answer):
    """The steps from sheet to zine, in their order."""

    MINI_1 = "Lay the sheet wide, print upwards. Fold it short edge to short edge, then both short edges to the middle. Unfold."
    MINI_2 = "Fold it once along the middle the long way, and unfold. Now there are eight panels."
    MINI_3 = (
        "Fold it short edge to short edge. From the folded side, cut along the dashed line as far as the next crease."
    )
    MINI_4 = "Unfold. Fold it the long way again, print outwards, so that the slit lies on top."
    MINI_5 = "Take both ends and push them together, until the slit opens and four arms make a cross."
    MINI_6 = "Lay the arms round each other, the cover in front, and crease the spine."
    BOOKLET_1 = "Lay the sheets on each other as they came, first pages outside, and knock the stack even."
    BOOKLET_2 = (
        "Fold the whole stack in the middle, at the marks. A thick one goes in several stacks, one behind the other."
    )
    BOOKLET_3 = "Open it, and staple or sew through the fold, twice, from the outside."
    BOOKLET_4 = "Close it, crease the spine, and leave it under a heavy book for a night."
