"""What the new records of a workload would cost with no framing and no handshake: a floor to measure against.

    memos     the best of raw deflate (RFC 1951) with a preset dictionary and LZMA, over all new memos at once
    numbers   LEB128 lengths of author-local payer, payee, amount and time gap
    + 64 bytes of signature for each author touched

The dictionary is what both ends hold already: the memos of the base. Where bodies are random bytes, they and the signatures are
the floor; where packets get lost, the fewest packets that hold these, and as many more as an ideal code would send that knows at
once who lacks what.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Sequence
from math import comb
from statistics import fmean
from typing import Final

from appliance.bench.workload import NOISE_SIZE, Payment
from mesh.keys import SIGNATURE_SIZE

WINDOW: Final = 32768
SURE: Final = 1 - 1e-9


def floor_bytes(payments: Sequence[Payment], new: int) -> int:
    """Return the floor of the last `new` payments, in bytes."""
    fresh, base = payments[-new:], payments[:-new]
    signatures = SIGNATURE_SIZE * len({payment.author for payment in fresh})
    return _memo_bytes(fresh, base) + _number_bytes(payments, new) + signatures


def lone_floor_bytes(payments: Sequence[Payment], new: int) -> float:
    """Return the mean floor of the last `new` payments, each sent alone."""
    return fmean(floor_bytes(payments[: len(payments) - place], 1) for place in range(new))


def noise_floor_bytes(count: int, authors: int) -> int:
    """Return the floor of `count` records of random bytes by so many authors."""
    return count * NOISE_SIZE + authors * SIGNATURE_SIZE


def packets_of_an_ideal_code(packets: int, hearers: int, loss: float) -> float:
    """Return how many of `packets` and ideal repairs are sent on average until each of `hearers` has got `packets` of them.

    The largest of so many waiting times, each with a negative binomial distribution.
    """
    total, done, sent = 0.0, 0.0, 0
    while done < SURE:
        total += 1 - done
        sent += 1
        enough = sum(comb(sent, got) * (1 - loss) ** got * loss ** (sent - got) for got in range(packets, sent + 1))
        done = enough**hearers
    return total


def _memo_bytes(fresh: Sequence[Payment], base: Sequence[Payment]) -> int:
    text, known = (("\n".join(payment.memo for payment in part)).encode() for part in (fresh, base))
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=known[-WINDOW:])
    with_dictionary = len(deflate.compress(text) + deflate.flush())
    filters = [{"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME}]
    return min(with_dictionary, len(lzma.compress(text, lzma.FORMAT_RAW, filters=filters)))


def _number_bytes(payments: Sequence[Payment], new: int) -> int:
    last: dict[int, int] = {}
    members: dict[int, dict[tuple[int, str], int]] = {}
    total = 0
    for place, payment in enumerate(payments):
        local = members.setdefault(payment.author, {})
        people = [local.setdefault(person, len(local)) for person in ((payment.author, payment.payer), payment.payee)]
        gap = max(0, payment.at - last.get(payment.author, payment.at))
        last[payment.author] = payment.at
        if place >= len(payments) - new:
            total += sum(_varint_size(number) for number in (*people, payment.amount, gap))
    return total


def _varint_size(number: int) -> int:
    return max(1, -(-number.bit_length() // 7))
