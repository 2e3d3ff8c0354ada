"""What another holds is read rightly from each form of its want, or not at all."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh import claims
from mesh.brief import BriefWant, SketchWant
from mesh.claims import Held
from mesh.frontier import Frontier, Reach
from mesh.keys import DIGEST_SIZE, PUBLIC, Head, LogId
from mesh.outlook import Outlook
from mesh.packet import Kind
from mesh.wire import VERSION
from tests.mesh.islands import Air, Island, MemoryHoldings, node_key

NAMES = (b"\0\0", b"near")
DIGEST = b"shown"


def log(number: int) -> LogId:
    return LogId(number.to_bytes(2, "big") * 8)


class Window(MemoryHoldings):
    """Holds nothing but a frontier."""

    def __init__(self, heights: Mapping[LogId, int]) -> None:
        super().__init__(node_key(1))
        self.heights = dict(heights)

    def frontier(self, scope: bytes) -> Frontier:
        return Frontier(PUBLIC, {log: Reach(height, Head(bytes(DIGEST_SIZE))) for log, height in self.heights.items()})


def outlook(heights: Mapping[LogId, int]) -> Outlook:
    return Outlook(PUBLIC, Window(heights))


def told_briefly(theirs: Mapping[LogId, int], ours: Outlook) -> Held | None:
    return claims.brief(BriefWant.of(*NAMES, theirs), ours)


def told_by_sketch(theirs: Mapping[LogId, int], ours: Outlook, capacity: int = 54) -> Held | None:
    return claims.sketched(claims.sketch_of(*NAMES, DIGEST, theirs, capacity), ours)


STREET = {log(number): 100 + number for number in range(40)}


@given(st.lists(st.integers(-150, 50), min_size=40, max_size=40))
def test_a_brief_want_of_known_logs_is_read_to_the_last_record(steps: list[int]) -> None:
    theirs = {name: max(1, height + step) for (name, height), step in zip(STREET.items(), steps, strict=True)}
    held = told_briefly(theirs, outlook(STREET))
    assert held is not None
    assert held.heights == theirs
    assert held.more is any(theirs[name] > STREET[name] for name in STREET)
    assert held.is_whole
    assert held.is_exact


@given(st.dictionaries(st.integers(0, 60).map(log), st.integers(1, 5000), min_size=1), st.integers(0, 2**32 - 1))
def test_whatever_is_said_briefly_is_read_rightly_or_not_at_all(theirs: dict[LogId, int], noise: int) -> None:
    held = told_briefly(theirs, outlook(STREET))
    assert held is None or {name: height for name, height in held.heights.items() if height} == theirs
    torn = BriefWant(*NAMES, noise.to_bytes(4, "big"), BriefWant.of(*NAMES, theirs).lows)
    assert torn.check == BriefWant.of(*NAMES, theirs).check or claims.brief(torn, outlook(STREET)) is None


def test_who_is_far_behind_or_far_ahead_is_understood_as_well() -> None:
    for step in (-255, -200, 180):
        theirs = {name: height + 300 + step for name, height in STREET.items()}
        held = told_briefly(theirs, outlook({name: height + 300 for name, height in STREET.items()}))
        assert held is not None
        assert held.heights == theirs
    assert told_briefly({name: height + 300 for name, height in STREET.items()}, outlook(STREET)) is None


def test_the_list_of_a_while_ago_is_remembered_and_older_ones_are_not() -> None:
    first = dict.fromkeys(list(STREET)[:10], 5)
    ours = outlook(first)
    window = ours._holdings
    assert isinstance(window, Window)
    for name in list(STREET)[10:14]:
        window.heights[name] = 7
        ours.refresh()
    held = told_briefly(first, ours)
    assert held is not None
    assert {name for name, height in held.heights.items() if not height} == set(list(STREET)[10:14])
    for name in list(STREET)[14:]:
        window.heights[name] = 7
        ours.refresh()
    assert told_briefly(first, ours) is None


@given(
    st.dictionaries(st.integers(0, 39).map(log), st.integers(1, 250), max_size=10),
    st.sets(st.integers(100, 110).map(log), max_size=5),
    st.sets(st.integers(0, 39).map(log), max_size=5),
)
def test_a_sketch_shows_which_logs_differ_which_are_lacking_and_that_there_are_others(
    behind: dict[LogId, int], others: set[LogId], lacking: set[LogId]
) -> None:
    theirs = STREET | {name: STREET[name] - min(step, STREET[name] - 1) for name, step in behind.items()}
    theirs = {name: height for name, height in theirs.items() if name not in lacking} | dict.fromkeys(others, 9)
    held = told_by_sketch(theirs, outlook(STREET))
    assert held is not None
    assert held.heights == {name: theirs.get(name, 0) for name in STREET}
    assert held.more is bool(others)
    assert not held.is_exact


def test_a_sketch_of_too_much_is_not_read() -> None:
    assert told_by_sketch({}, outlook(STREET), 24) is None
    assert told_by_sketch({name: height - 1 for name, height in STREET.items()}, outlook(STREET), 54) is None


@given(st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=54))
def test_noise_is_no_sketch_and_never_more_than_a_claim(sums: list[int]) -> None:
    held = claims.sketched(SketchWant(*NAMES, DIGEST, tuple(sums)), outlook(STREET))
    assert held is None or held.heights.keys() == STREET.keys()


# --- between engines


def street_of(count: int, common: int, extra: int) -> tuple[Air, Island, Island]:
    """Two nodes that hold the logs of `common` authors, and the first of `extra` more."""
    authors = [MemoryHoldings(node_key(100 + number)) for number in range(count)]
    found = [Island(name, MemoryHoldings(node_key(number))) for number, name in enumerate("ab", 1)]
    for author in authors:
        author.write("one", "two")
    for island, known in zip(found, (common + extra, common), strict=True):
        for author in authors[:known]:
            for run in [author.run(log, 0, 10**6) for log in author.logs]:
                assert run is not None
                island.holdings.accept(run)
    return Air(*found), found[0], found[1]


def wants_of(air: Air) -> list[Kind]:
    asked = (Kind.WANT, Kind.BRIEF_WANT, Kind.SKETCH_WANT)
    return [Kind(packet[1]) for _, _, packet in air.log if packet[1] in asked]


@pytest.mark.parametrize(("common", "extra"), [(1, 4), (30, 1), (30, 9), (60, 20), (250, 3)])
def test_logs_that_are_not_known_come_whatever_is_asked_first(common: int, extra: int) -> None:
    air, *_ = street_of(common + extra, common, extra)
    air.run(600, air.agree)
    assert air.agree()
    assert len(wants_of(air)) <= 6


def test_those_who_know_the_same_logs_ask_briefly_and_once() -> None:
    air, one, _ = street_of(40, 40, 0)
    air.run(60)
    began = len(air.log)
    one.holdings.write("news")
    air.drops = lambda hearer, speaker, packet: packet[1] in (Kind.DATA, 0x40, 0x42) and len(air.log) < began + 2
    air.stir()
    air.run(120, air.agree)
    air.run(60)
    one.holdings.write("more news")
    air.drops = lambda hearer, speaker, packet: packet[1] not in (Kind.BEACON, Kind.BRIEF_WANT) and packet[1] >> 6 == 1
    air.stir()
    air.run(30)
    air.drops = lambda hearer, speaker, packet: False
    air.run(120, air.agree)
    assert air.agree()
    assert Kind.WANT not in wants_of(air)
    assert Kind.BRIEF_WANT in wants_of(air)


def test_a_forged_brief_want_brings_no_record_and_stops_nobody() -> None:
    air, one, other = street_of(30, 30, 0)
    air.run(60)
    forged = BriefWant(NAMES[0], b"liar", b"----", bytes(31))
    for _ in range(20):
        for island in (one, other):
            island.receive("liar", forged.encode(), air.now)
    assert one.engine.counters["wants that could not be read"] == 20
    one.holdings.write("news")
    air.stir()
    air.run(300, air.agree)
    assert air.agree()


def test_a_flood_of_sketches_is_looked_at_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr(claims, "sketched", lambda want, outlook: looked.append(want))
    air, one, _ = street_of(3, 3, 0)
    air.run(60)
    noise = SketchWant(NAMES[0], b"liar", DIGEST, (1, 2, 3)).encode()
    assert noise[0] == VERSION
    for step in range(100):
        one.receive("liar", noise, air.now + step / 10)
    assert 1 <= len(looked) <= 3
