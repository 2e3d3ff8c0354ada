"""Any bytes are one datagram in its one form, or a peer's fault; the bytes of the format page stay as they are."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import Malformed, PeerFault, UnknownVersion
from mesh.transports.datagram import Bye, Datagram, Hello, Offer, Overheard, Reason, Refusal, Report, encode, parse

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
NUMBERS = st.integers(0, 2**32 - 1)
PACKETS = st.binary(min_size=1, max_size=1024)
DATAGRAMS: st.SearchStrategy[Datagram] = st.one_of(
    st.builds(Hello, NAMES, NAMES, NUMBERS),
    st.builds(Offer, NUMBERS, PACKETS),
    st.just(Bye()),
    st.builds(Report, NUMBERS, st.integers(0, 255)),
    st.builds(Overheard, NAMES, PACKETS),
    st.builds(Refusal, NUMBERS, st.sampled_from(Reason)),
)

WRITTEN = (
    (Hello("ana", "LongFast", 7), "0101 03616e61 084c6f6e6746617374 00000007"),
    (Offer(258, b"\xff\x00"), "0102 00000102 ff00"),
    (Bye(), "0103"),
    (Report(3, 16), "0111 00000003 10"),
    (Overheard("bo", b"!"), "0112 02626f 21"),
    (Refusal(0, Reason.OTHER_PRESET), "0113 00000000 05"),
)


@pytest.mark.parametrize(("datagram", "written"), WRITTEN)
def test_the_bytes_are_those_of_the_page(datagram: Datagram, written: str) -> None:
    assert encode(datagram) == bytes.fromhex(written)
    assert parse(bytes.fromhex(written)) == datagram


@given(DATAGRAMS)
def test_what_is_written_is_read_back(datagram: Datagram) -> None:
    assert parse(encode(datagram)) == datagram


@given(st.binary(max_size=300) | st.builds(lambda kind, body: bytes((1, kind)) + body, st.integers(0, 20), st.binary()))
def test_any_bytes_parse_to_themselves_or_are_a_peer_fault(raw: bytes) -> None:
    with suppress(PeerFault):
        assert encode(parse(raw)) == raw


@given(DATAGRAMS, st.data())
def test_a_torn_datagram_never_reads_as_the_whole(datagram: Datagram, data: st.DataObject) -> None:
    raw = encode(datagram)
    torn = raw[: data.draw(st.integers(0, len(raw) - 1))]
    with suppress(PeerFault):
        assert parse(torn) != datagram


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "01",
        "0104",  # no such kind
        "0103 00",  # more than a bye
        "0101 00 0161 00000000",  # nobody
        "0101 0161 0161 000000",  # a short number
        "0101 0161 0161 0000000000",  # a long one
        "0101 0120 0161 00000000",  # a blank for a name
        "0102 000001",  # no whole number
        "0102 00000001",  # nothing offered
        "0111 00000001",  # half a report
        "0112 0561 21",  # a name longer than the datagram
        "0113 00000001 00",  # no such reason
        "0113 00000001 06",
    ],
)
def test_every_other_form_is_refused(wrong: str) -> None:
    with pytest.raises(Malformed):
        parse(bytes.fromhex(wrong))


def test_a_packet_larger_than_any_datagram_holds_is_refused() -> None:
    with pytest.raises(Malformed):
        parse(bytes.fromhex("0102 00000001") + bytes(1025))
    with pytest.raises(Malformed):
        parse(bytes.fromhex("0103") + bytes(60_000))


@pytest.mark.parametrize("version", [0, 2, 0x11, 255])
def test_a_datagram_from_the_future_is_known_as_such(version: int) -> None:
    with pytest.raises(UnknownVersion):
        parse(bytes((version,)) + encode(Bye())[1:])
