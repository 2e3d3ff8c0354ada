"""Whole journeys in real Chromium, with JavaScript switched off."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.webui.browser import FLAGS, launched, sign_in, visit, without_style
from tests.webui.portal import Running, running, settle

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("browser") / "node"
    settle(data)
    with running(data) as portal:
        yield portal


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield launched(playwright)


@pytest.fixture
def page(browser: Browser, portal: Running) -> Iterator[Page]:
    with visit(browser, portal.address, viewport={"width": 360, "height": 720}) as page:
        yield page


@pytest.fixture(params=["styled", "plain"])
def ana(request: pytest.FixtureRequest, page: Page) -> Page:
    """Ana's phone, with and without CSS."""
    if request.param == "plain":
        without_style(page)
        page.goto("/")
        assert page.locator("nav ul").evaluate("list => getComputedStyle(list).listStyleType") == "disc"
    sign_in(page, "Ana", "1234")
    return page


def test_a_neighbour_pays_and_sees_the_receipt(ana: Page):
    ana.get_by_role("link", name="Ledger").click()
    ana.get_by_label("To whom").fill("Ben")
    ana.get_by_label("How much").fill("1.5")
    ana.get_by_label("What for").fill("rye bread")
    ana.get_by_role("button", name="Pay").click()
    expect(ana.get_by_role("heading", level=1)).to_have_text("You paid")
    expect(ana.get_by_text("Kept safely at this node.")).to_be_visible()
    number = ana.locator("dt:text('Number') + dd").inner_text()
    assert number == ana.url.rsplit("/", 1)[1]
    ana.get_by_role("link", name="To your account").click()
    expect(ana.get_by_role("row").filter(has_text="rye bread").first).to_contain_text("\u22121.5 hours")


def test_a_refused_payment_keeps_what_was_typed(ana: Page):
    ana.goto("/ledger")
    ana.get_by_label("To whom").fill("Ben")
    ana.get_by_label("How much").fill("500")
    ana.get_by_role("button", name="Pay").click()
    expect(ana.get_by_role("alert")).to_contain_text("more than can be paid from this account now")
    expect(ana.get_by_label("To whom")).to_have_value("Ben")
    expect(ana.get_by_label("How much")).to_have_value("500")


def test_a_zine_is_published_found_read_and_taken_along(ana: Page, tmp_path: Path, request: pytest.FixtureRequest):
    title = f"Mending nets {request.node.callspec.id}"
    file = tmp_path / "nets.md"
    file.write_text(f"# {title}\n\nTie a *sheet bend*.\n\n<script>document.title='taken over'</script>\n")
    ana.goto("/archive")
    ana.get_by_label("Title").fill(title)
    ana.get_by_label("The file").set_input_files(file)
    ana.get_by_role("button", name="Publish").click()
    ana.goto("/archive")
    ana.get_by_role("searchbox").fill("bend")
    ana.get_by_role("button", name="Search").click()
    ana.get_by_role("link", name=title).click()
    ana.get_by_role("link", name="Read", exact=True).click()
    expect(ana.get_by_role("article")).to_contain_text("Tie a sheet bend.")
    expect(ana.get_by_role("article")).to_contain_text("<script>")
    expect(ana).to_have_title(re.compile(re.escape(title)))
    ana.go_back()
    with ana.expect_download() as taken:
        ana.get_by_role("link", name=re.compile("Take it along")).click()
    assert taken.value.path().read_bytes() == file.read_bytes()


def test_a_file_beyond_measure_is_answered_with_a_sentence_the_browser_shows(ana: Page, tmp_path: Path):
    file = tmp_path / "flood.md"
    with file.open("wb") as flood:
        flood.truncate(2 << 30)  # two gigabytes that take no room here
    ana.goto("/archive")
    ana.get_by_label("Title").fill("Flood")
    ana.get_by_label("The file").set_input_files(file)
    ana.get_by_role("button", name="Publish").click()
    expect(ana.get_by_text("That is more than this node takes in at once")).to_be_visible()


def test_an_offer_is_put_up_and_taken_down(ana: Page):
    ana.goto("/market")
    ana.get_by_label("I have something to give").check()
    ana.get_by_label("In a few words").fill("Quince jelly")
    ana.get_by_role("button", name="Put it up").click()
    slip = ana.get_by_role("article").filter(has_text="Quince jelly")
    expect(slip).to_contain_text("Ana")
    slip.get_by_role("button", name="Take back").click()
    ana.goto("/market")
    expect(slip).to_have_count(0)


def test_the_post_is_carried_by_phone(ana: Page, tmp_path: Path):
    ana.goto("/carry")
    with ana.expect_download() as taken:
        ana.get_by_role("button", name="Take the file").click()
    bundle = tmp_path / taken.value.suggested_filename
    taken.value.save_as(bundle)
    ana.get_by_label("The file you brought").set_input_files(bundle)
    ana.get_by_role("button", name="Hand it in").click()
    expect(ana.get_by_role("heading", level=1)).to_have_text("Thank you for carrying")
    expect(ana.get_by_text("Nothing in it was new here.")).to_be_visible()


def test_the_keeper_makes_a_card_and_its_owner_signs_in(ana: Page, request: pytest.FixtureRequest):
    name = f"Gero {request.node.callspec.id}"
    ana.goto("/steward")
    ana.get_by_label("Name").fill(name)
    ana.get_by_role("button", name="Make the paper card").click()
    pin = ana.locator("dt:text('PIN') + dd").inner_text()
    ana.goto("/signin")
    ana.get_by_role("button", name="Sign out").click()
    sign_in(ana, name, pin)


def test_the_first_page_is_one_request(browser: Browser, portal: Running):
    asked: list[str] = []
    with visit(browser, portal.address) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto("/", wait_until="networkidle")
    assert [url for url in asked if not url.startswith("data:")] == [f"{portal.address}/"]


def test_a_phone_that_looks_for_the_internet_is_shown_the_poster_and_may_stay(
    playwright_names: Browser, portal: Running
):
    context = playwright_names.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"http://neverssl.com:{portal.port}/")
    assert page.url == f"{portal.address}/poster"
    expect(page.get_by_role("img", name=portal.address)).to_be_visible()
    page.get_by_role("link", name="Stay on this WiFi").click()
    page.get_by_role("button", name="Stay on this WiFi though it has no internet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This phone stays")
    page.goto(f"http://captive.apple.com:{portal.port}/hotspot-detect.html")
    expect(page).to_have_title("Success")
    page.goto(f"{portal.address}/stay")
    page.get_by_role("button", name=re.compile("Take it back")).click()
    page.goto(f"http://captive.apple.com:{portal.port}/hotspot-detect.html")
    assert page.url == f"{portal.address}/poster"
    context.close()


GREY_VALUES = """async picture => {
    const image = new Image(); image.src = 'data:image/png;base64,' + picture; await image.decode();
    const canvas = document.createElement('canvas'); canvas.width = image.width; canvas.height = image.height;
    const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0);
    const dots = pen.getImageData(0, 0, image.width, image.height).data;
    return [image.width, image.height, [...dots.filter((_, place) => place % 4 == 0)]] }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_another_phone_reads_the_square_on_the_poster(browser: Browser, portal: Running, scheme: str):
    with visit(browser, portal.address, scripts=True, color_scheme=scheme) as page:
        page.goto("/poster")
        shown = page.get_by_role("img", name=portal.address).screenshot()
        width, height, greys = page.evaluate(GREY_VALUES, b64encode(shown).decode())
    (found,) = zxingcpp.read_barcodes(memoryview(bytes(greys)).cast("B", (height, width)))
    assert found.text == portal.address


@pytest.fixture(scope="module")
def playwright_names(browser: Browser) -> Iterator[Browser]:
    """A browser for which every name leads to this machine, as on the node's own WiFi."""
    other = browser.browser_type.launch(
        executable_path="/usr/bin/chromium", args=[*FLAGS, "--host-resolver-rules=MAP * 127.0.0.1", "--no-proxy-server"]
    )
    yield other
    other.close()
