"""A payment as postings: written and read back the same, or refused as a whole."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.ledger.transfer import NUMBER_MAX, POSTINGS_MAX, AccountId, Posting, Transfer
from mesh.canonical import INT_MAX
from mesh.errors import Malformed
from mesh.keys import LogId, NodeId
from mesh.record import Record, RecordId

HOME: Final = NodeId(b"h" * 16)
AWAY: Final = NodeId(b"a" * 16)
SALT: Final = bytes(16)

nodes = st.sampled_from([HOME, AWAY, NodeId(b"z" * 16)])
accounts = st.builds(AccountId, nodes, st.integers(1, NUMBER_MAX))
postings = st.builds(Posting, accounts, st.integers(0, NUMBER_MAX), st.integers(-INT_MAX, INT_MAX))
places = st.builds(RecordId, st.binary(min_size=16, max_size=16).map(LogId), st.integers(1, INT_MAX))
transfers = st.builds(
    Transfer, st.lists(postings, min_size=2, max_size=POSTINGS_MAX).map(tuple), st.one_of(st.none(), places)
)


@given(transfers, st.text(max_size=20))
def test_what_is_written_is_read(transfer: Transfer, memo: str) -> None:
    record = transfer.record(0, HOME, memo, SALT)
    assert Transfer.read(record.fields(), HOME) == transfer
    assert record.said() == ([memo] if memo else None)


def test_sixteen_postings_fit_into_a_record() -> None:
    widest = Posting(AccountId(AWAY, NUMBER_MAX), NUMBER_MAX, -INT_MAX)
    Transfer((widest,) * POSTINGS_MAX, RecordId(LogId(b"l" * 16), INT_MAX)).record(2**40, HOME, "x" * 280, SALT)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-INT_MAX, INT_MAX) | st.text(max_size=8) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(json_like, max_size=3))
def test_any_core_is_read_or_malformed(rest: list[Any]) -> None:
    record = Record.new([20, 0, *rest])
    with suppress(Malformed):
        transfer = Transfer.read(record.fields(), HOME)
        assert transfer.record(0, HOME, "", SALT).core == record.core


GOOD: Final = [[1, 0, -5], [2, 0, 5]]


@pytest.mark.parametrize(
    "rest",
    [
        [],
        [GOOD, None],
        [GOOD, [b"l" * 16, 1], 0],
        [GOOD, [b"l" * 15, 1]],
        [GOOD, [b"l" * 16, 0]],
        [GOOD, [b"l" * 16, True]],
        [GOOD[:1]],
        [GOOD * 9],
        ["postings"],
        [[[1, 0], [2, 0, 5]]],
        [[[1, 0, -5, 7], [2, 0, 5]]],
        [[[1, 0, True], [2, 0, 5]]],
        [[[1, -1, -5], [2, 0, 5]]],
        [[[1, NUMBER_MAX + 1, -5], [2, 0, 5]]],
        [[[0, 0, -5], [2, 0, 5]]],
        [[[-1, 0, -5], [2, 0, 5]]],
        [[[NUMBER_MAX + 1, 0, -5], [2, 0, 5]]],
        [[[True, 0, -5], [2, 0, 5]]],
        [[[[AWAY], 0, -5], [2, 0, 5]]],
        [[[[AWAY, 1, 1], 0, -5], [2, 0, 5]]],
        [[[[AWAY[:15], 1], 0, -5], [2, 0, 5]]],
        [[[["away", 1], 0, -5], [2, 0, 5]]],
        [[[[HOME, 1], 0, -5], [2, 0, 5]]],  # an account at home is written short, so that it has one form
    ],
)
def test_other_forms_are_malformed(rest: list[Any]) -> None:
    with pytest.raises(Malformed):
        Transfer.read([20, 0, *rest], HOME)


@given(transfers)
def test_the_counter_entry_undoes_it(transfer: Transfer) -> None:
    place = RecordId(LogId(b"l" * 16), 7)
    back = transfer.reversed(place)
    assert back.reverses == place
    assert Transfer(transfer.postings + back.postings).is_balanced()
    assert back.reversed(place).postings == transfer.postings


@given(accounts)
def test_an_account_is_written_and_read(account: AccountId) -> None:
    assert AccountId.read(str(account)) == account


@pytest.mark.parametrize(
    "letters", ["", ".", "x.1", "1", "no.no", "a" * 26 + ".", "a" * 26 + ".01", "a" * 26 + ".\u0661", "a" * 10_000]
)
def test_what_is_no_account_is_malformed(letters: str) -> None:
    with pytest.raises(Malformed):
        AccountId.read(letters)


@given(st.text(max_size=60))
def test_any_letters_are_an_account_or_malformed(letters: str) -> None:
    with suppress(Malformed):
        assert str(AccountId.read(letters)) == letters
