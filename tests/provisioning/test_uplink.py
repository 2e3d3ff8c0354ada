"""A cable that leads on: for the node itself, and for phones only where the keeper says so. The street's pages stay at home."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

import pytest

from tests.provisioning.street_air import (
    ADDRESS,
    ROUTER,
    STREET_IN_THE_HOUSE,
    WORLD,
    House,
    Node,
    Phone,
    wait_for_pages,
)
from tests.street.waiting import wait_until

POSTER: Final = "http://hedge.lan/poster"
PROBE: Final = "http://connectivitycheck.gstatic.com/generate_204"
A, AAAA = 1, 28
WORLD_HEX: Final = ip_address(WORLD).packed.hex()
OF_THE_NODE: Final = "import socket, sys; print(socket.gethostbyname('broker.example.org'))"

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@dataclass
class Street:
    node: Node
    house: House
    ana: Phone


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with ExitStack() as stack:
        room = tmp_path_factory.mktemp("street")
        node = Node(room, share_internet=True)
        stack.callback(node.end)
        house = House(room)
        stack.callback(house.end)
        phone = Phone(room, "ana")
        stack.callback(phone.end)
        node.let_in(phone)
        phone.join()
        node.learn()
        node.start_forwarder()
        wait_for_pages(phone, node)
        yield Street(node, house, phone)


def names(phone: Phone, *asked: tuple[str, int]) -> list[list[Any]]:
    """Return what a phone hears when it asks for names."""
    return [answer["answers"] for answer in phone.ask(*(("name", name, kind, ADDRESS, "udp") for name, kind in asked))]


def is_at_home(phone: Phone) -> bool:
    """Whether a phone is told that there is no internet, and where the street is."""
    probe, tls = phone.ask(("http", "GET", PROBE), ("tcp", WORLD, 443))
    return (probe.get("status"), probe.get("place"), tls["outcome"]) == (302, POSTER, "ECONNREFUSED")


def test_without_a_cable_the_node_asks_nobody_and_least_of_all_itself(street: Street) -> None:
    """Every name on the street leads to the node; were it to ask there too, its broker would be itself."""
    told = street.node.within(sys.executable, "-c", OF_THE_NODE, code=None)
    assert told == ""
    assert is_at_home(street.ana)


def test_with_a_cable_the_node_goes_out_and_phones_stay_on_the_street(street: Street) -> None:
    street.house.plug_in(street.node.name)
    street.node.take_cable()
    try:
        street.node.learn("fe80::1%3", ROUTER, shared_by="nothing")
        assert street.node.within(sys.executable, "-c", OF_THE_NODE) == WORLD
        assert is_at_home(street.ana)
        router, own = street.ana.ask(("http", "GET", f"http://{ROUTER}/"), ("http", "GET", f"http://{WORLD}/x"))
        assert "Elm Corner" in router["body"], "of port 80 the pages answer"
        assert own["place"] != "the world"
        assert names(street.ana, ("example.org", A)) == [[[A, 5, ip_address(ADDRESS).packed.hex()]]]
    finally:
        street.node.learn(shared_by="nothing")
        street.house.pull()


def test_where_the_keeper_shares_it_the_world_answers_and_the_pages_stay(street: Street) -> None:
    street.house.plug_in(street.node.name)
    street.node.take_cable()
    try:
        street.node.learn(ROUTER)
        wait_until("the world's names", lambda: names(street.ana, ("example.org", A))[0], 20, street.node.said)
        found, own, six, printer = names(
            street.ana, ("example.org", A), ("hedge.lan", A), ("hedge.lan", AAAA), ("printer.house", A)
        )
        assert found == [[A, 5, ip_address(WORLD).packed.hex()]]
        assert own == [[A, 5, ip_address(ADDRESS).packed.hex()]]
        assert (six, printer) == ([], []), "a name of the world that leads into the house is none"
        probe, page, tls = street.ana.ask(
            ("http", "GET", PROBE), ("http", "GET", "http://hedge.lan/"), ("tcp", WORLD, 443)
        )
        assert (probe["status"], probe["place"]) == (204, f"the world, to {STREET_IN_THE_HOUSE}"), (
            "the node's own address, not the phone's"
        )
        assert "Elm Corner" in page["body"]
        assert tls["outcome"] == "open"
        house = street.ana.ask(
            ("tcp", ROUTER, 443), ("tcp", "192.168.7.50", 443), ("tcp", ADDRESS, 22), ("tcp", "10.1.1.1", 443)
        )
        assert {answer["outcome"] for answer in house} == {"ECONNREFUSED"}
        assert street.node.within("sysctl", "-n", "net.ipv4.ip_forward") == "1"
    finally:
        street.house.pull()


def test_where_the_houses_own_line_is_dead_phones_are_told_at_once(street: Street) -> None:
    """As the card finds out within a minute: until then a phone that asks for a name of the world waits in vain."""
    street.house.plug_in(street.node.name)
    street.node.take_cable()
    try:
        street.node.learn(ROUTER)
        wait_until("the world's names", lambda: names(street.ana, ("example.org", A))[0], 20, street.node.said)
        with street.house.cut_off():
            assert street.node.look_beyond() == "dead"
            (answer,) = street.ana.ask(("name", "example.org", A, ADDRESS, "udp"))
            assert answer["answers"] == [[A, 5, ip_address(ADDRESS).packed.hex()]]
            assert answer["took_s"] < 2
            assert is_at_home(street.ana)
        assert street.node.look_beyond() == "open"
        wait_until("the world's names", lambda: WORLD_HEX in str(names(street.ana, ("example.org", A))), 20)
    finally:
        street.house.pull()
    assert street.node.look_beyond() == "none"


def test_a_cable_that_is_pulled_leaves_the_street_as_it_was(street: Street) -> None:
    """At once for what goes by number, and for names as soon as networkd has told."""
    (world,) = street.ana.ask(("tcp", WORLD, 443))
    assert world["outcome"] in {"ECONNREFUSED", "ENETUNREACH"}
    assert world["took_s"] < 2
    street.node.learn()
    assert is_at_home(street.ana)
    assert street.node.within("sysctl", "-n", "net.ipv4.ip_forward") == "0"
    assert "hedgerow_share" not in street.node.within("nft", "list", "tables")
    street.node.learn()
    assert is_at_home(street.ana)
