"""Hypothesis strategies for packets of every kind, in their one form."""

from __future__ import annotations

from hypothesis import strategies as st

from mesh.airform import AirRecord, AirRun, Form, Parcel, log_handle, scope_handle
from mesh.brief import Accord, Beacon, BriefWant, SketchWant
from mesh.distress import LIFE_MAX, PERSON_MAX, TURN_MAX, Caller, Distress, Level
from mesh.keys import PUBLIC, Head, LogId, PublicKey, log_id
from mesh.links import Opening
from mesh.log import Checkpoint, ForkProof
from mesh.packet import (
    Claim,
    Delivery,
    ForkNotice,
    HeadClaim,
    Heads,
    Packed,
    Packet,
    Part,
    PartsWant,
    Pieces,
    PiecesWant,
    Probe,
    Want,
)
from mesh.record import Record
from mesh.symbol import Symbol
from tests.mesh.islands import node_key


def size(count: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=count, max_size=count)


heights = st.integers(1, 300) | st.integers(1, 2**62)
KNOWN_LOG = log_handle(log_id(node_key(1).public_key, 0, PUBLIC))  # what an engine under test may hold
scopes = st.just(scope_handle(PUBLIC)) | size(2)
senders = st.just(b"near") | size(4)
handles = st.just(KNOWN_LOG) | size(4)
beacons = st.builds(Beacon, senders, size(5), size(5), st.integers(0, 7), st.booleans())
accords = st.builds(Accord, senders, size(3))
brief_wants = st.builds(BriefWant, scopes, senders, size(4), st.binary(min_size=1, max_size=9))
sums = st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=54).map(tuple)
sketch_wants = st.builds(SketchWant, scopes, senders, size(5), sums)


@st.composite
def wants(draw: st.DrawFn) -> Want:
    claims = sorted(draw(st.lists(st.builds(Claim, handles, heights), max_size=8)))
    edges = sorted([draw(handles), draw(handles), *(claim.handle for claim in claims)])
    return Want(draw(scopes), draw(senders), edges[0], edges[-1], tuple(claims), draw(st.booleans()))


heads = st.builds(
    Heads,
    scopes,
    senders,
    st.lists(st.builds(HeadClaim, handles, heights, size(4)), min_size=1, max_size=8).map(
        lambda found: tuple(sorted(found))
    ),
)


@st.composite
def probes(draw: st.DrawFn) -> Probe:
    height = draw(heights)
    return Probe(draw(scopes), draw(senders), draw(handles), draw(size(4)), draw(st.integers(0, height - 1)), height)


cores = st.sampled_from([Record.new([20, 0]).core, Opening(node_key(1).public_key, 0, PUBLIC).record(0).core])
cores |= st.binary(max_size=60)
records = st.one_of(
    st.builds(AirRecord, st.just(Form.BARE), cores),
    st.builds(AirRecord, st.just(Form.WITHDRAWN), cores, size(32)),
    st.builds(AirRecord, st.just(Form.SALTED), cores, size(16), st.binary(max_size=200)),
    st.builds(AirRecord, st.just(Form.DERIVED), cores, st.just(b""), st.binary(max_size=200)),
)


@st.composite
def runs(draw: st.DrawFn) -> AirRun:
    after = draw(st.integers(0, 300) | st.integers(0, 2**61))
    held = tuple(draw(st.lists(records, min_size=1, max_size=4)))
    reach = draw(st.integers(1, after + len(held)))
    return AirRun(draw(handles), after, held, reach, draw(size(64)))


parcels = st.builds(Parcel, scopes, senders, size(5), st.lists(runs(), min_size=1, max_size=3).map(tuple))


packed = st.builds(
    Packed,
    st.integers(0, 15),
    st.booleans(),
    st.booleans(),
    st.just(b"ne") | size(2),
    size(3),
    st.binary(min_size=1, max_size=200).filter(lambda stream: stream[-1] != 0),
)


names = st.just(b"msg") | size(3)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    rows = st.integers(0, 3) | st.integers(0, 255)
    return Part(
        draw(names),
        draw(rows),
        draw(st.integers(1, 3) | st.integers(1, 127)),
        draw(st.binary(min_size=1, max_size=225)),
    )


def some(index_max: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.sets(st.integers(0, index_max), min_size=1, max_size=20).map(lambda found: tuple(sorted(found)))


@st.composite
def notices(draw: st.DrawFn) -> ForkNotice:
    log = LogId(draw(size(16)))

    def side() -> Checkpoint:
        previous = draw(st.integers(0, 2**61))
        seq = previous + draw(heights)
        return Checkpoint(log, previous, seq, Head(draw(size(32))), draw(size(64)))

    return ForkNotice(draw(scopes), draw(senders), ForkProof(PublicKey(draw(size(32))), side(), side()))


@st.composite
def pieces_wants(draw: st.DrawFn) -> PiecesWant:
    first = draw(st.integers(0, 2**40))
    return PiecesWant(draw(senders), draw(size(32)), tuple(first + index for index in sorted({0, *draw(some(1000))})))


calls = st.builds(
    Distress,
    st.integers(0, LIFE_MAX),
    st.builds(Caller, senders, st.integers(0, PERSON_MAX)),
    st.integers(0, TURN_MAX),
    st.sampled_from(Level),
    st.integers(1, LIFE_MAX),
    st.integers(0, 2**35 - 1),
    st.text(st.characters(categories=["L", "N", "P"]), max_size=19),
    size(64),
)


packets: st.SearchStrategy[Packet] = st.one_of(
    beacons,
    accords,
    brief_wants,
    sketch_wants,
    wants(),
    heads,
    probes(),
    st.builds(Delivery, parcels),
    packed,
    parts(),
    st.builds(PartsWant, names, st.integers(1, 128)),
    notices(),
    pieces_wants(),
    st.builds(Symbol, size(8), st.integers(0, 255), st.binary(min_size=1, max_size=220)),
    calls,
    st.builds(Pieces, size(8), st.integers(0, 2**40), st.binary(min_size=1, max_size=216)),
)
