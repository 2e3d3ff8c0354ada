"""The list of a file's chunks, by which each is checked by itself."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.blob import CHUNK_SIZE, ChunkList, chunk_count, chunk_size
from mesh.errors import Malformed
from mesh.keys import digest

TWO = (b"a" * CHUNK_SIZE, b"b")
SIZE = CHUNK_SIZE + 1


@pytest.mark.parametrize(("size", "count"), [(1, 1), (CHUNK_SIZE, 1), (CHUNK_SIZE + 1, 2), (2 * CHUNK_SIZE, 2)])
def test_chunks_cover_a_file(size: int, count: int) -> None:
    assert chunk_count(size) == count
    assert sum(chunk_size(size, index) for index in range(count)) == size


def test_a_list_vouches_for_its_chunks_alone() -> None:
    chunks = ChunkList.of(TWO)
    assert ChunkList.parse(chunks.encode(), SIZE, chunks.name) == chunks
    assert chunks.vouches_for(0, TWO[0])
    assert chunks.vouches_for(1, TWO[1])
    assert not chunks.vouches_for(0, TWO[1])
    assert not chunks.vouches_for(1, b"c")
    assert not chunks.vouches_for(1, b"")


def test_a_list_of_another_length_or_name_is_none_of_the_file() -> None:
    chunks = ChunkList.of(TWO)
    for raw, size in (
        (chunks.encode(), SIZE + CHUNK_SIZE),
        (chunks.encode(), CHUNK_SIZE),
        (chunks.encode()[:-1], SIZE),
        (chunks.encode() + bytes(32), SIZE),
        (chunks.encode()[::-1], SIZE),
        (b"", SIZE),
    ):
        with pytest.raises(Malformed):
            ChunkList.parse(raw, size, chunks.name)


@given(st.binary(max_size=200), st.integers(1, 2**40), st.booleans())
def test_any_bytes_are_a_list_or_malformed(raw: bytes, size: int, named: bool) -> None:
    with suppress(Malformed):
        found = ChunkList.parse(raw, size, digest(raw) if named else bytes(32))
        assert found.encode() == raw
        assert len(found.digests) == chunk_count(size)
