"""Arrivals, reports and what is put away, as people meet them on the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.founding import join
from appliance.library import Rack, Zine
from appliance.node import Node
from appliance.settings import Settings
from tests.webui.street import publish
from tests.webui.test_carrying_pages import carry
from tests.webui.visitor import Page, Visitor
from webui import create_app


@pytest.fixture
def mill(street: Node, tmp_path: Path) -> Iterator[Node]:
    """A second node, where the zines of the first have just arrived; Dora keeps it, Emre is a neighbour."""
    settings = Settings(tmp_path / "mill", "Mill Lane", "Riverside")
    join(settings, street.invite())
    node = Node.open(settings.data)
    carry(node, street)
    carry(street, node, max_bytes=40_000)
    node.add_member("Dora", "1234", keeper=True)
    node.add_member("Emre", "1234")
    yield node
    node.close()


@pytest.fixture
def dora(mill: Node) -> Visitor:
    return Visitor(create_app(mill)).sign_in("Dora", "1234")


@pytest.fixture
def emre(mill: Node) -> Visitor:
    return Visitor(create_app(mill)).sign_in("Emre", "1234")


@pytest.fixture
def stranger_there(mill: Node) -> Visitor:
    return Visitor(create_app(mill))


def arrived(mill: Node, title: str) -> Zine:
    return next(zine for zine in mill.zines(rack=Rack.OPEN).rows if zine.title == title)


def test_the_shelf_leads_to_what_arrived(mill: Node, stranger_there: Visitor, stranger: Visitor):
    page = stranger_there.page("/archive")
    assert "Arrived, not on the shelf yet: 2" in page.words
    assert "/archive/arrivals" in page.links
    assert "Storing water" in stranger_there.page("/archive/arrivals").words
    assert "Storing water" in stranger_there.page("/archive/arrivals?q=stor").words
    assert "No title here has that word." in stranger_there.page("/archive/arrivals?q=bottles").words
    assert "Arrived, not" not in stranger.page("/archive").words


def test_a_keeper_shelves_several_at_once(mill: Node, dora: Visitor, emre: Visitor):
    form = dora.page("/steward").form("/steward/arrivals").fields
    chosen = [zine.id for zine in mill.zines(rack=Rack.NEW).rows]
    response = dora.client.post(
        "/steward/arrivals", base_url="http://127.0.0.1:8080", data=form | {"zine": chosen, "do": "shelve"}
    )
    assert response.status_code == 303
    assert mill.arrivals() == 0
    assert "Storing water" in emre.page("/archive").words
    assert "Nothing new has arrived." in dora.page("/steward").words
    assert dora.send("/steward/arrivals", form | {"do": "leave"}).status_code == 422
    dora.send("/steward/arrivals", form | {"zine": chosen[0], "do": "leave"})
    assert mill.arrivals() == 1


def test_only_keepers_decide(mill: Node, emre: Visitor, stranger_there: Visitor):
    zine = arrived(mill, "Storing water")
    token = emre.page("/market").forms[-1].fields["form_token"]
    for action in ("/steward/arrivals", f"/steward/zines/{zine.id}"):
        response = emre.send(action, {"form_token": token, "zine": zine.id, "do": "hide"})
        assert response.status_code == 403
    token = stranger_there.page("/signin").form("/signin").fields["form_token"]
    stranger_there.send(f"/steward/zines/{zine.id}", {"form_token": token, "do": "hide"})
    stranger_there.send(f"/archive/{zine.id}/report", {"form_token": token, "word": "Rude."})
    stranger_there.send(f"/archive/{zine.id}/ask", {"form_token": token})
    assert not mill.zine(zine.id).hidden
    assert mill.reported() == []


def test_a_report_is_read_by_keepers_who_hide_the_zine_and_put_it_back(
    mill: Node, dora: Visitor, emre: Visitor, stranger_there: Visitor
):
    zine = arrived(mill, "Storing water")
    path = f"/archive/{zine.id}"
    answer = emre.submit(path, f"{path}/report", word="It names <b>my</b> daughter.")
    assert "The keepers of this node will look at it." in Page(answer.text).words
    assert "my daughter" not in emre.page(path).words
    steward = dora.page("/steward").words
    assert "It names <b>my</b> daughter." in steward
    assert "Emre" in steward
    decide = f"/steward/zines/{zine.id}"
    dora.submit("/steward", decide, do="hide")
    for visitor in (emre, stranger_there):
        for part in ("", "/read", "/file"):
            response = visitor.get(path + part)
            assert response.status_code == 404
            assert "put this zine away for now" in Page(response.text).words
        assert "Storing water" not in visitor.page("/archive/arrivals").words
        assert zine.id not in visitor.get("/api/v1/zines").text
        assert visitor.get(f"/api/v1/zines/{zine.id}").status_code == 404
        assert visitor.get(f"/blob/{zine.blob}").status_code == 404
    assert "A keeper has put this zine away." in dora.page(path).words
    assert dora.get(f"{path}/read").status_code == 200
    assert "Zines that are put away" in dora.page("/steward").words
    dora.submit(path, decide, do="unhide")
    assert emre.get(path).status_code == 200
    assert "Zines that were reported" not in dora.page("/steward").words
    assert dora.send(decide, dora.page(path).form(decide).fields | {"do": "burn"}).status_code == 422


def test_the_report_of_a_keeper_and_an_empty_one(mill: Node, dora: Visitor, emre: Visitor):
    path = f"/archive/{arrived(mill, 'Storing water').id}"
    assert emre.submit(path, f"{path}/report", word="  ").status_code == 422
    assert mill.reported() == []


def test_what_is_waited_for_is_told_to_readers_and_couriers(street: Node, mill: Node, dora: Visitor):
    publish(street, "A long one", b"x" * 90_000)
    carry(street, mill, max_bytes=50_000)
    zine = arrived(mill, "A long one")
    assert "Nothing is waited for just now." in dora.page("/archive/wanted").words
    assert "Take these along" not in dora.page("/carry").words
    path = f"/archive/{zine.id}"
    dora.submit(path, f"/steward/zines/{zine.id}", do="shelve")
    for page in ("/archive/wanted", "/carry"):
        words = dora.page(page).words
        assert "A long one" in words
        assert "90 kB" in words
        assert "may be found at Elm Street" in words
    assert "Take these along, if you pass by" in dora.page("/carry").words
    carry(street, mill)
    assert mill.zine(zine.id).is_here
    assert mill.wanted() == []


def test_programs_see_arrivals_and_that_they_are_not_shelved(mill: Node, stranger_there: Visitor):
    zines = stranger_there.get("/api/v1/zines").get_json()["zines"]
    assert {zine["title"]: zine["shelved"] for zine in zines} == {"Storing water": False, "水的储存": False}
    assert all(zine["copies"] == 1 and "hidden" not in zine for zine in zines)
    assert "Storing water" not in stranger_there.get("/opds/new").text
