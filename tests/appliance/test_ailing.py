"""What is not well between nodes: noticed by an engine, kept within bounds, named for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from appliance.ailing import EVERY_S, Ailing, Findings
from appliance.answers import LATELY_S, Ailment, Unwell
from appliance.clock import Clock
from appliance.node import Node
from appliance.store.unwell import ROWS_MAX
from mesh.blame import FAULTS
from mesh.errors import PeerFault
from mesh.gossip import Engine
from mesh.keys import PUBLIC
from tests.appliance.street import Street
from tests.appliance.test_calls import Ticks
from tests.mesh.islands import MemoryHoldings, node_key

NEWER = b"\x12\x01" + bytes(14)
GARBAGE = b"\x11"


@pytest.fixture
def engine() -> Engine:
    key = node_key(1)
    return Engine(key.node_id, MemoryHoldings(key), 231, Random(1))


def hears(engine: Engine, peer: str, packet: bytes, count: int = 1) -> None:
    for number in range(count):
        with suppress(PeerFault):
            engine.receive(peer, packet, 100.0 + number / 1000)


def test_the_first_fault_is_told_at_once_and_more_a_minute_later(engine: Engine) -> None:
    ailing = Ailing()
    assert ailing.look(engine, 0.0) is None
    hears(engine, "ash", NEWER)
    assert ailing.look(engine, 1.0) == Findings(frozenset(), {("ash", Ailment.NEWER): 1})
    hears(engine, "ash", NEWER, 2)
    hears(engine, "rogue", GARBAGE, 3)
    assert ailing.look(engine, 2.0) is None
    found = ailing.look(engine, 1.0 + EVERY_S)
    assert found == Findings(frozenset(), {("ash", Ailment.NEWER): 2, ("rogue", Ailment.MALFORMED): 3})
    assert ailing.look(engine, 300.0) is None


def test_all_that_an_engine_blames_has_words() -> None:
    assert {name for _, name in FAULTS} < {one.value for one in Ailment}


def test_a_flood_is_told_of_whoever_floods(engine: Engine) -> None:
    hears(engine, "flood", GARBAGE, 300)
    found = Ailing().look(engine, 1.0)
    assert found is not None
    assert found.faults["flood", Ailment.FLOOD] + found.faults["flood", Ailment.MALFORMED] == 300


def test_a_stalemate_is_told_while_it_lasts_and_then_its_end(engine: Engine) -> None:
    ailing = Ailing()
    engine.stalemates = [(b"elm!", PUBLIC)]
    assert ailing.look(engine, 0.0) == Findings(frozenset({(b"elm!", PUBLIC)}), {})
    assert ailing.look(engine, 100.0) is None
    engine.stalemates = []
    assert ailing.look(engine, 200.0) == Findings(frozenset(), {})


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def elm(tmp_path: Path, ticks: Ticks) -> Iterator[Node]:
    with Street(tmp_path) as street:
        oak = street.welcome("Oak")
        elm = Node(street.elm.settings, Clock(ticks=ticks))
        street.nodes.append(elm)
        elm.note_unwell("lora", Findings(frozenset({(oak.node_id[:4], PUBLIC), (oak.node_id[:4], elm.commons)}), {}))
        yield elm


def test_a_node_is_named_and_a_stalemate_that_ended_is_gone(elm: Node) -> None:
    assert elm.unwell() == [Unwell("lora", Ailment.STALEMATE, "Oak", 1)]
    agreement = next(check for check in elm.checks() if check.name == "agreement")
    assert not agreement.healthy
    assert agreement.advice.startswith("Oak and this node hold different things")
    elm.note_unwell("lora", Findings(frozenset(), {}))
    assert elm.unwell() == []


def test_faults_add_up_within_a_day_and_are_forgotten_after_it(elm: Node, ticks: Ticks) -> None:
    fault = {("!a1b2c3d4", Ailment.BAD_SIGNATURE): 2}
    elm.note_unwell("lora", Findings(frozenset(), fault))
    ticks.now += 3600
    elm.note_unwell("lora", Findings(frozenset(), fault))
    assert elm.unwell() == [Unwell("lora", Ailment.BAD_SIGNATURE, "!a1b2c3d4", 4)]
    ticks.now += LATELY_S + 1
    assert elm.unwell() == []
    elm.note_unwell("lora", Findings(frozenset(), fault))
    assert elm.unwell() == [Unwell("lora", Ailment.BAD_SIGNATURE, "!a1b2c3d4", 2)]


def test_forged_addresses_do_not_fill_the_card(elm: Node, ticks: Ticks) -> None:
    for number in range(3 * ROWS_MAX):
        ticks.now += 60
        elm.note_unwell("mqtt", Findings(frozenset(), {(f"forged {number} {'x' * 500}", Ailment.MALFORMED): 1}))
    assert elm.database.value("SELECT count(*) FROM unwell WHERE road = 'mqtt'") == ROWS_MAX
    assert elm.database.value("SELECT max(length(who)) FROM unwell") == 64
    assert max(one.who for one in elm.unwell()) < "forged 99"


def test_another_run_begins_anew(elm: Node) -> None:
    elm.keep_roads(["lora"])
    assert elm.unwell() == []
