"""axe finds nothing on any page, whoever looks at it, by day and by night, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, sync_playwright

from appliance.node import Node
from tests.webui.browser import launched, sign_in, visit
from tests.webui.portal import Running, running, settle
from tests.webui.street import paths
from webui import create_app

pytestmark = pytest.mark.real

PHONE = {"width": 360, "height": 720}
DESK = {"width": 1280, "height": 800}
PER_PAGE_OVERFLOW = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SMALL_TARGETS = """[...document.querySelectorAll('button, input:not([type=hidden]), select, textarea, summary, nav a, .button')]
    .filter(one => one.getClientRects().length && Math.min(one.offsetWidth, one.offsetHeight) < 24).map(one => one.outerHTML)"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("axe") / "node"
    settle(data)
    with running(data) as portal:
        yield portal


@pytest.fixture(scope="module")
def addresses(portal: Running) -> list[str]:
    """Every page, from the routes that there are."""
    node = Node.open(portal.data)
    node.raise_call(node.sign_in("Ana", "1234").account, "danger", 240, "fire at number 12")
    found = [path for path in paths(create_app(node), node) if not path.startswith("/api/")]
    node.close()
    return [*found, "/archive?q=bottles"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield launched(playwright)


def faults(page: Page, path: str) -> list[str]:
    """What axe and a ruler find on the page that is shown."""
    found = Axe().run(page).response["violations"]
    said = [f"{path}: {fault['id']}: {node['html'][:200]}" for fault in found for node in fault["nodes"]]
    said += [f"{path}: too small: {html[:200]}" for html in page.evaluate(SMALL_TARGETS)]
    return said + ([f"{path}: wider than the screen"] if page.evaluate(PER_PAGE_OVERFLOW) else [])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", ["a passer-by", "Ana"])
@pytest.mark.parametrize(("scheme", "screen"), [("light", PHONE), ("dark", DESK)])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, portal: Running, addresses: list[str], who: str, scheme: str, screen: dict[str, int]
):
    seen, found = 0, []
    with visit(browser, portal.address, scripts=True, color_scheme=scheme, viewport=screen) as page:
        if who == "Ana":
            sign_in(page, "Ana", "1234")
        for path in addresses:
            answer = page.request.get(path, max_redirects=0)
            if answer.headers.get("content-type", "").startswith("text/html") and answer.status == 200:
                page.goto(path)
                seen += 1
                found += faults(page, path)
    assert found == []
    assert seen >= (17 if who == "Ana" else 14)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_pages_that_answer_a_form(browser: Browser, portal: Running, scheme: str):
    found: list[str] = []
    with visit(browser, portal.address, scripts=True, color_scheme=scheme, viewport=PHONE) as page:
        page.goto("/nothing")
        found += faults(page, "not found")
        page.goto("/signin")
        page.get_by_label("Your name").fill("Nobody")
        page.get_by_label("Your PIN").fill("0000")
        page.get_by_role("button", name="Sign in").click()
        found += faults(page, "wrong PIN")
        sign_in(page, "Ana", "1234")
        page.goto("/ledger")
        page.get_by_label("To whom").fill("Ben")
        page.get_by_label("How much").fill("1000")
        page.get_by_role("button", name="Pay").click()
        found += faults(page, "refused payment")
        page.goto("/steward")
        page.get_by_label("Name").fill(f"Farid {scheme}")
        page.get_by_role("button", name="Make the paper card").click()
        found += faults(page, "paper card")
    assert found == []


def test_axe_and_the_ruler_would_find_a_fault(browser: Browser, portal: Running):
    with visit(browser, portal.address, scripts=True, viewport=PHONE) as page:
        page.goto("/help")
        page.evaluate("document.querySelector('main').innerHTML = '<h1>x</h1><img src=\"data:,\"><p>x</p>'")
        page.evaluate("document.querySelector('main p').style.width = '900px'")
        said = " ".join(faults(page, "planted"))
    assert "image-alt" in said
    assert "wider than the screen" in said
