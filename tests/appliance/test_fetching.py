"""Files are fetched from neighbours' pages: whole, resumed, from several, and past those who lie."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from appliance import fetching, radio_switch
from appliance.answers import PowerState
from appliance.errors import CardFull
from appliance.fetching import Fetcher, Patience
from appliance.kinds import ZineCard
from appliance.library import Rack, Zine, ZineForm
from appliance.node import Node
from appliance.roads import own_address
from appliance.settings import Archive
from appliance.visiting import Visit
from mesh.addresses import Address
from mesh.blob import CHUNK_SIZE, blob_id
from mesh.keys import LogId, NodeId
from tests.appliance.liars import (
    LIES,
    NAMES,
    Pages,
    Way,
    changed_bytes,
    chunk_list,
    redirecting,
    slow_drip,
    talks_on,
    truth,
)
from tests.appliance.scribes import SALT, Scribe, key_of
from tests.appliance.street import Street

ONE, OTHER = key_of(3).node_id, key_of(4).node_id
LARGE: Final = Random(7).randbytes(3 * CHUNK_SIZE + 1000).hex().encode()[: 3 * CHUNK_SIZE + 1000]
SMALL: Final = b"Flour, water, salt and a long night.\n"


@pytest.fixture
def elm(tmp_path: Path) -> Iterator[Node]:
    with Street(tmp_path, archive=Archive(free_space_floor_bytes=0)) as street:
        yield street.elm


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a whole answer a second, so that slow ones are tried in earnest."""
    monkeypatch.setattr(fetching, "Visit", lambda address, is_over, ticks: Visit(address, is_over, 1.0, ticks))


class Hand:
    """A clock that jumps ahead whenever there is nothing to do."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return self.ahead


def told(node: Node, content: bytes, title: str = "Bread", listed: bool = True, **facts: Any) -> Zine:
    """Let the node hear of a zine from elsewhere, and put it on its shelf."""
    chunks = chunk_list(content).name if listed and len(content) > CHUNK_SIZE else b""
    texts = ("text/plain", title, "", "en", "", "", "", "")
    card = ZineCard(blob_id(content), len(content), *texts, (), chunks)
    writer = Scribe.public(key_of(Random(title).randrange(20, 250)))
    writer.say(replace(card, **facts).record(0, SALT))
    node.accept(writer.run())
    zine = next(zine for zine in node.zines(rack=Rack.OPEN).rows if zine.title == title)
    node.shelve([zine.id])
    return node.zine(zine.id)


def fetch(node: Node, pages: dict[NodeId, Address], steps: int = 60) -> Fetcher:
    """Fetch until there is nothing to do at once."""
    fetcher = Fetcher(node, lambda: pages, threading.Event())
    for _ in range(steps):
        if fetcher.step():
            return fetcher
    raise AssertionError(f"it does not come to rest: {fetcher.counters}")


def parts(node: Node) -> list[str]:
    return sorted(path.name for path in node.settings.blobs.iterdir()) if node.settings.blobs.is_dir() else []


@pytest.mark.parametrize("content", [b"x", SMALL, b"x" * CHUNK_SIZE, LARGE, LARGE[: 2 * CHUNK_SIZE]])
def test_a_file_is_fetched_and_stands_on_the_shelf(elm: Node, content: bytes) -> None:
    zine = told(elm, content)
    with Pages(content, truth) as one:
        fetcher = fetch(elm, {ONE: one.address})
    assert elm.zine_file(zine.id).path.read_bytes() == content
    assert parts(elm) == [zine.blob]
    assert fetcher.counters["files"] == 1
    assert fetcher.counters["bytes"] == len(content)
    assert one.asked["part"] == -(-len(content) // CHUNK_SIZE)
    assert not elm.zine(zine.id).wanted
    assert elm.zine(zine.id).copies == 2, "who published it, and who handed it out"
    assert list(elm.verify()) == []


def test_it_can_be_found_and_fetched_again_from_here(elm: Node) -> None:
    zine = told(elm, LARGE)
    with Pages(LARGE, truth) as one:
        fetch(elm, {ONE: one.address})
    assert [found.id for found in elm.zines(LARGE[:40].decode()).rows] == [zine.id]
    assert elm.lent() == bytes.fromhex(zine.blob)
    kept = "SELECT digests FROM chunk_list"
    assert elm.database.rows(kept) == [], "made when it is first asked for, and kept"
    for _ in range(2):
        assert elm.lent_chunk_list(zine.blob) == chunk_list(LARGE).encode()
        assert [tuple(row) for row in elm.database.rows(kept)] == [(chunk_list(LARGE).encode(),)]
    assert elm.lent_file(zine.blob).path.read_bytes() == LARGE


def test_several_neighbours_bring_their_parts(elm: Node) -> None:
    zine = told(elm, LARGE)
    with Pages(LARGE, truth) as one, Pages(LARGE, truth) as other:
        fetch(elm, {ONE: one.address, OTHER: other.address})
    assert elm.zine(zine.id).is_here
    assert one.asked["part"] == other.asked["part"] == 2


@pytest.mark.parametrize(
    "cut", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE, len(LARGE) - 1, len(LARGE)]
)
def test_what_was_fetched_before_a_pulled_plug_is_not_fetched_again(elm: Node, cut: int) -> None:
    zine = told(elm, LARGE)
    blob = bytes.fromhex(zine.blob)
    elm.blobs.begin_fetch(blob)
    (elm.settings.blobs / f".{zine.blob}.fetch").write_bytes(LARGE[:cut])
    with Pages(LARGE, truth) as one:
        fetcher = fetch(elm, {ONE: one.address})
    assert elm.zine_file(zine.id).path.read_bytes() == LARGE
    kept = 4 if cut == len(LARGE) else cut // CHUNK_SIZE
    assert fetcher.counters["chunks kept from before"] == kept
    assert one.asked["part"] == 4 - kept


def test_spoiled_bytes_on_the_card_are_fetched_anew(elm: Node) -> None:
    zine = told(elm, LARGE)
    elm.blobs.begin_fetch(bytes.fromhex(zine.blob))
    spoiled = LARGE[: CHUNK_SIZE + 5] + b"?" + LARGE[CHUNK_SIZE + 6 :]
    (elm.settings.blobs / f".{zine.blob}.fetch").write_bytes(spoiled)
    with Pages(LARGE, truth) as one:
        fetcher = fetch(elm, {ONE: one.address})
    assert elm.zine_file(zine.id).path.read_bytes() == LARGE
    assert fetcher.counters["chunks kept from before"] == 1


@pytest.mark.parametrize("lie", LIES, ids=NAMES)
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_liar_costs_one_chunk_and_the_true_one_delivers(elm: Node, quick: None, lie: Way, content: bytes) -> None:
    zine = told(elm, content)
    with Pages(content, lie) as liar, Pages(content, truth) as one:
        fetcher = fetch(elm, {ONE: liar.address, OTHER: one.address})
        again = fetcher.step()
    assert elm.zine_file(zine.id).path.read_bytes() == content
    assert liar.asked["part"] <= 1
    assert again > 0
    assert parts(elm) == [zine.blob]
    assert fetcher.counters["bytes"] <= len(content) + CHUNK_SIZE


@pytest.mark.parametrize("lie", LIES, ids=NAMES)
def test_a_liar_alone_is_left_alone_ever_longer(elm: Node, quick: None, lie: Way) -> None:
    told(elm, LARGE)
    with Pages(LARGE, lie) as liar:
        fetcher = fetch(elm, {ONE: liar.address})
        for _ in range(5):
            assert fetcher.step() > 0
        assert liar.asked["part"] == 1
        assert sum(fetcher.counters[how] for how in ("wrong", "slow", "away", "other")) == 1
    assert not [name for name in parts(elm) if not name.endswith(".fetch")]


def test_who_talks_on_behind_the_truth_is_not_listened_to(elm: Node) -> None:
    zine = told(elm, LARGE)
    with Pages(LARGE, talks_on) as one:
        fetcher = fetch(elm, {ONE: one.address})
    assert elm.zine_file(zine.id).path.read_bytes() == LARGE
    assert fetcher.counters["bytes"] == len(LARGE)


def test_a_liar_is_named_by_the_doctor(elm: Node) -> None:
    told(elm, LARGE)
    with Pages(LARGE, changed_bytes) as liar:
        fetch(elm, {ONE: liar.address})
    (check,) = [check for check in elm.checks() if check.name == "archive"]
    assert "Wrong answers from neighbours' pages" in check.advice
    assert ": 1." in check.advice


def test_nobody_is_sent_elsewhere(elm: Node) -> None:
    told(elm, LARGE)
    with Pages(LARGE, truth) as far, Pages(LARGE, redirecting(far.address)) as liar:
        fetch(elm, {ONE: liar.address})
        assert far.asked == {}


def test_a_file_without_a_list_comes_from_one_neighbour_and_is_checked_whole(elm: Node) -> None:
    """As zines of earlier days do; their records name no chunks."""
    zine = told(elm, LARGE, listed=False)
    with Pages(LARGE, changed_bytes) as liar, Pages(LARGE, truth) as one:
        fetcher = fetch(elm, {ONE: liar.address, OTHER: one.address})
    assert elm.zine_file(zine.id).path.read_bytes() == LARGE
    assert one.asked["chunks"] == 0
    assert fetcher.counters["spoiled"] <= 1


@pytest.mark.parametrize(
    "facts", [{"size": len(LARGE) + 1}, {"size": len(LARGE) - 1}, {"size": 10}, {"chunks": b"?" * 32}]
)
def test_a_record_that_lies_spoils_neither_the_true_one_nor_its_holders(elm: Node, facts: dict[str, Any]) -> None:
    told(elm, LARGE, "Lie", **facts)
    zine = told(elm, LARGE, "Truth")
    with Pages(LARGE, truth) as one:
        fetcher = fetch(elm, {ONE: one.address})
    assert elm.zine_file(zine.id).path.read_bytes() == LARGE
    assert fetcher.counters["wrong"] == 0


def test_the_rarest_comes_first(elm: Node) -> None:
    common, rare = told(elm, SMALL, "Common"), told(elm, SMALL * 2, "Rare")
    for node in (ONE, OTHER):
        elm.shelf.note_holder(bytes.fromhex(common.blob), node)
    assert [wanted.blob.hex() for wanted in elm.sought()] == [rare.blob, common.blob]
    assert [wanted.zine.title for wanted in elm.wanted()] == ["Rare", "Common"]


def test_nothing_is_fetched_beyond_the_quota_or_the_last_free_space(tmp_path: Path) -> None:
    for archive in (
        Archive(free_space_floor_bytes=0, quota_bytes=len(LARGE) - 1),
        Archive(free_space_floor_bytes=2**40),
        Archive(free_space_floor_bytes=0, fetch_from_neighbours=False),
    ):
        with Street(tmp_path / str(archive.quota_bytes + archive.free_space_floor_bytes), archive=archive) as street:
            told(street.elm, LARGE)
            with Pages(LARGE, truth) as one:
                fetch(street.elm, {ONE: one.address})
                assert one.asked["part"] == 0


def test_a_card_that_fills_up_meanwhile_ends_it_without_harm(elm: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    zine = told(elm, LARGE)

    def full(_: int) -> None:
        raise CardFull("full")

    with Pages(LARGE, truth) as one:
        fetcher = Fetcher(elm, lambda: {ONE: one.address}, threading.Event())
        monkeypatch.setattr(elm.blobs, "check_space", full)
        fetcher.step()
        fetcher.step()
        with pytest.raises(CardFull):
            fetcher.step()
        monkeypatch.undo()
        fetch(elm, {ONE: one.address})
    assert elm.zine(zine.id).is_here


def test_a_file_that_is_taken_back_meanwhile_leaves_nothing(elm: Node) -> None:
    zine = told(elm, LARGE)
    with Pages(LARGE, truth) as one:
        fetcher = Fetcher(elm, lambda: {ONE: one.address}, threading.Event())
        for _ in range(4):
            fetcher.step()
        assert parts(elm) == [f".{zine.blob}.fetch"]
        withdraw(elm, zine)
        assert parts(elm) == []
        for _ in range(9):
            fetcher.step()
    assert parts(elm) == []
    assert fetcher.counters["files"] == 0


@pytest.mark.parametrize("whole", [False, True])
def test_a_file_that_is_taken_back_while_it_gets_its_name_leaves_nothing(elm: Node, whole: bool) -> None:
    zine = told(elm, SMALL)
    blob = bytes.fromhex(zine.blob)
    elm.blobs.begin_fetch(blob)
    elm.blobs.put_chunk(blob, 0, SMALL)
    if whole:
        assert elm.blobs.finish_fetch(blob)
    withdraw(elm, zine)
    elm.finish_fetch(blob)
    elm.finish_arrivals()
    assert parts(elm) == []


def test_what_a_dead_run_left_of_a_file_that_nobody_names_is_swept_away(elm: Node) -> None:
    elm.settings.blobs.mkdir(exist_ok=True)
    for ending in ("part", "there", "fetch"):
        (elm.settings.blobs / f".{'ab' * 32}.{ending}").write_bytes(b"x")
    elm.finish_arrivals()
    assert parts(elm) == []


def withdraw(node: Node, zine: Zine) -> None:
    """Let the writer of a zine take it back."""
    with node.database.writing():
        card = node._known_card(zine.id)
        found = node.records.log(LogId(card.log))
        assert found
        node.shelf.forget(found, card.seq)
    node.shelf.sweep()


def test_a_switch_that_is_off_cuts_this_road_too(elm: Node) -> None:
    told(elm, SMALL)
    radio_switch.turn(elm.settings.data, on=False)
    with Pages(SMALL, truth) as one:
        fetch(elm, {ONE: one.address})
        assert one.asked == {}


def test_files_wait_for_the_sun(elm: Node) -> None:
    zine = told(elm, LARGE)
    with Pages(LARGE, truth) as one:
        fetcher = Fetcher(elm, lambda: {ONE: one.address}, threading.Event())
        while fetcher.counters["chunks"] < 2:
            assert not fetcher.step()
        elm.note_power(PowerState("economy", percent=45))
        assert fetcher.step() > 0
        assert not elm.zine(zine.id).is_here
        elm.note_power(PowerState("normal", percent=65))
        assert fetch(elm, {ONE: one.address}).counters["chunks kept from before"] == 2
        assert one.asked["part"] == 4
    assert elm.zine(zine.id).is_here


def test_no_neighbour_is_asked_at_an_address_of_ones_own(elm: Node) -> None:
    told(elm, SMALL)
    own = own_address(elm.settings)
    assert own is not None
    fetcher = Fetcher(elm, lambda: {ONE: own, elm.node_id: Address("10.0.0.9", 80)}, threading.Event())
    assert fetcher._neighbours() == {}
    elm.settings = replace(elm.settings, portal=replace(elm.settings.portal, address="http://10.0.0.1"))
    fetcher = Fetcher(elm, lambda: {ONE: Address("127.0.0.1", 22), OTHER: Address("10.0.0.9", 80)}, threading.Event())
    assert fetcher._neighbours() == {OTHER: Address("10.0.0.9", 80)}


def test_an_introduction_tells_an_address(elm: Node, tmp_path: Path) -> None:
    with Street(tmp_path / "other") as street:
        elm.add_peer(street.elm.introduction())
        assert elm.introduced_addresses() == {street.elm.node_id: Address("127.0.0.1", 8080)}
        ash = street.invite("Ash")
        assert ash.introduced_addresses() == {street.elm.node_id: Address("127.0.0.1", 8080)}


def test_an_ending_node_does_not_wait_for_a_slow_neighbour(elm: Node) -> None:
    told(elm, LARGE)
    with ExitStack() as ends:
        liar = ends.enter_context(Pages(LARGE, slow_drip))
        ending = threading.Event()
        fetcher = Fetcher(elm, lambda: {ONE: liar.address}, ending)
        thread = threading.Thread(target=fetcher.run)
        thread.start()
        while liar.asked["part"] == 0:
            ending.wait(0.05)
        ending.set()
        thread.join(5)
        assert not thread.is_alive()


def test_pauses_double_and_end() -> None:
    hand = Hand()
    patience = Patience(hand)
    for expected in (10, 20, 40, 60, 60):
        patience.leave("Oak", 10, 60)
        hand.ahead += expected - 1
        assert patience.is_left("Oak")
        hand.ahead += 1
        assert not patience.is_left("Oak")
    patience.forget("Oak")
    patience.leave("Oak", 10, 60)
    hand.ahead += 10
    assert not patience.is_left("Oak")
    for number in range(5000):
        patience.leave(number, 10, 60)
    assert len(patience._pauses) <= fetching.REMEMBERED_MAX


def test_a_published_file_names_its_chunks(elm: Node) -> None:
    zine = elm.publish(ZineForm("Large"), BytesIO(LARGE), "a.txt", None)
    (chunks,) = elm.database.row("SELECT chunks FROM zine") or ()
    assert chunks == chunk_list(LARGE).name
    assert elm.lent_chunk_list(zine.blob) == chunk_list(LARGE).encode()
    elm.publish(ZineForm("Small"), BytesIO(SMALL), "a.txt", None)
    assert elm.database.rows("SELECT chunks FROM zine WHERE title = 'Small'") == [(b"",)]
