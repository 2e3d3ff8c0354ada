"""The watch over the process that owns the radio, with a clock that the test turns."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mesh.transports.lora_pipe import Fault, Misfit
from mesh.transports.lora_watch import SAVED, SETTINGS_MAX, Due, Patience, Watch, sentence

OURS = Patience()


def started(now_s: float = 0.0) -> Watch:
    watch = Watch(OURS)
    assert watch.due(now_s) is Due.START
    return watch


def may_be_set(watch: Watch) -> bool:
    return watch.settable


def starts(watch: Watch, since_s: float, until_s: float) -> list[float]:
    """When a process is started whose device never answers."""
    found, now_s = [], since_s
    while now_s < until_s:
        due = watch.due(now_s)
        if due is Due.START:
            found.append(now_s)
        elif due is Due.GIVE_UP:
            watch.lost(now_s)
        now_s += max(0.001, watch.rest_s(now_s))
    return found


def test_a_start_that_hangs_is_given_up_and_tried_again_ever_more_slowly() -> None:
    tried = starts(Watch(OURS), 0.0, 300.0)
    pauses = [after - before - OURS.start for before, after in pairwise(tried)]
    assert pauses[:6] == pytest.approx([1, 2, 4, 8, 10, 10], abs=0.01)


def test_whenever_the_device_is_well_again_the_next_start_is_within_the_promised_minute() -> None:
    tried = starts(Watch(OURS), 0.0, 600.0)
    longest = max(after - before for before, after in pairwise(tried))
    assert longest <= OURS.start + OURS.pause_max + 0.01
    assert longest + OURS.start <= 60.01, "even if the start that succeeds takes as long as it may"


def test_a_device_in_service_is_asked_and_given_up_after_its_silence() -> None:
    watch = started()
    watch.ready(7, 10.0)
    assert watch.due(14.9) is Due.NOTHING
    assert watch.due(15.0) is Due.ASK
    watch.answered(15.1)
    assert [watch.due(now_s) for now_s in (20.0, 25.0, 30.0)] == [Due.ASK] * 3
    assert watch.due(30.2) is Due.GIVE_UP
    watch.lost(30.2)
    assert not watch.in_service
    assert watch.due(31.3) is Due.START


def test_an_answer_before_the_device_is_in_service_does_not_stretch_the_start() -> None:
    watch = started()
    watch.answered(20.0)
    assert watch.due(25.0) is Due.GIVE_UP


def test_a_device_is_set_a_few_times_and_then_left_alone() -> None:
    watch, now_s = Watch(OURS), 0.0
    for _ in range(SETTINGS_MAX):
        assert may_be_set(watch)
        assert watch.due(now_s) is Due.START
        watch.changed(7, now_s)
        assert watch.due(now_s + OURS.settle - 0.1) is Due.NOTHING
        now_s += OURS.settle
    watch.unfit(7, now_s)
    assert not may_be_set(watch)
    watch.unfit(8, now_s + 20)
    assert may_be_set(watch), "it is another device"
    assert watch.swaps == 1


def test_a_device_that_came_into_service_may_be_set_again_one_day() -> None:
    watch = started()
    for _ in range(SETTINGS_MAX):
        watch.changed(7, 0.0)
    watch.ready(7, 1.0)
    assert may_be_set(watch)
    assert watch.swaps == 0
    watch.ready(8, 2.0)
    assert watch.swaps == 1


def test_a_device_that_insists_on_its_own_is_not_set_again_each_time() -> None:
    watch = started()
    for _ in range(SETTINGS_MAX):
        watch.changed(7, 0.0)
    watch.ready(7, 1.0, insists=True)
    assert not may_be_set(watch)
    watch.ready(7, 2.0)
    assert may_be_set(watch), "now it does as it is told"


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_its_sentences(fault: Fault) -> None:
    wanted = {Misfit.REGION: "the region EU_868", Misfit.CHANNEL: "the channel Hedgerow of this commons"}
    said = sentence(fault, Misfit.REGION | Misfit.CHANNEL, "/dev/ttyUSB0", wanted)
    assert "/dev/ttyUSB0" in said
    assert said.endswith(SAVED)
    if fault is Fault.UNFIT:
        assert "cannot be set to the region EU_868 and the channel Hedgerow of this commons." in said
