"""Two nodes that meet on a broker and nowhere else, as processes; also while the broker goes and comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from appliance import settings
from appliance.settings import MqttRoad
from tests.appliance.shell import done, hedgerow, start, told, until
from tests.mosquitto import Broker

pytestmark = pytest.mark.real

RECEIVED = "$SYS/broker/publish/messages/received"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    (tmp_path / "broker").mkdir(mode=0o755)
    with Broker(tmp_path / "broker") as broker:
        yield broker


def join(data: Path, broker: Broker, name: str) -> None:
    """Give the node at `data` a place on the broker, and no other road."""
    broker.add_node(name, f"secret of {name}")
    (data / "broker.password").write_text(f"secret of {name}\n")
    road = MqttRoad(broker.host, broker.port, name, "broker.password")
    settings.write(data, replace(settings.load(data), roads=(road,)))


@contextmanager
def gossiping(*places: Path) -> Iterator[None]:
    with ExitStack() as ends:
        for data in places:
            process = start("gossip", data=data)
            assert process.stdout
            ends.callback(process.stdout.close)
            ends.callback(process.wait, 30)
            ends.callback(process.terminate)
        yield


def agree(one: Path, other: Path) -> bool:
    return bool(told("status", data=one)["state_hash"] == told("status", data=other)["state_hash"])


def pay(data: Path, payer: str, payee: str) -> str:
    return str(told("pay", "--from", payer, "--to", payee, "1", "hours", data=data)["id"])


def test_what_is_said_at_each_node_reaches_the_other_across_a_broker_that_restarts(
    elm: Path, oak: Path, broker: Broker
) -> None:
    join(elm, broker, "elm")
    join(oak, broker, "oak")
    with gossiping(elm, oak):
        until(lambda: agree(elm, oak), "both nodes to agree")
        before = broker.sys_counters()[RECEIVED]
        there, here = pay(elm, "Ana", "Dora"), pay(oak, "Dora", "Ben")
        until(lambda: there in books(oak) and here in books(elm), "both payments to arrive")
        until(lambda: broker.sys_counters()[RECEIVED] > before, "the broker's counter to rise")

        broker.stop()
        until(lambda: "cannot be reached" in roads(elm), "the trouble to be shown")
        meanwhile = pay(elm, "Ben", "Dora")
        broker.start()
        until(lambda: meanwhile in books(oak), "what was paid meanwhile", within_s=90)
        until(lambda: agree(elm, oak), "both nodes to agree again")
    assert told("status", data=elm)["air"]["packets_day"] == 0  # a wire is no commons of air


def test_a_wrong_password_is_told_to_the_keeper(elm: Path, broker: Broker) -> None:
    join(elm, broker, "elm")
    (elm / "broker.password").write_text("guessed\n")
    with gossiping(elm):
        until(lambda: "does not accept the name and password" in roads(elm), "the trouble to be shown")


def books(data: Path) -> str:
    return done("ledger", "export", "--format", "csv", data=data)


def roads(data: Path) -> str:
    """What the doctor says of the roads."""
    checks = json.loads(hedgerow("doctor", "--json", data=data).stdout)["checks"]
    return next(str(check["advice"]) for check in checks if check["name"] == "roads")
