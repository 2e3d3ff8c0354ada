"""Runs come out of a stream as they went in; whatever else is in a stream is refused, and soon."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from importlib.resources import files
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.aircode import packing
from mesh.aircode.packing import AirCodec
from mesh.aircode.shared import Ground, Missing
from mesh.aircode.training import shipped
from mesh.airform import AirRun, Form, log_handle
from mesh.errors import Malformed
from mesh.keys import PUBLIC, EpochKey, LogId, Scope
from mesh.links import Opening
from mesh.log import Run
from mesh.record import Record
from mesh.wire import Reader
from tests.mesh.islands import MemoryHoldings, node_key
from tests.mesh.vectors import named, vectors

TRAINING = "aefb9be33c66f53c"

numbers = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300)
leaves = numbers | st.binary(max_size=40) | st.text(max_size=30) | st.sampled_from([True, False, None])
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(-5, 300) | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)
cores = st.builds(
    lambda kind, at, rest: [kind, at, *rest],
    st.integers(16, 70) | st.integers(0, 2**63 - 1),
    st.integers(0, 2**40),
    st.lists(values, max_size=5),
)


def said(core: list[Any], text: Any) -> Record:
    return Record.new(core, text, bytes(16) if text is not None else b"")


def ground_of(holdings: MemoryHoldings, common: bool = False, scope: Scope = PUBLIC) -> Ground:
    heights = {log: reach.height for log, reach in holdings.frontier(scope).reaches.items()}
    return Ground(holdings, holdings.epoch_key(scope), heights, common)


def pack(runs: Sequence[AirRun], ground: Ground) -> bytes | None:
    """As a node does that knows nothing from before."""
    return AirCodec().pack(runs, ground)


def unpack(packed: bytes, ground: Ground) -> tuple[AirRun, ...]:
    return AirCodec().unpack(packed, ground)


def news(run: Run, key: EpochKey | None = None) -> list[AirRun]:
    return [AirRun.pack(run, key)]


def last_run(holdings: MemoryHoldings, log: LogId, after: int) -> Run:
    run = holdings.run(log, after, 1 << 30)
    assert run is not None
    return run


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(cores, values), min_size=1, max_size=5))
def test_any_record_comes_back(bodies: Sequence[tuple[list[Any], Any]]) -> None:
    holdings = MemoryHoldings(node_key(1))
    log = holdings.write("before")
    records = tuple(said(core, text) for core, text in bodies)
    run = Run(log, 2, records, 1, bytes(range(64)))
    packed = pack(news(run), ground_of(holdings))
    if packed is not None:
        assert unpack(packed, ground_of(holdings)) == tuple(news(run))
    else:
        assert sum(record.size for record in records) > 400


def test_withdrawn_salted_and_silent_records_come_back() -> None:
    holdings = MemoryHoldings(node_key(1))
    log = holdings.write("before")
    salted = Record.new([20, 5], ["said"], bytes(range(16)))
    run = Run(log, 2, (Record.new([20, 4, 1]), salted, salted.without_text()), 1, bytes(64))
    air = news(run)
    assert [record.form for record in air[0].records] == [Form.BARE, Form.SALTED, Form.WITHDRAWN]
    packed = pack(air, ground_of(holdings))
    assert packed is not None
    assert unpack(packed, ground_of(holdings)) == tuple(air)


def test_a_log_that_is_new_opens_itself() -> None:
    writer, hearer = MemoryHoldings(node_key(1)), MemoryHoldings(node_key(2))
    log = writer.write("good morning", "two loaves")
    air = news(last_run(writer, log, 0))
    packed = pack(air, ground_of(writer))
    assert packed is not None
    assert unpack(packed, ground_of(hearer)) == tuple(air)


@pytest.mark.parametrize("common", [False, True])
def test_what_was_said_before_is_said_again_for_less(common: bool) -> None:
    holdings = MemoryHoldings(node_key(1))
    log = holdings.write(*[f"{number} loaves of rye bread for the bakery" for number in range(20)])
    height = holdings.frontier(PUBLIC).height(log)
    known = ground_of(holdings, common)
    sizes = []
    for memo in ("7 loaves of rye bread for the bakery", "Quetzalcoatl jumps over xylophone-shaped wyverns"):
        fresh = MemoryHoldings(node_key(1))
        fresh.logs = {log: holdings.logs[log]}
        run = Run(log, height, (said([20, 7], [memo]),), height, bytes(range(64)))
        packed = pack(news(run), known)
        assert packed is not None
        assert unpack(packed, known) == tuple(news(run))
        sizes.append(len(packed) - 64)
    assert sizes[0] < 30
    assert sizes[0] < sizes[1] - 12


def test_who_does_not_hold_what_comes_before_is_told_so() -> None:
    writer, hearer = MemoryHoldings(node_key(1)), MemoryHoldings(node_key(2))
    log = writer.write("one")
    height = writer.frontier(PUBLIC).height(log)
    hearer.accept(last_run(writer, log, 0))
    writer.write("two")
    writer.write("three")
    packed = pack(news(last_run(writer, log, height + 1)), ground_of(writer))
    assert packed is not None
    for holdings in (hearer, MemoryHoldings(node_key(3))):
        with pytest.raises(Missing):
            unpack(packed, ground_of(holdings))


def test_a_few_records_more_in_another_log_change_nothing() -> None:
    writer, other = MemoryHoldings(node_key(1)), MemoryHoldings(node_key(2))
    log, their = writer.write(*["bread"] * 20), other.write(*["plum jam"] * 20)
    writer.accept(last_run(other, their, 0))
    run = Run(log, writer.frontier(PUBLIC).height(log), (said([20, 9], ["plum jam"]),), 1, bytes(range(64)))
    packed = pack(news(run), ground_of(writer, common=True))
    other.write("and more")
    writer.accept(last_run(other, their, 0))
    assert packed is not None
    assert unpack(packed, ground_of(writer, common=True)) == tuple(news(run))


def test_too_much_for_one_packet_is_left_to_the_plain_form() -> None:
    holdings = MemoryHoldings(node_key(1))
    log = holdings.write("before")
    long = tuple(said([20, 1], ["all work and no play " * 300]) for _ in range(3))
    assert pack(news(Run(log, 2, long, 1, bytes(64))), ground_of(holdings)) is None


STREAM_GROUND = MemoryHoldings(node_key(1))
STREAM_GROUND.write("two loaves, rye", "a jar of honey")


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300), st.booleans())
def test_no_stream_does_anything_but_fail_or_unpack(stream: bytes, common: bool) -> None:
    with suppress(Malformed, Missing):
        assert unpack(stream, ground_of(STREAM_GROUND, common))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_stream_fails_or_unpacks_to_something_else(data: st.DataObject) -> None:
    log = next(iter(STREAM_GROUND.logs))
    air = news(Run(log, 3, (said([20, 5, 30], ["two jars of honey"]),), 1, bytes(range(64))))
    packed = bytearray(pack(air, ground_of(STREAM_GROUND)) or b"")
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(Malformed, Missing):
        assert unpack(bytes(packed), ground_of(STREAM_GROUND)) != tuple(air)


@pytest.mark.parametrize("byte", [0x00, 0x01, 0x55, 0xAA, 0xFE, 0xFF])
def test_no_stream_of_one_byte_over_and_over_works_long(byte: int) -> None:
    ground = ground_of(STREAM_GROUND)
    shipped()
    began = process_time()
    with suppress(Malformed, Missing):
        unpack(bytes([byte]) * 16_000 + b"\x01", ground)
    assert process_time() - began < 5


def test_the_codec_is_loaded_soon() -> None:
    shipped.cache_clear()
    began = process_time()
    shipped()
    assert process_time() - began < 3  # one second on a machine that has nothing else to do


def test_another_training_text_has_another_number() -> None:
    """Nodes of one model must foresee the same: whoever changes the text or the practice counts MODEL up, and writes it here."""
    text = (files("mesh.aircode") / "training.txt").read_bytes()
    skill = shipped()[1]
    taught = repr((skill.trust, skill.weights)).encode()
    assert packing.MODEL == 2
    assert blake2b(text + taught, digest_size=8).hexdigest() == TRAINING


@pytest.mark.parametrize("vector", vectors("aircode-v1", "streams"), ids=named)
def test_the_vectors(vector: dict[str, Any]) -> None:
    scope = Scope(bytes.fromhex(vector["scope"]))
    commons = None if scope == PUBLIC else scope
    holdings = MemoryHoldings(node_key(99), commons, EpochKey(bytes.fromhex(vector["epoch_key"])) if commons else None)
    for raw in vector["held"]:
        air = AirRun.read(Reader(bytes.fromhex(raw)))
        holdings.accept(air.unpack(_opened(air), holdings.epoch_key(scope)))
    ground = ground_of(holdings, vector["common"], scope)
    runs = tuple(AirRun.read(Reader(bytes.fromhex(raw))) for raw in vector["runs"])
    assert unpack(bytes.fromhex(vector["stream"]), ground) == runs
    assert pack(runs, ground) == bytes.fromhex(vector["stream"])


def _opened(air: AirRun) -> LogId:
    log = Opening.read(air.records[0].unpack(None)).log
    assert log_handle(log) == air.handle
    return log
