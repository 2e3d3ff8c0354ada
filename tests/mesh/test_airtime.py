"""Time on air against measured figures, and a meter that can be read at any moment of a sliding hour."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.airtime import HOUR_S, PRESETS, REGIONS, AirtimeMeter, airtime_ms, on_air_bytes
from mesh.errors import AirtimeSpent

FULL_FRAME_MS = airtime_ms("LongFast", 255)


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


def test_unknown_names_are_our_mistake_and_the_message_lists_the_known() -> None:
    with pytest.raises(ValueError, match="LongFast"):
        airtime_ms("LongFurious", 10)
    with pytest.raises(ValueError, match="EU_868"):
        AirtimeMeter("EU_869")
    with pytest.raises(ValueError, match="between 0 and 1"):
        AirtimeMeter("EU_868", share=1.01)


def test_the_default_budget_is_three_percent_and_never_above_the_law() -> None:
    assert AirtimeMeter().budget_ms == 108_000
    assert AirtimeMeter().law_ms == 360_000
    assert AirtimeMeter("UA_868").budget_ms == 36_000
    assert AirtimeMeter("US").budget_ms == 108_000
    assert all(0 < law <= 1 for law in REGIONS.values())


def test_the_law_of_eu_868_lets_166_full_frames_pass_in_an_hour() -> None:
    meter = AirtimeMeter("EU_868", share=1.0)
    for number in range(166):
        meter.spend(FULL_FRAME_MS, now_s=number)
    with pytest.raises(AirtimeSpent):
        meter.spend(FULL_FRAME_MS, now_s=170)


def test_beyond_the_budget_only_distress_speaks_and_the_law_stops_that_too() -> None:
    meter = AirtimeMeter()
    meter.spend(108_000, now_s=0)
    with pytest.raises(AirtimeSpent):
        meter.spend(1, now_s=1)
    meter.spend(252_000, now_s=2, distress=True)
    with pytest.raises(AirtimeSpent):
        meter.spend(1, now_s=3, distress=True)
    assert meter.used_ms(4) == 360_000


def test_a_refused_frame_costs_nothing() -> None:
    meter = AirtimeMeter()
    with pytest.raises(AirtimeSpent):
        meter.spend(108_001, now_s=0)
    assert meter.used_ms(0) == 0


def test_air_comes_back_an_hour_later_and_not_before() -> None:
    meter = AirtimeMeter()
    meter.spend(100_000, now_s=10.5)
    assert meter.wait_s(8_000, 11) == 0
    assert meter.wait_s(8_001, 11) == HOUR_S
    assert meter.used_ms(10.5 + HOUR_S - 0.01) == 100_000
    assert meter.used_ms(11 + HOUR_S) == 0
    assert meter.wait_s(108_001, 11) == math.inf


def test_a_clock_that_steps_back_wins_no_air() -> None:
    meter = AirtimeMeter()
    meter.spend(60_000, now_s=5_000)
    meter.spend(40_000, now_s=10)
    assert meter.used_ms(5_000 + HOUR_S) == 100_000


@given(st.lists(st.tuples(st.floats(0, 4_000), st.floats(0.1, 3_000)), max_size=120))
def test_no_sliding_hour_ever_holds_more_than_the_budget(frames: list[tuple[float, float]]) -> None:
    meter, sent, now_s = AirtimeMeter(), list[tuple[float, float]](), 0.0
    for pause_s, cost_ms in frames:
        now_s += pause_s
        if meter.wait_s(cost_ms, now_s) == 0:
            meter.spend(cost_ms, now_s)
            sent.append((now_s, cost_ms))
        in_window = math.fsum(cost for at_s, cost in sent if at_s > now_s - HOUR_S)
        assert in_window <= meter.used_ms(now_s) + 0.001 * len(sent)
        assert meter.used_ms(now_s) <= meter.budget_ms + 0.001 * len(sent)


def test_the_wait_is_long_enough_and_the_memory_bounded() -> None:
    meter = AirtimeMeter("US", share=1.0)
    for tenth in range(50_000):
        meter.spend(50, tenth / 10)
    assert len(meter._spent) <= HOUR_S + 2
    wait_s = meter.wait_s(2_000_000, 5_000)
    assert wait_s > 0
    meter.spend(2_000_000, 5_000 + wait_s)
