"""Real documents, as people have them: nearly all are taken in, and each costs little."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from appliance.errors import Objection, Refused
from appliance.intake import kind
from appliance.intake.inspection import LIMITS
from appliance.intake.kind import OF_ENDING
from appliance.kinds import TEXTS
from tests.appliance.intake.conftest import Intake
from tests.appliance.intake.corpus import documents, encoded

DOCUMENTS_MIN = 40
# Text in the letters of another age is refused, with a sentence that says so; and so is a page that holds nothing to read.
EXPECTED = {Objection.FILE_UNREADABLE, Objection.FILE_EMPTY}


pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]
DECODERS = {
    ".mp3": ("lame", "--quiet", "--decode"),
    ".flac": ("flac", "--silent", "--decode", "--stdout"),
    ".webp": ("dwebp", "-quiet", "-ppm", "-o", "-"),
}


def test_real_documents_end_as_expected(intake: Intake) -> None:
    files = documents()
    assert len(files) >= DOCUMENTS_MIN
    ends: Counter[str] = Counter()
    for file in files:
        ends[what_became(intake, file)] += 1
    print(f"{len(files)} documents, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB: {dict(ends)}")
    assert ends["taken in"] >= 0.95 * len(files)
    assert set(ends) <= {"taken in", *(one.name for one in EXPECTED)}


def what_became(intake: Intake, file: Path) -> str:
    """Bring a document; return how it ended, and print what that cost."""
    end = "taken in"
    try:
        if kind.decide(file, file.name) not in TEXTS:
            found = intake.bring_file(file, file.name)
            assert found.media_type == OF_ENDING[file.suffix.casefold()]
            assert found.words or not found.media_type.startswith(("application", "text"))
    except Refused as refusal:
        end = refusal.verdict.name
    spent = intake.spent
    cost = f"{spent.wall_s:.2f} s, {spent.memory_bytes / 1e6:.0f} MB" if spent else "its letters only"
    print(f"{'/'.join(file.parts[-3:])} ({file.stat().st_size / 1e3:.0f} kB): {end}, {cost}")
    assert spent is None or spent.memory_bytes < LIMITS.memory_bytes
    return end


def decoded(file: Path) -> bytes:
    command = [*DECODERS[file.suffix], str(file), *(["-"] if file.suffix == ".mp3" else [])]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


@pytest.mark.parametrize("ending", DECODERS)
def test_what_is_heard_and_seen_stays_as_it_was(intake: Intake, tmp_path: Path, ending: str) -> None:
    """What real encoders made is cleaned without touching a tone or a point: their own decoders say so."""
    files = sorted(encoded().glob(f"*{ending}"))
    assert len(files) == 3
    told = set()
    for file in files:
        told |= set(intake.bring_file(file, file.name).removed)
        clean = tmp_path / f"clean{ending}"
        clean.write_bytes(intake.clean)
        whole = decoded(file)
        assert len(whole) > 1000
        assert decoded(clean) == whole
        assert b"Rosa" not in intake.clean
    assert told >= ({"tags", "picture"} if ending != ".webp" else set())
