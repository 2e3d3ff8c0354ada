"""Records: one form, a leaf that outlives its text, exact bounds."""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh import canonical
from mesh.errors import Malformed, PeerFault
from mesh.keys import LogId
from mesh.record import CORE_SIZE_MAX, TEXT_SIZE_MAX, Record, RecordId
from tests.mesh.test_canonical import values
from tests.mesh.vectors import named, vectors

SALT = bytes(range(16))


def h(content: bytes) -> bytes:
    """The digest of the format page, written once more."""
    return blake2b(content, digest_size=32).digest()


@given(st.binary(max_size=80))
def test_any_bytes_parse_or_are_a_peer_fault(raw: bytes) -> None:
    with suppress(PeerFault):
        assert Record.parse(raw).encode() == raw


pieces = st.binary(max_size=40) | values.map(lambda value: value if isinstance(value, bytes) else b"\x82\x14\x00")


@given(st.lists(pieces, max_size=4))
def test_any_parts_parse_or_are_a_peer_fault(parts: list[bytes]) -> None:
    with suppress(PeerFault):
        assert Record.from_parts(parts).parts() == parts


@given(st.integers(0, 2**62), st.integers(0, 2**40), st.none() | st.text(max_size=40))
def test_what_is_said_is_read_back(kind: int, at: int, text: str | None) -> None:
    record = Record.new([kind, at, "field"], text, SALT if text is not None else b"")
    again = Record.parse(record.encode())
    assert again == record
    assert again.fields() == [kind, at, "field"]
    assert again.said() == text
    assert again.kind == kind
    assert again.size == len(record.encode())


@pytest.mark.parametrize("vector", vectors("record-v1", "records"), ids=named)
def test_vector(vector: dict[str, Any]) -> None:
    record = Record.parse(bytes.fromhex(vector["plain"]))
    assert record.encode().hex() == vector["plain"]
    assert record.core.hex() == vector["core"]
    assert record.text_digest.hex() == vector["text_digest"]
    assert record.leaf.hex() == vector["leaf"]
    assert h(h(record.core) + record.text_digest).hex() == vector["leaf"]
    if vector["text"] is not None:
        assert h(bytes.fromhex(vector["salt"] + vector["text"])).hex() == vector["text_digest"]


@pytest.mark.parametrize("vector", vectors("record-v1", "record_faults"), ids=named)
def test_vector_that_fails(vector: dict[str, str]) -> None:
    with pytest.raises(PeerFault) as caught:
        Record.parse(bytes.fromhex(vector["plain"]))
    assert type(caught.value).__name__ == vector["fault"]


def test_a_withdrawn_text_keeps_the_leaf() -> None:
    record = Record.new([20, 0], "two loaves, rye", SALT)
    left = record.without_text()
    assert left.leaf == record.leaf
    assert left.is_withdrawn
    assert not record.is_withdrawn
    assert left.said() is None
    assert b"rye" not in left.encode()
    assert Record.parse(left.encode()) == left


def test_a_record_that_said_nothing_was_not_withdrawn() -> None:
    record = Record.new([20, 0])
    assert not record.is_withdrawn
    assert record.without_text() == record


def test_the_salt_hides_a_short_text() -> None:
    """Whoever holds the digest of a withdrawn "yes" cannot find it by trying words."""
    one, other = (Record.new([20, 0], "yes", bytes([number]) * 16) for number in (1, 2))
    assert one.text_digest != other.text_digest
    assert one.leaf != other.leaf


@given(st.integers(-12, 12))
def test_the_bounds_of_core_and_text_are_exact(over: int) -> None:
    def core(size: int) -> list[Any]:
        return [20, 0, bytes(size - len(canonical.encode([20, 0, bytes(size)])) + size)]

    wanted = canonical.encode(core(CORE_SIZE_MAX + over))
    assert len(wanted) == CORE_SIZE_MAX + over
    said = bytes(TEXT_SIZE_MAX + over - 3)
    for build in (lambda: Record.from_parts([wanted]), lambda: Record.new([20, 0], said, SALT)):
        if over > 0:
            with pytest.raises(Malformed):
                build()
        else:
            build()


@given(st.binary(min_size=16, max_size=16), st.integers(1, 10**17))
def test_a_written_place_is_read_back(log: bytes, seq: int) -> None:
    place = RecordId(LogId(log), seq)
    assert RecordId.read(str(place)) == place


@given(st.text(max_size=50) | st.from_regex(r"[a-z2-7]{26}-[0-9]{0,20}", fullmatch=True))
def test_any_letters_are_a_place_or_a_peer_fault(letters: str) -> None:
    with suppress(PeerFault):
        assert str(RecordId.read(letters)) == letters
