"""Feeds for e-readers and feed readers, against the rules of RFC 4287 and OPDS 1.2."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from appliance.answers import Board
from appliance.node import Node
from tests.webui.street import publish
from tests.webui.visitor import Visitor

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
        assert part.findtext(f"{ATOM}author/{ATOM}name")
    ids = [part.findtext(f"{ATOM}id") for part in (root, *entries)]
    assert len(set(ids)) == len(ids)
    assert len([link for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"]) == 1
    return root


def links(part: ET.Element, rel: str) -> list[ET.Element]:
    return [link for link in part.findall(f"{ATOM}link") if link.get("rel") == rel]


def test_every_zine_in_the_catalogue_can_be_fetched(street: Node, stranger: Visitor):
    root = feed(stranger, "/opds")
    assert "profile=opds-catalog;kind=acquisition" in stranger.get("/opds").headers["Content-Type"]
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
    (older,) = links(feed(stranger, "/opds"), "next")
    titles = [entry.findtext(f"{ATOM}title") for entry in feed(stranger, older.get("href", "")).findall(f"{ATOM}entry")]
    assert "Storing water" in titles


def test_the_board_is_a_feed(street: Node, stranger: Visitor):
    titles = [entry.findtext(f"{ATOM}title") for entry in feed(stranger, "/feed.atom").findall(f"{ATOM}entry")]
    assert set(titles) == {"Notice: Street breakfast", "Offer: Bread, every Thursday", "Want: A ladder of four metres"}


@pytest.mark.parametrize("words", ["a & b < c > d \"e\" 'f'", "]]>", "<script>", "سوق 🌿"])
def test_any_words_make_a_feed_that_can_be_read(node: Node, stranger: Visitor, words: str):
    publish(node, words, b"Hello.", description=words, creator=words, tags=(words,), licence=words)
    node.post(Board.NOTICE, words, words, node.find_payee("Ana"))
    assert feed(stranger, "/opds").findtext(f"{ATOM}entry/{ATOM}title") == words
    assert feed(stranger, "/feed.atom").findtext(f"{ATOM}entry/{ATOM}content") == words


def test_empty_feeds_are_feeds(stranger: Visitor):
    assert not feed(stranger, "/opds").findall(f"{ATOM}entry")
    assert not feed(stranger, "/feed.atom").findall(f"{ATOM}entry")
