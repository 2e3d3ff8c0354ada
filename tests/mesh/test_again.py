"""Whoever is asked in vain waits longer the next time, within bounds."""

from mesh.again import LOGS_MAX, Again
from mesh.keys import LogId
from mesh.timing import Timing


def log(number: int) -> LogId:
    return LogId(number.to_bytes(16, "big"))


def test_the_same_question_widens_the_slot_and_another_does_not() -> None:
    again = Again(Timing())
    assert [again.widened(log(1), 5, 20.0 * turn) for turn in range(6)] == [1, 2, 4, 8, 8, 8]
    assert again.widened(log(1), 6, 130.0) == 1
    assert again.widened(log(2), 6, 130.0) == 1


def test_two_who_ask_at_once_are_one_question_and_an_old_one_is_forgotten() -> None:
    again = Again(Timing())
    assert [again.widened(log(1), 5, second) for second in (0.0, 1.0, 2.0, 9.0)] == [1, 1, 1, 1]
    assert again.widened(log(1), 5, 10_000.0) == 1


def test_memory_is_bounded() -> None:
    again = Again(Timing())
    for number in range(1000):
        again.widened(log(number), 1, 0.0)
    assert len(again._asked) == LOGS_MAX
