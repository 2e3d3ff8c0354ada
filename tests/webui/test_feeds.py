"""Feeds for e-readers and feed readers, against the rules of RFC 4287 and OPDS 1.2."""

from __future__ import annotations

import re
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from appliance.answers import Board
from appliance.node import Node
from tests.webui.street import publish
from tests.webui.visitor import ADDRESS, Visitor

ATOM = "{http://www.w3.org/2005/Atom}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ACQUISITION = "http://opds-spec.org/acquisition/open-access"


def feed(visitor: Visitor, path: str) -> ET.Element:
    """The feed at `path`, after what RFC 4287 section 4.1 asks of it."""
    response = visitor.get(path)
    assert response.status_code == 200
    assert response.mimetype == "application/atom+xml"
    root = ET.fromstring(response.data)
    assert root.tag == f"{ATOM}feed"
    entries = root.findall(f"{ATOM}entry")
    for part in (root, *entries):
        for name in ("id", "title", "updated"):
            assert len(part.findall(ATOM + name)) == 1
        assert RFC3339.fullmatch(part.findtext(f"{ATOM}updated", ""))
        assert part.findtext(f"{ATOM}id", "").startswith("urn:uuid:")
        assert part.findtext(f"{ATOM}author/{ATOM}name") or root.findtext(f"{ATOM}author/{ATOM}name")
    ids = [part.findtext(f"{ATOM}id") for part in (root, *entries)]
    assert len(set(ids)) == len(ids)
    assert len([link for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"]) == 1
    return root


def links(part: ET.Element, rel: str) -> list[ET.Element]:
    return [link for link in part.findall(f"{ATOM}link") if link.get("rel") == rel]


def test_every_zine_in_the_catalogue_can_be_fetched(street: Node, stranger: Visitor):
    root = feed(stranger, "/opds/new")
    assert "profile=opds-catalog;kind=acquisition" in stranger.get("/opds/new").headers["Content-Type"]
    entries = root.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == ["水的储存", "Storing water"]
    for entry in entries:
        (link,) = links(entry, ACQUISITION)
        response = stranger.get(link.get("href", ""))
        assert response.status_code == 200
        assert response.mimetype == link.get("type")
        assert str(len(response.data)) == link.get("length")


def test_a_long_catalogue_goes_on(street: Node, stranger: Visitor):
    for number in range(30):
        publish(street, f"Issue {number}", f"Text {number}".encode())
    (older,) = links(feed(stranger, "/opds/new"), "next")
    titles = [entry.findtext(f"{ATOM}title") for entry in feed(stranger, older.get("href", "")).findall(f"{ATOM}entry")]
    assert "Storing water" in titles


def test_what_is_new_is_a_feed(street: Node, stranger: Visitor):
    titles = [entry.findtext(f"{ATOM}title") for entry in feed(stranger, "/feed.atom").findall(f"{ATOM}entry")]
    board = {"Notice: Street breakfast", "Offer: Bread, every Thursday", "Want: A ladder of four metres"}
    assert set(titles) == board | {"Zine: Storing water", "Zine: 水的储存"}


def reached(visitor: Visitor, start: str = "/opds") -> dict[str, ET.Element]:
    """Every feed that an e-reader app comes to from the root, by following all doors and pages."""
    found: dict[str, ET.Element] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = feed(visitor, path)
        kinds = {link.get("href", ""): link.get("type", "") for link in found[path].iter(f"{ATOM}link")}
        waiting += [href for href, kind in kinds.items() if "profile=opds-catalog" in kind]
    return found


def test_all_doors_lead_to_feeds_and_say_of_which_kind(street: Node, stranger: Visitor):
    publish(street, "Soup", b"Water.", language="es", series="Cocina / Küche", tags=("a & b", "water"))
    found = reached(stranger)
    for path, root in found.items():
        (self,) = links(root, "self")
        assert stranger.get(path).headers["Content-Type"].replace(" ", "") == self.get("type")
        for link in root.iter(f"{ATOM}link"):
            if link.get("href") in found:
                (there,) = links(found[link.get("href", "")], "self")
                assert link.get("type") == there.get("type"), (path, link.attrib)

    def titles(path: str) -> set[str | None]:
        return {entry.findtext(f"{ATOM}title") for entry in found[path].findall(f"{ATOM}entry")}

    assert titles("/opds/language") == {"en", "es", "zh"}
    assert titles("/opds/language/zines?is=es") == {"Soup"}
    assert titles("/opds/series/zines?is=Cocina+%2F+K%C3%BCche") == {"Soup"}
    assert titles("/opds/tag/zines?is=water") == {"Soup", "Storing water"}
    assert titles("/opds/tag/zines?is=a+%26+b") == {"Soup"}
    assert titles("/opds/new") == {"Soup", "Storing water", "水的储存"}


def test_an_app_learns_how_to_search(street: Node, stranger: Visitor):
    (search,) = links(feed(stranger, "/opds"), "search")
    response = stranger.get(search.get("href", ""))
    assert response.mimetype == search.get("type")
    urls = ET.fromstring(response.data).findall("{http://a9.com/-/spec/opensearch/1.1/}Url")
    template = next(url.get("template", "") for url in urls if "opds-catalog" in url.get("type", ""))
    path = template.removeprefix(ADDRESS).replace("{searchTerms}", quote("存放"))
    assert [entry.findtext(f"{ATOM}title") for entry in feed(stranger, path).findall(f"{ATOM}entry")] == ["水的储存"]


def test_a_subject_that_is_none_is_not_there(street: Node, stranger: Visitor):
    for path in ("/opds/colour", "/opds/colour/zines", "/opds/language/x"):
        assert stranger.get(path).status_code == 404
    assert not feed(stranger, "/opds/tag/zines?is=nothing").findall(f"{ATOM}entry")
    assert not feed(stranger, "/opds/tag/zines").findall(f"{ATOM}entry")


@pytest.mark.parametrize("words", ["a & b < c > d \"e\" 'f'", "]]>", "<script>", "سوق 🌿"])
def test_any_words_make_a_feed_that_can_be_read(node: Node, stranger: Visitor, words: str):
    publish(node, words, b"Hello.", description=words, creator=words, tags=(words,), licence=words)
    node.post(Board.NOTICE, words, words, node.find_payee("Ana"))
    assert feed(stranger, "/opds/new").findtext(f"{ATOM}entry/{ATOM}title") == words
    told = feed(stranger, "/feed.atom").findall(f"{ATOM}entry/{ATOM}content")
    assert [content.text for content in told] == [words, words]


def test_empty_feeds_are_feeds(stranger: Visitor):
    assert not feed(stranger, "/opds/new").findall(f"{ATOM}entry")
    assert not feed(stranger, "/feed.atom").findall(f"{ATOM}entry")
