"""Real Chromium, without scripts, which never asks for anything beyond the portal under test."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

LENGTHS = ("content-length", "content-encoding")


def launched(playwright: Playwright, *more: str) -> Browser:
    return playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*FLAGS, *more])


@contextmanager
def visit(browser: Browser, address: str, scripts: bool = False, **look: Any) -> Iterator[Page]:
    """Open a page whose every request is noted; afterwards none of them may have gone anywhere but to `address`."""
    context = browser.new_context(base_url=address, java_script_enabled=scripts, accept_downloads=True, **look)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.set_default_timeout(10_000)
    try:
        yield context.new_page()
    finally:
        context.close()
    home = urlsplit(address).netloc
    assert [url for url in asked if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != home] == []


def sign_in(page: Page, name: str, pin: str) -> None:
    page.goto("/signin")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your PIN").fill(pin)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Sign out").wait_for()


def without_style(page: Page) -> None:
    """Show every page as a browser that knows no CSS would."""
    devtools = page.context.new_cdp_session(page)

    def strip(paused: dict[str, Any]) -> None:
        which = {"requestId": paused["requestId"]}
        if paused["responseStatusCode"] in (301, 302, 303) or not is_page(paused):
            devtools.send("Fetch.continueResponse", which)
            return
        found = devtools.send("Fetch.getResponseBody", which)
        whole = b64decode(found["body"]).decode() if found["base64Encoded"] else found["body"]
        bare = re.sub("<style>.*?</style>", "", whole, flags=re.DOTALL)
        headers = [header for header in paused["responseHeaders"] if header["name"].lower() not in LENGTHS]
        answer = {"responseCode": paused["responseStatusCode"], "responseHeaders": headers}
        devtools.send("Fetch.fulfillRequest", which | answer | {"body": b64encode(bare.encode()).decode()})

    devtools.on("Fetch.requestPaused", strip)
    devtools.send("Fetch.enable", {"patterns": [{"requestStage": "Response", "resourceType": "Document"}]})


def is_page(paused: dict[str, Any]) -> bool:
    """Whether an answer is HTML to be shown, not a file to be kept."""
    headers = {header["name"].lower(): header["value"] for header in paused["responseHeaders"]}
    return headers.get("content-type", "").startswith("text/html") and "content-disposition" not in headers
