"""What phones hear when they look for the internet: the truth, unless their owner wants otherwise."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.webui.visitor import Page, Visitor
from webui.captive import STAY_S, STAYING_MAX, Staying, staying
from webui.probes import BY_PLACE, PROBES

FACTS = Path(__file__).parent / "captive-probes.tsv"
DEBIAN = "network-test.debian.org"


def rows() -> list[tuple[str, str, str]]:
    """Every (host, path, answer) of the table of facts that can be answered over HTTP."""
    with FACTS.open(encoding="utf-8") as file:
        table = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = []
    for row in table:
        if "https" in row["hosts"] or row["path"] == "(DNS)":
            continue
        hosts = [DEBIAN] if "Debian" in row["hosts"] else row["hosts"].split("; ")
        found += [(host, path, row["answer that means online"]) for host in hosts for path in row["path"].split("; ")]
    return [(host.replace("Android hosts and ", ""), path, answer) for host, path, answer in found]


ROWS = rows()
EXACT = {
    "body 'Microsoft Connect Test' without newline; browser then opens /redirect on the same host": "Microsoft Connect Test",
    "body 'Microsoft NCSI'": "Microsoft NCSI",
    "'success' and a newline": "success\n",
    "'NetworkManager is online' and a newline": "NetworkManager is online\n",
    "OK": "OK",
}


def ask(visitor: Visitor, host: str, path: str, method: str = "GET", phone: str = "10.42.0.7"):
    return visitor.client.open(
        path, method=method, base_url=f"http://{host}", environ_overrides={"REMOTE_ADDR": phone}, buffered=True
    )


def test_the_table_of_facts_and_the_table_in_the_code_are_the_same():
    assert {(host, path) for host, path, _ in ROWS} == set(BY_PLACE)
    assert len(ROWS) > 30


def test_a_probe_is_led_to_the_poster_and_never_told_that_there_is_an_internet(stranger: Visitor):
    for host, path, _ in ROWS:
        for method in ("GET", "HEAD"):
            response = ask(stranger, host, path, method)
            assert response.status_code == 302, host
            assert response.location == "http://127.0.0.1:8080/poster"
            assert response.headers["Cache-Control"] == "no-store"
            assert "Set-Cookie" not in response.headers


def test_a_phone_that_stays_gets_the_exact_answer_and_no_other_phone_does(app, stranger: Visitor):
    app.extensions["staying"].stay("10.42.0.7")
    for host, path, answer in ROWS:
        response, head = ask(stranger, host, path), ask(stranger, host, path, "HEAD")
        assert ask(stranger, host, path, phone="10.42.0.8").status_code == 302
        assert response.headers["Cache-Control"] == "no-store"
        assert (head.status_code, head.data) == (response.status_code, b"")
        check_online(response, answer)


def check_online(response: TestResponse, answer: str) -> None:
    """The answer is, to the letter, the one that the table of facts tells."""
    if answer.startswith("fixed HTML"):
        assert response.status_code == 302  # the exact answer is unknown: the poster is honest at least
    elif answer.startswith("204"):
        assert (response.status_code, response.data) == (204, b"")
        assert ("X-NetworkManager-Status: online" in answer) == (
            response.headers.get("X-NetworkManager-Status") == "online"
        )
    elif answer in EXACT:
        assert (response.status_code, response.text) == (200, EXACT[answer])
    elif "meta refresh" in answer:
        assert 'content="0;url=https://support.mozilla.org/kb/captive-portal"' in response.text
    else:
        assert Page(response.text).words == "Success Success"
        assert response.mimetype == "text/html"


def test_any_other_name_leads_to_the_poster(stranger: Visitor):
    for host in ("neverssl.com", "example.org", "www.google.com", "198.51.100.1.example.net"):
        for path in ("/", "/ledger", "/api/v1/node", "/redirect"):
            assert ask(stranger, host, path).location == "http://127.0.0.1:8080/poster"


def test_nothing_can_be_done_under_a_name_that_is_not_ours(node, stranger: Visitor):
    response = ask(stranger, "evil.example", "/signin", "POST")
    assert response.status_code == 421
    assert "does not go by that name" in Page(response.text).words


HOSTS = ["10.42.0.1", "127.0.0.1:9999", "[::1]:8080", "localhost:8080", "elm-street.local", "hedgerow", "hedgerow.lan"]


def test_under_our_own_names_the_pages_answer(stranger: Visitor):
    for host in HOSTS:
        response = ask(stranger, host, "/poster")
        assert response.status_code == 200
        assert f"http://{host}/" in Page(response.text).links


def test_an_address_of_the_world_is_a_strange_name_on_a_street(node, stranger: Visitor):
    """A phone that asks its own server by number is led to the poster; a node that knows no address of its own goes by any."""
    for host in ("8.8.8.8", "[2606:4700:4700::1111]"):
        assert ask(stranger, host, "/").status_code == 200
        node.settings = replace(node.settings, portal=replace(node.settings.portal, address="http://hedge.lan"))
        assert ask(stranger, host, "/generate_204").location == "http://hedge.lan/poster"
        node.settings = replace(node.settings, portal=replace(node.settings.portal, address=""))


def test_a_probes_path_alone_is_no_probe(stranger: Visitor):
    assert ask(stranger, "10.42.0.1", "/generate_204").status_code == 404


def test_a_host_that_is_no_name_does_no_harm(stranger: Visitor):
    for host in ("", "[::1", "a b", "x" * 5000, "é"):
        response = stranger.client.get("/", headers={"Host": host}, buffered=True)
        assert response.status_code in {200, 302, 400}


def test_the_poster_has_an_address_a_square_and_no_form(node, stranger: Visitor):
    node.settings = replace(node.settings, portal=replace(node.settings.portal, address="http://elm.local"))
    page = stranger.page("/poster")
    assert page.forms == []
    assert "http://elm.local/" in page.links
    assert "elm.local" in page.words
    assert ("span", {"class": "qr", "role": "img", "aria-label": "http://elm.local"}) in page.tags
    assert set(page.links) <= {"#main", "/", "http://elm.local/", "/stay"}


def test_a_phone_stays_after_an_honest_button_and_may_take_it_back(app, stranger: Visitor):
    page = stranger.page("/stay")
    assert "Stay on this WiFi though it has no internet" in page.words
    assert len(page.forms) == 1
    assert "This phone stays" in Page(stranger.submit("/stay", "/stay").text).words
    assert ask(stranger, "captive.apple.com", "/hotspot-detect.html", phone="127.0.0.1").status_code == 200
    stranger.submit("/stay", "/stay/leave")
    assert ask(stranger, "captive.apple.com", "/hotspot-detect.html", phone="127.0.0.1").status_code == 302


def test_the_button_needs_no_cookie_but_another_phones_token_does_not_count(app, stranger: Visitor):
    form = stranger.page("/stay").form("/stay")
    assert not stranger.cookies
    assert ask_to_stay(stranger, form.fields, "10.42.0.9") == 400
    assert ask_to_stay(stranger, form.fields, "127.0.0.1") == 303


def ask_to_stay(visitor: Visitor, fields: dict[str, str], phone: str) -> int:
    return visitor.client.post(
        "/stay", data=fields, base_url="http://10.42.0.1", environ_overrides={"REMOTE_ADDR": phone}
    ).status_code


def test_staying_ends_after_twelve_hours_by_a_clock_that_never_goes_back():
    now = 1000.0
    phones = Staying(lambda: now)
    phones.stay("a")
    now += STAY_S - 1
    assert phones.stays("a")
    now += 2
    assert not phones.stays("a")


def test_a_flood_of_phones_takes_no_more_memory():
    phones = Staying(lambda: 0.0)
    for number in range(STAYING_MAX + 10):
        phones.stay(str(number))
    assert not phones.stays("9")
    assert phones.stays("10")
    assert len(phones._until) == STAYING_MAX


def test_the_next_process_finds_who_stays_and_the_next_start_does_not(tmp_path: Path):
    now = 90_000.0
    note = tmp_path / "staying.json"
    before = Staying(lambda: now, note)
    for phone in ("10.77.0.20", "10.77.0.21"):
        before.stay(phone)
    before.leave("10.77.0.21")
    now += STAY_S - 1
    after = Staying(lambda: now, note)
    assert (after.stays("10.77.0.20"), after.stays("10.77.0.21")) == (True, False)
    now += 2
    assert not after.stays("10.77.0.20")
    assert not Staying(lambda: 30.0, note).stays("10.77.0.20"), "uptime began anew: such a note is none of ours"


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.floats() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
    ).map(lambda one: json.dumps(one).encode())
)
def test_a_note_that_nobody_wrote_lets_nobody_stay(note_content: bytes):
    with TemporaryDirectory() as room:
        note = Path(room) / "staying.json"
        note.write_bytes(note_content)
        phones = Staying(lambda: 1000.0, note)
        assert all(1000.0 < until <= 1000.0 + STAY_S for until in phones._until.values())
        phones.stay("a")
        assert Staying(lambda: 1000.0, note).stays("a")


def test_a_place_that_cannot_be_written_keeps_nobody_from_staying(tmp_path: Path):
    phones = Staying(lambda: 0.0, tmp_path / "gone" / "staying.json")
    phones.stay("a")
    assert phones.stays("a")


def test_every_row_says_how_certain_it_is():
    assert {probe.certainty for probe in PROBES} >= {"source read", "lists", "recalled"}


def test_the_list_is_the_portals_own(app):
    with app.app_context():
        assert staying() is app.extensions["staying"]
