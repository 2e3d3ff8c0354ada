"""Two nodes that share nothing but radios: the real client package, in a process of its own, against devices at the wire."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mesh.airtime import airtime_ms, on_air_bytes
from tests.radio.device import Mood
from tests.radio.ether import RadioEther
from tests.street.books import table
from tests.street.brisk import PATIENCE, SPEED
from tests.street.node import RunningNode, processes_of
from tests.street.street import Street
from tests.street.waiting import wait_until, wait_until_equal

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

LOST_AT_LEAST = 6
WITHIN_S = 60  # what is promised for a radio that is well again
CHECKOUT = Path(__file__).parent.parent.parent
NUMBERS = {"Elm": 0xE1000001, "Oak": 0x0A000002}


@pytest.fixture(scope="module")
def ether() -> Iterator[RadioEther]:
    with RadioEther(speed=SPEED) as ether:
        yield ether


@pytest.fixture(scope="module")
def street(ether: RadioEther, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Elm and Oak, who have heard all of each other."""
    with Street(tmp_path_factory.mktemp("street")) as street:
        for name, *people in (("Elm", "Ana", "Ben"), ("Oak", "Dora", "Emre")):
            node = street.make(name, {"lora": {"device": ether.add(name, NUMBERS[name], region="UNSET")}})
            node.program = (sys.executable, "-m", "tests.street.brisk")
            node.start(PYTHONPATH=str(CHECKOUT))
            street.move_in(node, *people)
        wait_until_equal("the two know each other", street.nodes, WITHIN_S)
        yield street


def pay_both_ways(street: Street, memo: str) -> tuple[str, str]:
    """Let Ana pay Dora, and Emre pay Ben; return the two numbers."""
    elm, oak = street.nodes
    there = elm.pay(elm.sign_in("Ana"), "Dora@Oak", 5, memo)
    back = oak.pay(oak.sign_in("Emre"), "Ben@Elm", 7, memo)
    return there["id"], back["id"]


def transfers(node: RunningNode) -> set[str]:
    """The numbers of all payments that count at this node."""
    return {line.transfer for line in table(node)}


def radio_owners(node: RunningNode) -> list[int]:
    """The processes that own this node's radio, the dead ones that nobody saw off among them."""
    device = node.settings["roads"][0]["lora"]["device"].encode()
    gossip = gossip_of(node)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            state, parent = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            if device in words or (state == "Z" and int(parent) == gossip):
                found.append(int(process.name))
    return found


def gossip_of(node: RunningNode) -> int:
    """The node's gossip process, 0 where it does not run."""
    own = [process for process in processes_of(node.data) if b"gossip" in words_of(process)]
    return own[0] if own else 0


def words_of(process: int) -> list[bytes]:
    """What a process was started with; nothing of one that has ended since it was seen."""
    with suppress(OSError):
        return Path("/proc", str(process), "cmdline").read_bytes().split(b"\0")
    return []


def resident_mb(process: int) -> float:
    return int(Path("/proc", str(process), "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def check_count(street: Street, ether: RadioEther) -> None:
    """What the nodes say they spent is what went on the air, to the byte."""
    for node in street.nodes:
        node.does("radio", "off")
    wait_until("both have left the air", lambda: not any(map(radio_owners, street.nodes)), 10)
    told = [node.tells("status")["air"] for node in street.nodes]
    taken = [len(packet.decoded.payload) for name in NUMBERS for packet in ether.device(name).accepted]
    wait_until("the last frame has ended", lambda: ether.counters["frames"] == len(taken), 30)
    print(f"the ether: {ether.counters}; the nodes: {told}")
    for node, air in zip(street.nodes, told, strict=True):
        own = [packet.decoded.payload for packet in ether.device(node.name).accepted]
        assert (air["packets_day"], air["bytes_day"]) == (len(own), sum(map(len, own)))
    assert sum(air["packets_day"] for air in told) == ether.counters["frames"]
    assert sum(map(on_air_bytes, taken)) == ether.counters["frame_bytes"]
    air_ms = sum(airtime_ms("LongFast", on_air_bytes(size)) for size in taken)
    assert ether.counters["airtime_ms"] == pytest.approx(air_ms, abs=len(taken))
    for node in street.nodes:
        node.does("radio", "on")


def check_air_is_polite(ether: RadioEther) -> None:
    """No packet asks another radio to repeat or to answer it, none is too large, none overran the queue."""
    for name in NUMBERS:
        device = ether.device(name)
        assert {(packet.hop_limit, packet.want_ack) for packet in device.accepted} == {(0, False)}
        assert not [key for key in device.counters if key.startswith("refused") and device.counters[key]]
        assert device.counters["repeated"] == 0
        assert device.counters["settings"] == 1, "it was set up once"


def test_records_made_on_each_side_arrive_and_every_byte_is_counted(street: Street, ether: RadioEther) -> None:
    elm, oak = street.nodes
    before, frames = elm.state, ether.counters["frames"]
    there, back = pay_both_ways(street, "by radio")
    wait_until_equal("both payments are on both sides", street.nodes, WITHIN_S, other_than=before)
    assert ether.counters["frames"] > frames
    assert {there, back} <= transfers(elm) & transfers(oak)
    assert {peer["road"] for node in street.nodes for peer in node.status["peers"]} == {"lora"}
    for node in street.nodes:
        (owner,) = radio_owners(node)
        loaded = Path("/proc", str(gossip_of(node)), "maps").read_text()
        print(f"{node}: radio's process {resident_mb(owner):.1f} MB, gossip {resident_mb(gossip_of(node)):.1f} MB")
        assert resident_mb(owner) < 60
        assert "_message" not in loaded, "the daemon has loaded the radio's library"

    ether.set_loss(0.3)
    while ether.counters["lost"] < LOST_AT_LEAST:
        before = elm.state
        pay_both_ways(street, "through loss")
        wait_until_equal("all arrives although a third is lost", street.nodes, WITHIN_S, other_than=before)
    ether.set_loss(0.0)
    check_air_is_polite(ether)
    check_count(street, ether)


def test_what_a_full_queue_to_the_client_swallowed_is_asked_for_again(street: Street, ether: RadioEther) -> None:
    elm, oak = street.nodes
    device, sealed = ether.device("Oak"), ether.device("Oak").tuned
    device.client_queue, dropped = 8, device.counters["dropped for the client"]
    ether.stall("Oak", True)
    before = elm.state
    paid = [pay_both_ways(street, "the first in the queue")]
    wait_until("a record waits for a client that takes none", lambda: bool(device.for_client), WITHIN_S)
    for number in range(device.client_queue):
        ether.talk("Oak", b"somebody else's %d" % number, 256, sealed)
    full = device.counters["dropped for the client"]
    paid += [pay_both_ways(street, "where no room is left")]
    wait_until("it is dropped", lambda: device.counters["dropped for the client"] > full, WITHIN_S)
    oldest = bytes(device.for_client[0].packet.decoded.payload)
    ether.talk("Oak", b"hello to all", 1, sealed)
    assert bytes(device.for_client[0].packet.decoded.payload) != oldest, "the text put the record out"
    ether.stall("Oak", False)
    wait_until_equal("all of it came in the end", street.nodes, WITHIN_S, other_than=before)
    print(f"dropped for the client: {device.counters['dropped for the client'] - dropped}")
    assert {number for both in paid for number in both} <= transfers(elm) & transfers(oak)


def hang(ether: RadioEther, node: RunningNode) -> None:
    ether.become("Elm", Mood.MUTE)


def stop_reading(ether: RadioEther, node: RunningNode) -> None:
    ether.become("Elm", Mood.DEAF)


def vanish(ether: RadioEther, node: RunningNode) -> None:
    ether.become("Elm", Mood.GONE)


def hang_in_the_greeting(ether: RadioEther, node: RunningNode) -> None:
    ether.become("Elm", Mood.HALF)
    ether.reboot("Elm")


def begin_anew(ether: RadioEther, node: RunningNode) -> None:
    ether.reboot("Elm")


def be_swapped(ether: RadioEther, node: RunningNode) -> None:
    ether.swap("Elm", 0xE1000099, region="UNSET")


def have_its_process_killed(ether: RadioEther, node: RunningNode) -> None:
    os.kill(radio_owners(node)[0], signal.SIGKILL)


def have_its_process_stopped(ether: RadioEther, node: RunningNode) -> None:
    os.kill(radio_owners(node)[0], signal.SIGSTOP)


TEN: tuple[Callable[[RadioEther, RunningNode], None], ...] = (
    *(hang, vanish, stop_reading, begin_anew, hang_in_the_greeting),
    *(have_its_process_killed, vanish, be_swapped, have_its_process_stopped, hang),
)


HANGS = {hang, stop_reading, hang_in_the_greeting}


def test_ten_times_hung_or_gone_it_is_back_within_a_minute_and_nothing_is_lost(
    street: Street, ether: RadioEther
) -> None:
    elm, oak = street.nodes
    paid, took = [], []
    for number, misbehave in enumerate(TEN):
        before = elm.state
        misbehave(ether, elm)
        paid += [pay_both_ways(street, f"meanwhile, {number}")]
        time.sleep(PATIENCE.answer + PATIENCE.ask if misbehave in HANGS else 1)
        ether.become("Elm", Mood.WELL)
        began_s = time.monotonic()
        wait_until_equal(f"{number}: {misbehave.__name__}", street.nodes, WITHIN_S, other_than=before)
        took.append((misbehave.__name__, round(time.monotonic() - began_s, 1)))
        assert len(radio_owners(elm)) == 1
    print(f"seconds until all had arrived: {took}")
    assert {number for both in paid for number in both} <= transfers(elm) & transfers(oak)

    owners = radio_owners(elm)
    os.kill(gossip_of(elm), signal.SIGKILL)
    wait_until("nobody is left over", lambda: not set(owners) & set(radio_owners(elm)), 10)
    wait_until("it goes on by itself", lambda: len(radio_owners(elm)) == 1, 20)
    for node in street.nodes:
        node.stop()
        assert radio_owners(node) == []
        assert "Traceback" not in node.said()
        node.does("verify")
