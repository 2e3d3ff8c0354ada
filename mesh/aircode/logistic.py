"""Several guesses at one bit, mixed into one that is better than each.

Guesses are added in the logistic domain with weights that learn from each bit, as in M. Mahoney's PAQ ("Adaptive Weighing of
Context Models for Lossless Data Compression", 2005). Probabilities have 12 bits here; all of it is integers:

    guess := squash(sum of logit · weight)        weight += logit · (bit - guess) · LEARNING
"""

from __future__ import annotations

from functools import cache
from typing import Final

STEP: Final = 7
KNOTS: Final = (
    *(1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047),
    *(2549, 2994, 3348, 3607, 3785, 3901, 3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094),
)  # 4096 / (1 + e^-x) for x = -8, -7.5 … 8
LIMIT: Final = 2047
LEARNING: Final = 6
WEIGHT: Final = 20000  # 65,536 would take a guess as it is


def squash(logit: int) -> int:
    """Return the probability, 1 … 4,095, of which `logit` is 256 times the natural logarithm of its odds."""
    if not -LIMIT <= logit <= LIMIT:
        return 4095 if logit > 0 else 1
    place, rest = (logit >> STEP) + 16, logit & 127
    return max(1, (KNOTS[place] * (128 - rest) + KNOTS[place + 1] * rest + 64) >> STEP)


@cache
def stretches() -> tuple[int, ...]:
    """Return the logits of all probabilities 0 … 4,095: the inverse of `squash`."""
    found: list[int] = []
    for logit in range(-LIMIT, LIMIT + 1):
        found += [logit] * (squash(logit) + 1 - len(found))
    return (*found, *[LIMIT] * (4096 - len(found)))
