"""A card that fills up, and one that fails: uploads are refused first and payments last, each in a sentence, and nothing
that was confirmed is lost. Real file systems under a running node; mounting them needs root, or sudo.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from tests.crash.card import MIB, Card
from tests.ports import free_ports
from tests.street.node import PIN, Answer, RunningNode, hedgerow, typed

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

SIZE: Final = 16 * MIB
FLOOR: Final = 5 * MIB  # the log of the database takes up to four
ROOM: Final = 4 * MIB  # how much more there is to be had in the end than in the beginning
PAGES: Final = ("/", "/archive", "/market", "/commons", "/numbers", "/mesh", "/help")
BOUNDARY: Final = "a-line-between-parts"
ZINE: Final = "Nettles, butter, salt. " * 3_000
BOOK: Final = 20 * ZINE  # larger than what waits in memory
OFTEN: Final = 3  # in a row: then it is full
MOST: Final = 200


class Cardholder(RunningNode):
    """A node on a small card, what Ana paid there, and what she was told."""

    def __init__(self, card: Card) -> None:
        data = card.directory / "elm"
        hedgerow("init", data, "--name", "Elm", "--commons", "Hedge Lane", "--port", free_ports(1))
        super().__init__(data)
        self.log = card.directory.with_name("elm.log")  # not on the card: it would fill it
        self.set(archive={"free_space_floor_bytes": FLOOR})
        for name in ("Ana", "Bo"):
            self.does("member", "add", name, "--pin", PIN)
        self.paid: dict[str, str] = {}  # key -> id
        self._number = 0
        self._token = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        self.start()
        self._token = self._token or self.sign_in("Ana")
        try:
            yield
        finally:
            self.kill()

    def give(self, key: str = "") -> Answer:
        """Let Ana pay Bo under `key`, or a new one."""
        self._number += 1
        key = key or f"loaf-{self._number}"
        body = {"to": "Bo", "amount": 1, "currency": "hours", "memo": key}
        answer = self.ask("POST", "/transfers", body, self._token, key=key)
        if answer.status == 201:
            assert self.paid.setdefault(key, answer.json["id"]) == answer.json["id"]
        return answer

    def publish(self, text: str) -> Answer:
        parts = (("title", "Soup"), ('file"; filename="soup.md', text))
        form = "".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts
        )
        headers = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Authorization": f"Bearer {self._token}",
        }
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(line):
            with suppress(BrokenPipeError, ConnectionResetError):  # it is refused before all of it was sent
                line.request("POST", "/api/v1/zines", f"{form}--{BOUNDARY}--\r\n".encode(), headers)
            answer = line.getresponse()
            return Answer(answer.status, answer.read())

    def page(self, path: str) -> tuple[int, str]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        line.request("GET", path)
        answer = line.getresponse()
        text = answer.read().decode()
        line.close()
        return answer.status, text

    def show_all(self) -> None:
        """See that every payment Ana was told of is there, and that the pages open."""
        for key, place in self.paid.items():
            found = self.ask("GET", f"/transfers/{place}", token=self._token)
            assert (found.status, found.json["memo"]) == (200, key)
        assert [path for path in PAGES if self.page(path)[0] != 200] == []

    def complains(self, *words: str, code: int) -> str:
        """Do what a keeper types; return the one sentence that says why not."""
        done = typed("--data", self.data, *words)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
        return done.stderr.strip()


def detail(answer: Answer, *statuses: int) -> Any:
    """Return the sentence of a refusal."""
    assert answer.status in statuses, answer
    return answer.json["detail"]


@pytest.fixture(params=["tmpfs", "ext4"])
def full_card(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Card]:
    with Card(tmp_path / "card", request.param, SIZE) as card:
        yield card


def test_a_card_that_fills_up_refuses_uploads_first_and_payments_last(full_card: Card) -> None:
    elm = Cardholder(full_card)
    full_card.fill(but=full_card.free - ROOM)
    with elm.running():
        assert elm.give().status == 201
        _fill_with_zines(elm)
        while full_card.free > MIB // 2:
            full_card.fill(but=MIB // 4)
        for _ in range(OFTEN):
            assert elm.give().status == 201
        before = len(elm.paid)
        refused = _pay_until_full(elm, full_card)
        print(f"{len(elm.paid) - before} payments after the last upload, with hardly any room")
        _live_on_a_full_card(elm, full_card)
        full_card.make_room()
        for key in refused:
            assert elm.give(key).status == 201
        assert elm.publish(ZINE).status == 201
        assert elm.page("/healthz")[0] == 200
        elm.show_all()
        assert elm.does("verify") == "Everything holds.\n"
        exported = elm.does("ledger", "export", "--format", "csv")
        assert {key for key in elm.paid if f"{key}," not in exported and f"{key}\n" not in exported} == set()
    assert "Traceback" not in elm.said()


def _fill_with_zines(elm: Cardholder) -> None:
    """Publish until no more is taken in; payments are taken in still, and what was refused left nothing."""
    published = 0
    while (answer := elm.publish(f"{published} {ZINE}")).status == 201:
        published += 1
    print(f"{published} zines until there was room for payments only")
    assert published
    assert "Payments still work" in detail(answer, 507)
    assert "ayments still work" in detail(elm.publish(BOOK), 507)
    assert elm.give().status == 201
    assert len(list(elm.data.joinpath("blobs").iterdir())) == published
    assert list(elm.data.joinpath("uploads").iterdir()) == []


def _pay_until_full(elm: Cardholder, card: Card) -> list[str]:
    """Pay until nothing fits, with the card kept full; return the keys that were refused last."""
    refused: list[str] = []
    while len(refused) < OFTEN:
        card.fill()
        key = f"crumb-{len(elm.paid)}-{len(refused)}"
        answer = elm.give(key)
        refused = [] if answer.status == 201 else [*refused, key]
        assert answer.status == 201 or "The card is full, so nothing was changed." in detail(answer, 507)
    return refused


def _live_on_a_full_card(elm: Cardholder, card: Card) -> None:
    """What was confirmed is shown, once more under its key too; what cannot be done is said in a sentence."""
    elm.show_all()
    key = list(elm.paid)[-1]
    assert elm.give(key).status == 201
    status, words = elm.page("/healthz")
    assert status == 503
    assert "The card is full" in words
    assert "507" not in detail(elm.publish(ZINE), 507)
    assert "The card is full, so nothing was changed." in _type_payments_until_full(elm, card)
    assert elm.complains("backup", str(card.directory / "backup"), code=3)


def _type_payments_until_full(elm: Cardholder, card: Card) -> str:
    """Pay as a keeper types it. That leaves no key to remember, so some may fit where what came by the API did not."""
    for _ in range(MOST):
        card.fill()
        done = typed("--data", elm.data, "pay", "--from", "Ana", "--to", "Bo", "0.01", "hours")
        if done.returncode:
            assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
            return done.stderr.strip()
    raise AssertionError("the card never filled up")


def test_a_card_that_fails_is_read_still_and_gives_back_what_was_confirmed(tmp_path: Path) -> None:
    """A kernel that meets an error on a card lets nobody write there any more."""
    with Card(tmp_path / "card", "ext4", SIZE) as card:
        elm = Cardholder(card)
        with elm.running():
            for _ in range(20):
                assert elm.give().status == 201
            assert elm.publish("# Soup").status == 201
            card.fail()
            elm.show_all()
            assert "Nothing was changed" in detail(elm.give("late"), 503)
            assert detail(elm.publish("# Bread"), 503, 507)
            assert detail(elm.publish(BOOK), 503, 507)
            assert detail(elm.ask("POST", "/sessions", {"name": "Bo", "pin": PIN}), 503)
            status, words = elm.page("/healthz")
            assert status == 503
            assert words.strip()
            assert elm.complains("member", "add", "Cyd", code=3)
        assert "Traceback" not in elm.said()
        card.replug()
        with elm.running():
            elm.show_all()
            assert elm.give("late").status == 201
            assert elm.does("verify") == "Everything holds.\n"


def test_a_node_that_cannot_write_at_all_says_so_at_its_start(tmp_path: Path) -> None:
    with Card(tmp_path / "card", "ext4", SIZE) as card:
        elm = Cardholder(card)
        card.fail()
        for words in (("run",), ("portal",), ("gossip",)):
            assert "ead-only" in elm.complains(*words, code=3)
