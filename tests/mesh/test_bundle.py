"""A bundle comes back as it was written, whatever the road, and stays within its limits."""

from __future__ import annotations

import io
import os
import threading
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.bundle import HEADER_SIZE, VERSION_WITH_CALLS, BundleReader, BundleWriter, read_bundle
from mesh.errors import Malformed
from mesh.frames import (
    FRAME_SIZE_MAX,
    PIECE_SIZE_MAX,
    RUN_SIZE_MAX,
    BlobFrame,
    CallsFrame,
    Frame,
    FrontierFrame,
    Kind,
    RunsFrame,
    SealedFrame,
    encode_run,
    parse_run,
    read_section,
)
from mesh.frontier import Frontier, Reach
from mesh.keys import PUBLIC, EpochKey, Head, LogId, NodeId, Scope, digest
from mesh.log import Run
from mesh.record import TEXT_SIZE_MAX, Record
from tests.mesh.bundle_samples import (
    ANA,
    BEN,
    CARA,
    KEYS,
    STREET,
    STREET_KEY,
    a_call,
    ana_public,
    calls,
    many_lots,
    public_things,
    read_until_fault,
    stamped,
    street_things,
    things_of_others,
    written_by,
)

ids = st.binary(min_size=16, max_size=16)
scopes = st.sampled_from([PUBLIC, STREET])
records = st.one_of(
    st.builds(lambda at, field: Record.new([20, at, field]), st.integers(0, 2**40), st.binary(max_size=40)),
    st.builds(lambda text, salt: Record.new([20, 0], text, salt), st.text(max_size=40), ids),
    st.builds(lambda text, salt: Record.new([20, 0], text, salt).without_text(), st.text(max_size=40), ids),
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    said = tuple(draw(st.lists(records, min_size=1, max_size=4)))
    after = draw(st.integers(0, 2**40))
    previous = draw(st.integers(0, after + len(said) - 1))
    return Run(LogId(draw(ids)), after, said, previous, draw(st.binary(min_size=64, max_size=64)))


frontier_frames = st.builds(
    FrontierFrame, scopes, ids.map(NodeId), st.dictionaries(ids.map(LogId), st.integers(1, 2**63 - 1), max_size=5)
)
runs_frames = st.builds(RunsFrame, scopes, st.lists(runs(), min_size=1, max_size=4).map(tuple))
blob_frames = st.builds(
    lambda scope, content: BlobFrame(digest(content), len(content), 0, content, scope), scopes, st.binary(max_size=200)
)
calls_frames = st.builds(
    lambda at, ages: CallsFrame(STREET, at, tuple(a_call(age) for age in ages)),
    st.integers(0, 2**35 - 1),
    st.lists(st.integers(0, 1440), min_size=1, max_size=4),
)


def carry(writer: BundleWriter, frame: Frame) -> bool:
    """Write what `frame` says through the writer's door for it."""
    match frame:
        case FrontierFrame():
            reaches = {log: Reach(height, Head(bytes(32))) for log, height in frame.heights.items()}
            return writer.frontier(frame.holder, Frontier(frame.scope, reaches))
        case RunsFrame():
            return writer.runs(frame.scope, frame.runs)
        case BlobFrame():
            return writer.blob(frame.blob, frame.size, BytesIO(frame.content), frame.scope)
        case CallsFrame():
            return writer.calls(frame)
        case SealedFrame():
            return writer.sealed(frame)


@given(st.lists(st.one_of(frontier_frames, runs_frames, blob_frames, calls_frames), max_size=40))
def test_what_goes_in_comes_out(frames: list[Frame]) -> None:
    bundle = written_by(ANA, lambda writer: [carry(writer, frame) for frame in frames], VERSION_WITH_CALLS)
    reader = BundleReader(BytesIO(bundle), KEYS)
    assert list(reader) == frames
    assert reader.node == ANA.node_id


def test_the_summary_tells_what_went_in() -> None:
    file = BytesIO()
    writer = BundleWriter(file, ANA, KEYS)
    many_lots(writer)
    summary = writer.close()
    assert summary.written == {Kind.FRONTIER: 19, Kind.RUNS: 2, Kind.BLOB: 19}
    assert not any(summary.left_out.values())
    assert summary.size == len(file.getvalue())
    with pytest.raises(ValueError, match="closed"):
        writer.close()


def test_a_bundle_without_calls_is_what_it_was_and_one_of_version_1_takes_none() -> None:
    assert written_by(ANA, street_things)[8] == 1
    with pytest.raises(ValueError, match="no calls"):
        written_by(ANA, calls)


@given(st.binary(max_size=400))
def test_any_bytes_parse_and_encode_back_or_are_malformed(payload: bytes) -> None:
    for kind in range(8):
        with suppress(Malformed):
            assert read_section(PUBLIC, kind, payload).payload() == payload


@given(runs())
def test_a_run_parses_back(run: Run) -> None:
    assert parse_run(encode_run(run)) == run


@given(st.data())
def test_a_run_with_any_byte_changed_parses_strictly(data: st.DataObject) -> None:
    raw = bytearray(encode_run(ana_public()[0]))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Malformed):
        assert encode_run(parse_run(bytes(raw))) == bytes(raw)


def test_sealed_sections_pass_whole_through_hands_that_hold_no_key() -> None:
    by_cara = written_by(CARA, things_of_others)
    carried = list(BundleReader(BytesIO(by_cara), {}))
    assert all(isinstance(frame, SealedFrame) for frame in carried)
    again = written_by(BEN, lambda writer: [carry(writer, frame) for frame in carried])
    assert read_until_fault(again)[0] == read_until_fault(written_by(ANA, street_things))[0]


def test_another_epochs_key_opens_nothing_and_complains_of_nothing() -> None:
    bundle = written_by(ANA, street_things)
    frames = list(read_bundle(BytesIO(bundle), {STREET: EpochKey(bytes(32))}))
    assert all(isinstance(frame, SealedFrame) for frame in frames)


def test_nothing_of_a_commons_stands_in_clear() -> None:
    bundle = written_by(ANA, street_things)
    assert bundle.find(STREET) < 0
    assert b"rye" not in bundle
    assert b"battery" not in bundle
    with pytest.raises(KeyError):
        written_by(ANA, lambda writer: writer.frontier(ANA.node_id, Frontier(Scope(bytes([1]) * 16))))


def test_a_bundle_never_grows_past_its_limit() -> None:
    run, frontier = ana_public()
    for size_max in range(HEADER_SIZE + 159, 3000, 13):
        file = BytesIO()
        writer = BundleWriter(file, ANA, KEYS, size_max)
        took = [
            writer.frontier(ANA.node_id, frontier),
            writer.blob(digest(bytes(2000)), 2000, BytesIO(bytes(2000))),
            writer.runs(STREET, [run]),
            writer.runs(PUBLIC, [run]),
        ]
        summary = writer.close()
        assert len(file.getvalue()) == summary.size <= size_max
        assert len(list(read_bundle(BytesIO(file.getvalue()), KEYS))) == sum(took)
        assert sum(summary.left_out.values()) == took.count(False)


def test_a_limit_below_an_empty_bundle_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least"):
        BundleWriter(BytesIO(), ANA, KEYS, 100)


def test_runs_that_fit_go_in_and_the_rest_is_counted() -> None:
    note = Record.new([20, 0], "x" * 8000, bytes(16))
    lots = [Run(LogId(bytes(16)), number, (note,), number, bytes(64)) for number in range(40)]
    file = BytesIO()
    writer = BundleWriter(file, ANA, KEYS, 200_000)
    assert not writer.runs(PUBLIC, lots)
    summary = writer.close()
    carried = [
        run for frame in read_bundle(BytesIO(file.getvalue()), {}) if isinstance(frame, RunsFrame) for run in frame.runs
    ]
    assert carried == lots[: len(carried)]
    assert summary.written[Kind.RUNS] == len(carried) > 10
    assert summary.left_out[Kind.RUNS] == len(lots) - len(carried)


def test_the_largest_run_fits_sealed_and_a_larger_one_is_left_out() -> None:
    note = Record.new([20, 0], "x" * (TEXT_SIZE_MAX - 3), bytes(16))
    fitting = Run(LogId(bytes(16)), 0, (note,) * 31, 0, bytes(64))
    spare = RUN_SIZE_MAX - len(encode_run(fitting))
    filler = Record.new([20, 0, bytes(500)], "x" * (spare - 8 - 500 - 32), bytes(16))
    exact = Run(LogId(bytes(16)), 0, (*fitting.records, filler), 0, bytes(64))
    excess = RUN_SIZE_MAX - len(encode_run(exact))
    assert abs(excess) < 32
    filler = Record.new([20, 0, bytes(500 + excess)], "x" * (spare - 8 - 500 - 32), bytes(16))
    exact = Run(LogId(bytes(16)), 0, (*fitting.records, filler), 0, bytes(64))
    over = Run(LogId(bytes(16)), 0, (*exact.records, Record.new([20, 0])), 0, bytes(64))
    assert len(encode_run(exact)) == RUN_SIZE_MAX < len(encode_run(over))
    file = BytesIO()
    writer = BundleWriter(file, ANA, KEYS)
    assert writer.runs(STREET, [exact])
    assert not writer.runs(STREET, [over])
    writer.close()
    assert list(read_bundle(BytesIO(file.getvalue()), KEYS)) == [RunsFrame(STREET, (exact,))]


def test_a_frontier_of_many_logs_takes_several_frames() -> None:
    reaches = {LogId(number.to_bytes(16, "big")): Reach(2**40 + number, Head(bytes(32))) for number in range(10_000)}
    bundle = written_by(ANA, lambda writer: writer.frontier(BEN.node_id, Frontier(STREET, reaches)))
    frames = [frame for frame in read_bundle(BytesIO(bundle), KEYS) if isinstance(frame, FrontierFrame)]
    assert len(frames) == 3
    heights = {log: height for frame in frames for log, height in frame.heights.items()}
    assert heights == {log: reach.height for log, reach in reaches.items()}


def test_a_file_that_ends_too_early_is_said_and_harms_nobody() -> None:
    def short(writer: BundleWriter) -> None:
        with pytest.raises(ValueError, match="after 250000 of 400000 bytes"):
            writer.blob(digest(b"x"), 400_000, BytesIO(bytes(250_000)))
        public_things(writer)

    frames, fault = read_until_fault(written_by(ANA, short))
    assert fault is None
    assert len(frames) == 6


class Dribble(io.RawIOBase):
    """A road that gives and takes a few bytes at a time, like a slow pipe."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self.place = 0

    def read(self, size: int = -1) -> bytes:
        part = bytes(self.content[self.place : self.place + min(size, 7)])
        self.place += len(part)
        return part

    def write(self, content: object) -> int:
        part = bytes(memoryview(content)[:5])  # type: ignore[arg-type]
        self.content += part
        return len(part)


def test_a_road_may_give_and_take_a_few_bytes_at_a_time() -> None:
    road = Dribble()
    writer = BundleWriter(road, ANA, KEYS)  # type: ignore[arg-type]
    many_lots(writer)
    writer.close()
    assert bytes(road.content) == written_by(ANA, many_lots)
    assert list(read_bundle(road, KEYS)) == read_until_fault(bytes(road.content))[0]  # type: ignore[arg-type]


def test_a_full_road_is_an_error_and_no_endless_loop() -> None:
    class Full(io.RawIOBase):
        def write(self, content: object) -> int:
            return 0

    with pytest.raises(OSError, match="no more"):
        BundleWriter(Full(), ANA, KEYS)  # type: ignore[arg-type]


def test_a_real_pipe_carries_a_bundle() -> None:
    content = bytes(range(256)) * 9000  # more than a pipe holds, and no whole number of pieces
    reading, writing = os.pipe()

    def send() -> None:
        with os.fdopen(writing, "wb", buffering=0) as road:
            writer = BundleWriter(road, ANA, KEYS)
            writer.blob(digest(content), len(content), BytesIO(content), STREET)
            writer.close()

    sender = threading.Thread(target=send)
    sender.start()
    with os.fdopen(reading, "rb", buffering=0) as road:
        pieces = [frame for frame in read_bundle(road, KEYS) if isinstance(frame, BlobFrame)]
    sender.join()
    assert b"".join(piece.content for piece in pieces) == content
    assert [piece.offset for piece in pieces] == list(range(0, len(content), PIECE_SIZE_MAX))


def test_a_frame_may_be_as_large_as_the_page_says_and_no_larger() -> None:
    opened = b"HEDGEROW\x01" + ANA.public_key
    for size, faults in ((FRAME_SIZE_MAX - 5, "nothing of kind|a piece"), (FRAME_SIZE_MAX - 4, "is over")):
        frame = size.to_bytes(4, "big") + b"\x03" + bytes(size)
        with pytest.raises(Malformed, match=faults):
            list(read_bundle(BytesIO(stamped(ANA, opened + frame)), {STREET: STREET_KEY}))
