"""What holds on every page, whoever looks at it."""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from flask import Flask

from appliance.errors import CardFull, StoreFault
from appliance.node import Node
from tests.webui.street import paths
from tests.webui.visitor import ADDRESS, Page, Visitor
from webui import create_app

FIRST_PAGE_PRESSED_MAX, FIRST_PAGE_MAX = 14_000, 30_000
LIST_MAX, READER_MAX = 60_000, 25_000
STYLESHEET_MAX = 9_216
OUTSIDE = re.compile(r"""(?:src|href|action|url\()\s*=?\s*["']?\s*(?:https?:)?//(?!127\.0\.0\.1:8080)""", re.IGNORECASE)


@pytest.fixture
def pages(street: Node, app: Flask) -> list[str]:
    return [path for path in paths(app, street) if not path.startswith("/api/")]


@pytest.fixture(params=["stranger", "ben", "ana"])
def somebody(request: pytest.FixtureRequest, street: Node) -> Visitor:
    visitor: Visitor = request.getfixturevalue(request.param)
    return visitor


def test_every_page_answers_with_its_rules_and_points_nowhere_outside(pages: list[str], somebody: Visitor):
    for path in pages:
        response = somebody.get(path)
        assert response.status_code in {200, 204, 302, 303, 403}, path
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        if response.mimetype == "text/html" and response.status_code == 200:
            assert not OUTSIDE.search(response.text), path
            assert "<script" not in response.text.lower()
            assert " style=" not in response.text, path
            page = Page(response.text)
            assert ("html", {"lang": "en", "dir": "ltr"}) in page.tags
            assert len([tag for tag, _ in page.tags if tag == "h1"]) == 1, path


def test_the_stylesheet_is_small_and_is_the_one_that_the_policy_lets_in(stranger: Visitor):
    response = stranger.get("/")
    style = re.search(r"<style>(.*?)</style>", response.text, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in response.headers["Content-Security-Policy"]
    assert len(style[1].encode()) <= STYLESHEET_MAX


def test_the_first_page_is_one_small_answer(street: Node, stranger: Visitor, ana: Visitor):
    for visitor in (stranger, ana):
        response = visitor.get("/", headers={"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        assert len(response.data) <= FIRST_PAGE_PRESSED_MAX
        whole = gzip.decompress(response.data)
        assert len(whole) <= FIRST_PAGE_MAX
        loads = [given for tag, given in Page(whole.decode()).tags if tag in {"img", "link", "script", "iframe"}]
        assert [
            given["href"]
            for given in loads
            if given.get("rel") != "alternate" and not given["href"].startswith("data:")
        ] == []


def test_a_browser_that_reads_no_gzip_gets_plain_text(stranger: Visitor):
    assert "Content-Encoding" not in stranger.get("/").headers
    assert "Content-Encoding" not in stranger.get("/", headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_lists_and_reader_pages_are_small(street: Node, ana: Visitor):
    zine = next(zine for zine in street.zines().rows if zine.language == "en")
    assert len(ana.get("/archive").data) <= LIST_MAX
    assert len(ana.get(f"/archive/{zine.id}/read").data) <= READER_MAX


def test_every_form_carries_a_token_and_is_refused_without_it(pages: list[str], ana: Visitor, stranger: Visitor):
    seen = 0
    for visitor in (ana, stranger):
        for path in pages:
            response = visitor.get(path)
            if response.mimetype != "text/html":
                continue
            for form in Page(response.text).forms:
                if form.method != "post":
                    continue
                seen += 1
                token = form.fields.pop("form_token")
                assert visitor.send(form.action, form.fields).status_code == 400, form.action
                assert visitor.send(form.action, form.fields | {"form_token": "A" * len(token)}).status_code == 400
    assert seen > 12


def test_a_token_looks_different_in_every_answer_and_still_counts(ana: Visitor):
    first, second = (ana.page("/commons").form("/commons").fields for _ in range(2))
    assert first["form_token"] != second["form_token"]
    assert ana.send("/commons", first | {"title": "One"}).status_code == 200
    assert ana.send("/commons", second | {"title": "Two"}).status_code == 200


def test_anothers_token_does_not_count(ana: Visitor, ben: Visitor):
    token = ben.page("/commons").form("/commons").fields["form_token"]
    assert ana.send("/commons", {"title": "Hello", "form_token": token}).status_code == 400


def test_members_pages_are_kept_by_nobody(ana: Visitor, stranger: Visitor):
    assert ana.get("/").headers["Cache-Control"] == "no-store"
    assert stranger.get("/").headers["Cache-Control"] == "no-cache"


def test_what_is_not_there_is_said_in_one_sentence(stranger: Visitor):
    response = stranger.get("/nothing")
    assert response.status_code == 404
    assert "There is no such page here." in Page(response.text).words
    wrong = stranger.client.put("/market", base_url=ADDRESS)
    assert wrong.status_code == 405
    assert "GET" in wrong.headers["Allow"]


def test_a_form_beyond_measure_is_refused(ana: Visitor):
    response = ana.submit("/commons", "/commons", title="x", body="y" * 300_000)
    assert response.status_code == 413
    assert "more than this node takes in at once" in Page(response.text).words


@pytest.mark.parametrize(
    ("fault", "status"),
    [(CardFull("No room is left on the card."), 507), (StoreFault("The card can only be read."), 503)],
)
def test_a_fault_of_the_card_is_a_sentence_and_never_a_success(
    street: Node, ana: Visitor, monkeypatch: pytest.MonkeyPatch, fault: StoreFault, status: int
):
    def broken(*_: object, **__: object) -> None:
        raise fault

    form = ana.page("/ledger").form("/ledger/pay").fields | {"to": "Ben", "amount": "1"}
    monkeypatch.setattr(type(street), "pay", broken)
    response = ana.send("/ledger/pay", form)
    assert response.status_code == status
    assert str(fault) in Page(response.text).words


def test_when_even_sessions_cannot_be_read_the_page_still_says_so(
    node: Node, ana: Visitor, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise StoreFault("The store cannot be read. Check the card.")

    monkeypatch.setattr(type(node), "session", broken)
    response = ana.get("/ledger")
    assert response.status_code == 503
    assert "The store cannot be read. Check the card." in Page(response.text).words


def test_health_tells_machines_and_people(node: Node, stranger: Visitor, monkeypatch: pytest.MonkeyPatch):
    well = stranger.get("/healthz")
    assert (well.status_code, well.mimetype) == (200, "text/plain")

    def broken(_: object) -> None:
        raise StoreFault("The store cannot be written.")

    monkeypatch.setattr(type(node), "health", broken)
    ill = stranger.get("/healthz")
    assert (ill.status_code, ill.text) == (503, "The store cannot be written.\n")


def test_two_portals_in_one_process_know_nothing_of_each_other(node: Node, ana: Visitor):
    other = create_app(node)
    assert other.extensions["staying"] is not ana.client.application.extensions["staying"]
