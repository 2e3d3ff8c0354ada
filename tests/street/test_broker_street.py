"""Two nodes that share nothing but a Mosquitto: their own passwords, their own topics, no simulated radio anywhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mosquitto import Broker
from tests.street.node import RunningNode, typed
from tests.street.street import Street
from tests.street.waiting import wait_until, wait_until_equal

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

WITHIN_S = 60
RECEIVED = "$SYS/broker/publish/messages/received"
SENT = "$SYS/broker/publish/messages/sent"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def street(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with Street(tmp_path_factory.mktemp("street")) as street:
        for name, *people in (("Elm", "Ana", "Ben"), ("Oak", "Dora", "Emre")):
            node = street.make(name)
            connect(node, broker)
            node.start()
            street.move_in(node, *people)
        wait_until_equal("the two know each other", street.nodes, WITHIN_S)
        yield street


def connect(node: RunningNode, broker: Broker) -> None:
    """Give a node its own name and password at the broker, as a keeper does."""
    station, password = node.name.lower(), f"the password of {node.name}"
    broker.add_node(station, password)
    (node.data / "mqtt.password").write_text(f"{password}\n", encoding="utf-8")
    place = {"host": broker.host, "port": broker.port, "username": station, "password_file": "mqtt.password"}
    node.set(roads=[{"mqtt": place}])


def pay_both_ways(street: Street, memo: str) -> tuple[str, str]:
    """Let Ana pay Dora, and Emre pay Ben; return the two numbers."""
    elm, oak = street.nodes
    there = elm.pay(elm.sign_in("Ana"), "Dora@Oak", 125, memo)
    back = oak.pay(oak.sign_in("Emre"), "Ben@Elm", 275, memo)
    return there["id"], back["id"]


def memos(node: RunningNode, name: str) -> list[str]:
    token = node.sign_in(name)
    account = next(one["id"] for one in node.ask("GET", "/members", token=token).json["members"] if one["name"] == name)
    postings = node.ask("GET", f"/accounts/{account}/postings", token=token).json["postings"]
    return [posting["memo"] for posting in postings]


def test_records_made_on_each_side_arrive_through_the_broker(street: Street, broker: Broker) -> None:
    elm, oak = street.nodes
    assert all([*road] == ["mqtt"] for node in street.nodes for road in node.settings["roads"])
    before, counted = elm.state, broker.sys_counters()
    pay_both_ways(street, "by wire")
    wait_until_equal("both payments are on both sides", street.nodes, WITHIN_S, other_than=before)
    wait_until(
        "both statements tell it", lambda: "by wire" in memos(oak, "Dora") and "by wire" in memos(elm, "Ben"), 10
    )

    def risen() -> bool:
        now = broker.sys_counters()
        return all(now[topic] > counted[topic] for topic in (RECEIVED, SENT))

    wait_until("the broker has counted it", risen, 10)
    assert {peer["road"] for node in street.nodes for peer in node.status["peers"]} == {"mqtt"}


def _is_told(node: RunningNode) -> bool:
    """Whether the doctor speaks of the broker; it takes the daemon a moment to notice."""
    return "broker" in typed("--data", node.data, "doctor").stdout


def test_what_was_paid_while_the_broker_was_down_arrives_after(street: Street, broker: Broker) -> None:
    elm, oak = street.nodes
    before = wait_until_equal("both agree", street.nodes, WITHIN_S)
    broker.stop()
    wait_until("the keeper is told", lambda: all(_is_told(node) for node in street.nodes), 30)
    there, back = pay_both_ways(street, "while it was down")
    assert elm.state != oak.state
    elm.does("receipt", back, code=1)
    oak.does("receipt", there, code=1)
    broker.start()
    wait_until_equal("what waited has arrived", street.nodes, WITHIN_S, other_than=before)
    elm.does("receipt", back)
    oak.does("receipt", there)


def test_a_broker_that_lost_its_power_loses_nothing_of_theirs(street: Street, broker: Broker) -> None:
    before = wait_until_equal("both agree", street.nodes, WITHIN_S)
    pay_both_ways(street, "just before the cut")
    broker.kill()
    pay_both_ways(street, "in the dark")
    broker.start()
    wait_until_equal("all has arrived", street.nodes, WITHIN_S, other_than=before)
    for node, name in zip(street.nodes, ("Ben", "Dora"), strict=True):
        assert memos(node, name)[:2] == ["in the dark", "just before the cut"]
        node.does("verify")
