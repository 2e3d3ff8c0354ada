"""A year on a pole: whatever the sky, the node is never cut off while it runs, and it is back with the sun."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from appliance.power.charge import Battery
from appliance.power.ladder import Rungs, Step
from appliance.power.waking import LONGEST_S
from appliance.timekeeping import BUILT_AT, TOLERANCE_S, YEAR_S
from tests.appliance.board_time import Board
from tests.appliance.power.year import CUT_OFF_V, DAY_S, TICK_S, Cells, Is, Moment, Pole, Sky

BEGAN_AT = BUILT_AT + YEAR_S
BATTERY = Battery(capacity_ah=20)
POLES = {
    "Madrid, well built": Pole(Sky(40, 3.0), Cells(BATTERY, 20)),
    "Hamburg, too small a panel": Pole(Sky(53.5, 2.5, seed=1), Cells(BATTERY, 10)),
    "a fortnight of ash": Pole(Sky(40, 3.0, {range(100, 114): 0.0}), Cells(BATTERY, 20)),
    "a keeper who halts early": Pole(
        Sky(53.5, 2.5, {range(100, 114): 0.0}, seed=7), Cells(BATTERY, 20), rungs=Rungs(0.5, 0.35, 0.25, 0.20)
    ),
    "a panel that is stolen for a month": Pole(Sky(40, 3.0, {range(200, 230): 0.0}, seed=2), Cells(BATTERY, 20)),
    "a sensor that shows too much going in": Pole(Sky(53.5, 2.5, seed=3), Cells(BATTERY, 20), gain=1.03, offset_a=0.03),
    "a sensor that shows too much going out": Pole(
        Sky(53.5, 4.0, seed=4), Cells(BATTERY, 20), gain=0.97, offset_a=-0.03
    ),
    "a battery that loses a third in a year": Pole(Sky(53.5, 3.0, seed=5), Cells(BATTERY, 20, fade=0.35)),
    "a battery that came empty": Pole(Sky(40, 3.0, seed=6), Cells(BATTERY, 0.5)),
}


@pytest.mark.parametrize("name", POLES)
def test_a_year_on_a_pole(name: str) -> None:
    boards: Counter[Is] = Counter()
    steps: Counter[Step] = Counter()
    halts = in_the_sun_s = longest_s = 0
    for moment in POLES[name].year():
        boards[moment.board] += 1
        steps[moment.step] += moment.board is Is.RUNNING
        halts += moment.halts and moment.board is Is.RUNNING
        assert moment.board is not Is.RUNNING or moment.cell_v > CUT_OFF_V, f"cut off while it ran: {moment}"
        in_the_sun_s = in_the_sun_s + TICK_S if sleeps_in_the_sun(moment) else 0
        longest_s = max(longest_s, in_the_sun_s)
    whole = boards.total()
    shown = ", ".join(f"{step.name.lower()} {steps[step] / whole:.1%}" for step in Step if steps[step])
    print(
        f"{name}: ran {boards[Is.RUNNING] / whole:.1%} of the year ({shown}), {halts} halts, dead {boards[Is.DEAD] / whole:.1%};"
        f" slept at most {longest_s / 3600:.1f} h with the sun out and the battery above a third"
    )
    assert longest_s <= LONGEST_S
    assert halts <= 400
    assert boards[Is.RUNNING] > 0.7 * whole


def sleeps_in_the_sun(moment: Moment) -> bool:
    """Whether it sleeps though the sun has filled the battery well above the halt."""
    return moment.board is not Is.RUNNING and moment.share > 0.33 and moment.sun_a > 0.3


def test_the_year_has_nights_and_seasons() -> None:
    sky = Sky(53.5, 3.0)
    assert sky.amps(0) == 0
    assert sky.hours_of_light(172) > 16
    assert sky.hours_of_light(355) < 9
    assert sky.amps(172 * DAY_S + DAY_S // 2) > 0


class Chronicler:
    """Writes a note every hour in which the node runs, by a clock that starts anew with each wake, right or wrong."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.board = Board(truth=BEGAN_AT)
        self.is_on = False
        self.certain: list[int] = []

    def lives(self, moment: Moment) -> None:
        self.board.passes(TICK_S)
        if moment.board is not Is.RUNNING:
            self.is_on = False
            return
        if not self.is_on:
            self.is_on = True
            wrong = (0, BUILT_AT - 6 * YEAR_S, BUILT_AT + 19 * YEAR_S, BEGAN_AT, self.board.truth)
            self.board.starts(self.chance.choice(wrong))
        if moment.at_s % 3600 == 0:
            self._hour()

    def _hour(self) -> None:
        match self.chance.randrange(8):
            case 0 | 1:
                self.board.hears(self.chance.choice(("peer:oak", "peer:elm", "peer:ash")), -self.chance.randrange(120))
            case 2:
                self.board.hears(self.chance.choice(("phone:ana", "phone:ben")), self.chance.randrange(-60, 60))
            case 3:
                self.board.hears("peer:liar", 12_345_678)
            case 4:
                self.board.wall_off += self.chance.choice((-86_400, -3600, 3600))
        self.board.look()
        if self.board.kept.epoch is not None:
            self.certain.append(self.board.now())
            assert self.board.now() <= self.board.truth + TOLERANCE_S


@pytest.mark.parametrize("name", ["a fortnight of ash", "Hamburg, too small a panel"])
def test_a_year_of_power_cuts_by_night_and_wrong_clocks_never_rewrites_the_past(name: str) -> None:
    chronicler = Chronicler(seed=len(name))
    pole = POLES[name]
    for moment in Pole(pole.sky, Cells(BATTERY, 10)).year():
        chronicler.lives(moment)
    notes = chronicler.certain
    print(f"{name}: {len(notes)} hours of the year with a time that was certain")
    assert notes == sorted(notes)
    assert len(notes) > 2000
