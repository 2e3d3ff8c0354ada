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
    """Return 150 with 2 decimals as `1.50`; below zero with a real minus sign, U+2212."""
    digits = str(abs(amount)).rjust(decimals + 1, "0")
    whole, fraction = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    return ("\u2212" if amount < 0 else "") + whole + ("." + fraction if fraction else "")
