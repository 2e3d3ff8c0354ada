"""`make run` as a stranger tries it: three nodes, true airtime, a browser without scripts. Then one node burns down."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.checkers import check_record
from tests.street.browser import Neighbour, chromium
from tests.street.demo import Demo
from tests.street.node import Node, hedgerow, processes_of
from tests.street.waiting import wait_until, wait_until_equal

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

ARRIVES_WITHIN_S = 120
READ_WITHIN_S = 180
SILENCE_S = 60
ZINE = """# Keeping a pump alive

Two neighbours, one spanner, every second Sunday. Grease the **piston leather** with tallow.

{}
""".format("Pour a cup of water in at the top before the first stroke. " * 8)


@dataclass(frozen=True)
class Silence:
    """A demo in which nobody hears anybody, and what was said there."""

    demo: Demo
    states: dict[Node, str]  # before it was said
    transfer_id: str
    since_s: float


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silence]:
    """The same demo, except that all is lost on the air."""
    with Demo(tmp_path_factory.mktemp("silence") / "demo-data", "--loss", "1") as demo:
        states = {node: node.state for node in demo.nodes}
        elm = demo.nodes[0]
        paid = elm.pay(elm.sign_in("Ben"), "Ana", 150, "said into the wind")
        yield Silence(demo, states, paid["id"], time.monotonic())


@pytest.fixture(scope="module")
def street(silence: Silence, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """Three nodes at true airtime. (The silent ones start first: their minute passes meanwhile.)"""
    with Demo(tmp_path_factory.mktemp("street") / "demo-data") as demo:
        nodes = demo.nodes
        wait_until_equal("the new nodes agree", nodes, ARRIVES_WITHIN_S)
        yield nodes


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def burn(node: Node) -> None:
    """Take a node away with all that it is: its processes at one blow, its directory, its keel mark."""
    for process in processes_of(node.data):
        with suppress(ProcessLookupError):  # the first ones take their children with them
            os.kill(process, signal.SIGKILL)
    shutil.rmtree(node.data)
    node.data.with_name(f"{node.data.name}.keel").unlink()


def checked(receipt: Path) -> subprocess.CompletedProcess[str]:
    """Let the checker that imports nothing of ours look at a receipt."""
    command = [sys.executable, "-I", check_record.__file__, str(receipt)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_zine_published_at_one_node_is_found_and_read_at_another(
    street: list[Node], browser: Browser, tmp_path: Path
) -> None:
    elm, mill, _ = street
    file = tmp_path / "pump.md"
    file.write_text(ZINE, encoding="utf-8")
    Neighbour(browser, elm, "Ana").publish("Keeping a pump alive", file)
    reader = Neighbour(browser, mill)

    def text() -> str:
        return reader.read("Keeping a pump alive") if "Keeping a pump alive" in reader.search("tallow") else ""

    assert "one spanner, every second Sunday" in wait_until("the zine can be read next door", text, READ_WITHIN_S)


def test_a_payment_travels_by_radio_and_outlives_its_node(street: list[Node], browser: Browser, tmp_path: Path) -> None:
    elm, mill, harbour = street
    before = wait_until_equal("all three agree", street, ARRIVES_WITHIN_S)
    transfer_id = Neighbour(browser, elm, "Ben").pay("Goran@Harbour Steps", "1.5", "two loaves & a tart")
    assert elm.state != before
    after = wait_until_equal("the payment is everywhere", street, ARRIVES_WITHIN_S, other_than=before)
    goran = Neighbour(browser, harbour, "Goran")
    assert "two loaves & a tart" in goran.statement()
    assert "+1.5" in goran.statement()
    assert mill.ask("GET", f"/transfers/{transfer_id}", token=mill.sign_in("Dora")).status == 404  # not hers to see

    burn(elm)
    assert not elm.is_up
    assert harbour.state == mill.state == after
    assert "two loaves & a tart" in goran.statement()
    receipt = tmp_path / "receipt.json"
    harbour.does("receipt", transfer_id, "-o", receipt)
    result = checked(receipt)
    assert (result.returncode, result.stderr) == (0, "")
    assert "two loaves & a tart" in result.stdout
    assert result.stdout.endswith("valid\n")
    forged = json.loads(receipt.read_text(encoding="utf-8"))
    forged["records"][0] = forged["records"][0].replace(b"two".hex(), b"ten".hex())
    receipt.write_text(json.dumps(forged), encoding="utf-8")
    assert checked(receipt).returncode == 1


def test_a_second_demo_on_the_same_data_or_ports_is_refused_in_one_sentence(street: list[Node], tmp_path: Path) -> None:
    elm, *_ = street
    said = hedgerow("demo", "--data", elm.data.parent, code=2).stderr
    assert "already runs" in said
    assert said.count("\n") == 1
    said = hedgerow("demo", "--data", tmp_path, "--port", street[1].port, code=2).stderr
    assert f"port {street[1].port}" in said
    assert said.count("\n") == 1


def test_with_the_radio_cut_nothing_arrives(silence: Silence) -> None:
    elm, *others = silence.demo.nodes
    wait_until("a minute has passed", lambda: time.monotonic() - silence.since_s > SILENCE_S, 2 * SILENCE_S)
    assert elm.state != silence.states[elm]
    assert elm.tells("status")["air"]["packets_day"] > 0
    for node in others:
        assert node.state == silence.states[node]
        node.does("receipt", silence.transfer_id, code=1)
        assert all(peer["heard_s"] is None for peer in node.status["peers"])
    silence.demo.end()
    said = re.search(r"The air carried (\d+) packets, heard (\d+) times", silence.demo.said())
    assert said, silence.demo.said()
    assert int(said[1]) > len(silence.demo.nodes)
    assert int(said[2]) == 0
