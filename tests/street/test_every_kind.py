"""Every kind of file: brought in a browser at one node, found, read and taken along at another, taken back, gone on both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page

from tests.appliance.intake import specimens
from tests.appliance.intake.specimens import SECRET, WORD
from tests.street.browser import Neighbour, chromium
from tests.street.node import RunningNode
from tests.street.street import Street
from tests.street.waiting import wait_until

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

MEMORY_MAX = 80 * 1000 * 1000
LOOKED_WITHIN_S = 90

# What it is called, how it is made, whether it is found by a word within, and what the page offers for it.
KINDS: dict[str, tuple[Callable[[], bytes], bool, str]] = {
    "notes.md": (f"# Notes\n\nOf {WORD}.\n".encode, True, "Read"),
    "poem.txt": (f"One line of {WORD}.\n".encode, True, "Read"),
    "page.html": (lambda: specimens.HTML, True, "Read"),
    "sheet.pdf": (specimens.pdf, True, "Open with this phone's reader (PDF"),
    "book.epub": (specimens.epub, True, "Open with this phone's reader (EPUB"),
    "photo.jpg": (specimens.photograph, False, "See the whole picture (JPEG"),
    "plan.png": (specimens.drawing, False, "See the whole picture (PNG"),
    "leaf.webp": (specimens.webp, False, "See the whole picture (WebP"),
    "song.mp3": (specimens.mp3, False, "Take it along (MP3"),
    "talk.ogg": (specimens.ogg, False, "Take it along (Ogg"),
    "bird.flac": (specimens.flac, False, "Take it along (FLAC"),
    "bell.wav": (specimens.wav, False, "Take it along (WAV"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Elm and Oak, joined by nothing but what somebody carries."""
    with Street(tmp_path_factory.mktemp("street")) as street:
        elm, oak = street.make("Elm"), street.make("Oak")
        oak.set(archive={"shelve_arrivals": True})
        for node in (elm, oak):
            node.start()
        elm.does("member", "add", "Ana", "--pin", "1234", "--keeper")
        yield street


def carry(giver: RunningNode, taker: RunningNode, stick: Path) -> None:
    def carried() -> bool:
        giver.does("bundle", "export", stick)
        taker.does("bundle", "import", stick)
        return bool(giver.status["frontiers"]["public"].items() <= taker.status["frontiers"]["public"].items())

    wait_until(f"{taker.name} has what {giver.name} wrote", carried, 30)


def zines(node: RunningNode) -> dict[str, Any]:
    return {zine["title"]: zine for zine in node.ask("GET", "/zines").json["zines"]}


def test_every_kind_travels_is_found_opened_and_taken_back(street: Street, browser: Browser, tmp_path: Path) -> None:
    elm, oak = street.nodes
    ana, passer_by = Neighbour(browser, elm, "Ana"), Neighbour(browser, oak)
    for name, (make, _, _) in KINDS.items():
        (tmp_path / name).write_bytes(make())
        ana.publish(name, tmp_path / name)
    here = zines(elm)
    assert here.keys() >= KINDS.keys()
    assert elm.resident_bytes("webui") < MEMORY_MAX
    print(f"portal after {len(KINDS)} uploads: {elm.resident_bytes('webui') / 1e6:.0f} MB")
    carry(elm, oak, tmp_path / "stick.hedge")
    wait_until("all was looked into", lambda: not any(zine["trouble"] for zine in zines(oak).values()), LOOKED_WITHIN_S)
    found = passer_by.search(WORD)
    for name, (_, is_within, offer) in KINDS.items():
        assert (name in found) == is_within, found
        there = opened(oak, browser, here[name]["id"], offer)
        assert SECRET.encode() not in there
        assert blake2b(there, digest_size=32).hexdigest() == here[name]["blob"]
    take_back(elm, oak, here, tmp_path)


def opened(node: RunningNode, browser: Browser, zine: str, offer: str) -> bytes:
    """See what the page offers, open it where it is for reading, and return the file as it is handed out."""
    page = browser.new_context(java_script_enabled=False, locale="en").new_page()
    page.goto(f"{node.address}/archive/{zine}")
    said = page.locator("main").inner_text()
    assert offer in said
    assert offer == "Read" or re.search(re.escape(offer) + r"[^)]*, \d[\d.,]* (B|kB|MB)\)", said), (
        "its size is told before the tap"
    )
    if offer == "Read":
        page.get_by_role("link", name="Read", exact=True).click()
        assert WORD in page.locator("article").inner_text()
    if offer.startswith("Take it along"):
        assert page.locator("audio[controls]").count() == 1
    answer = page.request.get(f"{node.address}/archive/{zine}/file")
    taken = answer.body()
    assert answer.headers["content-disposition"].startswith("attachment")
    page.context.close()
    assert node.ask("GET", f"/zines/{zine}/file").body == taken
    return taken


def take_back(elm: RunningNode, oak: RunningNode, here: dict[str, Any], tmp_path: Path) -> None:
    for name in KINDS:
        elm.does("zine", "withdraw", here[name]["id"])
    carry(elm, oak, tmp_path / "back.hedge")
    for node in (elm, oak):
        assert not zines(node).keys() & KINDS.keys()
        left = {path.name for path in (node.data / "blobs").iterdir()}
        assert not left & {here[name]["blob"] for name in KINDS}
        assert not [path for path in (node.data / "rooms").iterdir() if path.name != "turn.lock"]
        node.does("verify")


HOSTILE = (
    b"<!doctype html><title>x</title><script>parent.alert(1)</script><p onclick=alert(1) onmouseover=alert(1)>Hello there"
    b"<img src=x onerror=alert(1)><svg onload=alert(1)></svg><iframe srcdoc='<script>alert(1)</script>'></iframe>"
    b"<a href='javascript:alert(1)'>go</a><meta http-equiv=refresh content='0;url=https://tracker.example/'>"
)
IN_MARKDOWN = (
    b"# Hello\n\n<script>alert(1)</script>\n\n![x](data:image/svg+xml;base64,"
    b"PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciPjxzY3JpcHQ+YWxlcnQoMSk8L3NjcmlwdD48L3N2Zz4=)\n"
    b"\n[go](javascript:alert(1)) ![far](https://tracker.example/p.gif)\n"
)


@pytest.mark.parametrize(
    ("name", "content"), [("evil.html", HOSTILE), ("evil.md", IN_MARKDOWN), ("evil.pdf", specimens.pdf())]
)
def test_nothing_that_was_uploaded_ever_runs(
    street: Street, browser: Browser, tmp_path: Path, name: str, content: bytes
) -> None:
    """With scripts allowed in the browser: no dialog, no request to anybody else, whatever address is opened."""
    elm, _ = street.nodes
    (tmp_path / name).write_bytes(content)
    Neighbour(browser, elm, "Ana").publish(name, tmp_path / name)
    zine = zines(elm)[name]["id"]
    context = browser.new_context(java_script_enabled=True, locale="en", accept_downloads=True)
    page = context.new_page()
    ran: list[str] = []
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", answer)
    context.on("request", lambda request: asked.append(request.url))
    for path in ("", "/read", "/file", "/picture", "/cover"):
        look_at(page, f"{elm.address}/archive/{zine}{path}")
    context.close()
    assert ran == []
    assert [address for address in asked if not is_ours(address, elm)] == []
    elm.does("zine", "withdraw", zine)


def is_ours(address: str, node: RunningNode) -> bool:
    return address.startswith((node.address, "data:", "blob:", "about:"))


def look_at(page: Page, address: str) -> None:
    """Open an address and touch what is there. A file to keep is a download, and shows nothing."""
    answer = page.request.get(address)
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.headers.get("content-disposition", "").startswith("attachment"):
        assert "sandbox" in answer.headers["content-security-policy"]
        return
    page.goto(address)
    for words in ("Hello", "go"):
        for place in page.get_by_text(words, exact=True).all()[:2]:
            place.hover()
            place.click(timeout=2000)
    page.wait_for_timeout(300)
