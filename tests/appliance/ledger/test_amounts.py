"""Amounts as people write them: read exactly, or refused with what to write instead."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import Refused
from appliance.ledger.amounts import read_amount, write_amount
from appliance.ledger.verdicts import Verdict


@pytest.mark.parametrize(
    ("typed", "decimals", "amount"),
    [
        ("7", 2, 700),
        ("1.5", 2, 150),
        ("1,5", 2, 150),
        ("1.50", 2, 150),
        ("1.500000", 2, 150),
        (" 0.05 ", 2, 5),
        ("+3", 2, 300),
        ("-3", 2, -300),
        ("-0", 2, 0),
        ("007", 0, 7),
        ("12", 0, 12),
        ("1.0", 0, 1),
        ("0.000001", 6, 1),
        ("9" * 20, 2, int("9" * 20) * 100),
    ],
)
def test_what_is_typed_is_read(typed: str, decimals: int, amount: int) -> None:
    assert read_amount(typed, "hours", decimals) == amount


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", ".", ",", ".5", "5.", "1.5.0", "1,000.00", "1 000", "1'000", "1_000", "1e9", "0x10", "NaN", "inf", "½", "²",
        "1/2", "--3", "+-3", "- 3", "\u2212", "\u0663", "\uff11", "1\u066b5", "\u0969", "1\u200b", "1\x00", "seven", "7 hours",
        "9" * 21, "1." + "0" * 21, "9" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_amount(typed, "hours", 2)
    assert refusal.value.verdict is Verdict.AMOUNT_UNREADABLE
    assert len(str(refusal.value)) < 160


def test_the_minus_sign_that_is_written_is_read() -> None:
    assert read_amount("\u22123", "hours", 2) == -300


@pytest.mark.parametrize(("typed", "decimals"), [("1.005", 2), ("0.1", 0), ("1.0000001", 6), ("0,001", 2)])
def test_what_is_too_fine_is_refused(typed: str, decimals: int) -> None:
    with pytest.raises(Refused, match=rf"^hours has only {decimals} digits after the point\.$"):
        read_amount(typed, "hours", decimals)


@given(st.integers(-(10**15), 10**15), st.integers(0, 6))
def test_what_is_written_is_read_back(amount: int, decimals: int) -> None:
    shown = write_amount(amount, decimals)
    assert read_amount(shown, "hours", decimals) == amount
    assert Decimal(shown.replace("\u2212", "-")).scaleb(decimals) == amount


@given(st.text(max_size=30), st.integers(0, 6))
def test_any_text_is_an_amount_or_refused(typed: str, decimals: int) -> None:
    with suppress(Refused):
        amount = read_amount(typed, "hours", decimals)
        assert Decimal(typed.strip().replace(",", ".").replace("\u2212", "-")).scaleb(decimals) == amount
