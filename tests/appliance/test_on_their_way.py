"""Payments that are here before what they build on: shown to whom they concern, and in no balance until the gap has closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.gap import Gap, gap_in
from tests.appliance.shell import done, told


@pytest.fixture
def gap(tmp_path: Path) -> Iterator[Gap]:
    with gap_in(tmp_path) as gap:
        yield gap


def test_it_is_shown_and_counts_nowhere(gap: Gap) -> None:
    ash = gap.ash
    (coming,) = ash.on_their_way(gap.dan)
    assert (coming.id, coming.amount, coming.memo, coming.payer.name) == (gap.paid.id, 3000, "beams", "Cara")
    assert coming.on_its_way
    assert ash.transfer(gap.paid.id).on_its_way
    assert [room.balance for room in ash.rooms(gap.dan)] == [0]
    assert [row.id for row in ash.statement(gap.dan).rows] == []
    assert [currency.total for currency in ash.currencies()] == [0]
    assert ash.on_their_way(ash.find_payee("Eva")) == []


def test_it_counts_once_the_rest_has_come(gap: Gap) -> None:
    ash = gap.ash
    gap.street.settle()
    assert ash.on_their_way(gap.dan) == []
    assert [room.balance for room in ash.rooms(gap.dan)] == [3000]
    assert not ash.transfer(gap.paid.id).on_its_way


def test_who_was_not_let_in_sends_nothing_on_its_way(gap: Gap) -> None:
    ash = gap.ash
    with ash.database.writing():
        ash.database.run("DELETE FROM admitted WHERE node = ?", gap.street.nodes[1].node_id)
    assert ash.on_their_way(gap.dan) == []
    assert not ash.transfer(gap.paid.id).on_its_way


def test_what_a_node_left_behind_is_in_question_and_not_on_its_way(gap: Gap) -> None:
    ash, oak = gap.ash, gap.street.nodes[1]
    log = oak.own_log(oak.commons)
    with ash.database.writing():
        ash.database.run("INSERT INTO ended VALUES (?, 1, 1)", log.log)
    assert ash.on_their_way(gap.dan) == []
    assert not ash.transfer(gap.paid.id).on_its_way


@pytest.mark.real
def test_a_keeper_reads_it_beside_the_balance(gap: Gap) -> None:
    data = gap.ash.settings.data
    assert f"On its way, not yet counted: 30 hours from Cara to Dan ({gap.paid.id})" in done(
        "balance", "Dan", data=data
    )
    facts = told("balance", "Dan", data=data)
    assert (facts["on_their_way"], facts["balances"][0]["balance"]) == ([gap.paid.id], 0)
    assert told("balance", "Eva", data=data)["on_their_way"] == []
