"""What is asked for again and again: counted by the byte, and not answered beyond a share of the hour."""

from __future__ import annotations

from mesh.governor import MINUTE_S
from mesh.keys import LogId
from mesh.neighbours import NEIGHBOURS_MAX
from mesh.quotas import HOUR_MINUTES, LOGS_MAX, Quotas

LOG, OTHER = LogId(b"l" * 16), LogId(b"o" * 16)
HOUR_S = HOUR_MINUTES * MINUTE_S


def test_what_is_sent_for_the_first_time_is_free() -> None:
    quotas = Quotas(1000)
    for after in range(0, 100, 10):
        quotas.sent("new", LOG, after, after + 10, 500, 0.0)
        quotas.sent("new", OTHER, after, after + 10, 500, 0.0)
    assert not quotas.is_spent("new", 0.0)
    assert quotas.steps("new", 0.0) == 0


def test_what_is_asked_for_again_counts_for_an_hour() -> None:
    quotas = Quotas(1000)
    quotas.sent("b", LOG, 0, 10, 600, 0.0)
    quotas.sent("b", LOG, 0, 10, 600, 30.0)
    assert not quotas.is_spent("b", 30.0)
    quotas.sent("b", LOG, 5, 20, 600, 60.0)
    assert quotas.is_spent("b", 60.0)
    assert quotas.steps("b", 60.0) == 1
    assert not quotas.is_spent("c", 60.0)
    assert not quotas.is_spent("b", 60.0 + HOUR_S + MINUTE_S)


def test_rows_of_a_message_are_said_again_whoever_lacks_them() -> None:
    quotas = Quotas(1000)
    quotas.charge("b", 1000, 0.0)
    assert quotas.is_spent("b", 0.0)


def test_a_flood_of_addresses_and_logs_stays_within_bounds() -> None:
    quotas = Quotas(1000)
    for number in range(3 * NEIGHBOURS_MAX):
        for log in range(LOGS_MAX + 5):
            quotas.sent(f"!{number:08x}", LogId(log.to_bytes(16, "big")), 0, 1, 100, 0.0)
    assert len(quotas) == NEIGHBOURS_MAX
    assert max(len(account.told) for account in quotas._accounts.values()) == LOGS_MAX
