"""A backup that is put back begins a new log: what came after it is fetched from the neighbours, and nothing is double."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path

import pytest

from appliance.answers import Board
from appliance.errors import Refused, SettingsFault, StoreFault
from appliance.library import ZineForm
from appliance.node import Node
from appliance.restoring import restore
from tests.appliance.street import Street
from tests.appliance.writers import balance, in_accord, pay, people, refuses_to_write


@pytest.fixture
def elm(street: Street) -> Node:
    street.neighbour(street.elm, "Ana", keeper=True)
    street.neighbour(street.elm, "Ben")
    return street.elm


@pytest.fixture
def oak(street: Street, elm: Node) -> Node:
    return street.welcome("Oak")


def test_a_restored_backup_begins_anew_and_gets_its_tail_back_from_a_neighbour(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    pay(elm, 100)
    elm.backup(tmp_path / "backup")
    pay(elm, 200)
    elm.post(Board.NOTICE, "Street breakfast", "", people(elm)[0])
    elm.add_member("Cara", "1234")
    street.settle()
    street.close(elm)
    shutil.rmtree(elm.settings.data)
    restore(tmp_path / "backup", tmp_path / "new")
    new = Node.open(tmp_path / "new")
    street.nodes.append(new)
    assert (new.trouble, balance(new), new.status().as_json()["incarnation"]) == (None, -100, 1)
    new.add_member("Dora", "1234")
    street.settle()
    street.settle()
    assert in_accord(new, oak)
    assert balance(new) == balance(oak) == -300
    assert [post.title for post in new.posts().rows] == ["Street breakfast"]
    assert {account.name for account in oak.accounts()} == {"Ana", "Ben", "Cara", "Dora"}
    assert len({account.id for account in oak.accounts()}) == 4, "the account of a lost tail is not given twice"
    pay(new, 1700)
    with pytest.raises(Refused, match=r"At most 0 "):
        pay(new, 1)
    street.settle()
    assert in_accord(new, oak)


def test_a_zine_of_the_lost_tail_is_on_the_shelf_again(street: Street, elm: Node, oak: Node, tmp_path: Path) -> None:
    elm.backup(tmp_path / "backup")
    zine = elm.publish(ZineForm("Bread"), BytesIO(b"Flour, water, salt"), "a.md", people(elm)[0])
    street.settle()
    street.close(elm)
    restore(tmp_path / "backup", tmp_path / "new")
    new = Node.open(tmp_path / "new")
    street.nodes.append(new)
    street.settle()
    assert new.zine(zine.id).title == oak.zine(zine.id).title == "Bread"
    assert in_accord(new, oak)


def test_what_was_lost_can_be_spent_once_more_and_no_more_than_that(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    elm.backup(tmp_path / "backup")
    pay(elm, 700)
    street.settle()
    street.close(elm)
    restore(tmp_path / "backup", tmp_path / "new")
    new = Node.open(tmp_path / "new")
    pay(new, 2000)
    street.nodes.append(new)
    street.settle()
    street.settle()
    assert balance(new) == balance(oak) == -2700, "the floor and the lost tail: bounded, and everybody sees the same"
    assert new.status().as_json()["state_hash"] == oak.status().as_json()["state_hash"]
    with pytest.raises(Refused):
        pay(new, 1)


def test_the_old_node_that_comes_back_after_a_restore_only_reads(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    elm.backup(tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "new")
    new = Node.open(tmp_path / "new")
    pay(new, 100)
    street.nodes.append(new)
    street.settle()
    refuses_to_write(elm, "superseded")
    assert in_accord(elm, oak, new)
    elm.confirm_lost_tail()
    assert elm.status().as_json()["incarnation"] == 2
    street.settle()
    refuses_to_write(new, "superseded")


def test_a_backup_is_a_whole_node_and_is_left_as_it_is(elm: Node, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    elm.backup(backup)
    before = {path.name: path.read_bytes() for path in backup.iterdir() if path.is_file()}
    restore(backup, tmp_path / "new")
    assert {path.name: path.read_bytes() for path in backup.iterdir() if path.is_file()} == before
    assert (tmp_path / "new" / "node.key").stat().st_mode & 0o077 == 0
    with pytest.raises(StoreFault, match="exists already"):
        elm.backup(backup)
    with pytest.raises(SettingsFault, match="not empty"):
        restore(backup, tmp_path / "new")
    with pytest.raises(SettingsFault, match="not a backup"):
        restore(tmp_path, tmp_path / "other")
