"""STATUS.txt: what a keeper without WiFi reads on a laptop, true, and written as rarely as can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from appliance.answers import Check
from appliance.board import Board
from appliance.errors import StoreFault
from appliance.node import Node
from provisioning import needs, status
from provisioning.cli import provision
from provisioning.first_boot import give_birth
from provisioning.taken import Card
from tests.provisioning.seeds import sow


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    monkeypatch.setattr("appliance.desks.people.HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setattr(Node, "checks", lambda _: list(CHECKS))
    monkeypatch.setattr(needs, "_missing", lambda _: ())
    CHECKS[:] = [Check("card", True, "fine")]
    sow(tmp_path / "boot")
    card = Card(tmp_path / "boot", tmp_path / "data/node")
    give_birth(card)
    return card


CHECKS: list[Check] = []


def test_a_node_that_is_well_writes_nothing(card: Card) -> None:
    assert needs.looked_at(card) == ""


def test_what_needs_a_hand_is_told_and_taken_away_again(card: Card) -> None:
    CHECKS.append(Check("battery", False, "23 % are left. Look for shade."))
    words = needs.looked_at(card)
    assert words.startswith("READY. Elm Corner")
    assert words.endswith("NEEDS A HAND:\n- battery: 23 % are left. Look for shade.")
    status.tell(card, words)
    CHECKS[1] = Check("battery", False, "22.5 % are left. Look for shade.")
    assert needs.looked_at(card) == "", "other figures are no other words"
    CHECKS.append(Check("roads", False, "No radio."))
    status.tell(card, needs.looked_at(card))
    assert (card.seed / status.FILE).read_bytes().count(b"NEEDS") == 1
    del CHECKS[1:]
    healed = needs.looked_at(card)
    assert "NEEDS" not in healed
    assert "READY" in healed


def test_a_store_that_cannot_be_opened_is_told_too(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> Node:
        raise StoreFault("The store is damaged. Put back the copy.")

    monkeypatch.setattr(Node, "open", broken)
    assert "- The store is damaged." in needs.looked_at(card)


def test_an_account_that_waited_is_not_told_once_it_is_open(card: Card) -> None:
    stands = status.read(card).strip()
    status.tell(card, f"{stands}\n{status.NOT_YET}")
    assert status.NOT_YET not in needs.looked_at(card)


def test_the_command_lays_down_what_is_new_and_nothing_else(card: Card, tmp_path: Path) -> None:
    into = tmp_path / "run"
    into.mkdir()
    words = ["status", str(card.seed), str(into), "--data", str(card.data)]
    assert CliRunner().invoke(provision, words).exit_code == 0
    assert list(into.iterdir()) == []
    CHECKS.append(Check("roads", False, "No radio."))
    assert CliRunner().invoke(provision, words).exit_code == 0
    assert (into / status.FILE).read_bytes().endswith(b"- roads: No radio.\r\n")


def test_a_card_with_a_wifi_on_a_board_without_one_is_told(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("appliance.board.look", lambda _: Board(None, None, None, None))
    assert list(needs._missing(card)) == [needs.NO_RADIO]


def test_it_is_whole_or_not_there(card: Card) -> None:
    """What lies beside it while it is written is gone afterwards."""
    status.tell(card, "other words")
    assert sorted(file.name for file in card.seed.iterdir()) == [status.FILE, "node.yaml"]
