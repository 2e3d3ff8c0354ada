"""Some things ahead: the same things in the same order, faults in their place, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from appliance.reading_ahead import some_ahead


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("reading-ahead")]


def three_and_a_fault() -> Iterator[int]:
    yield from (1, 2, 3)
    raise EOFError


def test_all_comes_in_order() -> None:
    assert list(some_ahead(iter(range(1000)))) == list(range(1000))
    assert list(some_ahead(iter(()))) == []
    assert threads() == []


def test_a_fault_comes_after_what_was_good() -> None:
    came: list[int] = []
    with pytest.raises(EOFError):
        came.extend(some_ahead(three_and_a_fault()))
    assert came == [1, 2, 3]
    assert threads() == []


def test_the_next_is_made_while_this_one_is_used() -> None:
    made = threading.Event()

    def things() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    ahead = some_ahead(things())
    assert next(ahead) == 1
    assert made.wait(10), "the second was made though nobody asked for it yet"
    assert next(ahead) == 2


def test_who_wants_no_more_leaves_no_thread() -> None:
    ahead = some_ahead(iter(range(1000)))
    assert next(ahead) == 0
    ahead.close()
    assert threads() == []
