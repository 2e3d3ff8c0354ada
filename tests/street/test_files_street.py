"""A large file crosses a street of real nodes: told over a real Mosquitto, fetched from page to page, gone when taken back."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from appliance import radio_switch
from mesh.addresses import Address, Announcement
from mesh.keys import NodeId, unwritten
from tests.appliance.liars import Pages, another_size, changed_bytes, endless_body, redirecting, truth
from tests.mosquitto import Broker
from tests.street.node import RunningNode, processes_of, typed
from tests.street.street import Street
from tests.street.test_broker_street import connect
from tests.street.waiting import wait_until, wait_until_equal

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

WITHIN_S = 60
WORDS = ("bread", "water", "seed", "ladder", "bicycle", "pump", "kettle", "lantern")
MIB = 1 << 20


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def street(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Elm publishes, Oak and Ash fetch."""
    with Street(tmp_path_factory.mktemp("street")) as street:
        for name, keeper in (("Elm", "Ana"), ("Oak", "Dora"), ("Ash", "Goran")):
            node = street.make(name)
            connect(node, broker)
            node.set(portal=node.settings["portal"] | {"upload_max_bytes": 64 * MIB})
            node.start()
            street.move_in(node, keeper)
        wait_until_equal("all know each other", street.nodes, WITHIN_S)
        yield street


def text(size: int, seed: int) -> bytes:
    """Return a text of so many bytes, another for each seed, no part of which is like the next."""
    chance = random.Random(seed)
    page = "\n".join(" ".join(chance.choices(WORDS, k=11)) for _ in range(1000)).encode()
    pages = (b"\nPage %d\n%s" % (number, page) for number in range(size // len(page) + 1))
    return b"".join(pages)[:size]


def publish(street: Street, title: str, content: bytes) -> str:
    """Put a text on Elm's shelf; return its id once all have heard of it."""
    elm = street.nodes[0]
    file = elm.data.with_suffix(".txt")
    file.write_bytes(content)
    zine: str = elm.tells("zine", "add", file, "--title", title)["id"]
    for node in street.nodes[1:]:
        wait_until(f"{node} has heard of it", partial(is_known, node, zine), WITHIN_S)
    return zine


def facts(node: RunningNode, zine: str) -> dict[str, object]:
    answer = node.ask("GET", f"/zines/{zine}")
    assert answer.status == 200, answer
    found: dict[str, object] = answer.json
    return found


def blobs(node: RunningNode) -> dict[str, int]:
    """Return what lies on the card, arriving or whole."""
    place = node.data / "blobs"
    return {entry.name: entry.stat().st_size for entry in os.scandir(place)} if place.is_dir() else {}


def fingerprint(file: Path) -> str:
    """Let a program that is none of ours say what a file is."""
    said = subprocess.run(["b2sum", "-l", "256", file], capture_output=True, text=True, check=True)
    return said.stdout.split()[0]


def take_back(street: Street, zine: str) -> None:
    """Take a zine back, and see its bytes go everywhere."""
    elm, *others = street.nodes
    blob = str(facts(elm, zine)["blob"])
    elm.does("zine", "withdraw", zine)
    for node in (elm, *others):
        wait_until(f"{node} knows and holds it no more", partial(is_gone, node, zine, blob), WITHIN_S)


def is_gone(node: RunningNode, zine: str, blob: str) -> bool:
    return not is_known(node, zine) and not any(blob in name for name in blobs(node))


def is_known(node: RunningNode, zine: str) -> bool:
    return node.ask("GET", f"/zines/{zine}").status == 200


def test_five_megabytes_are_fetched_bit_for_bit_and_gone_when_taken_back(street: Street) -> None:
    elm, oak, ash = street.nodes
    content = text(5_000_000, 1)
    zine = publish(street, "Five megabytes", content)
    assert facts(oak, zine)["shelved"] is False
    assert facts(oak, zine)["is_here"] is False
    oak.does("zine", "shelve", zine)
    wait_until("Oak has it", lambda: facts(oak, zine)["is_here"], WITHIN_S, oak.said)
    blob = str(facts(elm, zine)["blob"])
    assert fingerprint(oak.data / "blobs" / blob) == fingerprint(elm.data / "blobs" / blob) == blob
    assert (oak.data / "blobs" / blob).read_bytes() == content
    assert facts(ash, zine)["is_here"] is False, "nobody asked for it there"
    ash.does("zine", "shelve", zine)
    wait_until("Ash has it", lambda: facts(ash, zine)["is_here"], WITHIN_S, ash.said)
    assert fingerprint(ash.data / "blobs" / blob) == blob
    take_back(street, zine)
    for node in street.nodes:
        node.does("verify")
        assert blobs(node) == {}


def test_a_pulled_plug_in_mid_fetch_loses_nothing_that_was_checked(street: Street) -> None:
    _, oak, _ = street.nodes
    content = text(24 * MIB, 2)
    zine = publish(street, "Four and twenty", content)
    blob = str(facts(oak, zine)["blob"])
    part = oak.data / "blobs" / f".{blob}.fetch"
    oak.does("zine", "shelve", zine)
    wait_for_bytes(part, 2 * MIB)
    for process in processes_of(oak.data):
        os.kill(process, signal.SIGKILL)
    oak.kill()
    kept = part.read_bytes()
    print(f"killed after {len(kept)} of {len(content)} bytes")
    assert 2 * MIB <= len(kept) < len(content), "it was killed in mid-fetch"
    assert content.startswith(kept)
    oak.start()
    wait_until("Oak has it all the same", lambda: facts(oak, zine)["is_here"], WITHIN_S, oak.said)
    assert fingerprint(oak.data / "blobs" / blob) == blob
    assert blobs(oak) == {blob: len(content)}
    take_back(street, zine)


def wait_for_bytes(part: Path, wanted: int) -> None:
    """Wait, at a closer look than elsewhere, until so much of a file has come."""
    until_s = time.monotonic() + WITHIN_S
    while size(part) < wanted:
        assert time.monotonic() < until_s, part
        time.sleep(0.001)


def size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def test_a_zine_that_is_taken_back_while_it_arrives_leaves_nothing(street: Street) -> None:
    elm, oak, _ = street.nodes
    content = text(24 * MIB, 3)
    zine = publish(street, "Gone in the middle", content)
    part = oak.data / "blobs" / f".{facts(oak, zine)['blob']}.fetch"
    oak.does("zine", "shelve", zine)
    wait_for_bytes(part, MIB)
    radio_switch.turn(oak.data, on=False)
    time.sleep(1.5)
    assert 0 < size(part) < len(content), "some of it has arrived, and nothing more comes"
    elm.does("zine", "withdraw", zine)
    radio_switch.turn(oak.data, on=True)
    wait_until("Oak has heard of it", lambda: blobs(oak) == {}, WITHIN_S, lambda: str(blobs(oak)))
    assert blobs(elm) == {}


def announce(street: Street, broker: Broker, name: str, address: Address) -> None:
    """Say, as a station of the broker, where one's pages are; whether they are is another matter."""
    broker.add_node(name, "a liar's password")
    commons = next(scope for scope in street.nodes[0].status["frontiers"] if scope != "public")
    said = Announcement(NodeId(name.encode().ljust(16, b"-")), address).encode()
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(name, "a liar's password")
    client.connect(broker.host, broker.port)
    client.loop_start()
    topic = f"hedgerow/{unwritten(commons).hex()}/portal/"
    client.publish(topic + name, said, qos=1, retain=True).wait_for_publish(10)
    client.publish(topic + "elm", said, qos=1, retain=True).wait_for_publish(10)  # the broker knows that it is not Elm
    client.disconnect()
    client.loop_stop()


def test_lying_neighbours_cost_little_and_the_true_one_delivers(street: Street, broker: Broker) -> None:
    _, oak, _ = street.nodes
    content = text(2_000_000, 4)
    with ExitStack() as ends:
        far = ends.enter_context(Pages(content, truth))
        ways = (changed_bytes, endless_body, another_size, redirecting(far.address))
        liars = [ends.enter_context(Pages(content, way)) for way in ways]
        zine = publish(street, "Two million", content)
        for number, liar in enumerate(liars):
            announce(street, broker, f"liar{number}", liar.address)
        wait_until("all say that they have it", lambda: facts(oak, zine)["copies"] == 1 + len(liars), WITHIN_S)
        oak.does("zine", "shelve", zine)
        wait_until("Oak has it", lambda: facts(oak, zine)["is_here"], 2 * WITHIN_S, oak.said)
        assert [liar.asked["part"] for liar in liars if liar.asked["part"] > 1] == []
        assert sum(liar.asked["part"] for liar in liars) > 0, "somebody lied"
        assert far.asked == {}
    blob = str(facts(oak, zine)["blob"])
    assert fingerprint(oak.data / "blobs" / blob) == blob
    assert "Wrong answers from neighbours' pages" in typed("--data", oak.data, "doctor").stdout
    take_back(street, zine)
