"""Arrivals, reports and the keeper's part of the archive in a real browser: done without scripts, and faultless to axe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from appliance import settings
from appliance.founding import join
from appliance.library import Rack, ZineForm
from appliance.node import Node
from appliance.settings import Archive, Portal, Settings
from tests.webui.browser import launched, sign_in, visit
from tests.webui.portal import Running, running, settle
from tests.webui.street import publish
from tests.webui.test_accessibility import DESK, PHONE, faults
from tests.webui.test_carrying_pages import carry

pytestmark = pytest.mark.real

WIDE = "A manual of lanterns, kettles and bicycles for long winters and short summers, with drawings"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A node whose archive is nearly full, to which zines came from another one; Dora keeps it, Emre is a neighbour."""
    place = tmp_path_factory.mktemp("shelving")
    settle(place / "elm")
    elm = Node.open(place / "elm")
    publish(elm, WIDE, b"long\n" * 4000, creator="Lucía " * 15)
    publish(elm, "نشرة الحي", "خزّن الماء في الظل.".encode(), language="ar")
    archive = Archive(quota_bytes=42_000)
    join(
        Settings(place / "oak", "Oak", "Riverside", portal=Portal(port=elm.settings.port), archive=archive),
        elm.invite(),
    )
    oak = Node.open(place / "oak")
    carry(oak, elm)
    carry(elm, oak)
    oak.add_member("Dora", "1234", keeper=True)
    oak.add_member("Emre", "1234")
    oak.publish(ZineForm("Our own"), BytesIO(b"ours"), "own.txt", None)
    hidden, wanted = publish(elm, "Put away", b"x"), publish(elm, "Far away", b"y" * 60_000)
    carry(elm, oak, max_bytes=40_000)
    oak.settings = replace(oak.settings, archive=replace(archive, quota_bytes=22_000))
    settings.write(oak.settings.data, oak.settings)
    oak.hide(hidden.id)
    oak.shelve([wanted.id])
    for node in (elm, oak):
        node.close()
    with running(place / "oak") as portal:
        yield portal


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield launched(playwright)


def test_a_report_and_what_a_keeper_makes_of_it(browser: Browser, portal: Running) -> None:
    with visit(browser, portal.address, viewport=PHONE) as page:
        sign_in(page, "Emre", "1234")
        page.goto("/archive")
        page.get_by_role("link", name="Arrived, not on the shelf yet: 4").click()
        page.get_by_role("link", name="Storing water").click()
        page.get_by_label("What is wrong").fill("It names my daughter.")
        page.get_by_role("button", name="Tell the keeper").click()
        assert "The keepers of this node will look at it." in words(page)
    with visit(browser, portal.address, viewport=DESK) as page:
        sign_in(page, "Dora", "1234")
        page.goto("/steward")
        assert "It names my daughter." in words(page)
        page.get_by_role("button", name="Hide it now, decide later").click()
        page.get_by_role("button", name="Put Storing water back where it was").click()
        assert "Zines that were reported" not in words(page)
        for title in ("水的储存", WIDE):
            page.get_by_label(title, exact=True).check()
        page.get_by_role("button", name="Put them on the shelf").click()
        page.goto("/archive")
        assert "水的储存" in words(page)
        assert "Arrived, not on the shelf yet: 2" in words(page)


def words(page: Page) -> str:
    return page.locator("main").inner_text()


@pytest.mark.parametrize(("scheme", "screen"), [("light", PHONE), ("dark", DESK)])
def test_axe_finds_nothing_on_the_keepers_part(
    browser: Browser, portal: Running, scheme: str, screen: dict[str, int], tmp_path: Path
) -> None:
    node = Node.open(portal.data)
    zines = node.zines(rack=Rack.OPEN).rows
    node.close()
    found: list[str] = []
    with visit(browser, portal.address, scripts=True, color_scheme=scheme, viewport=screen) as page:
        sign_in(page, "Dora", "1234")
        for path in ("/steward", "/archive", "/archive/arrivals", "/archive/arrivals?q=x", "/archive/wanted", "/carry"):
            page.goto(path)
            found += faults(page, path)
            page.screenshot(
                path=tmp_path / f"{path.strip('/').replace('/', '-').partition('?')[0]}.png", full_page=True
            )
        for zine in zines:
            page.goto(f"/archive/{zine.id}")
            found += faults(page, zine.title)
    assert found == []
