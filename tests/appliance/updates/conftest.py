"""What the tests of updates share."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.updates import held
from tests.appliance.updates.cards import CONFIG, keepers


@pytest.fixture
def open_part(tmp_path: Path) -> Path:
    """The open part of a card that knows two keepers."""
    folder = tmp_path / "open"
    (folder / "hedgerow").mkdir(parents=True)
    (folder / "config.txt").write_text(CONFIG, encoding="ascii")
    (folder / "hedgerow" / held.KEYS).write_text(keepers().as_text(), encoding="utf-8")
    return folder
