"""Small files played in idle air: whoever listens has them at last, whenever it tuned in; a liar spoils little."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from random import Random

import pytest

from mesh.blob import BlobWant, blob_id, piece_count
from mesh.carousel import COLLECTIONS_MAX, PARTS_MAX, Listening, part_count, part_size
from mesh.effects import Send
from mesh.erasure import coded
from mesh.errors import Malformed, PeerFault
from mesh.governor import Priority
from mesh.packet import Kind, parse
from mesh.symbol import Symbol
from mesh.timing import Timing
from tests.mesh.islands import Air, Island, MemoryHoldings, node_key

ZINE = Random(1).randbytes(4000)
NAME = blob_id(ZINE)
HOUR = 3600.0


def street(
    loss: float = 0.0, seed: int = 0, packet_size: int = 231, listeners: int = 3
) -> tuple[Air, Island, list[Island]]:
    """Return one who plays and others who listen and cannot be heard: nobody can ask for anything."""
    found = [
        Island("abcdef"[number], MemoryHoldings(node_key(number + 1)), seed, packet_size)
        for number in range(listeners + 1)
    ]
    a, *others = found
    a.holdings.blobs[NAME] = ZINE
    a.holdings.offers = [NAME]
    for one in others:
        one.holdings.wish(ZINE)
    air = Air(*found, loss=loss, seed=seed)
    air.hears = lambda hearer, speaker: speaker == "a"
    return air, a, others


def have_it(islands: list[Island]) -> bool:
    return all(one.holdings.blobs.get(NAME) == ZINE for one in islands)


def symbols(air: Air) -> int:
    return sum(packet[1] == Kind.SYMBOL for _, speaker, packet in air.log)


def rows_of(content: bytes, size: int = 220) -> tuple[int, list[bytes]]:
    """Return the number of parts of a file, and all 256 rows of it."""
    count = part_count(len(content), size)
    step = part_size(len(content), count)
    parts = [content[at : at + step].ljust(step, b"\0") for at in range(0, count * step, step)]
    return count, [parts[row] if row < count else coded(parts, row) for row in range(256)]


# --- over the air


@pytest.mark.parametrize(("loss", "rows_max"), [(0.0, 19), (0.3, 40)])
def test_whoever_only_listens_has_it_after_as_many_rows_as_it_has_parts(loss: float, rows_max: int) -> None:
    air, _, others = street(loss, seed=2)
    air.run(12 * HOUR, lambda: have_it(others))
    assert have_it(others)
    assert symbols(air) <= rows_max


def test_whoever_tunes_in_late_needs_no_more() -> None:
    air, _, others = street(seed=3)
    b = others[0]
    air.hears = lambda hearer, speaker: speaker == "a" and (hearer != "b" or air.now > 40 * 60)
    air.run(12 * HOUR, lambda: have_it(others[1:]))
    heard = symbols(air)
    late = sum(packet[1] == Kind.SYMBOL for at, _, packet in air.log if at <= 40 * 60)
    air.run(12 * HOUR, lambda: have_it([b]))
    assert have_it([b])
    assert symbols(air) <= heard + late + 1


def test_two_who_play_help_each_other() -> None:
    air, _, others = street(loss=0.2, seed=4, listeners=2)
    second = others.pop()
    second.holdings.keep_file(NAME, ZINE)
    second.holdings.offers = [NAME]
    air.hears = lambda hearer, speaker: hearer == "b"
    air.run(6 * HOUR, lambda: have_it(others))
    assert have_it(others)
    assert symbols(air) <= 30


def test_where_the_radio_signs_the_rows_are_shorter() -> None:
    air, _, others = street(packet_size=165)
    air.run(12 * HOUR, lambda: have_it(others))
    assert have_it(others)
    assert all(len(packet) <= 165 for _, _, packet in air.log)


def test_several_files_take_turns_and_all_arrive() -> None:
    air, a, others = street(loss=0.1, seed=5, listeners=1)
    more = [Random(number).randbytes(1500) for number in range(3)]
    for content in more:
        a.holdings.blobs[blob_id(content)] = content
        a.holdings.offers.append(blob_id(content))
        others[0].holdings.wish(content)
    air.run(12 * HOUR, lambda: len(others[0].holdings.blobs) == 4)
    assert others[0].holdings.blobs == a.holdings.blobs


def test_what_nobody_offers_is_not_played_and_what_nobody_wants_is_not_kept() -> None:
    air, a, others = street()
    a.holdings.offers = []
    air.run(3 * HOUR)
    assert symbols(air) == 0
    a.holdings.offers = [NAME]
    for one in others:
        one.holdings.wishes.clear()
        one.holdings.partial.clear()
    air.run(3 * HOUR)
    assert symbols(air) > 10
    assert not any(one.holdings.blobs for one in others)


def test_it_is_seldom_and_waits_for_everything_else() -> None:
    air, _, _ = street()
    air.hears = lambda hearer, speaker: True
    air.run(10 * HOUR)
    assert 90 <= symbols(air) <= 10 * HOUR / Timing().carousel
    moments = [at for at, _, packet in air.log if packet[1] == Kind.SYMBOL]
    others = [at for at, speaker, packet in air.log if packet[1] != Kind.SYMBOL and speaker != "a"]
    assert not any(0 < at - other < 5 for at in moments for other in others)


def test_it_is_handed_over_as_the_least_urgent_and_not_where_less_may_be_said() -> None:
    _, a, _ = street()
    now, sent = 0.0, []
    for _ in range(200):
        sent += [one for one in a.engine.tick(now, Priority.BODIES) if isinstance(one, Send)]
        now += 30.0
    assert not [one for one in sent if one.packet[1] == Kind.SYMBOL]
    for _ in range(200):
        sent += [one for one in a.engine.tick(now) if isinstance(one, Send)]
        now += 30.0
    assert {one.priority for one in sent if one.packet[1] == Kind.SYMBOL} == {Priority.CAROUSEL}


def test_while_it_may_not_be_played_the_node_sleeps() -> None:
    _, a, _ = street()
    a.engine.tick(0.0)
    now = 10 * HOUR
    a.engine.tick(now, Priority.LEDGER)
    a.engine.tick(now + 10, Priority.LEDGER)
    assert a.engine.next_wake(now + 10) > 1.0


def test_a_file_that_was_taken_back_is_played_no_more() -> None:
    air, a, _ = street()
    air.run(HOUR)
    del a.holdings.blobs[NAME]
    a.holdings.offers = []
    before = symbols(air)
    air.run(3 * HOUR)
    assert symbols(air) == before > 0


def test_a_file_that_is_not_what_it_is_called_or_too_large_is_not_played() -> None:
    air, a, _ = street()
    large = Random(9).randbytes(230 * PARTS_MAX)
    a.holdings.blobs = {NAME: ZINE[:-1] + b"?", blob_id(large): large, blob_id(b""): b""}
    a.holdings.offers = [*a.holdings.blobs]
    air.run(2 * HOUR)
    assert symbols(air) == 0


# --- whoever lies


@pytest.fixture
def listening() -> Listening:
    return Listening(Counter())


def want(content: bytes = ZINE) -> BlobWant:
    return BlobWant(blob_id(content), len(content), range(piece_count(len(content))))


def test_any_rows_will_do_and_fewer_will_not(listening: Listening) -> None:
    count, rows = rows_of(ZINE)
    chosen = Random(7).sample(range(256), count)
    for row in chosen[:-1]:
        assert listening.hear("a", Symbol(NAME[:8], row, rows[row]), [want()]) == []
        assert listening.hear("a", Symbol(NAME[:8], row, rows[row]), [want()]) == [], "said twice, it counts once"
    (found,) = listening.hear("a", Symbol(NAME[:8], chosen[-1], rows[chosen[-1]]), [want()])
    assert (found.blob, found.content) == (NAME, ZINE)


def test_a_false_row_costs_one_round_and_its_sender_no_more_after_that(listening: Listening) -> None:
    count, rows = rows_of(ZINE)
    listening.hear("liar", Symbol(NAME[:8], 0, bytes(len(rows[0]))), [want()])
    first = [listening.hear("a", Symbol(NAME[:8], row, rows[row]), [want()]) for row in range(1, count)]
    assert not any(first)
    found = []
    for row in range(100, 100 + count):
        listening.hear("liar", Symbol(NAME[:8], row, bytes(len(rows[0]))), [want()])
        found += listening.hear("a", Symbol(NAME[:8], row, rows[row]), [want()])
    assert [one.content for one in found] == [ZINE]


def test_what_came_out_wrong_is_counted() -> None:
    counters: Counter[str] = Counter()
    listening = Listening(counters)
    count, rows = rows_of(ZINE)
    for row in range(count):
        listening.hear("liar", Symbol(NAME[:8], row, bytes(len(rows[0]))), [want()])
    assert counters == {"files that came out wrong": 1}


def test_false_rows_do_not_put_out_what_others_said(listening: Listening) -> None:
    """A liar who does not let a row pass without saying eight of its own, under any address and for every file that is wanted."""
    chance = Random(12)
    wanted = [want(), *(want(chance.randbytes(3000 + number)) for number in range(20))]
    count, rows = rows_of(ZINE)
    for row in range(count):  # somebody lied already, so that rows are kept by sender
        listening.hear("liar", Symbol(NAME[:8], row, bytes(len(rows[0]))), wanted)
    found = []
    for row in range(count):
        found += listening.hear("a", Symbol(NAME[:8], row, rows[row]), wanted)
        for false in range(8):
            file = wanted[(row * 8 + false) % len(wanted)]
            size = part_size(file.size, part_count(file.size, chance.choice([220, 154])))
            listening.hear(f"liar {row} {false}", Symbol(file.blob[:8], false, bytes(size)), wanted)
    assert [one.content for one in found] == [ZINE]


def test_no_flood_of_rows_fills_the_memory(listening: Listening) -> None:
    chance = Random(8)
    wanted = [want(chance.randbytes(4000)) for _ in range(4)]
    for number in range(5000):
        size = part_size(4000, part_count(4000, chance.choice([220, 154])))
        symbol = Symbol(chance.choice(wanted).blob[:8], number % 256, chance.randbytes(size))
        listening.hear(f"liar {number % 300}", symbol, wanted)
    assert len(listening._rows) <= COLLECTIONS_MAX
    assert sum(len(row) for rows in listening._rows.values() for row in rows.values()) <= COLLECTIONS_MAX * 4100


@pytest.mark.parametrize("size", [1, 41, 100, 200, 219, 221, 3999])
def test_rows_that_no_such_file_has_are_a_fault_of_their_sender(listening: Listening, size: int) -> None:
    with pytest.raises(Malformed):
        listening.hear("liar", Symbol(NAME[:8], 0, bytes(size)), [want()])


def test_symbols_have_one_form() -> None:
    symbol = Symbol(NAME[:8], 200, b"row")
    raw = symbol.encode()
    assert raw == bytes([0x11, Kind.SYMBOL]) + NAME[:8] + b"\xc8row"
    assert parse(raw) == symbol
    with suppress(PeerFault):
        parse(raw[:11])
        raise AssertionError("an empty row was read")
