"""Numbers as people write them: with a comma or a point, and a sign."""

from __future__ import annotations

import re
from typing import Final

from appliance.errors import Objection, Refused

WRITTEN: Final = re.compile(r"[+\u2212-]?[0-9]{1,8}([.,\u066b][0-9]{1,8})?")
TOLD_MAX: Final = 16
POINTS: Final = str.maketrans({",": ".", "\u066b": ".", "\u2212": "-"})  # Arabic decimal mark; a true minus


def read_decimal(typed: str, least: float, most: float) -> float:
    """Return the number. Raises `Refused` where it is none, or out of bounds."""
    number = float(typed.translate(POINTS)) if WRITTEN.fullmatch(typed) else None
    if number is None or not least <= number <= most:
        raise Refused(Objection.NUMBER_UNFIT, typed=typed[:TOLD_MAX] or "?", least=f"{least:g}", most=f"{most:g}")
    return number
