"""Sneakernet: what one node writes into a file is what the next one reads out of it, whatever befalls the stick."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.answers import Account, Board, Imported
from appliance.desks import carrying
from appliance.errors import CardFull, Objection, Refused
from appliance.kinds import ZineCard
from appliance.library import ZineForm
from appliance.node import Node
from mesh.blob import blob_id
from mesh.bundle import BundleWriter
from mesh.frames import BlobFrame, FrontierFrame
from mesh.keys import PUBLIC, LogId
from tests.appliance.scribes import SALT, Scribe, key_of
from tests.appliance.street import Street

BREAD: Final = b"# Bread\n\nFlour, water, salt and a long night.\n" * 2000
Stick = tuple[Street, Node, bytes]


@pytest.fixture
def elm(street: Street) -> Node:
    return street.elm


@pytest.fixture
def oak(street: Street) -> Node:
    return street.welcome("Oak")


@pytest.fixture
def busy(street: Street, elm: Node, oak: Node) -> Node:
    """Elm after a day: neighbours, payments, a zine that is too large for the radio."""
    ana = street.neighbour(elm, "Ana", keeper=True)
    live(elm, ana, street.neighbour(elm, "Ben"))
    return elm


def live(node: Node, ana: Account, ben: Account) -> None:
    for number in range(20):
        node.pay(ana, ben, 1, node.currency("hours"), f"loaf {number}")
        node.seal()
    node.publish(ZineForm("Bread"), BytesIO(BREAD), "a.md", ana)


def bundle(node: Node, for_node: str | None = None, max_bytes: int | None = None) -> bytes:
    file = BytesIO()
    node.export_bundle(file, for_node, max_bytes)
    return file.getvalue()


def take(node: Node, content: bytes) -> Imported:
    return node.import_bundle(BytesIO(content))


def state(node: Node) -> object:
    return node.status().as_json()["state_hash"]


# there and back


def test_what_is_carried_makes_equal_states(busy: Node, oak: Node) -> None:
    taken = take(oak, bundle(busy))
    assert (taken.refused, taken.waiting, taken.blobs, taken.torn) == (0, 0, 1, False)
    assert state(busy) == state(oak)
    assert oak.zines("Flour").rows[0].is_here
    assert list(oak.verify()) == []


def test_one_stick_there_and_back_lets_a_new_node_in(street: Street, elm: Node) -> None:
    newcomer = street.invite("Oak")
    take(elm, bundle(newcomer))
    take(newcomer, bundle(elm))
    assert newcomer.is_let_in()


def test_the_same_bundle_twice_does_no_harm(busy: Node, oak: Node) -> None:
    first, again = take(oak, carried := bundle(busy)), take(oak, carried)
    assert (again.records, again.blobs) == (0, 0)
    assert again.already == first.records + first.already
    assert take(busy, carried).records == 0, "nor does a node learn from its own"


def test_what_a_node_is_known_to_hold_is_left_out(busy: Node, oak: Node) -> None:
    whole = bundle(busy)
    take(oak, whole)
    take(busy, bundle(oak))
    for name in (oak.id, "Oak"):
        less = bundle(busy, for_node=name)
        taken = take(oak, less)
        assert (taken.records, taken.already) == (0, 0)
    ana, ben = busy.accounts()
    busy.pay(ana, ben, 1, busy.currency("hours"))
    assert take(oak, bundle(busy, for_node="Oak")).records == 1
    with pytest.raises(Refused) as refusal:
        bundle(busy, for_node="Nowhere")
    assert refusal.value.verdict is Objection.NOT_FOUND


def test_a_small_stick_carries_records_first_and_never_more_than_it_holds(busy: Node, oak: Node) -> None:
    whole = bundle(busy)
    for size in (1024, 2000, 4096, len(BREAD), len(whole) + 200):
        small = bundle(busy, max_bytes=size)
        assert len(small) <= size
        taken = take(oak, small)
        assert (taken.refused, taken.torn) == (0, False)
        assert taken.blobs == (size > len(whole))
    assert state(busy) == state(oak)


def test_who_comes_late_gets_a_log_in_which_something_was_taken_back_long_after(
    street: Street, busy: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "RUN_SIZE", 300)
    ana, ben = busy.accounts()
    slip = busy.post(Board.NOTICE, "A slip", "of the tongue", ana)
    for _ in range(20):
        busy.pay(ana, ben, 1, busy.currency("hours"))
        busy.seal()
    busy.withdraw_post(slip.id)
    ash = street.invite("Ash")
    first = bundle(busy)
    taken = take(ash, first)
    assert (taken.waiting, taken.refused) == (0, 0)
    take(busy, bundle(ash))
    assert busy.do_duties()
    take(ash, bundle(busy))
    assert state(ash) == state(busy)
    half = street.invite("Birch")
    assert take(half, first[: len(first) // 20]).torn
    assert take(half, first).waiting == 0


def test_a_courier_carries_what_it_cannot_read(street: Street, busy: Node, oak: Node, tmp_path: Path) -> None:
    with Street(tmp_path / "another") as another:
        courier = another.elm
        taken = take(courier, bundle(busy))
        assert taken.sealed_kept > 0
        assert taken.refused == 0
        street_log = busy.own_log(busy.commons).log
        assert courier.records.log(street_log) is None, "another commons is carried, not followed"
        delivered = take(oak, bundle(courier))
        assert delivered.refused == 0
        assert [account.name for account in oak.accounts()] == ["Ana", "Ben"]
        assert state(busy) != state(courier)
        kept = courier.database.value("SELECT count(*) FROM sealed")
        take(courier, bundle(busy))
        assert courier.database.value("SELECT count(*) FROM sealed") <= 2 * kept
        assert list(courier.verify()) == []


# torn, flipped and made up


@pytest.fixture(scope="module")
def stick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stick]:
    """A node that was let in, and a whole bundle for it."""
    with Street(tmp_path_factory.mktemp("street")) as street:
        oak = street.welcome("Oak")
        live(street.elm, street.neighbour(street.elm, "Ana"), street.neighbour(street.elm, "Ben"))
        yield street, oak, bundle(street.elm)


def test_a_bundle_torn_anywhere_is_good_up_to_the_tear(stick: Stick) -> None:
    street, oak, whole = stick
    chance, height = Random(7), 0
    for cut in sorted(chance.sample(range(41, len(whole)), 60)):
        taken = take(oak, whole[:cut])
        assert taken.torn
        assert taken.refused == 0
        assert oak.records.count() >= height
        height = oak.records.count()
    assert take(oak, whole).torn is False
    assert state(oak) == state(street.elm)


@pytest.mark.parametrize("cut", range(0, 41, 5))
def test_a_bundle_that_ends_in_its_header_is_refused(stick: Stick, cut: int) -> None:
    with pytest.raises(Refused) as refusal:
        take(stick[1], stick[2][:cut])
    assert refusal.value.verdict is Objection.BUNDLE_UNREADABLE


def test_a_card_that_fails_in_the_midst_ends_the_reading_too(
    busy: Node, oak: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody reads on in a stick that is being taken out, also while the fault is still being told."""
    monkeypatch.setattr(Node, "_take_frame", lambda *_: (_ for _ in ()).throw(CardFull("full")))
    with pytest.raises(CardFull) as told:
        take(oak, bundle(busy))
    assert told.tb is not None
    assert not any(thread.name.startswith("reading-ahead") for thread in threading.enumerate())


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"HEDGEROW", b"HEDGEROW\x03" + bytes(99), bytes(5000), b"PK\x03\x04" + os.urandom(500)],
)
def test_what_is_no_bundle_is_refused(stick: Stick, content: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        take(stick[1], content)
    assert refusal.value.verdict is Objection.BUNDLE_UNREADABLE


@settings(max_examples=40)
@given(place=st.integers(41, 5000), change=st.integers(1, 255), rest=st.binary(max_size=50))
def test_a_changed_bundle_is_good_up_to_the_change(stick: Stick, place: int, change: int, rest: bytes) -> None:
    _, oak, whole = stick
    damaged = bytearray(whole)
    damaged[place] ^= change
    taken = take(oak, bytes(damaged) + rest)
    assert taken.torn
    assert taken.records == 0 or not list(oak.verify())


def test_somebody_elses_bundle_brings_only_what_was_signed(elm: Node) -> None:
    """A stranger may write any bundle; what is in it is believed by its own signatures only."""
    stranger, founder = key_of(7), Scribe.founder()
    liar = Scribe.public(stranger)
    liar.say(ZineCard(blob_id(b"real"), 4, "text/plain", "Real", "", "en", "", "", "", "", ()).record(0, SALT))
    liar.say(ZineCard(blob_id(b"fake"), 4, "text/plain", "Fake", "", "en", "", "", "", "", ()).record(0, SALT))
    file = BytesIO()
    writer = BundleWriter(file, stranger, {})
    writer.runs(PUBLIC, [founder.run(), liar.run()])
    for content, name in ((b"real", blob_id(b"real")), (b"FAKE", blob_id(b"fake")), (b"none", blob_id(b"none"))):
        writer.blob(name, 4, BytesIO(content))
    writer._section(BlobFrame(blob_id(b"fake"), 4, 3, b"e"))
    writer.close()
    taken = take(elm, file.getvalue())
    assert (taken.records, taken.refused, taken.blobs) == (3, 1, 1)
    assert [path.name for path in elm.settings.blobs.iterdir()] == [blob_id(b"real").hex()]


def test_a_zine_that_lies_about_a_size_hinders_no_bundle(busy: Node, oak: Node) -> None:
    liar = Scribe.public(key_of(7))
    for size in (5, 10**6):
        card = ZineCard(blob_id(BREAD), size, "text/plain", "Bread, they say", "", "en", "", "", "", "", ())
        liar.say(card.record(0, SALT))
    for node in (busy, oak):
        node.accept(liar.run())
    assert take(oak, bundle(busy)).blobs == 1
    assert oak.blobs.read(blob_id(BREAD), 0, len(BREAD)) == BREAD


def test_what_a_bundle_claims_its_writer_holds_fills_no_card(elm: Node) -> None:
    stranger = key_of(7)
    file = BytesIO()
    writer = BundleWriter(file, stranger, {})
    heights = {LogId(number.to_bytes(16, "big")): 1 for number in range(3000)}
    own = elm.own_log(elm.commons).log
    for _ in range(30):
        writer._section(FrontierFrame(PUBLIC, stranger.node_id, heights | {own: 10**6}))
    writer.close()
    take(elm, file.getvalue())
    assert elm.database.value("SELECT count(*) FROM holds") == 0


# a plug pulled while a bundle is read

IMPORTER: Final = """
import sys
from pathlib import Path
from appliance.node import Node
node = Node.open(Path(sys.argv[1]))
print("ready", flush=True)
with open(sys.argv[2], "rb") as file:
    node.import_bundle(file)
print("done", flush=True)
"""


@pytest.mark.real
def test_an_importer_that_was_killed_goes_on_where_it_was(
    street: Street, busy: Node, oak: Node, tmp_path: Path
) -> None:
    file = tmp_path / "carried.hedge"
    file.write_bytes(bundle(busy))
    data, chance = oak.settings.data, Random(3)
    street.close(oak)
    kills = 0
    while kills < 8:
        importer = subprocess.Popen([sys.executable, "-c", IMPORTER, str(data), str(file)], stdout=subprocess.PIPE)
        assert importer.stdout is not None
        importer.stdout.readline()
        time.sleep(chance.random() * 0.05)
        importer.send_signal(signal.SIGKILL)
        importer.communicate()
        kills += 1
    again = street.open("Oak")
    assert list(again.verify()) == []
    assert not take(again, file.read_bytes()).torn
    assert state(again) == state(busy)
    assert list(again.verify()) == []
