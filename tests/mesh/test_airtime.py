"""Time on air against measured figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.airtime import PRESETS, REGIONS, airtime_ms, on_air_bytes


@pytest.mark.parametrize(
    ("preset", "frame_bytes", "seconds"),
    [
        ("LongFast", 39, 0.56),
        ("LongFast", 105, 1.05),
        ("LongFast", 179, 1.58),
        ("LongFast", 255, 2.16),
        ("ShortFast", 255, 0.20),
    ],
)
def test_time_on_air_is_what_was_measured(preset: str, frame_bytes: int, seconds: float) -> None:
    assert round(airtime_ms(preset, frame_bytes) / 1000, 2) == seconds


@pytest.mark.parametrize(
    ("preset", "full_frame_ms"),
    # Worked out by hand from the formula, symbol by symbol; the last two have the low-data-rate optimisation.
    [
        ("ShortTurbo", 398.25 * 0.256),
        ("LongTurbo", 404.25 * 4.096),
        ("LongModerate", 484.25 * 16.384),
        ("LongSlow", 436.25 * 32.768),
    ],
)
def test_slow_symbols_and_stronger_codes_are_counted(preset: str, full_frame_ms: float) -> None:
    assert airtime_ms(preset, 255) == pytest.approx(full_frame_ms)


def test_an_envelope_grows_by_a_byte_at_128() -> None:
    assert [on_air_bytes(size) for size in (0, 127, 128, 231)] == [23, 150, 152, 255]


@given(st.sampled_from(sorted(PRESETS)), st.integers(0, 254))
def test_a_longer_frame_never_takes_less_air(preset: str, size: int) -> None:
    assert 0 < airtime_ms(preset, size) <= airtime_ms(preset, size + 1)


@pytest.mark.parametrize("size", [-1, 256])
def test_a_frame_that_no_radio_sends_is_our_mistake(size: int) -> None:
    with pytest.raises(ValueError, match="0 to 255"):
        airtime_ms("LongFast", size)


def test_an_unknown_name_is_our_mistake_and_the_message_lists_the_known() -> None:
    with pytest.raises(ValueError, match="LongFast"):
        airtime_ms("LongFurious", 10)


def test_the_law_of_a_region_is_a_share_of_the_hour() -> None:
    assert all(0 < law <= 1 for law in REGIONS.values())
