"""The keel mark is whole or absent, whatever happens to its file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import keel
from appliance.errors import StoreFault
from appliance.keel import Keel
from appliance.slots import SIZE
from mesh.errors import Malformed
from mesh.keys import Head, LogId
from mesh.links import Height

PLACE = "0123456789abcdef" * 2
MARK = Keel(PLACE, (Height(LogId(b"l" * 16), 3, Head(b"h" * 32)), Height(LogId(b"m" * 16), 2**40, Head(b"i" * 32))))

heights = st.builds(
    Height,
    st.binary(min_size=16, max_size=16).map(LogId),
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32).map(Head),
)


@given(st.builds(Keel, st.text("0123456789abcdef", min_size=32, max_size=32), st.lists(heights, max_size=5).map(tuple)))
def test_a_mark_is_read_as_it_was_written(mark: Keel) -> None:
    assert Keel.parse(mark.encode()) == mark


@given(st.binary(max_size=300))
def test_any_bytes_are_a_mark_or_malformed(raw: bytes) -> None:
    with suppress(Malformed):
        assert Keel.parse(raw).encode() == raw


@given(st.integers(0, len(MARK.encode()) - 1), st.integers(1, 255))
def test_one_changed_byte_spoils_a_mark(place: int, change: int) -> None:
    raw = bytearray(MARK.encode())
    raw[place] ^= change
    with pytest.raises(Malformed):
        Keel.parse(bytes(raw))


def test_there_is_no_mark_before_the_first(tmp_path: Path) -> None:
    assert keel.read(tmp_path / "elm.keel") is None


def test_the_newest_mark_is_the_one_that_counts(tmp_path: Path) -> None:
    file = tmp_path / "elm.keel"
    keel.write(file, Keel(PLACE, ()))
    keel.write(file, MARK)
    assert keel.read(file) == MARK
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("length", range(0, len(MARK.encode()), 7))
def test_a_torn_mark_counts_as_none(tmp_path: Path, length: int) -> None:
    (tmp_path / "elm.keel").write_bytes(MARK.encode()[:length])
    assert keel.read(tmp_path / "elm.keel") is None


def test_a_mark_of_an_earlier_version_is_read_and_renewed(tmp_path: Path) -> None:
    file = tmp_path / "elm.keel"
    file.write_bytes(MARK.encode())
    assert keel.read(file) == MARK
    keel.write(file, Keel(PLACE, ()))
    assert keel.read(file) == Keel(PLACE, ())


def test_a_mark_that_was_torn_leaves_the_one_before_it(tmp_path: Path) -> None:
    file = tmp_path / "elm.keel"
    keel.write(file, MARK)
    keel.write(file, Keel(PLACE, ()))
    raw = bytearray(file.read_bytes())
    raw[SIZE + 50] ^= 1
    file.write_bytes(raw)
    assert keel.read(file) == MARK


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f".elm.keel.{gone.pid}-1.part").touch()
    living = tmp_path / f".elm.keel.{os.getpid()}-1.part"
    living.touch()
    keel.read(tmp_path / "elm.keel")
    assert list(tmp_path.iterdir()) == [living]


def test_many_writers_never_leave_a_torn_mark(tmp_path: Path) -> None:
    file = tmp_path / "elm.keel"

    def write_often() -> None:
        for _ in range(50):
            keel.write(file, MARK)

    writers = [threading.Thread(target=write_often) for _ in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert keel.read(file) in (None, MARK)
    assert keel.read(file) == MARK
    assert list(tmp_path.iterdir()) == [file]


def test_a_place_that_cannot_be_written_is_a_store_fault(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match="cannot be written"):
        keel.write(tmp_path / "nowhere" / "elm.keel", MARK)


def test_a_mark_that_cannot_be_read_is_a_store_fault(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match="cannot be read"):
        keel.read(tmp_path)
