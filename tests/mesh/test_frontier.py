"""Frontiers: equal digests just where the same is held."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.frontier import Frontier, Reach
from mesh.keys import PUBLIC, Head, LogId, Scope
from tests.mesh.vectors import named, vectors

logs = st.binary(min_size=16, max_size=16).map(LogId)
reaches = st.dictionaries(
    logs, st.builds(Reach, st.integers(1, 2**40), st.binary(min_size=32, max_size=32).map(Head)), max_size=5
)


@pytest.mark.parametrize("vector", vectors("record-v1", "frontiers"), ids=named)
def test_vector(vector: dict[str, Any]) -> None:
    scope = Scope(bytes.fromhex(vector["scope"]))
    held = {
        LogId(bytes.fromhex(log)): Reach(height, Head(bytes.fromhex(head))) for log, height, head in vector["reaches"]
    }
    assert Frontier(scope, held).digest().hex() == vector["digest"]
    whole = blake2b(b"hedgerow/frontier/v1\0" + scope, digest_size=32)
    for log, height, head in sorted(vector["reaches"]):
        whole.update(bytes.fromhex(log) + height.to_bytes(8, "big") + bytes.fromhex(head))
    assert whole.hexdigest() == vector["digest"]


@given(reaches, st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_who_came_first(held: dict[LogId, Reach], chance: Any) -> None:
    other = list(held.items())
    chance.shuffle(other)
    assert Frontier(PUBLIC, held).digest() == Frontier(PUBLIC, dict(other)).digest()


@given(reaches, reaches)
def test_digests_are_equal_just_where_frontiers_are(one: dict[LogId, Reach], other: dict[LogId, Reach]) -> None:
    assert (Frontier(PUBLIC, one).digest() == Frontier(PUBLIC, other).digest()) == (one == other)


def test_the_same_logs_in_another_scope_are_another_frontier() -> None:
    held = {LogId(bytes(16)): Reach(1, Head(bytes(32)))}
    assert Frontier(PUBLIC, held).digest() != Frontier(Scope(b"\1" * 16), held).digest()


@given(reaches, st.dictionaries(logs, st.integers(0, 2**40), max_size=5))
def test_who_lags_is_told_from_where(held: dict[LogId, Reach], heights: dict[LogId, int]) -> None:
    frontier = Frontier(PUBLIC, held)
    ahead = dict(frontier.ahead_of(heights))
    assert list(ahead) == sorted(ahead)
    for log in held.keys() | heights.keys():
        theirs = heights.get(log, 0)
        assert (log in ahead) == (frontier.height(log) > theirs)
        assert ahead.get(log, theirs) == theirs
