"""Choosing how a zine is folded, and taking the sheets along."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfReader

from appliance.errors import Objection, Refused
from appliance.library import ZineForm
from appliance.node import Node
from tests.appliance.pdf.numbered import check, said
from tests.webui.browser import launched, visit
from tests.webui.portal import running, settle
from tests.webui.street import publish
from tests.webui.test_accessibility import DESK, PHONE, faults
from tests.webui.visitor import Page, Visitor

pytestmark = pytest.mark.real


@pytest.fixture
def path(street: Node) -> str:
    zine = next(zine for zine in street.zines().rows if zine.language == "en")
    return f"/archive/{zine.id}/print"


def choices(page: Page) -> dict[str, str]:
    """What is chosen in the form that leads to the sheets."""
    (form,) = (form for form in page.forms if form.action.endswith("/print/sheets"))
    assert form.method == "get"
    return form.fields


def test_the_page_of_a_zine_leads_to_its_sheets(path: str, stranger: Visitor):
    assert path in stranger.page(path.removesuffix("/print")).links
    offered = choices(stranger.page(path))
    assert offered == {"layout": "booklet", "paper": "A4", "printer": "short-edge", "margin": "0"}
    response = stranger.get(f"{path}/sheets?{urlencode(offered)}")
    assert (response.status_code, response.mimetype) == (200, "application/pdf")
    assert response.headers["Content-Disposition"] == "attachment; filename=booklet-A4.pdf"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert int(response.headers["Content-Length"]) == len(response.data)
    words = " ".join(page.extract_text() for page in PdfReader(BytesIO(response.data)).pages)
    assert "bottles" in words


def test_a_choice_that_cannot_be_filled_keeps_what_was_chosen(street: Node, stranger: Visitor):
    zine = publish(street, "Long", b"Many words stand here. " * 1500)
    path = f"/archive/{zine.id}/print"
    response = stranger.get(f"{path}/sheets?layout=mini&paper=Letter&printer=by-hand&margin=8")
    page = Page(response.text)
    assert response.status_code == 422
    assert "Choose the booklet." in page.words
    assert choices(page) == {"layout": "mini", "paper": "Letter", "printer": "by-hand", "margin": "8"}


@pytest.mark.parametrize(
    "chosen", ["layout=none", "layout=mini&paper=A0", "layout=mini&printer=x", "layout=mini&margin=99"]
)
def test_what_was_made_up_is_refused(path: str, stranger: Visitor, chosen: str):
    response = stranger.get(f"{path}/sheets?{chosen}")
    assert response.status_code == 422
    assert "A4 or Letter" in Page(response.text).words


def test_without_a_choice_the_page_is_shown(path: str, stranger: Visitor):
    response = stranger.get(f"{path}/sheets")
    assert (response.status_code, response.headers["Location"]) == (303, path)


def test_while_another_zine_is_made_one_is_asked_to_wait(
    path: str, stranger: Visitor, street: Node, monkeypatch: pytest.MonkeyPatch
):
    def busy(*_: object) -> None:
        raise Refused(Objection.PRINTER_BUSY)

    monkeypatch.setattr(type(street), "print_zine", busy)
    response = stranger.get(f"{path}/sheets?layout=mini")
    assert response.status_code == 503
    assert "try again in a minute" in Page(response.text).words


def test_what_cannot_be_folded_says_so(path: str, stranger: Visitor, street: Node, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(street), "may_print", lambda *_: False)
    page = stranger.page(path)
    assert "Only texts, books and PDF files can be folded" in page.words
    assert not [form for form in page.forms if form.action.endswith("/sheets")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield launched(playwright)


def test_in_a_real_browser_from_the_zine_to_the_sheets(browser: Browser, tmp_path: Path):
    data = tmp_path / "node"
    settle(data)
    node = Node.open(data)
    zine = node.publish(ZineForm("Bread"), BytesIO(b"# Bread\n\nHalf an hour a loaf.\n"), "bread.md", None)
    node.close()
    with running(data) as portal:
        for screen in (PHONE, DESK):
            with visit(browser, portal.address, scripts=True, viewport=screen) as page:
                page.goto(f"/archive/{zine.id}")
                page.get_by_role("link", name="Fold and print it").click()
                assert faults(page, "print") == []
                page.get_by_label("A mini-zine").check()
                page.get_by_label("How does the printer print?").select_option("long-edge")
                with page.expect_download() as taken:
                    page.get_by_role("button", name="Make the sheets").click()
                taken.value.save_as(tmp_path / "mini.pdf")
                check(tmp_path / "mini.pdf")
                assert "Half an hour a loaf." in said("pdftotext", tmp_path / "mini.pdf", "-")
                with page.expect_download() as taken:
                    page.get_by_role("link", name="On both sides, turned about the short edge").click()
                assert taken.value.suggested_filename == "test-sheet.pdf"
