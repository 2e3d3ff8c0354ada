"""Seeds as keepers write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

WIFI = {"name": "Elm; Corner", "passphrase": "bread,and:roses", "country": "DE"}
WHOLE = {
    "name": "Elm Corner",
    "commons": "Elm Street",
    "currency": "loaves",
    "wifi": WIFI,
    "keeper": {"name": "Ana", "pin": "471100"},
}


def sow(folder: Path, **changed: Any) -> Path:
    """Write a seed file into `folder`; an entry that is None is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "node.yaml"
    wanted = {key: value for key, value in (WHOLE | changed).items() if value is not None}
    file.write_text(yaml.safe_dump(wanted, allow_unicode=True), encoding="utf-8")
    return file
