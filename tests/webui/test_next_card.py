"""The page that makes the next card: what it hands out makes a node, once, and what is secret is kept by nobody."""

from __future__ import annotations

import io
import subprocess
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from appliance.errors import Refused
from appliance.handover import Handover, Progress, Stage
from appliance.next_card import Answers, NextCard, Unready, prepared
from appliance.node import Node
from appliance.updates import held
from appliance.updates.keepers import parse
from provisioning.first_boot import give_birth
from provisioning.taken import Card
from tests.appliance.updates.cards import keepers
from tests.webui.visitor import Page, Visitor
from webui.tray import CARDS_MAX, KEPT_S, Tray

PAGE = "/steward/card"
WHOLE = {"name": "Old Oak", "country": "DE", "keeper": "Mara"}


def unpacked(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        assert sorted(name.partition("/")[0] for name in pack.namelist())[0] == "READ-ME.txt"
        pack.extractall(folder)
    return folder / "hedgerow"


def ticket(page: Page, part: str = "files") -> dict[str, str]:
    return page.form(f"{PAGE}/{part}").fields


def test_what_is_handed_out_makes_a_node_of_our_commons(
    node: Node, ana: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.desks.people.HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    made = ana.submit(PAGE, PAGE, **WHOLE, pin="8642", radio="/dev/ttyACM0")
    assert made.headers["Cache-Control"] == "no-store"
    page = Page(made.text)
    assert "8642" in page.words
    pack = ana.send(f"{PAGE}/files", ticket(page))
    assert pack.headers["Cache-Control"] == "no-store"
    assert "attachment" in pack.headers["Content-Disposition"]
    boot = unpacked(pack.data, tmp_path)
    give_birth(Card(boot, tmp_path / "data/node"))
    with closing(Node.open(tmp_path / "data/node")) as born:
        assert (born.name, born.commons_name, born.settings.address) == ("Old Oak", "Riverside", "http://hedge.lan")
        assert [road.device for road in born.settings.roads] == ["/dev/ttyACM0"]  # type: ignore[union-attr]
    assert not any(b"8642" in file.read_bytes() for file in boot.iterdir())


def test_it_may_begin_a_commons_of_its_own_on_a_battery(ana: Visitor, tmp_path: Path) -> None:
    battery = {"sensor": "ina226", "capacity_ah": "20", "shunt_ohm": "0,01"}
    form = {"commons_of": "new", "commons": "Hill", "currency": "loaves"}
    page = Page(ana.submit(PAGE, PAGE, **WHOLE, **battery, **form).text)
    boot = unpacked(ana.send(f"{PAGE}/files", ticket(page)).data, tmp_path)
    written = (boot / "node.yaml").read_text(encoding="utf-8")
    for line in ("commons: Hill", "currency: loaves", "shunt_ohm: 0.01", "capacity_ah: 20.0", "hedgerow-power"):
        assert line in written
    assert sorted(file.name for file in boot.iterdir()) == ["node.yaml"]


def test_who_may_sign_our_updates_may_sign_its_updates(
    ana: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = keepers().as_text()
    monkeypatch.setattr(held, "keepers", lambda: parse(ours))
    page = Page(ana.submit(PAGE, PAGE, **WHOLE).text)
    boot = unpacked(ana.send(f"{PAGE}/files", ticket(page)).data, tmp_path)
    assert (boot / held.KEYS).read_text(encoding="utf-8") == ours
    give_birth(Card(boot, tmp_path / "data/node"))
    assert (boot / held.KEYS).read_text(encoding="utf-8") == ours, "it stays where updates look for it"


@pytest.mark.real
def test_the_papers_alone_are_a_pdf_of_three_pages(ana: Visitor, tmp_path: Path) -> None:
    page = Page(ana.submit(PAGE, PAGE, **WHOLE, passphrase="bread and roses").text)
    papers = ana.send(f"{PAGE}/papers", ticket(page, "papers"))
    (tmp_path / "papers.pdf").write_bytes(papers.data)
    words = subprocess.run(["pdftotext", tmp_path / "papers.pdf", "-"], capture_output=True, text=True, check=True)
    assert "bread and roses" in words.stdout
    assert "Keeper of Old Oak" in words.stdout


def test_each_thing_is_taken_once_and_by_nobody_else(node: Node, app, ana: Visitor) -> None:
    node.add_member("Esra", "8642", keeper=True)
    page = Page(ana.submit(PAGE, PAGE, **WHOLE).text)
    esra = Visitor(app).sign_in("Esra", "8642")
    hers = esra.page(PAGE).form(PAGE).fields["form_token"]
    assert esra.send(f"{PAGE}/files", ticket(page) | {"form_token": hers}).status_code == 410
    assert ana.send(f"{PAGE}/files", ticket(page)).status_code == 200
    again = ana.send(f"{PAGE}/files", ticket(page))
    assert again.status_code == 410
    assert "handed out already" in Page(again.text).words
    assert ana.send(f"{PAGE}/papers", ticket(page, "papers")).status_code == 200


def test_nobody_but_a_keeper_sees_it(ben: Visitor, stranger: Visitor) -> None:
    assert ben.get(PAGE).status_code == 403
    assert stranger.get(PAGE).status_code == 303


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "A name needs at least one letter."),
        ({"name": "ü" * 17}, "too long for a WiFi"),
        ({"country": ""}, "Choose the country"),
        ({"country": "../"}, "Choose the country"),
        ({"keeper": ""}, "A name needs at least one letter."),
        ({"pin": "12"}, "A PIN has 4 to 12 digits."),
        ({"passphrase": "short"}, "A WiFi password has 8 to 63"),
        ({"passphrase": "naïve naïve"}, "A WiFi password has 8 to 63"),
        ({"commons_of": "new", "commons": ""}, "A name needs at least one letter."),
        ({"commons_of": "new", "commons": "Hill", "currency": "x" * 39}, "The answers do not make a node"),
        ({"sensor": "ina219", "capacity_ah": "lots"}, "lots is no number from 0.5 to 2000"),
        ({"sensor": "ina219", "capacity_ah": "nan"}, "nan is no number"),
        ({"sensor": "ina219", "capacity_ah": "20", "shunt_ohm": "100"}, "100 is no number"),
        ({"radio": "/dev/sda"}, "none that can be chosen"),
        ({"region": "MARS"}, "none that can be chosen"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_what_was_typed_stays(
    node: Node, ana: Visitor, typed: dict[str, str], sentence: str
) -> None:
    invites = node.database.value("SELECT count(*) FROM invite")
    answer = ana.submit(PAGE, PAGE, **WHOLE | typed)
    page = Page(answer.text)
    assert answer.status_code == 422
    assert sentence in page.words
    kept = page.form(PAGE).fields
    assert all(kept[name] == value for name, value in typed.items() if name in ("name", "pin", "capacity_ah"))
    assert node.database.value("SELECT count(*) FROM invite") == invites


def test_a_card_in_the_nodes_own_reader_is_asked_for_and_agreed_to(
    ana: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("wishes", "answers"):
        (tmp_path / place).mkdir()
    desk = Handover(tmp_path / "wishes", tmp_path / "answers")
    monkeypatch.setattr("webui.views.next_card.HANDOVER", desk)
    monkeypatch.setattr(Handover, "is_possible", True)
    page = Page(ana.submit(PAGE, PAGE, **WHOLE, pin="8642").text)
    asked = ana.send(f"{PAGE}/reader", ticket(page, "reader"))
    assert asked.status_code == 200
    assert "is being made ready" in Page(asked.text).words
    assert b"8642" in (desk.wish / "node.yaml").read_bytes()
    desk.tell(Progress(Stage.ASKING, "sda: SanDisk Ultra, 16.0 GB", "sda 7"))
    here = f"{PAGE}/reader?ticket={ticket(page)['ticket']}"
    question = ana.page(here)
    assert "sda: SanDisk Ultra, 16.0 GB" in question.words
    yes = ana.send(f"{PAGE}/reader/answer", question.form(f"{PAGE}/reader/answer").fields | {"do": "yes"})
    assert yes.status_code == 200
    assert desk.is_agreed("sda 7")
    assert not desk.is_agreed("sda 8")
    ana.send(f"{PAGE}/reader/answer", question.form(f"{PAGE}/reader/answer").fields | {"do": "no"})
    assert not desk.is_wished
    assert not desk.is_agreed("sda 7")
    for stage in Stage:
        desk.tell(Progress(stage, "sda", "sda 7", 40, "f" * 64, "why"))
        assert ana.get(here).status_code == 200
    assert "Take the papers alone" in ana.page(here).words
    assert PAGE in ana.page(here).links, "what failed is begun anew from here"


def test_without_a_reader_nobody_is_offered_one(ana: Visitor) -> None:
    assert "card reader on this node" not in Page(ana.submit(PAGE, PAGE, **WHOLE).text).words
    assert "Nobody asked for a card" in ana.page(f"{PAGE}/reader").words


def card() -> NextCard:
    return NextCard(seed=None, files={}, papers=b"")  # type: ignore[arg-type]


def test_the_tray_forgets() -> None:
    now = [0.0]
    tray = Tray(lambda: now[0])
    tickets = [tray.lay(card(), "ana") for _ in range(CARDS_MAX + 1)]
    with pytest.raises(Refused):
        tray.take(tickets[0], "ana", "files")
    now[0] = KEPT_S
    with pytest.raises(Refused) as refusal:
        tray.take(tickets[-1], "ana", "files")
    assert refusal.value.verdict is Unready.TAKEN_ALREADY


def test_secrets_are_drawn_anew_each_time() -> None:
    seeds = [prepared(Answers("Oak", "Hill", country="DE", keeper="Ana"), None).seed for _ in range(3)]
    assert len({seed.wifi.passphrase for seed in seeds if seed.wifi}) == 3
    assert all(seed.keeper and len(seed.keeper.pin) == 6 for seed in seeds)
