"""The next thing is read and checked while this one is written: a stick and a card wait each for its own, not for the other."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")


def one_ahead(things: Iterator[Thing]) -> Iterator[Thing]:
    """Yield what `things` yields, in order, each while the next is being made in a thread beside.

    What `things` raises is raised in its place. One thing more than the one in use lies in memory. The thread ends with the last
    thing, or when nobody wants another.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading-ahead") as beside:
        coming = beside.submit(_next, things)
        while made := coming.result():
            coming = beside.submit(_next, things)
            yield made[0]


def _next(things: Iterator[Thing]) -> tuple[Thing] | None:
    """Return the next thing, alone; None where there is none."""
    for thing in things:
        return (thing,)
    return None
