"""A clock that cannot be right says nothing, and says that it is unsure."""

from __future__ import annotations

import pytest

from appliance.clock import BUILT_AT, Clock, Trust

YEAR = 365 * 86400


def clock_at(at: float, floor: int = 0) -> Clock:
    return Clock(floor=floor, wall=lambda: at)


@pytest.mark.parametrize("at", [0.0, BUILT_AT - 7 * YEAR, BUILT_AT - 1, -5.0, 2.0**41])
def test_a_time_that_cannot_be_is_no_time(at: float) -> None:
    assert clock_at(at).now() == 0
    assert clock_at(at).trust is Trust.NONE


@pytest.mark.parametrize("at", [BUILT_AT, BUILT_AT + 19 * YEAR])
def test_a_time_that_may_be_is_a_hint(at: int) -> None:
    assert clock_at(at + 0.9).now() == at
    assert clock_at(at).trust is Trust.HINT


def test_no_time_before_the_last_saved_one_is_believed() -> None:
    saved = BUILT_AT + YEAR
    assert clock_at(saved - 1, floor=saved).now() == 0
    assert clock_at(saved, floor=saved).now() == saved


def test_waiting_knows_no_wall_time() -> None:
    ticks = iter([1.0, 3.5])
    clock = Clock(wall=lambda: 0.0, ticks=lambda: next(ticks))
    assert clock.monotonic() < clock.monotonic()
