"""No real hour holds more than was allowed: not after a restart, a power cut, a full queue or a step of the clock."""

import math
from collections import deque
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh import canonical
from mesh.airtime import HOUR_S, airtime_ms
from mesh.errors import AirtimeSpent, Malformed
from mesh.governor import CHUNKS, NOTE_NAME, USE_SHARE_MAX, USE_WINDOW_S, Governor, Priority, Sliding

FULL_FRAME_MS = airtime_ms("LongFast", 255)
PRIORITIES = st.sampled_from([*Priority])


def spent(cost_ms: float, now_s: float = 0.0) -> Governor:
    governor = Governor("EU_868")
    governor.spend(cost_ms, now_s)
    governor.settle(0, now_s)
    return governor


def test_the_default_budget_is_three_percent_and_never_above_the_law() -> None:
    assert Governor("EU_868").budget_ms == 108_000
    assert Governor("EU_868").law_ms == 360_000
    assert Governor("UA_868").budget_ms == 36_000
    assert Governor("US").budget_ms == 108_000
    with pytest.raises(ValueError, match="EU_868"):
        Governor("EU_869")
    with pytest.raises(ValueError, match="between 0 and 1"):
        Governor("EU_868", share=1.01)


def test_the_law_of_eu_868_lets_166_full_frames_pass_in_an_hour() -> None:
    governor = Governor("EU_868", share=1.0)
    for number in range(166):
        governor.spend(FULL_FRAME_MS, number)
    with pytest.raises(AirtimeSpent):
        governor.spend(FULL_FRAME_MS, 170)


def test_beyond_the_budget_only_distress_speaks_and_the_law_stops_that_too() -> None:
    governor = spent(108_000)
    with pytest.raises(AirtimeSpent):
        governor.spend(1, 1)
    governor.spend(252_000, 2, Priority.DISTRESS)
    with pytest.raises(AirtimeSpent):
        governor.spend(1, 3, Priority.DISTRESS)
    assert governor.used_ms(4) == 360_000
    assert governor.taken_ms() == {**dict.fromkeys(Priority, 0), Priority.LEDGER: 108_000, Priority.DISTRESS: 252_000}


def test_what_is_less_urgent_leaves_room_for_what_is_more() -> None:
    governor, room = Governor("EU_868"), 0.0
    for priority in reversed(Priority):
        assert governor.room_ms(0, priority) > room
        room = governor.room_ms(0, priority)
    governor.spend(governor.room_ms(0, Priority.BODIES), 0, Priority.BODIES)
    assert governor.least(1, 0) is Priority.MANIFESTS
    governor.spend(governor.room_ms(0), 0)
    assert governor.least(1, 0) is Priority.DISTRESS
    governor.spend(governor.room_ms(0, Priority.DISTRESS), 0, Priority.DISTRESS)
    assert governor.least(1, 0) is None


def test_who_may_not_speak_is_told_when_to_look_again() -> None:
    governor = Governor("EU_868")
    assert governor.opens_s(1, 0, max(Priority)) == math.inf
    governor.spend(108_000, 0)
    governor.settle(0, 0)
    assert governor.opens_s(1, 5, Priority.DISTRESS) == pytest.approx(3596)


def test_a_refused_packet_costs_nothing() -> None:
    governor = Governor("EU_868")
    with pytest.raises(AirtimeSpent):
        governor.spend(108_001, 0)
    assert governor.used_ms(0) == 0


def test_air_comes_back_an_hour_later_and_not_before() -> None:
    governor = Governor("EU_868")
    governor.spend(90_000, 10.5)
    governor.settle(0, 10.5)
    assert governor.wait_s(18_000, 11 + USE_WINDOW_S) == 0
    assert governor.wait_s(18_001, 11) == HOUR_S
    assert governor.used_ms(10.5 + HOUR_S - 0.01) == 90_000
    assert governor.used_ms(11 + HOUR_S) == 0
    assert governor.wait_s(108_001, 11) == math.inf


def test_a_packet_that_waits_in_the_radio_is_not_forgotten_an_hour_after_it_was_handed_over() -> None:
    governor = Governor("EU_868")
    governor.spend(100_000, 0)
    governor.settle(1, 50)
    assert governor.used_ms(HOUR_S + 60) == 100_000
    assert governor.wait_s(50_000, HOUR_S + 60) > 0
    governor.settle(0, HOUR_S + 60)
    assert governor.used_ms(2 * HOUR_S) == 100_000
    assert governor.used_ms(2 * HOUR_S + 61) == 0


def test_a_busy_channel_silences_all_but_distress() -> None:
    governor = Governor("US")
    for second in range(USE_WINDOW_S):
        governor.hear(1000 * USE_SHARE_MAX + 1, second)
    now = USE_WINDOW_S
    assert governor.use_share(now) > USE_SHARE_MAX
    assert governor.least(1, now) is Priority.DISTRESS
    wait_s = governor.wait_s(1, now)
    assert 0 < wait_s < USE_WINDOW_S
    assert governor.least(1, now + wait_s) is Priority.CAROUSEL
    assert governor.heard_ms() == pytest.approx(USE_WINDOW_S * 251)


def test_a_clock_that_steps_back_wins_no_air() -> None:
    governor = spent(60_000, 5_000)
    governor.spend(40_000, 10)
    governor.settle(0, 10)
    assert governor.used_ms(5_000 + HOUR_S) == 100_000


class Queue:
    """A radio that sends what it was given, one after the other, when it likes."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.waiting: deque[float] = deque()
        self.sent: list[tuple[float, float]] = []

    def pass_time(self, until: float) -> None:
        while self.waiting and self.chance.random() < 0.7:
            self.sent.append((until - self.chance.random(), self.waiting.popleft()))

    def worst_hour(self) -> float:
        ends = [moment for moment, _ in self.sent]
        return max((math.fsum(cost for at, cost in self.sent if end - HOUR_S < at <= end) for end in ends), default=0.0)


FRAMES = st.lists(st.tuples(st.floats(0, 900), st.floats(100, 20_000), PRIORITIES, st.booleans()), max_size=60)


@given(FRAMES, st.integers(0, 9))
def test_no_real_hour_holds_more_than_the_budget_whatever_is_cut_off_when(
    frames: list[tuple[float, float, Priority, bool]], seed: int
) -> None:
    """The plug is pulled in the middle: the radio goes on with what it has, the program knows what was noted."""
    governor, queue, now_s, note = Governor("EU_868"), Queue(seed), 0.0, b""
    for pause_s, cost_ms, wished, is_cut in frames:
        now_s += 1 + pause_s
        queue.pass_time(now_s)
        if is_cut:
            governor = Governor("EU_868")
            if note:
                governor.recall(note, 0.0, now_s)
            queue.waiting.clear()
        governor.settle(len(queue.waiting), now_s)
        priority = max(wished, Priority.LEDGER)
        if cost_ms > governor.room_ms(now_s, priority):
            continue
        if governor.must_note(cost_ms):
            note = governor.note(now_s, cost_ms)
            governor.noted(cost_ms)
        governor.spend(cost_ms, now_s, priority)
        queue.waiting.append(cost_ms)
    assert queue.worst_hour() <= governor.budget_ms + 0.001 * len(queue.sent)


def test_a_clean_end_forgets_and_invents_nothing() -> None:
    before = Governor("EU_868")
    for minute in range(30):
        before.spend(1_000, 60 * minute)
        before.settle(0, 60 * minute)
    after = Governor("EU_868")
    after.recall(before.note(1_800), away_s=600, now_s=50)
    assert after.used_ms(50) == before.used_ms(1_800) == 30_000
    assert after.used_ms(50 + HOUR_S - 1_800 - 600 + 61) < 30_000
    assert after.used_ms(50 + HOUR_S) == 0


def test_notes_are_rare_and_a_pulled_plug_costs_a_sixth_of_the_hour() -> None:
    governor, notes, note = Governor("EU_868"), 0, b""
    for number in range(50):
        if governor.must_note(FULL_FRAME_MS):
            note, notes = governor.note(number, FULL_FRAME_MS), notes + 1
            governor.noted(FULL_FRAME_MS)
        governor.spend(FULL_FRAME_MS, number)
    assert notes <= CHUNKS + 1
    after = Governor("EU_868")
    after.recall(note, 0.0, 100)
    assert 0 <= after.used_ms(100) - governor.used_ms(100) <= governor.budget_ms / CHUNKS


def test_who_does_not_know_what_was_spent_waits_an_hour() -> None:
    governor = Governor("EU_868")
    governor.assume_the_worst(7)
    assert governor.least(1, 7) is Priority.DISTRESS
    assert governor.wait_s(FULL_FRAME_MS, 7) == HOUR_S + 1


@pytest.mark.parametrize(
    "parts",
    [
        [NOTE_NAME, []],
        ["another", [], 0],
        [NOTE_NAME, [[1]], 0],
        [NOTE_NAME, [[1, 2], [5, 1]], 0],
        [NOTE_NAME, [[1, -2]], 0],
        [NOTE_NAME, [], -1],
        [NOTE_NAME, [[0, 1]] * 63, 0],
    ],
)
def test_a_torn_note_is_malformed(parts: list[object]) -> None:
    with pytest.raises(Malformed):
        Governor("EU_868").recall(canonical.encode(parts), 0.0, 0.0)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_note_or_malformed(raw: bytes) -> None:
    with suppress(Malformed):
        Governor("EU_868").recall(raw, 0.0, 0.0)


def test_memory_is_bounded_whatever_is_spent() -> None:
    sliding = Sliding(HOUR_S)
    for tenth in range(50_000):
        sliding.add(50, tenth / 10)
        sliding.total(tenth / 10)
    assert len(sliding) <= HOUR_S + 2
    wait_s = sliding.wait_s(100_000, 5_000)
    assert sliding.total(5_000 + wait_s - 1) > 100_000 >= sliding.total(5_000 + wait_s)


def test_what_the_radio_says_by_itself_counts_although_there_is_no_room() -> None:
    governor = Governor("EU_868", share=0.0)
    governor.charge(1_000.0, 5.0)
    assert governor.used_ms(6.0) == 1_000.0
    assert governor.use_share(6.0) > 0
    assert not any(governor.taken_ms().values()), "it was nobody's word"


def test_so_many_packets_fit_as_may_be_spent() -> None:
    governor = Governor("EU_868")
    full = 2000.0
    count = governor.packets(full, 0.0, Priority.LEDGER)
    assert count == int(governor.budget_ms // full)
    assert governor.packets(full, 0.0, Priority.BODIES) == int(governor.budget_ms * 0.5 // full)
    for _ in range(count):
        governor.spend(full, 0.0)
    assert governor.packets(full, 0.0, Priority.LEDGER) == 0
