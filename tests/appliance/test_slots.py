"""A file in two slots is whole whenever the plug is pulled, and a write of it costs the card one block."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import slots
from appliance.slots import CONTENT_MAX, SIZE


def kept(path: Path) -> bytes | None:
    return slots.newest(slots.read(path))


def test_the_last_content_is_read_and_the_file_never_grows(tmp_path: Path) -> None:
    file = tmp_path / "note"
    for number in range(5):
        slots.write(file, b"%d" % number * (number + 1), is_forced=bool(number % 2))
        assert kept(file) == b"%d" % number * (number + 1)
        assert file.stat().st_size == 2 * SIZE
    assert list(tmp_path.iterdir()) == [file]


@given(st.lists(st.binary(max_size=CONTENT_MAX), min_size=2, max_size=5), st.integers(0, SIZE), st.booleans())
def test_a_torn_write_leaves_what_was_there_before(contents: list[bytes], torn_at: int, is_end_new: bool) -> None:
    """Any part of the block may be new and the rest old: cards promise no order within it."""
    slots_of = [slots._encode(number, content) for number, content in enumerate(contents)]
    new, old, other = slots_of[-1], bytes(SIZE) if len(slots_of) < 3 else slots_of[-3], slots_of[-2]
    torn = (old[:torn_at] + new[torn_at:]) if is_end_new else (new[:torn_at] + old[torn_at:])
    place = (len(contents) - 1) % 2
    raw = other + torn if place else torn + other
    if torn == new:
        assert slots.newest(raw) == contents[-1]
    else:
        assert slots.newest(raw) == contents[-2]


@given(st.binary(max_size=3 * SIZE))
def test_what_is_no_such_file_is_none(raw: bytes) -> None:
    assert slots.newest(raw) is None


def test_a_file_of_another_kind_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "note"
    file.write_bytes(b"of an earlier version")
    slots.write(file, b"new")
    assert kept(file) == b"new"


def test_both_slots_torn_begin_anew(tmp_path: Path) -> None:
    file = tmp_path / "note"
    file.write_bytes(b"x" * 2 * SIZE)
    assert kept(file) is None
    slots.write(file, b"new", is_forced=True)
    assert kept(file) == b"new"


def test_what_is_too_long_is_our_own_bug(tmp_path: Path) -> None:
    slots.write(tmp_path / "note", bytes(CONTENT_MAX))
    with pytest.raises(ValueError, match="do not fit"):
        slots.write(tmp_path / "note", bytes(CONTENT_MAX + 1))
