"""The vectors beside the format pages: data that another language could use as well."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parent.parent / "vectors"


@cache
def _page(name: str) -> dict[str, list[dict[str, Any]]]:
    page: dict[str, list[dict[str, Any]]] = json.loads((PLACE / f"{name}.json").read_text(encoding="utf-8"))
    return page


def vectors(page: str, part: str) -> list[dict[str, Any]]:
    """Return the vectors of one part of a page, at least one."""
    found = _page(page)[part]
    assert found
    return found


def named(vector: dict[str, Any]) -> str:
    """Return the name of a vector, for the report of a test."""
    return str(vector["name"]).replace(" ", "-")
