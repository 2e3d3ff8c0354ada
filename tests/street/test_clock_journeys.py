"""What people do at a node's pages while its clock jumps between 1970, 2045 and 2019 as it runs, and through a halt."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode, urljoin

import pytest

from appliance.node import Node
from tests.street.node import PIN, RunningNode
from tests.street.street import Street
from tests.street.wrong_clock import CLOCK, faketime
from tests.webui.visitor import Form, Page

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

YEARS = ("1970-01-02", "2045-06-07", "2019-05-04", "2045-06-08", "1970-01-03")  # there and back


@dataclass
class Phone:
    """A browser without scripts that keeps cookies, for as long as they say."""

    node: RunningNode
    jar: CookieJar = field(default_factory=CookieJar)

    def opens(self, path: str, fields: dict[str, str] | None = None) -> Page:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        body = urlencode(fields).encode() if fields is not None else None
        with opener.open(urljoin(self.node.address, path), body, timeout=60) as answer:
            return Page(answer.read().decode())

    def form(self, path: str, action: str) -> Form:
        return next(form for form in self.opens(path).forms if form.action.partition("?")[0] == action)

    def sends(self, form: Form, **fields: str) -> Page:
        return self.opens(form.action, form.fields | fields)


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wall") / "clock"


@pytest.fixture(scope="module")
def elm(tmp_path_factory: pytest.TempPathFactory, wall: Path) -> Iterator[RunningNode]:
    with Street(tmp_path_factory.mktemp("street")) as street:
        elm = street.make("Elm")
        starts(elm, wall, "2019-01-01")
        street.move_in(elm, "Ana", "Ben", "Chidi")
        yield elm


def starts(node: RunningNode, wall: Path, day: str) -> None:
    jumps(wall, day)
    node.start(LD_PRELOAD=str(faketime()), FAKETIME_TIMESTAMP_FILE=str(wall), FAKETIME_NO_CACHE="1", **CLOCK)


def jumps(wall: Path, day: str) -> None:
    wall.write_text(f"@{day} 00:00:00\n", encoding="ascii")


def test_every_journey_goes_on_while_the_clock_jumps(elm: RunningNode, wall: Path, tmp_path: Path) -> None:
    phone, token = Phone(elm), elm.sign_in("Ana")
    signed_in = phone.sends(phone.form("/signin", "/signin"), name="Ana", pin=PIN)
    assert "Ana" in signed_in.words
    phone.sends(phone.form("/stay", "/stay"))
    payments, zines = [], []
    for number, day in enumerate(YEARS):
        form = phone.form("/stay", "/stay/leave")  # made before the jump
        jumps(wall, day)
        assert elm.status["clock"] == {"trust": "none", "now": 0}, "the node sees that clock, and does not believe it"
        assert "Ana" in phone.opens("/ledger").words, "still signed in"
        payments.append(elm.pay(token, "Ben", 10, f"on {day}"))
        file = tmp_path / f"{number}.md"
        file.write_text(f"# Of {day}\n\nBread and rye.\n", encoding="utf-8")
        zines.append(elm.does("zine", "add", file, "--title", f"Of {day}"))
        assert len(elm.ask("GET", "/bundle", token=token).body) > 1000
        elm.sign_in("Chidi")
        assert not [one for one in phone.opens("/stay").forms if one.action == "/stay"], "the phone stays on the WiFi"
        phone.sends(form)
        phone.sends(phone.form("/stay", "/stay"))
    assert {payment["at"] for payment in payments} == {0}
    assert len({payment["id"] for payment in payments}) == len(zines) == len(YEARS)
    elm.does("verify")


def test_a_jump_shortens_no_wait_after_wrong_pins_and_locks_nobody_out(elm: RunningNode, wall: Path) -> None:
    def tries(pin: str) -> int:
        return elm.ask("POST", "/sessions", {"name": "Ben", "pin": pin}).status

    while (status := tries("0000")) != 429:
        assert status in {401, 403}
    for day in YEARS:
        jumps(wall, day)
        assert 429 in (tries("0000"), tries("0000")), "who waited long enough has one try, and waits again"
    assert elm.sign_in("Ana"), "nobody else waits"


def test_a_pairing_code_lives_by_uptime(elm: RunningNode, wall: Path) -> None:
    phone = Phone(elm)
    phone.sends(phone.form("/signin", "/signin"), name="Ana", pin=PIN)
    shown = phone.sends(phone.form("/phone", "/phone/code")).words
    code = re.search(r"PAIR (\S+)", shown)
    assert code, shown
    for day in ("2045-06-09", "1970-01-01"):
        jumps(wall, day)
        phone.opens("/phone")
    with closing(Node.open(elm.data)) as node:
        assert "Ana" in " ".join(node.text(b"k" * 32, f"PAIR {code[1]}"))


def test_after_a_halt_everything_goes_on_in_another_year(elm: RunningNode, wall: Path) -> None:
    phone, token = Phone(elm), elm.sign_in("Ana")
    phone.sends(phone.form("/signin", "/signin"), name="Ana", pin=PIN)
    before = elm.state
    elm.kill()
    starts(elm, wall, "1970-01-01")
    assert elm.state == before
    assert "Ana" in phone.opens("/ledger").words
    assert elm.pay(token, "Ben", 10, "after the halt")["at"] == 0
