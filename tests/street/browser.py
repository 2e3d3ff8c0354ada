"""A neighbour at a real browser that runs no scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.street.node import PIN, Node

CHROMIUM = "/usr/bin/chromium"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Neighbour:
    """One person at the pages of one node, with a browser that knows nobody else; signed in where a `name` is given."""

    def __init__(self, browser: Browser, node: Node, name: str = "") -> None:
        self._page = browser.new_context(java_script_enabled=False, locale="en").new_page()
        self._node = node
        if name:
            self._sign_in(name)

    def _sign_in(self, name: str) -> None:
        self._open("/signin")
        self._page.get_by_label("Your name").fill(name)
        self._page.get_by_label("Your PIN").fill(PIN)
        self._page.get_by_role("main").get_by_role("button", name="Sign in").click()

    def pay(self, to: str, amount: str, memo: str) -> str:
        """Pay with the form of the ledger; return the number on the receipt."""
        self._open("/ledger")
        self._page.get_by_label("To whom").fill(to)
        self._page.get_by_label("How much").fill(amount)
        self._page.get_by_label("What for").fill(memo)
        self._page.get_by_role("button", name="Pay", exact=True).click()
        assert "You paid" in self._words(), self._words()
        return self._page.locator("dd code").inner_text()

    def statement(self) -> str:
        """Return the words of the ledger page."""
        self._open("/ledger")
        return self._words()

    def put_up(self, board: str, title: str) -> str:
        """Put up a slip on the board of this page; return the address of its own page."""
        self._open(board)
        self._page.get_by_label("In a few words").fill(title)
        self._page.get_by_role("button", name="Put it up").click()
        address = self._page.get_by_role("link", name=title).get_attribute("href")
        assert address
        return address

    def words(self, path: str) -> str:
        """Open a page, or open it again, and return its words."""
        self._open(path)
        return self._words()

    def photograph(self, file: Path) -> None:
        self._page.screenshot(path=file, full_page=True)

    def publish(self, title: str, file: Path) -> None:
        self._open("/archive")
        self._page.get_by_label("Title").fill(title)
        self._page.get_by_label("The file").set_input_files(file)
        self._page.get_by_role("button", name="Publish").click()
        assert title in self._words(), self._words()

    def search(self, words: str) -> list[str]:
        """Return the titles that the archive finds."""
        self._open("/archive")
        self._page.get_by_label("Search the zines").fill(words)
        self._page.get_by_role("button", name="Search").click()
        return self._page.locator("main li h3 a").all_inner_texts()

    def read(self, title: str) -> str:
        """Follow the cover of a zine that was just found, and read it; "" while its text has not arrived."""
        self._page.get_by_role("link", name=title).click()
        button = self._page.get_by_role("link", name="Read", exact=True)
        if not button.count():
            return ""
        button.click()
        return self._page.locator("article").inner_text()

    def pairing_code(self) -> str:
        """Go from the own account to the page for phones, and return the code that is shown there."""
        self._open("/signin")
        self._page.get_by_role("link", name="My phone").click()
        self._page.get_by_role("button", name="Get a code").click()
        return self._page.locator("main .sum").inner_text()

    def alarms(self) -> list[str]:
        """Return the calls for help that stand on top of the front page."""
        self._open("/")
        return self._page.get_by_role("alert").all_inner_texts()

    def calls_for_help(self, words: str) -> None:
        """Call for help, and confirm it."""
        self._open("/distress")
        self._page.get_by_label("Somebody needs help").check()
        self._page.get_by_label("What and where").fill(words)
        self._page.get_by_role("button", name="Call for help").click()
        self._page.get_by_role("button", name="Yes, call for help").click()

    def says_it_is_over(self) -> None:
        self._open("/distress")
        self._page.get_by_role("button", name="It is over").click()

    def _open(self, path: str) -> None:
        answer = self._page.goto(self._node.address + path)
        assert answer is not None
        assert answer.ok, f"{path} of {self._node}: {answer.status}"

    def _words(self) -> str:
        return self._page.locator("main").inner_text()
