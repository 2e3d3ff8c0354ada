"""Packets, byte for byte: one form for each, and records on the air."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh import errors
from mesh.airform import PARCEL_HEAD_SIZE, AirRecord, AirRun, Form, log_handle, scope_handle
from mesh.asking import wants
from mesh.brief import Beacon
from mesh.erasure import coded
from mesh.errors import Malformed, PeerFault, UnknownVersion
from mesh.keys import PUBLIC, EpochKey, LogId, Scope, salt_for
from mesh.packet import FIRST_HANDLE, LAST_HANDLE, Claim, Delivery, Kind, Packet, Part, Want, parse
from mesh.reassembly import cut, message_id
from mesh.record import Record
from mesh.wire import VERSION, Reader, bitmap, indices, varint
from tests.mesh.islands import MemoryHoldings, node_key
from tests.mesh.packets import packets
from tests.mesh.vectors import named, vectors

COMMONS = Scope(bytes([1]) * 16)
EPOCH_KEY = EpochKey(bytes([5]) * 32)


@given(packets)
def test_what_is_sent_is_read(packet: Packet) -> None:
    assert parse(packet.encode()) == packet


@given(
    st.binary(max_size=300)
    | st.binary(max_size=300).flatmap(lambda raw: st.sampled_from(Kind).map(lambda kind: bytes([VERSION, kind]) + raw))
)
def test_any_bytes_parse_or_are_a_peer_fault(raw: bytes) -> None:
    with suppress(PeerFault):
        assert parse(raw).encode() == raw


@given(packets, st.data())
def test_a_packet_cut_short_or_with_a_bit_changed_is_read_in_one_form_or_not_at_all(
    packet: Packet, data: st.DataObject
) -> None:
    raw = bytearray(packet.encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    flipped = bytes([*raw[:place], raw[place] ^ 1 << data.draw(st.integers(0, 7)), *raw[place + 1 :]])
    for changed in (bytes(raw[:place]), flipped):
        with suppress(PeerFault):
            assert parse(changed).encode() == changed


@given(st.integers(VERSION + 1, 255), st.binary(min_size=1, max_size=40))
def test_a_packet_from_the_future_is_told_apart(version: int, rest: bytes) -> None:
    with pytest.raises(UnknownVersion):
        parse(bytes([version]) + rest)


@given(st.integers(0, 255).filter(lambda kind: kind not in [*Kind] and kind < Kind.PACKED), st.binary(max_size=40))
def test_a_kind_that_is_not_known_comes_from_the_future(kind: int, rest: bytes) -> None:
    with pytest.raises(UnknownVersion):
        parse(bytes([VERSION, kind]) + rest)


@pytest.mark.parametrize("vector", vectors("gossip-v1", "packets"), ids=named)
def test_vector(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["packet"])
    packet = parse(raw)
    assert packet.encode() == raw
    assert Kind(raw[1]).name.lower() == vector["kind"]
    assert {field: shown(getattr(packet, field)) for field in vector["fields"]} == vector["fields"]


def shown(value: Any) -> Any:
    """Return a field as the vectors write it."""
    if isinstance(value, bytes):
        return value.hex()
    return [shown(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("vector", vectors("gossip-v1", "parcels"), ids=named)
def test_vector_of_a_parcel(vector: dict[str, Any]) -> None:
    packet = parse(bytes.fromhex(vector["packet"]))
    assert isinstance(packet, Delivery)
    parcel, key = packet.parcel, EpochKey(bytes.fromhex(vector["epoch_key"]))
    assert [parcel.scope.hex(), parcel.sender.hex(), parcel.digest.hex()] == [
        vector[name] for name in ("scope", "sender", "digest")
    ]
    for air, expected in zip(parcel.runs, vector["runs"], strict=True):
        run = air.unpack(LogId(bytes.fromhex(expected["log"])), key)
        assert (run.after, run.previous, run.signature.hex()) == (
            expected["after"],
            expected["previous"],
            expected["signature"],
        )
        assert [record.encode().hex() for record in run.records] == expected["records"]
        assert AirRun.pack(run, key) == air


@pytest.mark.parametrize("vector", vectors("gossip-v1", "messages"), ids=named)
def test_vector_of_a_message_in_parts(vector: dict[str, Any]) -> None:
    message = bytes.fromhex(vector["message"])
    parts = cut(message, vector["packet_size"])
    assert [part.encode().hex() for part in parts] == vector["parts"]
    for row in vector["rows"]:
        part = parse(bytes.fromhex(row))
        assert isinstance(part, Part)
        assert part.content == coded([one.content for one in parts], part.row)
    assert message_id(message).hex() == vector["id"]


@pytest.mark.parametrize("vector", vectors("gossip-v1", "faults"), ids=named)
def test_vector_that_fails(vector: dict[str, str]) -> None:
    with pytest.raises(getattr(errors, vector["fault"])) as caught:
        parse(bytes.fromhex(vector["packet"]))
    assert type(caught.value).__name__ == vector["fault"]


def test_a_beacon_takes_sixteen_bytes() -> None:
    assert len(Beacon(bytes(4), bytes(5), bytes(5)).encode()) == 16


def test_thirty_five_logs_fit_one_want() -> None:
    claims = [(bytes([number, 0, 0, 0]), [Claim(bytes([number, 0, 0, 0]), 16_000)]) for number in range(35)]
    found, _ = wants(bytes(2), bytes(4), claims, 231, FIRST_HANDLE)
    assert len(found) == 1
    assert found[0].is_whole
    assert len(found[0].encode()) == 226


@given(
    st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.integers(1, 2**40)), max_size=300),
    st.integers(140, 400),
)
def test_wants_speak_of_all_logs_and_fit_their_packets(held: list[tuple[bytes, int]], packet_size: int) -> None:
    by_handle: dict[bytes, list[Claim]] = {}
    for handle, height in sorted(held):
        by_handle.setdefault(handle, []).append(Claim(handle, height))
    said: list[Want] = []
    start = FIRST_HANDLE
    while not said or start != FIRST_HANDLE:
        found, start = wants(bytes(2), bytes(4), [*by_handle.items()], packet_size, start)
        said += found
    assert [claim for want in said for claim in want.claims] == sorted(Claim(*one) for one in held)
    assert all(len(want.encode()) <= packet_size for want in said)
    assert all(parse(want.encode()) == want for want in said)
    assert (said[0].lowest, said[-1].highest) == (FIRST_HANDLE, LAST_HANDLE)
    for below, above in pairwise(said):
        assert int.from_bytes(below.highest, "big") + 1 == int.from_bytes(above.lowest, "big")


def test_more_logs_of_one_handle_than_a_packet_holds_are_left_out_and_no_want_grows() -> None:
    crowd = [(b"same", [Claim(b"same", 300)] * 100), (b"zzzz", [Claim(b"zzzz", 1)])]
    found, _ = wants(bytes(2), bytes(4), crowd, 231, FIRST_HANDLE)
    assert all(len(want.encode()) <= 231 for want in found)
    assert found[-1].claims[-1] == Claim(b"zzzz", 1)


@given(st.integers(0, 2**63 - 1))
def test_a_number_has_one_form(number: int) -> None:
    assert Reader(varint(number)).varint() == number
    padded = varint(number)[:-1] + bytes([varint(number)[-1] | 0x80, 0])
    with pytest.raises(Malformed):
        Reader(padded).varint()


def test_a_number_without_end_is_malformed() -> None:
    with pytest.raises(Malformed):
        Reader(b"\xff" * 40).varint()


@given(st.sets(st.integers(0, 300), min_size=1))
def test_a_bitmap_is_read_back(found: set[int]) -> None:
    assert indices(bitmap(found)) == sorted(found)


def test_public_and_a_commons_never_share_a_handle() -> None:
    assert scope_handle(PUBLIC) == b"\0\0"
    assert scope_handle(Scope(bytes(15) + b"\1")) == b"\0\1"
    assert scope_handle(COMMONS) == b"\1\1"


# --- records on the air


def in_commons() -> MemoryHoldings:
    holdings = MemoryHoldings(node_key(1), COMMONS, EPOCH_KEY)
    holdings.write("two loaves, rye", None, "a third", scope=COMMONS)
    return holdings


def test_a_run_is_taken_apart_and_put_together() -> None:
    holdings = in_commons()
    log = holdings.log_in(COMMONS)
    run = holdings.run(log, 0, 10_000)
    assert run is not None
    air = AirRun.pack(run, EPOCH_KEY)
    assert AirRun.read(Reader(air.encode())).unpack(log, EPOCH_KEY) == run
    assert air.handle == log_handle(log)


def test_inside_a_commons_no_salt_is_sent() -> None:
    holdings = in_commons()
    log = holdings.log_in(COMMONS)
    run = holdings.run(log, 1, 10_000)
    assert run is not None
    assert [record.form for record in AirRun.pack(run, EPOCH_KEY).records] == [Form.DERIVED, Form.BARE, Form.DERIVED]
    assert salt_for(EPOCH_KEY, log, 2) not in AirRun.pack(run, EPOCH_KEY).encode()
    assert len(AirRun.pack(run, EPOCH_KEY).encode()) < len(AirRun.pack(run, None).encode()) - 31


def test_a_withdrawn_text_travels_as_its_digest() -> None:
    record = Record.new([20, 0], "gone", bytes(16)).without_text()
    air = AirRecord.pack(record, bytes(16))
    assert air.form is Form.WITHDRAWN
    assert AirRecord.read(Reader(air.encode())).unpack(None) == record


CORE = Record.new([20, 0]).core
refused: list[tuple[str, AirRecord, bytes | None]] = [
    ("a derived salt where there is no key", AirRecord(Form.DERIVED, CORE, b"", b"\x60"), None),
    ("a salt that need not be sent", AirRecord(Form.SALTED, CORE, bytes(16), b"\x60"), bytes(16)),
    ("a core that is no core", AirRecord(Form.BARE, b"\x01"), None),
    ("a text that is not canonical", AirRecord(Form.SALTED, CORE, bytes(16), b"\x18\x01"), None),
]


@pytest.mark.parametrize(("name", "record", "salt"), refused, ids=[name for name, _, _ in refused])
def test_what_no_record_looks_like_is_malformed(name: str, record: AirRecord, salt: bytes | None) -> None:
    with pytest.raises(Malformed):
        record.unpack(salt)


def test_the_smallest_parcel() -> None:
    """What a lone note costs: 13 bytes of head, a run of 4 + 1 + 1, its record, and 65 of checkpoint."""
    holdings = in_commons()
    run = holdings.run(holdings.log_in(COMMONS), 1, 10_000)
    assert run is not None
    records = sum(len(record.encode()) for record in AirRun.pack(run, EPOCH_KEY).records)
    assert len(AirRun.pack(run, EPOCH_KEY).encode()) == 4 + 1 + 1 + records + 1 + 64
    assert PARCEL_HEAD_SIZE == 11
