"""Amounts as people write them, and as integers of the smallest unit."""

from __future__ import annotations

import re
from typing import Final

from appliance.errors import Refused
from appliance.ledger.verdicts import Verdict

WRITTEN: Final = re.compile(r"([+\u2212-]?)(\d{1,20})(?:[.,](\d{1,20}))?", re.ASCII)


def read_amount(text: str, code: str, decimals: int) -> int:
    """Return `1.5` of a currency with 2 decimals as 150. Point or comma, no thousands marks. Raises `Refused`."""
    match = WRITTEN.fullmatch(text.strip())
    if not match:
        raise Refused(Verdict.AMOUNT_UNREADABLE, text=repr(text[:24]))
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if len(fraction.rstrip("0")) > decimals:
        raise Refused(Verdict.AMOUNT_TOO_FINE, currency=code, decimals=decimals)
    amount = int(whole + fraction.rstrip("0").ljust(decimals, "0"))
    return -amount if sign in ("-", "\u2212") else amount


def write_amount(amount: int, decimals: int) -> str:
    """Return 150 with 2 decimals as `1.5` and 700 as `7`; below zero with a real minus sign, U+2212."""
    whole, part = divmod(abs(amount), 10**decimals)
    fraction = f"{part:0{decimals}d}".rstrip("0") if part else ""
    return ("\u2212" if amount < 0 else "") + str(whole) + (f".{fraction}" if fraction else "")
