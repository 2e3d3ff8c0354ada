"""The image itself, started in an emulator of a 64-bit ARM board: `make image-test`. It takes minutes, so no other run does it.

    HEDGEROW_IMAGE   the image that `make image` wrote

The card is written by `hedgerow provision write --file`, with a street's real broker on this machine as its road. What a phone, a
neighbour node or a keeper does is done from outside, through the air or the wire; only systemd and the phone are asked inside.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from tests.appliance.shell import HEDGEROW, hedgerow
from tests.mosquitto import Broker
from tests.ports import free_ports
from tests.provisioning import phone as phones
from tests.provisioning.board import HERE, Board
from tests.provisioning.phone import WPA2, WPA3, Phone
from tests.provisioning.seeds import sow
from tests.street.node import RunningNode
from tests.street.waiting import wait_until, wait_until_equal
from tests.webui.visitor import Page

IMAGE: Final = Path(os.environ.get("HEDGEROW_IMAGE", "hedgerow.img"))
CUTS: Final = int(os.environ.get("HEDGEROW_CUTS", "3"))
KEEPER, PIN = "Ana", "471100"
BEN_PIN: Final = "2345"
WIFI, PASSPHRASE = "Elm; Corner", "bread,and:roses"
MET_WITHIN_S: Final = 300.0

pytestmark = [pytest.mark.real, pytest.mark.timeout(3600)]


class Keeper:
    """A keeper at a browser: pages, forms and cookies, no scripts."""

    def __init__(self, board: Board) -> None:
        self._port = board.port
        self._cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, typed: dict[str, str] | None = None) -> tuple[int, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if typed else {}
        line.request(method, path, urlencode(typed) if typed else None, headers)
        answer = line.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        body = answer.read()
        line.close()
        return answer.status, body

    def submit(self, page: str, action: str, **typed: str) -> bytes:
        """Fill in the form that is really there, and send it."""
        status, body = self.ask("GET", page)
        assert status == 200, body
        status, body = self.ask("POST", action, Page(body.decode()).form(action).fields | typed)
        assert status in {200, 303}, body
        return body


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


def made_card(room: Path, broker: Broker) -> Path:
    """Write a card as a keeper does, whose node meets its street at the broker."""
    broker.add_node("elm", "a password of Elm's")
    place = {"host": HERE, "port": broker.port, "username": "elm", "password_file": "mqtt.password"}
    seed = sow(room / "seed", roads=[{"mqtt": place}])
    (seed.parent / "mqtt.password").write_text("a password of Elm's\n", encoding="utf-8")
    card = room / "card.img"
    began_s = time.monotonic()
    words: list[str | Path] = [HEDGEROW, "provision", "write", seed, "--image", IMAGE, "--file", card]
    written = subprocess.run(words, capture_output=True, text=True, timeout=900, check=False)
    assert written.returncode == 0, written.stderr
    print(f"card written and read back in {time.monotonic() - began_s:.0f} s\n{written.stdout}")
    return card


@pytest.fixture(scope="module")
def board(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    room = tmp_path_factory.mktemp("board")
    other = Path(shutil.copy(IMAGE, room / "other.img"))  # a card in the reader, of the same image
    one = Board(room, made_card(room, broker), phones.system(room), other)
    try:
        one.start()
        yield one
    finally:
        one.cut()
        size = IMAGE.stat().st_size
        print(f"pages answered after {', '.join(f'{took:.0f}' for took in one.took_s)} s; image {size} bytes")


def signed_in(board: Board, name: str, pin: str) -> str:
    status, body = board.ask("POST", "/api/v1/sessions", {"name": name, "pin": pin})
    assert status == 201, body
    return str(json.loads(body)["token"])


def must_run(board: Board) -> None:
    state = board.state()
    failed = board.inside("systemctl --failed --no-legend --plain", may_fail=True)
    portal = board.inside("systemctl show --value --property=ActiveEnterTimestampMonotonic hedgerow-portal.service")
    print(board.inside("systemd-analyze time", may_fail=True))
    print(board.inside("systemd-analyze blame --no-pager | head -n 12; free -m; df -m / /var/lib/hedgerow"))
    print(f"the portal was ready {int(portal) / 1e6:.0f} s after the kernel")
    assert (state, failed.strip()) == ("running", ""), board.inside("journalctl -b --no-pager -n 80 -p warning")


def test_it_runs_and_nothing_failed(board: Board) -> None:
    must_run(board)
    for unit in ("portal", "gossip", "names", "access-point"):
        assert board.inside(f"systemctl is-active hedgerow-{unit}.service") == "active"


def test_the_card_got_its_second_slot_and_the_data_all_the_rest(board: Board) -> None:
    assert board.inside("cat /sys/block/vda/vda3/size") == board.inside("cat /sys/block/vda/vda2/size")
    size_mib = int(board.inside("df -m --output=size /var/lib/hedgerow").split()[-1])
    assert size_mib > 2000


def test_a_card_in_the_reader_is_not_mixed_up_with_its_own(board: Board) -> None:
    both = board.inside("blkid --cache-file /dev/null --match-token LABEL=hedgerow-data --output device").split()
    assert len(both) == 2, "the other one is there, and bears the same names"
    for place, part in (("/", "vda2"), ("/boot/firmware", "vda1"), ("/var/lib/hedgerow", "vda4")):
        assert board.inside(f"findmnt --noheadings --output SOURCE {place}") == f"/dev/{part}"


def test_pages_and_probes_answer_from_outside(board: Board) -> None:
    status, body = board.ask("GET", "/")
    assert status == 200
    assert b"Elm Corner" in body
    for host, path in (
        ("connectivitycheck.gstatic.com", "/generate_204"),
        ("captive.apple.com", "/hotspot-detect.html"),
        ("www.msftconnecttest.com", "/connecttest.txt"),
    ):
        for method in ("GET", "HEAD"):
            status, _, place = board.asked(method, path, None, {"Host": host})
            assert (status, place) == (302, "http://hedge.lan/poster"), (host, method)


@pytest.mark.parametrize(("how", "named"), [(WPA2, "WPA2-PSK"), (WPA3, "SAE")], ids=["WPA2", "WPA3"])
def test_a_phone_joins_through_the_air_and_opens_the_pages(board: Board, how: str, named: str) -> None:
    """Its link, its address, its names and its pages are those of the node's own hostapd, dnsmasq, nftables and portal."""
    phone = Phone(board)
    try:
        assert not phone.join(WIFI, how, "not the words", wait_s=15), "a wrong word lets nobody in"
        phone.leave()
        assert phone.join(WIFI, how, PASSPHRASE), phone.said() + board.inside(
            "journalctl -u hedgerow-access-point -n 30"
        )
        assert phone.link()["key_mgmt"] == named
        address, gateway, names = phone.lease()
        assert address.startswith("10.77.")
        assert (gateway, names) == ("10.77.0.1", "10.77.0.1")
        led = phone.does(
            "curl -s -m 60 -o /dev/null -w '%{http_code} %{redirect_url}' http://captive.apple.com/hotspot-detect.html"
        )
        assert led == "302 http://hedge.lan/poster"
        assert "Elm Corner" in phone.does("curl -s -m 60 http://hedge.lan/")
        refused = phone.does(
            "curl -s -m 60 -o /dev/null -w '%{exitcode} %{time_total}' https://www.gstatic.com/", may_fail=True
        )
        code, seconds = refused.split()
        assert (code, float(seconds) < 5) == ("7", True), refused
    finally:
        phone.leave()
        phone.go()


def test_records_go_both_ways_between_the_board_and_a_node_here(
    board: Board, broker: Broker, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    keeper = Keeper(board)
    keeper.submit("/signin", "/signin", name=KEEPER, pin=PIN)
    invite = tmp_path / "oak.invite"
    invite.write_bytes(keeper.submit("/steward", "/steward/invite"))
    data = tmp_path / "oak"
    made = hedgerow("init", data, "--name", "Old Oak", "--port", str(free_ports(1)), "--invite", invite)
    assert made.returncode == 0, made.stderr
    oak = RunningNode(data)
    request.addfinalizer(oak.kill)
    broker.add_node("oak", "a password of Oak's")
    (data / "mqtt.password").write_text("a password of Oak's\n", encoding="utf-8")
    road = {"host": broker.host, "port": broker.port, "username": "oak", "password_file": "mqtt.password"}
    oak.set(roads=[{"mqtt": road}])
    oak.start()
    card = ("--data", data, "member", "add", "Dora", "--pin", "1234", "--keeper")
    wait_until("Oak is let in", lambda: hedgerow(*card).returncode == 0, MET_WITHIN_S, lambda: str(oak.status))
    elm = OnBoard(board)
    before = wait_until_equal("both hold the same", (elm, oak), MET_WITHIN_S)
    ana = signed_in(board, KEEPER, PIN)
    paid = {"to": "Dora@Old Oak", "amount": 125, "currency": "loaves", "memo": "by wire"}
    status, body = board.ask("POST", "/api/v1/transfers", paid, ana)
    assert status == 201, body
    there = json.loads(body)["id"]
    back = oak.pay(oak.sign_in("Dora"), f"{KEEPER}@Elm Corner", 50, "and back", "loaves")["id"]
    wait_until_equal("both payments are on both sides", (elm, oak), MET_WITHIN_S, other_than=before)
    assert oak.ask("GET", f"/transfers/{there}", token=oak.sign_in("Dora")).status == 200
    assert board.ask("GET", f"/api/v1/transfers/{back}", token=ana)[0] == 200


class OnBoard:
    """The board's node, as far as anybody can ask it."""

    def __init__(self, board: Board) -> None:
        self._board = board

    @property
    def _status(self) -> Any:
        return json.loads(self._board.ask("GET", "/api/v1/node")[1])

    @property
    def state(self) -> str:
        return str(self._status["state_hash"])

    @property
    def heights(self) -> dict[str, int]:
        scopes = self._status["frontiers"].values()
        return {log[:6]: height for logs in scopes for log, (height, _) in logs.items()}


class Payments:
    """Ben pays Ana, one payment after another, until the board is gone; `confirmed` are those that were answered."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._token = signed_in(board, "Ben", BEN_PIN)
        self.confirmed: list[str] = []
        self._thread = threading.Thread(target=self._pay)
        self._thread.start()

    def _pay(self) -> None:
        wanted = {"to": KEEPER, "amount": 1, "currency": "loaves", "memo": "before the cut"}
        try:
            while True:
                status, body = self._board.ask("POST", "/api/v1/transfers", wanted, self._token)
                assert status == 201, body
                self.confirmed.append(json.loads(body)["id"])
        except (OSError, http.client.HTTPException):
            return  # the plug is out

    def has_made(self, count: int) -> bool:
        return len(self.confirmed) >= count

    def end(self) -> None:
        self._thread.join(120)
        assert not self._thread.is_alive()


def test_nothing_confirmed_is_lost_when_the_plug_is_pulled(board: Board) -> None:
    """The board and what its card had not yet kept are gone at one moment, in the midst of payments."""
    token = signed_in(board, KEEPER, PIN)
    status, body = board.ask("POST", "/api/v1/members", {"name": "Ben", "pin": BEN_PIN}, token)
    assert status == 201, body
    confirmed: list[str] = []
    chance = random.Random(20261127)
    for cut in range(CUTS):
        payments = Payments(board)
        wait_until("payments are made", partial(payments.has_made, 3), 300, board.told)
        time.sleep(chance.uniform(0, 3))
        board.cut()
        payments.end()
        confirmed += payments.confirmed
        board.start()
        must_run(board)
        ben = signed_in(board, "Ben", BEN_PIN)
        lost = [one for one in confirmed if board.ask("GET", f"/api/v1/transfers/{one}", token=ben)[0] != 200]
        assert not lost, f"cut {cut}: {lost}"
        whole = board.inside("runuser -u hedgerow -- hedgerow --data /var/lib/hedgerow/node verify", 600)
        print(
            f"cut {cut + 1}: {len(payments.confirmed)} payments confirmed before it, all there; {whole.splitlines()[-1]}"
        )
    print(f"{CUTS} cuts, {len(confirmed)} confirmed payments, none lost")
    assert min(board.took_s[1:]) < board.took_s[0], "a later start is faster: the node is born, the card has grown"


def test_nothing_secret_stays_where_any_laptop_reads(board: Board) -> None:
    assert board.card.read("hedgerow/STATUS.txt").startswith(b"READY. Elm Corner is a node of Elm Street.")
    told = board.card.read("hedgerow/node.yaml")
    assert not re.search(PASSPHRASE.encode(), told)
    assert PIN.encode() not in told
    found = subprocess.run(
        ["grep", "-c", "-a", PASSPHRASE, "/dev/stdin"], input=open_part(board), check=False, capture_output=True
    )
    assert found.stdout.strip() == b"0"


def open_part(board: Board) -> bytes:
    with board.card.file.open("rb") as card:
        card.seek(4 << 20)
        return card.read(256 << 20)
