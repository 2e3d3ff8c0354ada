"""A file on its way in: checked while it is written, named only if it is what it should be, and gone without a trace else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import pytest

from appliance.errors import CardFull
from appliance.store.blobs import Blobs
from appliance.store.receiving import Receiving

CONTENT = os.urandom(300_000)
SIZE = len(CONTENT)
HALF = SIZE // 2


def named(content: bytes) -> bytes:
    return blake2b(content, digest_size=32).digest()


BLOB = named(CONTENT)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs", 0)


@pytest.fixture
def file(blobs: Blobs) -> Iterator[Receiving]:
    with closing(Receiving(blobs, BLOB, SIZE)) as file:
        yield file


def test_it_is_named_once_it_is_whole(blobs: Blobs, file: Receiving) -> None:
    assert file.put(BLOB, SIZE, 0, CONTENT[:HALF])
    assert not file.finish()
    assert not blobs.has(BLOB)
    assert file.put(BLOB, SIZE, HALF, CONTENT[HALF:])
    assert file.is_whole
    assert file.finish()
    file.close()
    assert [path.read_bytes() for path in blobs.directory.iterdir()] == [CONTENT]
    assert blobs.is_sound(BLOB)


@pytest.mark.parametrize(
    "next_part",
    [
        (BLOB, SIZE, HALF + 1, CONTENT[HALF + 1 :]),
        (BLOB, SIZE, 0, CONTENT[:HALF]),
        (BLOB, SIZE + 1, HALF, CONTENT[HALF:]),
        (named(b"another"), SIZE, HALF, CONTENT[HALF:]),
    ],
    ids=["a hole", "the same again", "another size", "another file"],
)
def test_what_does_not_follow_is_not_written(
    file: Receiving, blobs: Blobs, next_part: tuple[bytes, int, int, bytes]
) -> None:
    assert file.put(BLOB, SIZE, 0, CONTENT[:HALF])
    assert not file.put(*next_part)
    assert file.put(BLOB, SIZE, HALF, CONTENT[HALF:])
    assert file.finish()
    assert blobs.is_sound(BLOB)


def test_other_bytes_get_no_name(file: Receiving, blobs: Blobs) -> None:
    assert file.put(BLOB, SIZE, 0, CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    assert file.is_whole
    assert not file.finish()
    file.close()
    assert list(blobs.directory.iterdir()) == []


def test_pieces_that_come_by_radio_meanwhile_do_not_get_in(file: Receiving, blobs: Blobs) -> None:
    assert file.put(BLOB, SIZE, 0, CONTENT[:HALF])
    blobs.put_piece(BLOB, SIZE, 0, b"x" * 72)
    assert file.put(BLOB, SIZE, HALF, CONTENT[HALF:])
    assert file.finish()
    assert blobs.is_sound(BLOB)
    assert list(blobs.parts()) == []


def test_a_card_without_room_is_said_and_keeps_nothing(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs", 2**60)
    with closing(Receiving(blobs, BLOB, SIZE)) as file, pytest.raises(CardFull):
        file.put(BLOB, SIZE, 0, CONTENT)
    assert list(blobs.directory.iterdir()) == []


def test_what_a_dead_process_left_is_swept_away(blobs: Blobs) -> None:
    child = os.fork()
    if not child:
        Receiving(blobs, BLOB, SIZE).put(BLOB, SIZE, 0, CONTENT[:HALF])
        os._exit(9)
    os.waitpid(child, 0)
    assert len(list(blobs.directory.iterdir())) == 1
    with closing(Receiving(blobs, BLOB, SIZE)) as file:
        assert file.put(BLOB, SIZE, 0, CONTENT)
        assert file.finish()
    assert list(blobs.directory.iterdir()) == [blobs.path(BLOB)]
