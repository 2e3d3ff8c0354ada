"""One way to bring a file, and to see what comes of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import confinement
from appliance.confinement import Spent
from appliance.errors import Answer, Refused
from appliance.intake import inspection, kind
from appliance.intake.inspection import Found


class Intake:
    """Brings files to the intake. `said` is what it answered, `clean` what it would keep, `spent` what that cost."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clean = b""
        self.spent: Spent | None = None

    def bring(self, content: bytes, name: str) -> Found:
        file = self.directory / "arrived"
        file.write_bytes(content)
        return self.bring_file(file, name)

    def bring_file(self, file: Path, name: str) -> Found:
        self.clean, self.spent = b"", None
        with confinement.room(self.directory / "rooms") as room:
            found = inspection.look(file, kind.decide(file, name), room)
            self.clean = found.clean.read_bytes()
            return found

    def refusal(self, content: bytes, name: str) -> Answer:
        with pytest.raises(Refused) as refusal:
            self.bring(content, name)
        return refusal.value.verdict


class _Listener(logging.Handler):
    def __init__(self, intake: Intake) -> None:
        super().__init__()
        self._intake = intake

    def emit(self, record: logging.LogRecord) -> None:
        self._intake.spent = record.__dict__["spent"]


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    """An intake that leaves nothing behind."""
    intake = Intake(tmp_path)
    log, listener = logging.getLogger("hedgerow.confinement"), _Listener(intake)
    log.addHandler(listener)
    before = log.level
    log.setLevel(logging.DEBUG)
    yield intake
    log.setLevel(before)
    log.removeHandler(listener)
    assert [path.name for path in (tmp_path / "rooms").glob("*")] in ([], ["turn.lock"])
