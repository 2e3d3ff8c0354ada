"""The next things are read and checked while this one is written: a stick and a card wait each for its own, not for the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

AHEAD: Final = 4  # frames of a bundle: as many as its reader gives at once

Thing = TypeVar("Thing")


def some_ahead(things: Iterator[Thing]) -> Generator[Thing, None, None]:
    """Yield what `things` yields, in order, each while the next are being made in a thread beside.

    What `things` raises is raised in its place. Four things more than the one in use lie in memory. The thread ends with the last
    thing, or when the generator is closed: who may stop early closes it.
    """
    beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading-ahead")
    try:
        coming = deque(beside.submit(_next, things) for _ in range(AHEAD))
        while made := coming.popleft().result():
            coming.append(beside.submit(_next, things))
            yield made[0]
    finally:
        beside.shutdown(cancel_futures=True)


def _next(things: Iterator[Thing]) -> tuple[Thing] | None:
    """Return the next thing, alone; None where there is none."""
    for thing in things:
        return (thing,)
    return None
