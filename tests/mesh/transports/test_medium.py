"""The simulated air, hour by hour without waiting for it: queue, airtime, half duplex, collisions, loss, islands."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.airtime import airtime_ms, on_air_bytes
from mesh.transports.medium import Delivered, Effect, Medium, WentOnAir

PRESET = "LongFast"
FRAME_MS = airtime_ms(PRESET, on_air_bytes(100))
PACKET = bytes(100)


def street(*names: str, loss: float = 0.0, seed: int = 1) -> Medium:
    medium = Medium(PRESET, loss, seed)
    for name in names:
        medium.join(name)
    return medium


def run(medium: Medium, until_ms: float = float("inf")) -> list[tuple[float, Effect]]:
    """Everything that happens until then, with its time."""
    log: list[tuple[float, Effect]] = []
    while (at_ms := medium.next_ms()) is not None and at_ms <= until_ms:
        log += [(at_ms, effect) for effect in medium.advance(at_ms)]
    return log


def delivered(log: list[tuple[float, Effect]]) -> Counter[tuple[str, str]]:
    """How many packets each listener had from each talker."""
    return Counter((effect.talker, effect.listener) for _, effect in log if isinstance(effect, Delivered))


def talk_at_once(medium: Medium, *names: str) -> list[tuple[float, Effect]]:
    """Let these stations begin within one slot of each other, as happens to those who drew the same number."""
    for name in names:
        medium.offer(name, PACKET, 0.0)
    for offset, name in enumerate(names):
        medium._stations[name].try_ms = 100.0 + offset
    return run(medium)


def test_a_packet_takes_its_true_time_after_one_to_eight_slots() -> None:
    medium = street("ana", "bo")
    assert medium.slot_ms == pytest.approx(2.5 * 8.192 + 7.6)
    medium.offer("ana", PACKET, 1000.0)
    (start_ms, began), (end_ms, ended) = run(medium)
    assert began == WentOnAir("ana")
    assert ended == Delivered("bo", "ana", PACKET)
    assert 1 <= (start_ms - 1000) / medium.slot_ms <= 8
    assert end_ms - start_ms == pytest.approx(FRAME_MS)
    assert medium.counters["frame_bytes"] == 123


def test_sixteen_wait_and_the_older_ones_stay() -> None:
    medium = street("ana", "bo")
    taken = [medium.offer("ana", bytes((number,)), 0.0) for number in range(24)]
    assert taken == [True] * 16 + [False] * 8
    assert medium.waiting("ana") == 16
    assert medium.counters["queue_full"] == 8
    heard = [effect.packet for _, effect in run(medium) if isinstance(effect, Delivered)]
    assert heard == [bytes((number,)) for number in range(16)]
    assert medium.waiting("ana") == 0


def test_the_frame_on_air_leaves_its_place_in_the_queue() -> None:
    medium = street("ana")
    for _ in range(16):
        medium.offer("ana", PACKET, 0.0)
    run(medium, until_ms=8 * medium.slot_ms)
    assert medium.waiting("ana") == 15
    assert medium.offer("ana", PACKET, 300.0)
    assert not medium.offer("ana", PACKET, 300.0)


def test_who_finds_the_air_taken_waits_for_the_end() -> None:
    medium = street("ana", "bo", "cho")
    medium.offer("ana", PACKET, 0.0)
    (start_ms, _), *_ = run(medium, until_ms=8 * medium.slot_ms)
    medium.offer("bo", PACKET, start_ms + 2 * medium.slot_ms)
    log = run(medium)
    assert delivered(log) == Counter({("ana", "bo"): 1, ("ana", "cho"): 1, ("bo", "ana"): 1, ("bo", "cho"): 1})
    began_ms = next(at_ms for at_ms, effect in log if effect == WentOnAir("bo"))
    assert start_ms + FRAME_MS + medium.slot_ms <= began_ms <= start_ms + FRAME_MS + 16 * medium.slot_ms


def test_who_talks_hears_nothing() -> None:
    medium = street("ana", "bo")
    assert delivered(talk_at_once(medium, "ana", "bo")) == Counter()
    assert medium.counters["spoiled"] == 2


def test_of_two_frames_at_once_a_common_listener_has_neither() -> None:
    medium = street("ana", "bo", "cho", "dee")
    assert delivered(talk_at_once(medium, "ana", "bo")) == Counter()
    assert medium.counters["spoiled"] == 6  # both at cho and dee, and each other's


def test_hidden_stations_collide_however_long_they_listen() -> None:
    medium = street("ana", "bo", "cho")
    medium.offer("ana", PACKET, 0.0)
    (start_ms, _), *_ = run(medium, until_ms=8 * medium.slot_ms)
    medium._on_air[0].audible = frozenset({"cho"})  # a hill stands between ana and bo
    medium.offer("bo", PACKET, start_ms)
    medium._stations["bo"].try_ms = start_ms + FRAME_MS - 1
    assert delivered(run(medium)) == Counter(), "one millisecond in common is enough"


def test_loss_one_delivers_nothing_and_loss_nought_everything() -> None:
    for loss, expected in ((1.0, 0), (0.0, 60)):
        medium = street("ana", "bo", "cho", loss=loss)
        for _ in range(30):
            medium.offer("ana", PACKET, 0.0)
            run(medium)
        assert medium.counters["delivered"] == expected
        assert medium.counters["lost"] == 60 - expected


@pytest.mark.parametrize("seed", range(5))
def test_loss_is_binomial_on_each_link_and_independent(seed: int) -> None:
    medium, total = street("ana", "bo", "cho", loss=0.3, seed=seed), Counter[tuple[str, str]]()
    both = 0
    for _ in range(1000):
        medium.offer("ana", PACKET, 0.0)
        one = delivered(run(medium))
        both += len(one) == 2
        total += one
    # Five standard deviations around 700 of 1000 (sd 14.5), and around 490 for both at once (sd 15.8).
    assert all(abs(count - 700) < 73 for count in total.values())
    assert abs(both - 490) < 79


def test_one_seed_loses_alike_whatever_else_happens() -> None:
    fates = []
    for others in ((), ("aaron", "zoe")):
        medium = street("ana", "bo", *others, loss=0.5, seed=9)
        fate = []
        for _ in range(40):
            medium.offer("ana", PACKET, 0.0)
            fate.append(delivered(run(medium))["ana", "bo"])
        fates.append(fate)
    assert fates[0] == fates[1]
    assert 0 < sum(fates[0]) < 40


def test_islands_hear_only_themselves_until_they_are_healed() -> None:
    medium = street("ana", "bo", "cho", "dee", "eva")
    medium.cut([{"ana", "bo"}, {"cho"}])
    reached = {}
    for name in ("ana", "cho", "dee"):
        medium.offer(name, PACKET, 0.0)
        reached[name] = [listener for _, listener in delivered(run(medium))]
    assert reached == {"ana": ["bo"], "cho": [], "dee": ["eva"]}, "those whom no island names share one"
    medium.cut([])
    medium.offer("cho", PACKET, 0.0)
    assert delivered(run(medium)) == Counter({("cho", name): 1 for name in ("ana", "bo", "dee", "eva")})


def test_a_cut_in_the_middle_of_a_frame_breaks_it() -> None:
    medium = street("ana", "bo")
    medium.offer("ana", PACKET, 0.0)
    run(medium, until_ms=8 * medium.slot_ms)
    medium.cut([{"ana"}])
    assert delivered(run(medium)) == Counter()
    assert medium.counters["lost"] == 1


def test_who_leaves_breaks_off_and_who_comes_late_hears_no_half_frame() -> None:
    medium = street("ana", "bo")
    medium.offer("ana", PACKET, 0.0)
    run(medium, until_ms=8 * medium.slot_ms)
    medium.join("late")
    medium.offer("bo", PACKET, 300.0)
    medium.leave("ana")
    log = run(medium)
    assert delivered(log) == Counter({("bo", "late"): 1})


def test_a_crowded_channel_gets_through_and_widens_its_window() -> None:
    names = [f"n{number}" for number in range(8)]
    medium = street(*names)
    for _, name in itertools.product(range(10), names):
        medium.offer(name, PACKET, 0.0)
    log = run(medium)
    assert medium.counters["frames"] == 80
    share = medium.counters["delivered"] / (80 * 7)
    assert 0.5 < share < 1.0, "some collide, most do not"
    assert medium._window_bits(log[-1][0]) > 3


@pytest.mark.parametrize("loss", [-0.1, 1.1, float("nan")])
def test_a_loss_that_is_no_share_is_our_own_mistake(loss: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Medium(PRESET, loss, 0)


STEPS = st.lists(st.tuples(st.sampled_from(["join", "leave", "offer"]), st.sampled_from("abcd"), st.floats(0, 900)))


@settings(max_examples=200)
@given(STEPS, st.integers(0, 5))
def test_whatever_stations_do_nothing_is_heard_twice_by_itself_or_after_leaving(
    steps: list[tuple[str, str, float]], seed: int
) -> None:
    medium, here, now_ms, log = Medium(PRESET, 0.2, seed), set[str](), 0.0, list[Effect]()
    for number, (what, name, pause_ms) in enumerate(steps):
        now_ms += pause_ms
        effects = medium.advance(now_ms)
        assert {effect.listener for effect in effects if isinstance(effect, Delivered)} <= here
        log += effects
        if what == "join" and name not in here:
            medium.join(name)
            here.add(name)
        elif what == "leave":
            medium.leave(name)
            here.discard(name)
        elif what == "offer" and name in here:
            medium.offer(name, b"%d" % number, now_ms)
    log += [effect for _, effect in run(medium)]
    heard = [effect for effect in log if isinstance(effect, Delivered)]
    assert len(set(heard)) == len(heard)
    assert all(effect.listener != effect.talker for effect in heard)
    assert medium.next_ms() is None
