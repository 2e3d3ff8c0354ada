"""Each hostile file ends as it should, in one sentence or clean, and its process stays small and quick."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO

import pytest

from appliance.errors import Answer, Objection, Refused
from appliance.intake.findings import REMOVED
from appliance.intake.inspection import LIMITS
from tests.appliance.intake.conftest import Intake
from tests.appliance.intake.hostile import CLEANED, REFUSED
from webui.words import REMOVED as REMOVED_WORDS

MEMORY_MAX = LIMITS.memory_bytes
SECONDS_MAX = 20.0


def told(intake: Intake, name: str, what: str) -> None:
    """Print what it cost, and see that it was little."""
    if intake.spent is None:  # no process was started for it at all
        print(f"{name}: {what}, at its first bytes")
        return
    print(f"{name}: {what}, {intake.spent.wall_s:.2f} s, {intake.spent.memory_bytes / 1e6:.0f} MB")
    assert intake.spent.cpu_s < SECONDS_MAX
    assert intake.spent.memory_bytes < MEMORY_MAX


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_sentence(intake: Intake, name: str) -> None:
    file_name, make, expected = REFUSED[name]
    with pytest.raises(Refused) as refusal:
        intake.bring(make(), file_name)
    told(intake, name, refusal.value.verdict.name)
    assert refusal.value.verdict is expected, refusal.value.__cause__
    assert 10 < len(str(refusal.value)) < 200
    assert "{" not in str(refusal.value)


@pytest.mark.parametrize("name", CLEANED)
def test_it_is_cleaned_or_refused_but_never_kept_as_it_is(intake: Intake, name: str) -> None:
    file_name, make, harmful = CLEANED[name]
    verdict = brought(intake, make(), file_name)
    told(intake, name, verdict.name if verdict else "cleaned")
    assert verdict in (None, Objection.FILE_DAMAGED, Objection.FILE_TOO_HARD)
    assert not (verdict and harmful)
    for content in unpacked(intake.clean):
        for word in harmful:
            assert word not in content


def brought(intake: Intake, content: bytes, name: str) -> Answer | None:
    """Bring a file; return why it was refused, if it was."""
    try:
        intake.bring(content, name)
    except Refused as refusal:
        return refusal.verdict
    return None


def unpacked(clean: bytes) -> Iterator[bytes]:
    """Yield a file, and the files within it."""
    yield clean
    if clean.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(clean)) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def test_there_are_forty_and_more() -> None:
    assert len(REFUSED) + len(CLEANED) >= 40


def test_the_pages_have_words_for_all_that_may_be_taken_out() -> None:
    assert set(REMOVED_WORDS) == set(REMOVED)
