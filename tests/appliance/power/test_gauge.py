"""Charge is counted, and set right at the knees; steps go down soon, up late, and never to and fro."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.power.charge import LEVELS, Battery, Charge, Reading, counted, guessed, share_at
from appliance.power.gauge import Gauge
from appliance.power.ladder import DOWN_AFTER_S, UP_AFTER_S, Ladder, Rungs, Step, moved
from appliance.power.outlook import Flow, hours_left
from appliance.power.timetable import PERIOD_S, WINDOW_S, is_open
from appliance.power.waking import FIRST_S, LONGEST_S, sleeps_s

BATTERY = Battery(capacity_ah=20, cells=4, ohms=0.05)
RUNGS = Rungs()
IDLE = Reading(13.2, 0.0)


def after(charge: Charge, reading: Reading, seconds: float, ticks: int = 1) -> Charge:
    for _ in range(ticks):
        charge = counted(BATTERY, charge, reading, seconds / ticks)
    return charge


def test_what_flows_is_counted() -> None:
    assert after(Charge(10), Reading(13.2, -2.0), 1800).held_ah == pytest.approx(9)
    assert after(Charge(10), Reading(13.4, 2.0), 1800).held_ah == pytest.approx(
        10.99
    )  # a hundredth is lost on the way in


def test_full_is_when_the_charger_holds_the_voltage_and_little_flows() -> None:
    absorbing = Reading(14.2, 0.5)
    assert after(Charge(12), absorbing, 60).is_counted is False
    assert after(Charge(12), absorbing, 240, ticks=4) == replace(Charge(20, is_counted=True), full_for_s=240)
    assert after(Charge(12), Reading(14.2, 5.0), 240, ticks=4).held_ah < 13, "much still flows in"
    assert after(Charge(12), Reading(13.2, 0.5), 240, ticks=4).held_ah < 13, "no charger holds that voltage"


def test_nearly_empty_is_when_the_voltage_at_rest_falls() -> None:
    low = Reading(4 * 3.05 - 0.3 * 0.05, -0.3)
    assert after(Charge(12), low, 30).held_ah > 11
    told = after(Charge(12), low, 120, ticks=4)
    assert told.share(BATTERY) == pytest.approx(0.08, abs=0.001)
    assert told.is_counted
    dip = Reading(4 * 3.05, -8.0)  # the same voltage while much is taken out
    assert after(Charge(12), dip, 60, ticks=2).held_ah > 11


def test_a_battery_that_gives_at_a_good_voltage_is_not_empty_whatever_was_counted() -> None:
    assert after(Charge(0.1), Reading(4 * 3.28, -0.2), 10).share(BATTERY) >= 0.15


def test_after_a_silence_of_the_sensor_the_count_is_a_guess() -> None:
    assert after(Charge(12, is_counted=True), IDLE, 7200) == Charge(12, is_counted=False)


def test_a_sensor_that_counts_itself_is_believed() -> None:
    assert after(Charge(3), Reading(13.2, 0, share=0.75), 10) == Charge(15, is_counted=True)


@given(st.floats(0, 5), st.floats(0, 5))
def test_more_voltage_never_tells_less_charge(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= share_at(low) <= share_at(high) <= 1


def test_the_levels_are_told_as_they_stand() -> None:
    assert [share_at(volts) for volts, _ in LEVELS] == [share for _, share in LEVELS]
    assert all(low < high for low, high in pairwise(LEVELS))


def test_a_charging_battery_is_not_guessed_full() -> None:
    assert guessed(BATTERY, Reading(14.4, 3.0)).share(BATTERY) == 0.5


# the ladder


@pytest.mark.parametrize(
    ("share", "step"), [(1.0, 0), (0.5, 0), (0.49, 1), (0.3, 1), (0.29, 2), (0.14, 3), (0.08, 3), (0.07, 4), (0.0, 4)]
)
def test_each_share_has_its_step(share: float, step: int) -> None:
    assert RUNGS.step(share) is Step(step)


def test_down_after_a_minute_and_by_all_steps_at_once() -> None:
    ladder = moved(RUNGS, Ladder(), 0.10, 3.2, DOWN_AFTER_S - 1)
    assert ladder.step is Step.NORMAL
    assert moved(RUNGS, ladder, 0.10, 3.2, 1).step is Step.CHECKPOINT
    recovered = moved(RUNGS, ladder, 0.60, 3.3, 10)
    assert moved(RUNGS, recovered, 0.10, 3.2, 10).step is Step.NORMAL, "the minute begins anew"


def test_up_only_well_above_the_line_after_ten_minutes_and_one_step_at_a_time() -> None:
    ladder = Ladder(Step.CHECKPOINT)
    assert moved(RUNGS, ladder, 0.24, 3.2, UP_AFTER_S).step is Step.CHECKPOINT
    assert moved(RUNGS, ladder, 0.90, 3.3, UP_AFTER_S - 1).step is Step.CHECKPOINT
    assert moved(RUNGS, ladder, 0.90, 3.3, UP_AFTER_S).step is Step.TIMETABLE


def test_a_low_cell_halts_whatever_was_counted() -> None:
    assert moved(RUNGS, Ladder(), 0.9, 2.85, DOWN_AFTER_S).step is Step.HALT
    assert moved(RUNGS, Ladder(Step.HALT), 0.9, 2.85, UP_AFTER_S).step is Step.HALT


@given(st.floats(0.05, 0.6), st.lists(st.floats(-0.04, 0.04), min_size=20, max_size=40))
def test_a_share_that_trembles_moves_nothing_to_and_fro(share: float, trembling: list[float]) -> None:
    ladder, steps = Ladder(RUNGS.step(share)), []
    for change in trembling:
        ladder = moved(RUNGS, ladder, share + change, 3.2, 700.0)
        steps.append(ladder.step)
    assert steps == sorted(steps), "it may go down, and stays there"


def test_who_was_just_switched_on_comes_from_below() -> None:
    assert Ladder.at_start(RUNGS, 0.12).step is Step.HALT
    assert Ladder.at_start(RUNGS, 0.20).step is Step.CHECKPOINT
    assert Ladder.at_start(RUNGS, 0.55).step is Step.ECONOMY


# what was kept, and what is to come


@pytest.mark.parametrize(
    ("kept", "volts", "share"),
    [
        (0.7, 4 * 3.29, 0.7),  # in the middle the count knows better
        (0.7, 4 * 3.00, 0.06),  # at the knee the voltage does
        (0.07, 4 * 3.28, 0.45),  # it had halted, and the sun has been there since
        (None, 4 * 3.28, 0.45),
    ],
)
def test_what_an_earlier_run_counted(kept: float | None, volts: float, share: float) -> None:
    gauge = Gauge.begun(BATTERY, RUNGS, Reading(volts, 0.0), kept)
    assert gauge.share == pytest.approx(share)


def test_hours_left_are_what_is_above_the_halt_over_what_flows() -> None:
    assert hours_left(BATTERY, Charge(11.6), Flow(-0.5), RUNGS) == pytest.approx(20)
    assert hours_left(BATTERY, Charge(11.6), Flow(0.2), RUNGS) is None
    assert hours_left(BATTERY, Charge(1.0), Flow(-0.5), RUNGS) == 0
    flow = Flow().with_reading(-1.0, 10)
    for _ in range(360):
        flow = flow.with_reading(-0.5, 10)
    assert flow.amps == pytest.approx(-0.5 - 0.5 / 2.71828, rel=0.01)


def test_all_who_know_the_time_talk_in_the_same_windows() -> None:
    midnight = 1_780_000_200 // PERIOD_S * PERIOD_S
    assert is_open(Step.TIMETABLE, midnight + 1, None)
    assert not is_open(Step.TIMETABLE, midnight + WINDOW_S, None)
    assert is_open(Step.ECONOMY, midnight + WINDOW_S, None)


def test_whoever_does_not_know_the_time_is_woken_by_ear() -> None:
    assert not is_open(Step.TIMETABLE, 0, None)
    assert is_open(Step.CHECKPOINT, 0, 10.0)
    assert not is_open(Step.CHECKPOINT, 0, WINDOW_S)


def test_looks_in_vain_grow_rare() -> None:
    assert [sleeps_s(looks) for looks in (0, 1, 2, 3, 99)] == [FIRST_S, 2 * FIRST_S, *[LONGEST_S] * 3]
