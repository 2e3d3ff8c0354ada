"""A node is born from its seed, once: cut off anywhere, it is born whole the next time, and no secret stays on the card."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest
from argon2 import PasswordHasher

from appliance import settings
from appliance.errors import SettingsFault
from appliance.founding import found
from appliance.node import Node
from appliance.seed import SHELF
from appliance.settings import Settings
from provisioning.first_boot import give_birth
from provisioning.status import FILE as STATUS
from provisioning.taken import Card, kept_seed
from tests.provisioning.seeds import sow

SECRETS: Final = (b"bread,and:roses", b"471100")
CHECKOUT: Final = Path(__file__).parents[2]
CUT: Final = """
import os, sys
from itertools import count
from pathlib import Path
from argon2 import PasswordHasher
from appliance.desks import people
from provisioning import born  # else each child would read it in anew
from provisioning.first_boot import give_birth
from provisioning.taken import Card
from tests.provisioning.seeds import sow

people.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
left = 0

def cut(really):
    def step(*words, **more):
        global left
        left -= 1
        if not left:
            os._exit(9)
        return really(*words, **more)
    return step

for name in ("fsync", "rename", "replace", "unlink"):
    setattr(os, name, cut(getattr(os, name)))
for step in count(1):
    place = Path(sys.argv[1], str(step))
    sow(place / "boot")
    if not (child := os.fork()):
        left = step
        give_birth(Card(place / "boot", place / "data/node"))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.waitstatus_to_exitcode(status) == 9, step
"""


@pytest.fixture(autouse=True)
def quick_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.desks.people.HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def card(tmp_path: Path) -> Card:
    sow(tmp_path / "boot")
    return Card(tmp_path / "boot", tmp_path / "data/node")


def on_the_card(card: Card) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(card.seed.iterdir()))


def is_whole(card: Card, pin: str = "471100") -> None:
    """What holds once the plan was done to its end, however often it was begun."""
    with closing(Node.open(card.data)) as node:
        assert [(one.name, one.home_name) for one in node.accounts()] == [("Ana", "Elm Corner")]
        node.sign_in("Ana", pin)  # raises where the PIN is another
        assert node.commons_name == "Elm Street"
        assert not list(node.verify())
    assert not any(secret in on_the_card(card) for secret in SECRETS)
    assert b"READY. Elm Corner is a node of Elm Street." in (card.seed / STATUS).read_bytes()
    kept = kept_seed(card.data)
    assert kept.wifi
    assert kept.wifi.passphrase == "bread,and:roses"
    assert kept.keeper
    assert not kept.keeper.pin
    assert card.kept.stat().st_mode & 0o077 == 0


def test_a_node_is_born(card: Card) -> None:
    give_birth(card)
    is_whole(card)
    key = (card.data / "node.key").read_bytes()
    before = on_the_card(card)
    give_birth(card)
    is_whole(card)
    assert (card.data / "node.key").read_bytes() == key
    assert on_the_card(card) == before


@pytest.mark.real
def test_cut_off_anywhere_it_is_born_whole_the_next_time(tmp_path: Path) -> None:
    """At each sync, and at each change of a name; each time in a fork, so that Python starts once."""
    done = subprocess.run([sys.executable, "-c", CUT, str(tmp_path)], cwd=CHECKOUT, check=False, timeout=200)
    assert done.returncode == 0
    places = sorted(tmp_path.iterdir())
    for place in places:
        card = Card(place / "boot", place / "data/node")
        give_birth(card)
        is_whole(card)
    print(f"cut at {len(places) - 1} places")
    assert len(places) > 15


def test_a_later_start_reads_no_node_in_and_writes_nothing(card: Card) -> None:
    """For the pages wait for it, and on a small board a node takes seconds. A new version is told of."""
    give_birth(card)
    needs = (card.seed / STATUS).read_text(encoding="utf-8") + "\r\nNEEDS A HAND:\r\n- card: full.\r\n"
    (card.seed / STATUS).write_text(needs, encoding="utf-8")
    written_ns = (card.seed / STATUS).stat().st_mtime_ns
    words = ["provisioning", "first-boot", str(card.seed), "--data", str(card.data)]
    command = [sys.executable, "-X", "importtime", "-m", "appliance.starting", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("READY. Elm Corner is a node of Elm Street.")
    assert " provisioning.first_boot" in done.stderr
    assert " appliance.node" not in done.stderr
    assert " appliance.door" not in done.stderr
    assert (card.seed / STATUS).stat().st_mtime_ns == written_ns
    (card.seed / STATUS).write_text(needs.replace(f"version {version('hedgerow')}", "version 0.0.1"), encoding="utf-8")
    assert f"version {version('hedgerow')}." in give_birth(card)
    assert b"0.0.1" not in (card.seed / STATUS).read_bytes()


def test_secrets_are_written_over_before_they_are_let_go(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they lay in the file are blanks when its name is given to another one."""
    handle = card.told.open("rb")
    give_birth(card)
    assert not handle.read().strip()
    handle.close()


def test_a_joining_node_takes_its_invite_along_and_leaves_none(tmp_path: Path, card: Card) -> None:
    found(Settings(tmp_path / "oak", "Oak", "Elm Street"))
    with closing(Node.open(tmp_path / "oak")) as oak:
        invite = oak.invite()
    (card.seed / "oak.invite").write_bytes(invite)
    sow(card.seed, commons=None, currency=None, invite="oak.invite")
    assert "once a neighbour node has let this one in" in give_birth(card)
    assert sorted(file.name for file in card.seed.iterdir()) == [STATUS, "node.yaml"]
    assert b"471100" not in on_the_card(card)
    with closing(Node.open(card.data)) as node:
        assert node.commons_name == "Elm Street"
    assert kept_seed(card.data).keeper, "the account opens when the node was let in"


def test_the_secrets_of_a_road_come_along_and_leave_none(card: Card) -> None:
    road = {"host": "10.0.0.1", "port": 1883, "username": "elm", "password_file": "mqtt.password", "ca_file": "ca.pem"}
    sow(card.seed, roads=[{"mqtt": road}])
    (card.seed / "mqtt.password").write_text("known to Elm\n", encoding="utf-8")
    (card.seed / "ca.pem").write_text("a certificate\n", encoding="utf-8")
    give_birth(card)
    assert (card.data / "mqtt.password").read_text(encoding="utf-8") == "known to Elm\n"
    assert (card.data / "mqtt.password").stat().st_mode & 0o777 == 0o600
    assert (card.data / "ca.pem").exists()
    assert {file.name for file in card.seed.iterdir()} == {"node.yaml", STATUS}
    assert b"known to" not in on_the_card(card)
    (card.seed / "mqtt.password").write_text("a new one\n", encoding="utf-8")
    give_birth(card)
    assert (card.data / "mqtt.password").read_text(encoding="utf-8") == "a new one\n"
    assert not (card.seed / "mqtt.password").exists()


def test_a_road_cannot_name_a_file_of_the_nodes_own(card: Card) -> None:
    for name in ("node.key", "node.yaml", "hedgerow.db-wal"):
        sow(card.seed, roads=[{"mqtt": {"host": "10.0.0.1", "password_file": name}}])
        with pytest.raises(SettingsFault, match="of the node's own"):
            give_birth(card)


def test_a_new_password_is_taken_over_and_nothing_else_happens(card: Card) -> None:
    give_birth(card)
    sow(card.seed, wifi={"name": "Elm; Corner", "passphrase": "another one now", "country": "DE"}, keeper=None)
    give_birth(card)
    kept = kept_seed(card.data)
    assert kept.wifi
    assert kept.wifi.passphrase == "another one now"
    assert b"another one" not in on_the_card(card)


def test_a_new_pin_alone_is_the_keepers_and_leaves_the_wifi_closed(card: Card) -> None:
    """What stands on the card after the birth has no secrets; a keeper adds one, and does not repeat the others."""
    give_birth(card)
    sow(card.seed, wifi={"name": "Elm; Corner", "country": "DE"}, keeper={"name": "Ana", "pin": "8888"})
    assert "the PIN of Ana" in give_birth(card)
    is_whole(card, pin="8888")
    assert b"8888" not in on_the_card(card)


def test_what_is_safe_to_change_is_taken_without_a_secret_beside_it(card: Card) -> None:
    give_birth(card)
    roads = [{"lora": {"device": "/dev/ttyACM0"}}]
    sow(
        card.seed,
        region="US",
        roads=roads,
        power={"ina226": {"shunt_ohm": 0.01}, "capacity_ah": 20},
        wifi={"name": "Elm; Corner", "country": "US", "channel": 11},
        keeper={"name": "Ana"},
    )
    said = give_birth(card)
    assert "Taken from node.yaml at this start: region, roads, power, wifi." in said
    assert said.startswith("READY.")
    now = settings.load(card.data)
    assert (now.region, len(now.roads), now.power and now.power.capacity_ah) == ("US", 1, 20)
    kept = kept_seed(card.data).wifi
    assert kept
    assert (kept.country, kept.channel, kept.passphrase) == ("US", 11, "bread,and:roses")
    assert "Taken" not in give_birth(card), "once"


def test_what_was_set_on_the_node_meanwhile_stays(card: Card) -> None:
    give_birth(card)
    here = settings.load(card.data)
    settings.write(card.data, replace(here, archive=replace(here.archive, shelve_arrivals=True)))
    sow(card.seed, region="US", wifi={"name": "Elm; Corner", "country": "DE"}, keeper={"name": "Ana"})
    give_birth(card)
    now = settings.load(card.data)
    assert (now.region, now.archive.shelve_arrivals) == ("US", True)


def test_what_cannot_be_changed_is_told_until_it_is_put_back(card: Card) -> None:
    give_birth(card)
    closed = {"wifi": {"name": "Elm; Corner", "country": "DE"}, "keeper": {"name": "Ben"}}
    sow(card.seed, name="Elm House", commons="Hill", currency="hours", **closed)
    for _ in range(2):
        said = give_birth(card)
        for words in ("- name:", "- commons:", "- currency:", "- keeper:"):
            assert words in said
    with closing(Node.open(card.data)) as node:
        assert (node.name, node.commons_name) == ("Elm Corner", "Elm Street")
    is_whole(card)
    sow(card.seed, wifi=closed["wifi"], keeper={"name": "Ana"})
    assert "NOT TAKEN" not in give_birth(card)


def test_a_slip_in_a_later_change_keeps_no_node_from_its_street(card: Card) -> None:
    give_birth(card)
    sow(card.seed, regoin="US")
    said = give_birth(card)
    assert said.startswith("READY.")
    assert "NOT TAKEN:" in said
    assert "Did you mean region?" in said
    is_born_as_before = kept_seed(card.data)
    assert is_born_as_before.settings.region == "EU_868"
    sow(card.seed)
    give_birth(card)
    is_whole(card)


def test_a_node_that_begins_a_commons_has_a_shelf_to_fill_and_one_that_joins_none(card: Card) -> None:
    give_birth(card)
    assert (card.taken / SHELF).exists()
    (card.taken / SHELF).unlink()
    give_birth(card)
    assert not (card.taken / SHELF).exists(), "once filled it stays as its keeper wants it"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"wifi": {"name": "Elm", "country": "DE"}}, b"wifi.passphrase is missing"),
        ({"regoin": "EU_868"}, b"Did you mean region?"),
    ],
)
def test_what_is_wrong_stands_on_the_card_and_is_mended_there(
    card: Card, changed: dict[str, object], words: bytes
) -> None:
    sow(card.seed, **changed)
    with pytest.raises(SettingsFault):
        give_birth(card)
    said = (card.seed / STATUS).read_bytes()
    assert said.startswith(b"NOT READY. ")
    assert words in said
    assert not card.data.exists()
    sow(card.seed)
    give_birth(card)
    is_whole(card)


def test_an_empty_card_says_so(card: Card) -> None:
    card.told.unlink()
    with pytest.raises(SettingsFault, match="There is no node"):
        give_birth(card)
