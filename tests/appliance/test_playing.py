"""Small zines played in idle air: by two real daemons on the simulated radio, one of which can only listen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from appliance.daemon import Daemon
from appliance.library import Zine, ZineForm
from appliance.node import Node
from appliance.roads import Road, make_roads
from appliance.settings import Archive, LoopbackRoad
from mesh.transports.ether import Ether
from tests.appliance.daemons import in_a_thread
from tests.appliance.shell import until
from tests.appliance.street import deliver, lacking

SPEED = 500.0
TEXT = b"# Storing water\n\n" + b"Fill clean bottles, close them and keep them dark. " * 12
ARCHIVE = Archive(free_space_floor_bytes=0, carousel_limit_bytes=1000)


@contextmanager
def gossiping(data: Path, ether: Ether, archive: Archive, is_mute: bool = False) -> Iterator[None]:
    """A daemon in a thread of its own; the sender of a mute one's radio is broken."""
    node = Node.open(data)
    road = LoopbackRoad(f"127.0.0.1:{ether.address[1]}", speed=SPEED)
    node.settings = replace(node.settings, roads=(road,), archive=archive)

    def roads() -> list[Road]:
        found = make_roads(node.settings, node.node_id, node.holdings)
        for road in found:
            if is_mute:
                road.transport.send = lambda packet: None  # type: ignore[method-assign]
        return found

    def gossip(ending: threading.Event) -> None:
        Daemon(node, roads).run(ending)
        node.close()

    try:
        with in_a_thread(gossip):
            yield
    finally:
        node.close()


@pytest.fixture
def ether() -> Iterator[Ether]:
    ether = Ether(speed=SPEED)
    ether.start()
    yield ether
    ether.close()


@pytest.fixture
def zine(elm: Path, oak: Path) -> Zine:
    """A zine of Elm's, of which Oak knows the card; somebody there has asked for its file."""
    one, other = Node.open(elm), Node.open(oak)
    zine = one.publish(ZineForm(title="Storing water"), BytesIO(TEXT), "zine.md", None)
    one.seal()
    assert sum(deliver(other, run) for run in lacking(one, other))
    other.ask_for(zine.id)
    assert not other.zine(zine.id).is_here
    one.close()
    other.close()
    return zine


@pytest.mark.real
def test_a_zine_comes_to_somebody_who_can_only_listen(elm: Path, oak: Path, zine: Zine, ether: Ether) -> None:
    pages = Node.open(elm), Node.open(oak)
    with gossiping(elm, ether, ARCHIVE), gossiping(oak, ether, Archive(), is_mute=True):
        until(lambda: pages[1].zine(zine.id).is_here, "the zine to be heard")
    file = pages[1].zine_file(zine.id)
    assert file.path.read_bytes() == TEXT
    assert pages[0].air_day().by_priority["carousel"] > 0
    assert pages[0].air_day().by_priority["bodies"] == 0, "nobody asked, and nothing was answered"
    assert not list(pages[1].verify())
    for node in pages:
        node.close()


def test_nothing_is_played_unless_the_keeper_says_so(elm: Path, zine: Zine) -> None:
    node = Node.open(elm)
    assert node.offered_blobs() == ()
    node.settings = replace(node.settings, archive=ARCHIVE)
    assert node.offered_blobs() == [(bytes.fromhex(zine.blob), len(TEXT))]
    node.settings = replace(node.settings, archive=replace(ARCHIVE, carousel_limit_bytes=len(TEXT) - 1))
    assert node.offered_blobs() == []
    node.settings = replace(node.settings, archive=ARCHIVE)
    with node.database.writing():
        node.database.run("UPDATE shelving SET hidden = 1")
    assert node.offered_blobs() == [], "a keeper put it away"
    node.close()


def test_a_file_nobody_asked_for_or_of_another_size_is_not_kept(oak: Path, zine: Zine) -> None:
    node = Node.open(oak)
    assert not node.accept_file(b"?" * 32, TEXT)
    assert not node.accept_file(bytes.fromhex(zine.blob), TEXT + b"!")
    assert not node.accept_file(bytes.fromhex(zine.blob), TEXT[:-1] + b"!")
    assert not list(node.blobs.names())
    assert node.accept_file(bytes.fromhex(zine.blob), TEXT)
    assert not node.accept_file(bytes.fromhex(zine.blob), TEXT), "it came once"
    node.close()
