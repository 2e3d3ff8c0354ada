"""Any bytes at all end in one of two ways: a clean file within its limits, or one of the refusals that the pages know.

The parsers are asked in this process, by the same door as behind the walls (`work`), so that any other exception is seen for what
it is. Behind the walls it would be told as a damaged file; a few go that way, to see that the walls and the limits hold.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import Answer, Objection, Refused
from appliance.intake import kind
from appliance.intake.findings import (
    CLEAN,
    COVER,
    COVER_BYTES_MAX,
    PAGES_MAX,
    REMOVED,
    SMALL_COVER,
    SMALL_COVER_BYTES_MAX,
    WORDS,
    WORDS_BYTES_MAX,
)
from appliance.intake.inspection import JOBS, LIMITS, SENTENCES
from appliance.intake.kind import ENDINGS
from appliance.kinds import TEXTS
from tests.appliance.intake.conftest import Intake
from tests.appliance.intake.damage import damaged, damaged_books, specimens, wounded
from tests.appliance.intake.hostile import SVG

OF_KIND: set[Answer] = {
    *SENTENCES.values(),
    Objection.FILE_MISNAMED,
    Objection.FILE_TWO_KINDS,
    Objection.FILE_UNREADABLE,
}
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")
few = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large])
Ask = Callable[[bytes, str], object]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """A way to have a file worked on here, as behind the walls: returns why it was refused, or None."""
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.chdir(room)
    monkeypatch.setattr(sys, "setrecursionlimit", lambda _: None)  # Hypothesis minds its own
    log = logging.getLogger("pypdf")
    level = log.level
    yield lambda content, media_type: worked_on(tmp_path / "arrived", room, content, media_type)
    log.setLevel(level)


def refused_or(do: Callable[[], Any], expected: set[Answer]) -> Any:
    """Return what a deed gives, or why it was refused: one of the expected answers, in one sentence."""
    try:
        return do()
    except Refused as fault:
        refusal = fault
    assert refusal.verdict in expected
    assert 10 < len(str(refusal)) < 200
    return refusal.verdict


def worked_on(file: Path, room: Path, content: bytes, media_type: str) -> object:
    for left in room.iterdir():
        left.unlink()
    file.write_bytes(content)
    work: Callable[[dict[str, Any]], dict[str, Any]] = import_module(JOBS[media_type]).work
    facts = refused_or(lambda: work({"file": str(file), "media_type": media_type}), set(SENTENCES.values()))
    if not isinstance(facts, dict):
        return facts
    assert type(facts["pages"]) is int
    assert 0 <= facts["pages"] <= PAGES_MAX
    assert set(facts["removed"]) <= set(REMOVED)
    for name, most in (
        (CLEAN, 100_000 + 4 * len(content)),
        (WORDS, WORDS_BYTES_MAX),
        (COVER, COVER_BYTES_MAX),
        (SMALL_COVER, SMALL_COVER_BYTES_MAX),
    ):
        assert name not in (CLEAN, WORDS) or (room / name).is_file()
        assert not (room / name).exists() or (room / name).stat().st_size <= most
    return None


@pytest.mark.parametrize("media_type", JOBS)
def test_the_whole_ones_are_taken_in(ask: Ask, media_type: str) -> None:
    assert ask(specimens(media_type)[0], media_type) is None


@pytest.mark.parametrize("media_type", JOBS)
@given(content=st.binary(max_size=300))
@few
def test_any_bytes_are_taken_in_or_refused(ask: Ask, media_type: str, content: bytes) -> None:
    ask(content, media_type)
    ask(specimens(media_type)[0][:16] + content, media_type)


@pytest.mark.parametrize("media_type", JOBS)
@given(data=st.data())
@few
def test_damaged_files_are_taken_in_or_refused(ask: Ask, media_type: str, data: st.DataObject) -> None:
    ask(data.draw(damaged(media_type, (SVG,))), media_type)


@given(book=damaged_books())
@few
def test_books_with_one_bad_file_are_taken_in_or_refused(ask: Ask, book: bytes) -> None:
    ask(book, kind.EPUB)


NAMES = st.one_of(
    st.sampled_from(["a", ".pdf", "a.pdf.exe", "../../etc/passwd", "a\0.pdf", "", "a.PDF ", "a." + "b" * 300]),
    st.sampled_from(sorted(one for endings in ENDINGS.values() for one in endings)).map("a{}".format),
    st.text(max_size=12),
)
WHOLE = tuple(specimens(media_type)[0] for media_type in JOBS)


@given(
    content=st.one_of(st.binary(max_size=200), st.sampled_from(WHOLE).flatmap(lambda file: wounded(file, WHOLE))),
    name=NAMES,
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large])
def test_any_file_of_any_name_is_of_one_kind_or_refused(tmp_path: Path, content: bytes, name: str) -> None:
    file = tmp_path / "arrived"
    file.write_bytes(content)
    assert refused_or(lambda: kind.decide(file, name), OF_KIND) in {*JOBS, *TEXTS, *OF_KIND}


@pytest.mark.real
@pytest.mark.parametrize("media_type", ["application/pdf", "application/epub+zip", "image/png", "audio/ogg"])
@given(data=st.data())
@settings(few, max_examples=3)
def test_behind_the_walls_it_is_the_same(intake: Intake, media_type: str, data: st.DataObject) -> None:
    """The same answers come out of the confined process, and it stays within its limits."""
    content = data.draw(damaged_books() if media_type == kind.EPUB else damaged(media_type))
    refused_or(lambda: intake.bring(content, f"a{ENDINGS[media_type][0]}"), OF_KIND)
    assert intake.spent is None or intake.spent.memory_bytes < LIMITS.memory_bytes
