"""Panel and battery by latitude: against the paper's own example, against measured suns, and against what the guide prints."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.power.sizing import (
    BUILDS,
    CLEAR,
    DARK_DAYS,
    GREY,
    LATITUDE_MAX,
    MEAN_DAYS,
    MIXED,
    POLE,
    above_the_air,
    on_the_panel,
    shopping,
    size,
    table,
)

JANUARY, JUNE, DECEMBER = MEAN_DAYS[0], MEAN_DAYS[5], MEAN_DAYS[11]
GUIDE = (files("appliance.archive") / "starter/building-a-node/zine.md").read_text(encoding="utf-8")


def test_the_sun_above_the_air_is_that_of_the_papers_example() -> None:
    """FAO-56, example 8: 3 September at 20 degrees south."""
    assert above_the_air(-20, 246) == pytest.approx(32.2, abs=0.05)


def test_at_the_pole_the_sun_is_away_in_winter_and_all_day_there_in_summer() -> None:
    assert above_the_air(80, DECEMBER) == 0
    assert above_the_air(80, JUNE) > above_the_air(50, JUNE)
    assert above_the_air(-80, JUNE) == 0


def test_a_level_panel_gets_what_the_ground_gets() -> None:
    for latitude in (-55.0, 0.0, 33.0):
        assert on_the_panel(latitude, 0, JANUARY, MIXED) == pytest.approx(
            MIXED * above_the_air(latitude, JANUARY) / 3.6, rel=1e-9
        )


@pytest.mark.parametrize(
    ("latitude", "day", "clearness", "level", "leaning"),
    [
        (
            52.5,
            DECEMBER,
            GREY,
            (0.45, 0.65),
            (0.9, 1.4),
        ),  # a grey December in Berlin: about half a kWh level, one at 70 degrees
        (40.4, DECEMBER, 0.50, (1.7, 2.1), (3.2, 4.3)),  # Madrid
        (-33.9, JUNE, 0.50, (2.2, 2.8), (3.6, 4.7)),  # Cape Town
    ],
)
def test_known_winters(
    latitude: float, day: int, clearness: float, level: tuple[float, float], leaning: tuple[float, float]
) -> None:
    assert level[0] <= on_the_panel(latitude, 0, day, clearness) <= level[1]
    assert leaning[0] <= on_the_panel(latitude, 65, day, clearness) <= leaning[1]


def test_the_worst_month_is_the_winter_of_each_half_of_the_earth() -> None:
    assert size(50, 2.5, 3, GREY).month == 12
    assert size(-50, 2.5, 3, GREY).month == 6
    assert size(50, 2.5, 3, GREY).tilt >= 60
    assert size(0, 2.5, 3, GREY).tilt == 10


def test_where_the_sun_hardly_comes_no_panel_is_named() -> None:
    assert size(LATITUDE_MAX, 40, 3, GREY).panel_w is None


@given(
    st.floats(-LATITUDE_MAX, LATITUDE_MAX), st.floats(0.1, 50), st.floats(0, 30), st.sampled_from((GREY, MIXED, CLEAR))
)
def test_more_is_never_less(latitude: float, watts: float, days: float, sky: float) -> None:
    small, large = size(latitude, watts, days, sky), size(latitude, 2 * watts, days + 1, sky)
    assert small.battery_ah >= 1
    assert large.battery_ah >= small.battery_ah
    assert (large.panel_w or 10**6) >= (small.panel_w or 10**6) >= 5
    brighter = size(latitude, watts, days, CLEAR)
    assert (brighter.panel_w or 10**6) <= (small.panel_w or 10**6)


def test_the_guide_prints_what_the_calculator_says() -> None:
    assert table() in GUIDE
    assert shopping() in GUIDE
    sized = size(45, POLE.watts, DARK_DAYS, MIXED)
    assert f"at {POLE.watts:g} watts, wants {sized.day_wh:g} Wh a day" in GUIDE
    assert f"**{sized.battery_ah} Ah**" in GUIDE
    assert [build.name for build in BUILDS] == ["sill", "shed", "pole"]
