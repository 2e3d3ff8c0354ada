"""The post by hand, through a phone's browser."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.founding import join
from appliance.library import Rack
from appliance.node import Node
from appliance.settings import Settings
from tests.webui.street import publish
from tests.webui.visitor import Page, Visitor
from webui import bundles, create_app


@pytest.fixture
def mill(street: Node, tmp_path: Path) -> Iterator[Node]:
    """A second node of the same commons, which has heard nothing yet."""
    settings = Settings(tmp_path / "mill", "Mill Lane", "Riverside")
    join(settings, street.invite())
    node = Node.open(settings.data)
    yield node
    node.close()


def carry(giver: Node, taker: Node, max_bytes: int | None = None) -> None:
    with tempfile.TemporaryFile() as file:
        giver.export_bundle(file, max_bytes=max_bytes)
        file.seek(0)
        taker.import_bundle(file)


def test_what_was_taken_at_one_node_is_handed_in_at_the_next(street: Node, mill: Node, stranger: Visitor):
    bundle = stranger.get("/carry/bundle")
    assert bundle.headers["Content-Disposition"] == "attachment; filename=hedgerow.hedge"
    there = Visitor(create_app(mill))
    words = Page(there.submit("/carry", "/carry", file=(bundle.data, "hedgerow.hedge")).text).words
    assert "News came in, and it is kept." in words
    assert "Storing water" not in there.page("/archive").words
    assert "Storing water" in there.page("/archive/arrivals").words
    again = Page(there.submit("/carry", "/carry", file=(bundle.data, "hedgerow.hedge")).text).words
    assert "Nothing in it was new here." in again


def test_a_zine_whose_file_did_not_come_along_can_be_asked_for(street: Node, mill: Node):
    publish(street, "A long one", os.urandom(40_000).hex().encode())
    carry(mill, street)
    carry(street, mill, max_bytes=30_000)
    mill.add_member("Dora", "1234")
    zine = next(zine for zine in mill.zines(rack=Rack.ARRIVALS).rows if not zine.is_here)
    path, there = f"/archive/{zine.id}", Visitor(create_app(mill))
    assert "not here yet" in there.page("/archive/arrivals").words
    assert "A member can ask for it." in there.page(path).words
    there.sign_in("Dora", "1234")
    assert "It has not arrived" in there.page(path).words
    for missing in ("read", "file"):
        response = there.get(f"{path}/{missing}")
        assert response.status_code == 404
        assert "This zine has not arrived here yet." in Page(response.text).words
    there.submit(path, f"{path}/ask")
    assert "It was asked for" in there.page(path).words
    assert mill.zine(zine.id).wanted


def test_a_torn_bundle_is_good_up_to_the_tear(street: Node, mill: Node, stranger: Visitor):
    bundle = stranger.get("/carry/bundle").data
    there = Visitor(create_app(mill))
    words = Page(there.submit("/carry", "/carry", file=(bundle[: len(bundle) * 2 // 3], "x.hedge")).text).words
    assert "The end of the file was missing." in words
    whole = Page(there.submit("/carry", "/carry", file=(bundle, "x.hedge")).text).words
    assert "News came in, and it is kept." in whole


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x00" * 100_000, b"PK\x03\x04"])
def test_what_is_no_bundle_is_refused_in_one_sentence(street: Node, stranger: Visitor, content: bytes):
    before = street.status().as_json()["state_hash"]
    response = stranger.submit("/carry", "/carry", file=(content, "x.hedge"))
    assert response.status_code == 422
    assert "This file is not a bundle" in Page(response.text).words
    assert street.status().as_json()["state_hash"] == before


def test_a_bundle_for_nobody_known_is_not_found(street: Node, stranger: Visitor):
    assert stranger.get("/carry/bundle?for=nobody").status_code == 404


def test_while_two_are_packed_the_third_is_asked_to_wait(street: Node, stranger: Visitor):
    bundles.AT_ONCE.acquire()
    bundles.AT_ONCE.acquire()
    try:
        response = stranger.get("/carry/bundle")
    finally:
        bundles.AT_ONCE.release()
        bundles.AT_ONCE.release()
    assert response.status_code == 429
    assert "Please try again in a moment." in Page(response.text).words
    assert stranger.get("/carry/bundle").status_code == 200


def test_the_page_asks_where_one_is_going(street: Node, mill: Node, stranger: Visitor):
    street.add_peer(mill.introduction())
    page = stranger.page("/carry")
    assert "Mill Lane" in page.words
    assert ("option", {"value": mill.id}) in page.tags
