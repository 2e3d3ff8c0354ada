"""The Trickle timer against RFC 6206, and against a daemon that slept."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.trickle import Trickle


def moments(trickle: Trickle, until: float, now: float = 0.0) -> list[float]:
    """Return when it speaks, ticked only when it asks for it."""
    spoken = []
    while trickle.due <= until:
        now = max(now, trickle.due)
        if trickle.tick(now):
            spoken.append(now)
    return spoken


@given(st.integers(0, 1000))
def test_it_speaks_once_in_the_second_half_of_each_interval_and_intervals_double(seed: int) -> None:
    """RFC 6206, section 4.2: I runs 4, 8, 16 … 64, 64; t lies in [I/2, I)."""
    spoken = moments(Trickle(4, 64, 1, Random(seed), 0.0), until=219)
    begin, interval = 0.0, 4.0
    for moment in spoken:
        assert begin + interval / 2 <= moment <= begin + interval
        begin, interval = begin + interval, min(2 * interval, 64.0)
    assert len(spoken) == 6


def test_it_holds_its_tongue_when_others_said_the_same() -> None:
    trickle = Trickle(4, 64, 1, Random(1), 0.0)
    trickle.consistent()
    assert not trickle.tick(trickle.due)
    assert not trickle.tick(trickle.due)
    assert trickle.tick(trickle.due), "what was heard in one interval says nothing about the next"


@pytest.mark.parametrize("heard", [0, 1, 2, 3])
def test_redundancy_is_how_many_must_have_said_it(heard: int) -> None:
    trickle = Trickle(4, 64, 2, Random(1), 0.0)
    for _ in range(heard):
        trickle.consistent()
    assert trickle.tick(trickle.due) == (heard < 2)


def test_news_are_spoken_whatever_was_heard() -> None:
    trickle = Trickle(4, 64, 1, Random(1), 0.0)
    trickle.consistent()
    assert trickle.tick(trickle.due, must=True)


def test_a_disagreement_makes_it_speak_soon() -> None:
    trickle = Trickle(4, 1024, 1, Random(1), 0.0)
    moments(trickle, until=3000)
    trickle.inconsistent(3000.0)
    assert 3002.0 <= trickle.due <= 3004.0


def test_the_shortest_interval_is_not_begun_anew() -> None:
    """Section 4.2, step 6: otherwise constant disagreement would keep a node from ever speaking."""
    trickle = Trickle(4, 64, 1, Random(1), 0.0)
    due = trickle.due
    trickle.inconsistent(1.0)
    assert trickle.due == due


def test_a_daemon_that_slept_for_days_does_not_speak_for_each_of_them() -> None:
    trickle = Trickle(4, 64, 1, Random(1), 0.0)
    assert trickle.tick(1_000_000.0)
    assert trickle.due > 1_000_000.0
