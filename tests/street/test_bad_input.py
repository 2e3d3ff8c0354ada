"""What goes wrong around a running node: floods of garbage, forged requests, a clock at 1970. It keeps serving."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from mesh.keys import unwritten
from mesh.transports.datagram import Overheard
from mesh.transports.ether import Ether
from tests.mosquitto import Broker
from tests.street.books import check_books
from tests.street.node import RunningNode
from tests.street.street import Street, air
from tests.street.waiting import wait_until, wait_until_equal
from tests.street.wrong_clock import CLOCK, faketime

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

SPEED = 30.0
WITHIN_S = 90
FLOOD = 20_000
GROWTH_MAX = 12 << 20
VERSION = 0x11  # the first byte of a packet of today
KINDS = 10


@dataclass(frozen=True)
class Besieged:
    """Elm has an honest neighbour, Oak, on the air, and a broker that a rogue may use too."""

    elm: RunningNode
    oak: RunningNode
    ether: Ether
    broker: Broker


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    with (
        Broker(tmp_path_factory.mktemp("broker")) as broker,
        closing(Ether(seed=7, speed=SPEED)) as ether,
        Street(tmp_path_factory.mktemp("street")) as street,
    ):
        ether.start()
        broker.add_node("elm", "the word of elm")
        broker.add_node("rogue", "the word of a rogue")
        elm = street.make("Elm", air(ether, SPEED), wire(broker))
        (elm.data / "mqtt.password").write_text("the word of elm\n", encoding="utf-8")
        elm.start()
        street.move_in(elm, "Ana", "Ben")
        oak = street.make("Oak", air(ether, SPEED))
        oak.start()
        street.move_in(oak, "Dora")
        wait_until_equal("the two know each other", street.nodes, WITHIN_S)
        yield Besieged(elm, oak, ether, broker)


def wire(broker: Broker) -> dict[str, Any]:
    place = {"host": broker.host, "port": broker.port, "username": "elm", "password_file": "mqtt.password"}
    return {"mqtt": place}


def rubbish(rng: Random) -> bytes:
    """Return what is no packet: noise, a torn one, one with a body of noise, one from the future."""
    forms: tuple[Callable[[], bytes], ...] = (
        lambda: rng.randbytes(rng.randint(1, 231)),
        lambda: bytes((VERSION, rng.randint(1, KINDS)))[: rng.randint(1, 2)],
        lambda: bytes((VERSION, rng.randint(1, KINDS))) + rng.randbytes(rng.randint(1, 229)),
        lambda: bytes((VERSION + rng.randint(1, 200), rng.randint(0, 255))) + rng.randbytes(60),
    )
    return rng.choice(forms)()


def flood_the_air(street: Besieged) -> None:
    """Let a rogue station be overheard FLOOD times, as fast as the node's socket takes it, and too large ones as well."""
    rng = Random(1)
    station = next(one for one in street.ether._register.everybody() if one.name == street.elm.status["node_id"])
    for number in range(FLOOD):
        packet = rng.randbytes(1000) if number % 50 == 0 else rubbish(rng)
        street.ether._tell(station.address, Overheard("rogue", packet))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(1000):
            stranger.sendto(rng.randbytes(rng.randint(0, 1400)), street.ether.address)


def flood_the_broker(street: Besieged) -> None:
    """Publish as much rubbish in the rogue's own name, some of it too large, some under Elm's name and past every rule."""
    rng = Random(2)
    commons = next(scope for scope in street.elm.status["frontiers"] if scope != "public")
    topics = f"hedgerow/{unwritten(commons).hex()}/gossip"
    client = Client(CallbackAPIVersion.VERSION2, client_id="rogue", protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set("rogue", "the word of a rogue")
    client.connect(street.broker.host, street.broker.port)
    client.loop_start()
    for number in range(FLOOD):
        packet = rng.randbytes(9000) if number % 50 == 0 else rubbish(rng)
        client.publish(f"{topics}/elm" if number % 100 == 1 else f"{topics}/rogue", packet)
    client.publish(f"{topics}/rogue", b"the last one", qos=1).wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize("flood", [flood_the_air, flood_the_broker])
def test_a_flood_of_rubbish_is_counted_and_costs_no_memory(street: Besieged, flood: Callable[[Besieged], None]) -> None:
    elm, oak = street.elm, street.oak
    before, size = elm.state, elm.resident_bytes("gossip")
    flood(street)
    assert elm.is_up
    assert elm.state == before
    # The first that came may be one of nobody's; by whom the others were is told a minute after it.
    wait_until(
        "the keeper is told",
        lambda: "could not be used in the last minute, the most by rogue" in elm.does("doctor"),
        90,
    )
    elm.pay(elm.sign_in("Ana"), "Dora@Oak", 25, "in spite of it")
    wait_until_equal("a payment gets through", (elm, oak), WITHIN_S, other_than=before)
    grown = elm.resident_bytes("gossip") - size
    print(f"gossip has grown by {grown / 1e6:.1f} MB from {size / 1e6:.1f} MB")
    assert grown < GROWTH_MAX
    assert "Traceback" not in elm.said()
    elm.does("verify")


REQUESTS: tuple[tuple[Any, int, str], ...] = (
    ({"amount": 0}, 409, "amount_must_be_positive"),
    ({"amount": -1}, 409, "amount_must_be_positive"),
    ({"amount": 2**63}, 409, "amount_too_large"),
    ({"amount": 10**50}, 422, ""),
    ({"amount": 1.5}, 422, ""),
    ({"amount": "7"}, 422, ""),
    ({"amount": True}, 422, ""),
    ({"to": "Ana"}, 409, "accounts_must_differ"),
    ({"to": "Nobody"}, 409, "payee_unknown"),
    ({"to": ""}, 409, "payee_unknown"),
    ({"to": "Dora@" + "x" * 10_000}, 409, "payee_unknown"),
    ({"currency": "dollars"}, 409, "currency_unknown"),
    ({"amount": 100_000}, 409, "exceeds_credit_limit"),
    ({"memo": "x" * 10_000}, 409, "memo_too_long"),
    ({"memo": "\u0000"}, 422, ""),
    ({"payer": "Ben"}, 422, ""),
    (b"{", 400, ""),
    (b"[]", 422, ""),
    (b"[" * 60_000, 400, ""),
    (b'{"to": "Ben", "to": "Dora"}', 422, ""),
    (b'{"memo": "' + b"x" * 70_000 + b'"}', 413, ""),
    (b"\xff", 400, ""),
)


@pytest.mark.parametrize(("changed", "status", "verdict"), REQUESTS, ids=lambda value: repr(value)[:30])
def test_a_request_that_makes_no_sense_gets_one_sentence_and_changes_nothing(
    street: Besieged, token: str, changed: Any, status: int, verdict: str
) -> None:
    elm = street.elm
    before = elm.state
    sound = {"to": "Ben", "amount": 100, "currency": "hours", "memo": ""}
    answer = elm.ask("POST", "/transfers", sound | changed if isinstance(changed, dict) else changed, token)
    assert (answer.status, answer.json.get("verdict", "")) == (status, verdict)
    assert 10 < len(answer.json["detail"]) < 200
    assert elm.state == before


@pytest.fixture(scope="module")
def token(street: Besieged) -> str:
    return street.elm.sign_in("Ana")


def test_a_request_made_twice_is_done_once(street: Besieged, token: str) -> None:
    elm = street.elm
    body = {"to": "Ben", "amount": 125, "currency": "hours", "memo": "once"}
    first = elm.ask("POST", "/transfers", body, token, key="the-same")
    again = elm.ask("POST", "/transfers", body, token, key="the-same")
    assert (first.status, again.status) == (201, 201)
    assert first.json["id"] == again.json["id"]
    other = elm.ask("POST", "/transfers", body | {"amount": 126}, token, key="the-same")
    assert (other.status, other.json["verdict"]) == (422, "key_reused")
    check_books(elm)


def test_two_gigabytes_are_refused_before_they_are_sent(street: Besieged) -> None:
    elm = street.elm
    size = elm.resident_bytes("webui")
    for path in ("/archive", "/api/v1/bundle", "/api/v1/zines"):
        with socket.create_connection(("127.0.0.1", elm.port), 10) as line:
            line.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {2 << 30}\r\n\r\n".encode())
            assert line.recv(64).startswith(b"HTTP/1.1 413 ")
    assert elm.resident_bytes("webui") - size < GROWTH_MAX
    half = elm.ask("POST", "/bundle", os.urandom(1 << 20), kind="application/octet-stream")
    assert (half.status, half.json["verdict"]) == (422, "bundle_unreadable")


@pytest.mark.parametrize("day", ["1970-01-02", "2019-05-04", "2045-06-07"])
def test_a_clock_that_cannot_be_right_changes_nothing_but_dates(street: Besieged, day: str) -> None:
    elm, oak = street.elm, street.oak
    before = wait_until_equal("the two agree", (elm, oak), WITHIN_S)
    here = oak.sign_in("Dora")
    oak.stop()
    forget_this_start(oak)
    oak.start(LD_PRELOAD=str(faketime()), FAKETIME=f"@{day} 00:00:00", **CLOCK)
    assert oak.status["clock"] == {"trust": "none", "now": 0}
    paid = oak.pay(here, "Ana@Elm", 175, f"on {day}")  # signed in as before
    assert paid["at"] == 0
    wait_until_equal("the payment is next door", (elm, oak), WITHIN_S, other_than=before)
    elm.pay(elm.sign_in("Ben"), "Dora@Oak", 50, "from the present")
    wait_until_equal("and the answer is here", (elm, oak), WITHIN_S, other_than=before)
    oak.kill()
    oak.start()
    assert oak.status["clock"]["trust"] in {"hint", "agreed"}  # what its neighbour has just noted bears it out
    check_books(elm, oak)


def test_a_clock_that_jumps_back_turns_nothing_back(street: Besieged, tmp_path: Path) -> None:
    elm, oak = street.elm, street.oak
    before = wait_until_equal("the two agree", (elm, oak), WITHIN_S)
    oak.stop()
    forget_this_start(oak)
    wall = tmp_path / "wall"
    wall.write_text("+0")
    oak.start(LD_PRELOAD=str(faketime()), FAKETIME_TIMESTAMP_FILE=str(wall), FAKETIME_NO_CACHE="1", **CLOCK)
    here = oak.sign_in("Dora")
    first = oak.pay(here, "Ana@Elm", 10, "before the jump")
    elm.pay(elm.sign_in("Ben"), "Dora@Oak", 10, "the clock is borne out")
    wait_until("two sources agree", lambda: oak.status["clock"]["trust"] == "agreed", WITHIN_S)
    wall.write_text("-400d")
    second = oak.pay(here, "Ana@Elm", 10, "after the jump")
    assert first["at"] <= second["at"] < first["at"] + 300
    wait_until_equal("both sides have all", (elm, oak), WITHIN_S, other_than=before)
    oak.kill()
    oak.start()
    check_books(elm, oak)


def forget_this_start(node: RunningNode) -> None:
    """Let the node think that its machine was switched off meanwhile."""
    with closing(sqlite3.connect(node.data / "hedgerow.db")) as database, database:
        database.execute("UPDATE mark SET content = json_set(content, '$.boot', 'before') WHERE name = 'time'")


def test_the_keeper_is_told_how_many_could_not_be_used(street: Besieged) -> None:
    def told() -> dict[str, int]:
        lines = re.findall(r"^(\w+): (\d+) packets? could not be used", street.elm.said(), re.MULTILINE)
        return {road: sum(int(number) for name, number in lines if name == road) for road in ("loopback", "mqtt")}

    wait_until("both floods are told", lambda: min(told().values()) > FLOOD / 10, 90, lambda: str(told()))
    print(told())
