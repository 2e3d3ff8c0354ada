"""SVG paths: every command lands where the specification says, and nothing else is read."""

from __future__ import annotations

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.archive.outlines import Step, Unreadable, outline


@pytest.mark.parametrize(
    ("d", "end"),
    [
        ("M1 2L3 4", (3, 4)),
        ("m1 2 3 4", (4, 6)),
        ("M1,2h3v4", (4, 6)),
        ("M1 2H9V8", (9, 8)),
        ("M0 0c1 0 2 1 2 2s1 2 2 2", (4, 4)),
        ("M0 0q1 0 2 2t2 2", (4, 4)),
        ("M0-1.5.5.5", (0.5, 0.5)),
        ("M0 0a5 5 0 0110 0", (10, 0)),
        ("M0 0A5 5 0 1 0 10 0", (10, 0)),
        ("M1 1l5 5zm1 0", (2, 1)),
    ],
)
def test_a_path_ends_where_it_should(d: str, end: tuple[float, float]) -> None:
    assert outline(d)[-1].points[-2:] == pytest.approx(end)


def test_lines_curves_and_ends() -> None:
    assert outline("M0 0h1zl2 2") == [Step("M", (0, 0)), Step("L", (1, 0)), Step("Z", ()), Step("L", (2, 2))]
    assert outline("M0 0C1 1 2 1 3 0S5-1 6 0")[-1] == Step("C", (4, -1, 5, -1, 6, 0))


@pytest.mark.parametrize(("large", "sweep"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_an_arc_stays_on_its_circle(large: int, sweep: int) -> None:
    steps = outline(f"M10 0A10 10 0 {large} {sweep} 0 10")
    centre = (0, 0) if large != sweep else (10, 10)
    assert len(steps) - 1 == (3 if large else 1)
    for step in steps[1:]:
        assert hypot(step.points[4] - centre[0], step.points[5] - centre[1]) == pytest.approx(10)


@pytest.mark.parametrize(
    "d", ["1 2", "M", "M1", "Mx", "M0 0L1", "M0 0 1 2Z3 4", "M1e9 0", "M0 0X", "M0 0" + "h1" * 30_000, "M1e999 1"]
)
def test_what_is_no_path_is_refused(d: str) -> None:
    with pytest.raises(Unreadable):
        outline(d)


@given(st.text(alphabet="MmLlHhVvCcSsQqTtAaZz 0123456789.,-+e", max_size=80))
def test_any_letters_are_a_path_or_refused(d: str) -> None:
    try:
        for step in outline(d):
            assert len(step.points) == {"M": 2, "L": 2, "C": 6, "Z": 0}[step.kind]
    except Unreadable:
        pass
