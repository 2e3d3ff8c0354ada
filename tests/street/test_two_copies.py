"""One node from two directories: a copy that is started elsewhere, and an old backup that is put back. A log has one writer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from mesh.transports.ether import Ether
from tests.ports import free_ports
from tests.street.books import check_books, table
from tests.street.node import Node, RunningNode, hedgerow
from tests.street.street import Street, air
from tests.street.waiting import wait_until, wait_until_equal

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

SPEED = 30.0
WITHIN_S = 90
Heads = dict[str, tuple[int, str]]


@dataclass(frozen=True)
class Twins:
    """A street in which `elm` is about to get a twin; `logs` are the names of the logs it wrote first."""

    street: Street
    elm: RunningNode
    oak: RunningNode
    logs: frozenset[str]


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[Twins]:
    with closing(Ether(seed=7, speed=SPEED)) as ether, Street(tmp_path) as street:
        ether.start()
        elm = street.make("Elm", air(ether, SPEED))
        elm.start()
        logs = frozenset(elm.frontiers)
        street.move_in(elm, "Ana", "Ben")
        oak = street.make("Oak", air(ether, SPEED))
        oak.start()
        street.move_in(oak, "Dora")
        wait_until_equal("the two know each other", street.nodes, WITHIN_S)
        elm.pay(elm.sign_in("Ana"), "Dora@Oak", 300, "before")
        oak.pay(oak.sign_in("Dora"), "Ana@Elm", 50, "before")
        wait_until_equal("the two agree", street.nodes, WITHIN_S)
        yield Twins(street, elm, oak, logs)


def heads(node: Node, logs: frozenset[str]) -> Heads:
    """Return how far these logs reach at `node`, and with which heads."""
    return {log: reach for log, reach in node.frontiers.items() if log in logs}


def copied(street: Street, node: RunningNode) -> RunningNode:
    """Copy the directory of a node that was stopped, as one clones a card, and give the copy a port of its own."""
    place = street.directory / f"{node.data.name}-copy"
    shutil.copytree(node.data, place)
    copy = RunningNode(place)
    copy.set(portal=copy.settings["portal"] | {"port": free_ports(1)})
    return street.add(place)


def memos(node: Node) -> list[str]:
    """Return what was said on each payment, in order; a payment that counted twice stands here twice."""
    return sorted(line.memo for line in table(node) if line.amount > 0)


def check_it_only_reads(node: RunningNode) -> None:
    """Neither the API nor a command can pay, and the doctor says what to do."""
    assert node.status["read_only"] is True
    request = {"to": "Ben", "amount": 100, "currency": "hours"}
    answer = node.ask("POST", "/transfers", request, node.sign_in("Ana"))
    assert (answer.status, answer.json["verdict"]) == (409, "node_is_read_only")
    node.does("pay", "--from", "Ana", "--to", "Ben", "1", "hours", code=1)
    assert "LOOK  writer" in node.does("doctor", code=1)


def test_a_copy_started_elsewhere_goes_on_in_a_log_of_its_own(twins: Twins) -> None:
    elm, oak, logs = twins.elm, twins.oak, twins.logs
    old = heads(elm, logs)
    elm.stop()
    copy = copied(twins.street, elm)
    copy.does("radio", "off")
    copy.start()
    check_it_only_reads(copy)
    assert heads(copy, logs) == old

    copy.does("radio", "on")
    check_it_only_reads(copy)  # that nothing is missing is only a neighbour's word: the keeper has to say it
    copy.does("reopen", "--yes")
    assert (copy.status["incarnation"], copy.status["read_only"]) == (1, False)
    copy.pay(copy.sign_in("Ana"), "Dora@Oak", 125, "by the copy")
    wait_until_equal("the neighbour has heard the copy", (copy, oak), WITHIN_S)
    assert memos(oak) == ["before", "before", "by the copy"]
    assert heads(copy, logs) == heads(oak, logs) == old
    check_books(copy, oak)

    copy.stop()
    elm.start()  # the first one, which knows nothing of its twin
    wait_until("the first one has heard of its twin", lambda: elm.status["read_only"], WITHIN_S)
    check_it_only_reads(elm)
    assert heads(elm, logs) == heads(oak, logs) == old
    elm.does("reopen", "--yes")
    assert (elm.status["incarnation"], elm.status["read_only"]) == (2, False)
    elm.pay(elm.sign_in("Ana"), "Dora@Oak", 75, "by the first one")
    wait_until_equal("the neighbour has heard the first one", (elm, oak), WITHIN_S)
    assert memos(oak) == ["before", "before", "by the copy", "by the first one"]
    assert heads(elm, logs) == heads(oak, logs) == old
    check_books(elm, oak)
    for node in (elm, oak):
        node.does("verify")


def test_a_copy_that_hears_nobody_waits_for_its_keeper(twins: Twins) -> None:
    elm, oak, logs = twins.elm, twins.oak, twins.logs
    old = heads(elm, logs)
    elm.kill()
    copy = copied(twins.street, elm)
    shutil.rmtree(elm.data)
    copy.does("radio", "off")
    copy.start()
    check_it_only_reads(copy)
    copy.does("reopen", "--yes")
    assert (copy.status["incarnation"], copy.status["read_only"]) == (1, False)
    copy.pay(copy.sign_in("Ana"), "Ben", 125, "after the keeper's word")
    copy.does("radio", "on")
    wait_until_equal("the neighbour has heard the copy", (copy, oak), WITHIN_S)
    assert heads(copy, logs) == heads(oak, logs) == old
    assert memos(oak) == ["after the keeper's word", "before", "before"]
    check_books(copy, oak)


def test_an_old_backup_comes_back_as_the_next_incarnation_and_learns_what_it_had_forgotten(
    twins: Twins, tmp_path: Path
) -> None:
    elm, oak, logs = twins.elm, twins.oak, twins.logs
    backup = tmp_path / "backup"
    elm.does("backup", backup)
    for count in range(3):
        elm.pay(elm.sign_in("Ana"), "Dora@Oak", 100, f"after the backup {count}")
    wait_until_equal("the neighbour holds them", (elm, oak), WITHIN_S)
    settled = heads(elm, logs)
    elm.kill()
    shutil.rmtree(elm.data)

    again = tmp_path / "elm-again"
    hedgerow("restore", backup, "--data", again)
    new = twins.street.add(again)
    new.start()
    assert (new.status["incarnation"], new.status["read_only"]) == (1, False)
    new.pay(new.sign_in("Ana"), "Dora@Oak", 25, "since then")
    wait_until_equal("both hold all", (new, oak), WITHIN_S)
    kept = ["after the backup 0", "after the backup 1", "after the backup 2", "before", "before", "since then"]
    assert memos(new) == memos(oak) == kept
    assert heads(new, logs) == heads(oak, logs) == settled
    assert len(new.frontiers) == len(settled) + 2 + 2
    check_books(new, oak)
    for node in (new, oak):
        node.does("verify")
        before = node.state
        node.does("rebuild")
        assert node.state == before
