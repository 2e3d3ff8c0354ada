"""Calls for help: one small packet, signed, that ends by itself; and how often it is said."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from random import Random
from typing import Any

import pytest
from hypothesis import given

from mesh.airform import node_handle
from mesh.distress import HEAD, LIFE_MAX, NEAR_MAX, WORDS_SIZE_MAX, Caller, Crier, Distress, Level
from mesh.effects import DeliverCall
from mesh.errors import BadSignature, Malformed
from mesh.keys import Scope
from mesh.packet import Kind, parse
from mesh.wire import VERSION
from tests.mesh.islands import Island, MemoryHoldings, node_key
from tests.mesh.packets import calls
from tests.mesh.vectors import named, vectors

STREET = Scope(bytes(range(16)))
ANA = node_key(1)
WORDS = "fire at number 12"


def called(
    turn: int = 1, level: Level = Level.DANGER, life: int = 240, words: str = WORDS, person: int = 1
) -> Distress:
    caller = Caller(node_handle(ANA.node_id), person)
    return Distress(0, caller, turn, level, life, 1_760_000_000, words).signed(ANA, STREET)


@given(calls)
def test_any_call_fits_the_smallest_packets_and_comes_out_as_it_went_in(call: Distress) -> None:
    raw = call.encode()
    assert len(raw) <= 165
    assert parse(raw) == call
    assert bytes([VERSION, Kind.DISTRESS]) == HEAD


def test_the_longest_call_fits_where_radios_sign() -> None:
    long = replace(
        called(), age=LIFE_MAX, caller=Caller(b"node", 2**14 - 1), turn=2**28 - 1, life=LIFE_MAX, at=2**35 - 1
    )
    assert len(replace(long, words="x" * WORDS_SIZE_MAX).encode()) <= 165


def test_only_the_author_can_say_it_and_only_in_their_street() -> None:
    call = called()
    call.check(STREET, ANA.public_key)
    replace(call, age=17).check(STREET, ANA.public_key)  # a hearer counts on, and signs nothing
    forgeries: list[dict[str, Any]] = [
        {"turn": 2},
        {"level": Level.OVER},
        {"life": 241},
        {"at": 0},
        {"words": "all is well"},
        {"caller": Caller(call.caller.node, 2)},
    ]
    for changed in forgeries:
        with pytest.raises(BadSignature):
            replace(call, **changed).check(STREET, ANA.public_key)
    with pytest.raises(BadSignature):
        call.check(Scope(bytes(16)), ANA.public_key)
    with pytest.raises(BadSignature):
        call.check(STREET, node_key(2).public_key)


@pytest.mark.parametrize(
    "wrong",
    [
        {"life": 0},
        {"life": LIFE_MAX + 1},  # absurd
        {"age": LIFE_MAX + 1},
        {"words": "x" * (WORDS_SIZE_MAX + 1)},
        {"words": "two\nlines"},
        {"words": "\u202eturned round"},
        {"turn": 2**28},
        {"words": "", "signature": bytes(63)},
    ],
    ids=["life", "long-life", "age", "words", "lines", "unseen", "turn", "signature"],
)
def test_what_no_call_says_is_malformed(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse(replace(called(), **wrong).encode())


@pytest.mark.parametrize("vector", vectors("distress-v1", "calls"), ids=named)
def test_vector(vector: dict[str, Any]) -> None:
    """The bytes that other implementations must write, and whose signature they must find good."""
    raw = bytes.fromhex(vector["packet"])
    call = parse(raw)
    assert isinstance(call, Distress)
    assert call.encode() == raw
    told = (
        call.age,
        call.caller.node.hex(),
        call.caller.person,
        call.turn,
        int(call.level),
        call.life,
        call.at,
        call.words,
    )
    assert told == tuple(vector[name] for name in ("age", "node", "person", "turn", "level", "life", "at", "words"))
    scope, public_key = Scope(bytes.fromhex(vector["scope"])), bytes.fromhex(vector["public_key"])
    if vector["is_good"]:
        call.check(scope, public_key)  # type: ignore[arg-type]
    else:
        with pytest.raises(BadSignature):
            call.check(scope, public_key)  # type: ignore[arg-type]


class Heard:
    """Stations in a row, each in reach of the next only, that hold a call as soon as they hear it."""

    def __init__(self, count: int, life_s: float) -> None:
        self.criers = [Crier(bytes([n] * 4), Random(n)) for n in range(count)]
        self.knows: list[float | None] = [0.0, *[None] * (count - 1)]
        self.said: list[tuple[float, int]] = []
        self.call = replace(called(), caller=Caller(bytes(4), 1))
        self.life_s = life_s

    def run(self, until_s: float) -> None:
        now = 0.0
        while now < until_s:
            for station, crier in enumerate(self.criers):
                is_alive = self.knows[station] is not None and now < self.life_s
                crier.follow([self.call] if is_alive else [], now)
                for _ in crier.due(now):
                    self.said.append((now, station))
                    for other in (station - 1, station + 1):
                        if 0 <= other < len(self.criers):
                            self.criers[other].heard(self.call, str(station), now)
                            self.knows[other] = now if self.knows[other] is None else self.knows[other]
            now += 0.5


def test_a_call_runs_down_a_long_street_and_its_echo_ends_with_it() -> None:
    street = Heard(20, life_s=4 * 3600)
    street.run(6 * 3600)
    knew = [at for at in street.knows if at is not None]
    assert len(knew) == 20
    assert max(knew) < 20 * 7, "each of them passes it on within its first interval, or a little later"
    assert max(at for at, _ in street.said) < street.life_s
    most = max(sum(station == one for _, station in street.said) for one in range(20))
    assert most <= 8 + 4 * 3, "the timer doubles up to twenty minutes"


@pytest.mark.parametrize(("knows_others", "most"), [(False, 2 * 12 + 1), (True, 20 + 2 * 12 + 1)])
def test_where_many_hear_each_other_few_speak(knows_others: bool, most: int) -> None:
    criers = [Crier(bytes([n] * 4), Random(n)) for n in range(20)]
    call = replace(called(), caller=Caller(bytes(4), 1))
    for crier in criers if knows_others else ():
        for number, other in enumerate(criers):
            if other is not crier:
                crier.met(str(number), 0.0)
    said = 0
    for step in range(2 * 3600):
        for number, crier in enumerate(criers):
            crier.follow([call], step / 2)
            for _ in crier.due(step / 2):
                said += 1
                for other in criers:
                    if other is not crier:
                        other.heard(call, str(number), step / 2)
    assert said <= most, "two in each interval, and at first each of them once, so that all know that all know"


def loud(crier: Crier, call: Distress, until_s: float) -> list[float]:
    """Return when a node says a call that two others say all the time."""
    times = []
    for second in range(int(until_s)):
        crier.follow([call], second)
        times += [float(second) for _ in crier.due(second)]
        for other in ("east", "west"):
            crier.heard(call, other, second)
    return times


def test_who_hears_it_from_two_sides_still_says_it_to_a_third_but_not_for_ever() -> None:
    call = replace(called(), caller=Caller(bytes(4), 1))
    crier = Crier(bytes([9] * 4), Random(5))
    assert loud(crier, call, 600) == []
    crier = Crier(bytes([9] * 4), Random(5))
    crier.met("far", 0.0)
    assert len(loud(crier, call, 190)) == 5
    assert loud(crier, call, 3600)[5:] == [], "whoever does not answer is gone, or somebody who lies about who is near"
    for address in range(1000):
        crier.met(f"invented {address}", 1.0)
    assert len(crier._near) == NEAR_MAX


def test_whoever_was_heard_to_say_it_needs_it_no_more() -> None:
    call = replace(called(), caller=Caller(bytes(4), 1))
    crier = Crier(bytes([9] * 4), Random(5))
    crier.met("far", 0.0)
    crier.follow([call], 0.0)
    crier.heard(call, "far", 1.0)
    assert loud(crier, call, 600) == []


def test_a_newer_word_of_the_same_caller_takes_the_place_of_the_older() -> None:
    crier = Crier(node_handle(ANA.node_id), Random(1))
    crier.follow([called(1)], 0.0)
    assert crier.at == -inf
    assert crier.due(0.0) == [called(1)]
    assert not crier.follow([called(1)], 1.0)
    assert crier.follow([called(2, Level.OVER)], 2.0)
    assert crier.due(2.0) == [called(2, Level.OVER)]
    crier.follow([], 3.0)
    assert (crier.at, crier.due(1e6)) == (inf, [])


def test_an_engine_passes_on_what_it_heard_and_judges_nothing() -> None:
    engine = Island("bo", MemoryHoldings(node_key(2), STREET)).engine
    assert engine.receive("ana", called().encode(), 1.0) == [DeliverCall("ana", called())]
    with pytest.raises(Malformed):
        engine.receive("ana", replace(called(), life=LIFE_MAX + 1).encode(), 1.0)
    assert engine.counters["malformed"] == 1
