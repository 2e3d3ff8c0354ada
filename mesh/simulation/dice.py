"""Where chance comes from: a source of dice, each named for what it decides, all of them born from one seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from typing import Protocol, TypeVar

Thing = TypeVar("Thing")


class Dice(Protocol):
    """What a `random.Random` offers."""

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        ...

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between the two."""
        ...

    def randbytes(self, n: int, /) -> bytes:
        """Return `n` bytes."""
        ...


Dealer = Callable[[str], Dice]  # the same name gives the same dice


def choice(dice: Dice, things: Sequence[Thing]) -> Thing:
    """Return one of the things."""
    return things[int(dice.random() * len(things))]


def pause(dice: Dice, mean: float) -> float:
    """Return how long to wait for the next of events that happen by chance every `mean` seconds."""
    return -log(1.0 - dice.random()) * mean
