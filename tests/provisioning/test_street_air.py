"""Phones on the street: real DHCP, names, firewall and pages, as a card has them. Every question is answered, and at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.provisioning.street_air import ADDRESS, Node, Phone, run, wait_for_pages
from tests.street.wrong_clock import CLOCK, faketime
from tests.webui.browser import FLAGS
from webui.probes import PROBES

ANDROID: Final = "connectivitycheck.gstatic.com/generate_204"
APPLE: Final = "captive.apple.com/hotspot-detect.html"
POSTER: Final = "http://hedge.lan/poster"
A, PTR, TXT, AAAA, HTTPS = 1, 12, 16, 28, 65
NODE_AS_DATA: Final = ip_address(ADDRESS).packed.hex()
TTL_S: Final = 5
AT_ONCE_S: Final = 2.0  # phones wait about ten for a probe; what hangs does so for much longer
NO_SUCH_NAME: Final = 3
NOT_FOR_PHONES: Final = (22, 1883, 4403, 8888)

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@dataclass
class Street:
    node: Node
    ana: Phone
    ben: Phone


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with ExitStack() as stack:
        node = Node(tmp_path_factory.mktemp("street"))
        stack.callback(node.end)
        phones = [Phone(node.room.parent, name) for name in ("ana", "ben")]
        for phone in phones:
            stack.callback(phone.end)
            node.let_in(phone)
        with ThreadPoolExecutor() as both:
            list(both.map(Phone.join, phones))
        wait_for_pages(phones[0], node)
        yield Street(node, *phones)


def slowest(answers: list[dict[str, Any]]) -> float:
    return max(float(answer["took_s"]) for answer in answers)


def test_a_phone_gets_its_address_and_nothing_that_the_world_must_vouch_for(street: Street) -> None:
    print(f"an address after {street.ana.joined_s:.1f} s")
    for phone in (street.ana, street.ben):
        assert ip_address(phone.lease["ip"]) in ip_network(f"{ADDRESS}/22", strict=False)
        assert (phone.lease["router"], phone.lease["dns"], phone.lease["lease"]) == (ADDRESS, ADDRESS, "43200")
        assert not {"opt114", "domain", "hostname"} & set(phone.lease)
    assert street.ana.lease["ip"] != street.ben.lease["ip"]


def test_every_probe_is_led_to_the_poster(street: Street) -> None:
    places = sorted({(host, path) for probe in PROBES for host in probe.hosts for path in probe.paths})
    questions = [("http", method, f"http://{host}{path}") for host, path in places for method in ("GET", "HEAD")]
    answers = street.ana.ask(*questions)
    for question, answer in zip(questions, answers, strict=True):
        assert (answer.get("status"), answer.get("place"), answer.get("kept")) == (302, POSTER, "no-store"), question
    assert slowest(answers) < AT_ONCE_S
    print(f"{len(answers)} probes, the slowest {slowest(answers) * 1000:.0f} ms")


def test_addresses_instead_of_names_are_answered_too(street: Street) -> None:
    """An address of the world leads to the poster, the node's own to its pages; and there is no IPv6 that could hang."""
    world = [
        ("http", method, f"http://{host}/generate_204") for host in ("8.8.8.8", "1.1.1.1") for method in ("GET", "HEAD")
    ]
    own = ("http", "GET", f"http://{ADDRESS}/")
    six = [("http", "GET", "http://[2001:db8::1]/generate_204"), ("tcp", "2606:4700:4700::1111", 443)]
    answers = street.ana.ask(*world, own, *six)
    assert [(answer["status"], answer["place"]) for answer in answers[:4]] == [(302, POSTER)] * 4
    assert answers[4]["status"] == 200
    assert "Elm Corner" in answers[4]["body"]
    assert [answer["outcome"] for answer in answers[5:]] == ["ENETUNREACH"] * 2
    assert slowest(answers) < AT_ONCE_S


def test_a_phone_that_finds_itself_a_way_by_ipv6_is_refused_at_once(street: Street) -> None:
    told = street.node.within("ip", "-6", "-o", "address", "show", "dev", "wlan0", "scope", "link")
    street.ben.ip(f"-6 route add default via {told.split()[3].partition('/')[0]} dev phone0")
    names = ("2001:db8::1", "2606:4700:4700::1111")
    questions = [(kind, host, port) for host in names for kind, port in (("tcp", 80), ("tcp", 443), ("udp", 443))]
    answers = street.ben.ask(*questions)
    assert {answer["outcome"] for answer in answers} == {"ECONNREFUSED"}
    assert slowest(answers) < AT_ONCE_S


def test_names_lead_here_for_five_seconds_and_have_no_ipv6(street: Street) -> None:
    """Whoever is asked: a phone that wants its names of somebody else hears this node too."""
    asked = [
        (name, server, by)
        for name in ("captive.apple.com", "dns.msftncsi.com", "hedge.lan", "hedge.local")
        for server, by in ((ADDRESS, "udp"), (ADDRESS, "tcp"), ("8.8.8.8", "udp"), ("9.9.9.9", "tcp"))
    ]
    for answer in street.ana.ask(*(("name", name, A, server, by) for name, server, by in asked)):
        assert (answer["code"], answer["answers"]) == (0, [[A, TTL_S, NODE_AS_DATA]])
    for answer in street.ana.ask(*(("name", "example.org", kind, ADDRESS, "udp") for kind in (AAAA, HTTPS, TXT, PTR))):
        assert (answer["code"], answer["answers"]) == (0, [])


def test_browsers_do_not_take_their_names_elsewhere(street: Street) -> None:
    """Mozilla's and Apple's own signs that a network needs its names asked here."""
    names = ("use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com")
    for answer in street.ana.ask(*(("name", name, kind, ADDRESS, "udp") for name in names for kind in (A, AAAA))):
        assert (answer["code"], answer["answers"]) == (NO_SUCH_NAME, [])


def test_what_is_not_answered_is_refused_at_once(street: Street) -> None:
    """TLS, names over TLS, QUIC, mail: by name and by address. The kernel says so of UDP only now and then (icmp(7))."""
    tcp = [("tcp", host, port) for host in ("www.google.com", "8.8.8.8", ADDRESS) for port in (443, 853, 25, 5228)]
    udp = [("udp", "8.8.8.8", 443)]
    answers = street.ana.ask(*tcp, *udp)
    outcomes = {tuple(question): answer["outcome"] for question, answer in zip([*tcp, *udp], answers, strict=True)}
    assert not {question: told for question, told in outcomes.items() if told != "ECONNREFUSED"}
    assert slowest(answers) < AT_ONCE_S
    print(
        f"443 is refused after {answers[0]['took_s'] * 1000:.1f} ms by name, {answers[4]['took_s'] * 1000:.1f} by address"
    )


def test_a_phone_reaches_no_other_door_of_the_node(street: Street) -> None:
    """Even where a program listens on every address there is."""
    street.node.listen(*NOT_FOR_PHONES)
    answers = street.ana.ask(*(("tcp", ADDRESS, port) for port in NOT_FOR_PHONES))
    assert {answer["outcome"] for answer in answers} == {"ECONNREFUSED"}


def test_phones_do_not_reach_each_other(street: Street) -> None:
    """Not through the air, which the access point keeps apart, and not through the node, even if that passed packets on."""
    street.node.within("sysctl", "-qw", "net.ipv4.ip_forward=1")
    street.ben.listen(8000)
    him = street.ben.lease["ip"]
    (by_air,) = street.ana.ask(("tcp", him, 8000))
    assert by_air["outcome"] in {"EHOSTUNREACH", "TimeoutError"}
    street.ana.ip(f"route add {him}/32 via {ADDRESS}")
    (by_node, by_page) = street.ana.ask(("tcp", him, 8000), ("http", "GET", f"http://{him}/"))
    assert by_node["outcome"] == "ECONNREFUSED"
    assert by_page["status"] == 200
    assert "Elm Corner" in by_page["body"], "the node itself answers what is asked of port 80"


# what a person sees of it, in a real browser


@pytest.fixture(scope="module")
def look(street: Street) -> Iterator[Page]:
    """Ana's phone, whose sheet keeps no cookies and runs no scripts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=street.ana.browser(), args=[*FLAGS])
        with browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 720}) as context:
            context.set_default_timeout(20_000)
            yield context.new_page()
        browser.close()


def online(phone: Phone) -> bool:
    """Whether the phone's own probe, not its browser's, is told that all is well."""
    android, apple = phone.ask(*(("http", "GET", f"http://{probe}") for probe in (ANDROID, APPLE)))
    assert (android["status"] == 204) == ("Success" in apple["body"])
    return bool(android["status"] == 204)


def test_from_the_probe_to_the_street_it_is_one_tap(street: Street, look: Page, tmp_path: Path) -> None:
    """The phone's sheet opens the probe; the poster shows the address to tap, to type, or to scan with another phone."""
    began_s = time.monotonic()
    look.goto(f"http://{ANDROID}")
    assert look.url == POSTER
    poster_s = time.monotonic() - began_s
    expect(look.get_by_role("heading", level=1)).to_have_text("You have joined the street")
    assert look.locator("form, input").count() == 0
    look.screenshot(path=tmp_path / "poster.png")
    with Image.open(tmp_path / "poster.png") as picture:
        assert [found.text for found in zxingcpp.read_barcodes(picture)] == ["http://hedge.lan"]
    assert look.evaluate("document.documentElement.scrollWidth") <= 360
    asked: list[str] = []
    look.on("request", lambda request: asked.append(request.url))
    began_s = time.monotonic()
    look.get_by_role("link", name="hedge.lan").click()
    expect(look).to_have_url("http://hedge.lan/")
    expect(look.get_by_text("Elm Corner").first).to_be_visible()
    assert [url for url in asked if not url.startswith("data:")] == ["http://hedge.lan/"]
    print(
        f"address {street.ana.joined_s:.1f} s, poster {poster_s:.1f} s, one tap, pages {time.monotonic() - began_s:.1f} s"
    )


def test_who_wants_to_stay_stays_through_a_fault_and_a_wrong_clock_until_it_is_taken_back(
    street: Street, look: Page
) -> None:
    assert not online(street.ana)
    look.goto(f"http://{APPLE}")
    taps = ("Stay on this WiFi", "Stay on this WiFi though it has no internet")
    look.get_by_role("link", name=taps[0]).click()
    look.context.clear_cookies()
    look.get_by_role("button", name=taps[1]).click()
    expect(look.get_by_role("heading", level=1)).to_have_text("This phone stays")
    assert (online(street.ana), online(street.ben)) == (True, False)
    street.node.restart_portal(LD_PRELOAD=str(faketime()), FAKETIME="@2045-06-01 00:00:00", **CLOCK)
    wait_for_pages(street.ana, street.node)
    assert (online(street.ana), online(street.ben)) == (True, False)
    look.goto("http://hedge.lan/stay")
    look.context.clear_cookies()
    look.get_by_role("button", name="Take it back").click()
    expect(look.get_by_role("heading", level=1)).to_have_text("Stay on this WiFi")
    assert not online(street.ana)


def test_the_firewall_is_what_keeps_them_out(street: Street) -> None:
    """Without it the doors stand open: so what is refused above is refused by the rules."""
    street.node.listen(8889)
    street.node.within("nft", "flush", "ruleset")
    try:
        (open_door,) = street.ana.ask(("tcp", ADDRESS, 8889))
        assert open_door["outcome"] == "open"
    finally:
        street.node.guard()
    assert run("ip", "netns", "exec", street.node.name, "nft", "list", "tables") == "table inet hedgerow"
