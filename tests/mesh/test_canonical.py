"""The one form of CBOR: written, read back, and every other form refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh import canonical
from mesh.canonical import DEPTH_MAX, INT_MAX
from mesh.errors import Malformed, PeerFault
from tests.mesh.vectors import named, vectors

numbers = st.integers(-INT_MAX - 1, INT_MAX)
plain = st.none() | st.booleans() | numbers | st.binary(max_size=40) | st.text(max_size=40)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(numbers | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(values.filter(lambda value: depth(value) <= DEPTH_MAX))
def test_what_is_encoded_is_read_back(value: object) -> None:
    raw = canonical.encode(value)
    assert canonical.decode(raw) == value
    assert canonical.encode(canonical.decode(raw)) == raw


@given(values)
def test_another_reader_of_cbor_reads_the_same(value: object) -> None:
    assert cbor2.loads(canonical.encode(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_parse_or_are_a_peer_fault(raw: bytes) -> None:
    with suppress(PeerFault):
        assert canonical.encode(canonical.decode(raw)) == raw


@given(
    st.sampled_from([0xC0, 0xC2, 0xC4, 0xC5, 0xD8, 0xD9, 0xF9, 0xFB, 0x9F, 0xBF, 0x5F, 0xF7]), st.binary(max_size=30)
)
def test_tags_floats_and_open_lengths_never_parse(first: int, rest: bytes) -> None:
    with pytest.raises(Malformed):
        canonical.decode(bytes([first]) + rest)


@given(values.filter(lambda value: depth(value) <= DEPTH_MAX), st.data())
def test_no_proper_prefix_of_a_value_is_a_value(value: object, data: st.DataObject) -> None:
    raw = canonical.encode(value)
    with pytest.raises(Malformed):
        canonical.decode(raw[: data.draw(st.integers(0, len(raw) - 1))])


def test_maps_are_ordered_by_the_bytes_of_their_keys() -> None:
    """RFC 8949, section 4.2.1, where its example puts 100 before -1; the older rule would put -1 first."""
    assert canonical.encode({"a": 4, "": 2, -1: 3, 100: 1}).hex() == "a4186401200360026161" + "04"
    assert list(canonical.decode(canonical.encode({"b": 0, "aa": 0, 24: 0, -1: 0}))) == [24, -1, "b", "aa"]


def test_eight_levels_are_read_and_nine_are_not() -> None:
    assert canonical.decode(b"\x81" * 8 + b"\x00")
    with pytest.raises(Malformed, match="deep"):
        canonical.decode(b"\x81" * 8 + b"\x80")
    with pytest.raises(Malformed, match="deep"):
        canonical.decode(b"\x81" * 100_000)


def test_a_claimed_length_costs_no_memory() -> None:
    for raw in ("9b7fffffffffffffff", "5b7fffffffffffffff", "bb00000001000000000000", "9a10000000f6"):
        with pytest.raises(Malformed):
            canonical.decode(bytes.fromhex(raw))


@pytest.mark.parametrize("vector", vectors("record-v1", "canonical"), ids=named)
def test_vector(vector: dict[str, str]) -> None:
    raw = bytes.fromhex(vector["bytes"])
    assert canonical.encode(canonical.decode(raw)) == raw
    assert cbor2.loads(raw) == canonical.decode(raw)


@pytest.mark.parametrize("vector", vectors("record-v1", "canonical_faults"), ids=named)
def test_vector_that_fails(vector: dict[str, str]) -> None:
    with pytest.raises(PeerFault) as caught:
        canonical.decode(bytes.fromhex(vector["bytes"]))
    assert type(caught.value).__name__ == vector["fault"]
