"""The head of an answer from a neighbour's pages: read to the letter, or not at all."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.visiting import Disappointed, Disappointment, Head, Part, Visit
from mesh.addresses import Address
from tests.appliance.liars import Pages, answer, truth

numbers = st.integers(0, 10**15 - 1)


@given(numbers, numbers, numbers)
def test_a_part_is_read_as_it_is_written(first: int, last: int, size: int) -> None:
    part = Part(first, last, size)
    found = Part.read(f"bytes {first}-{last}/{size}")
    assert found == (part if first <= last < size else None)


@pytest.mark.parametrize(
    "header",
    [
        "", "bytes", "bytes 0-1", "bytes 0-1/*", "bytes */2", "bytes 1-0/2", "bytes 0-2/2", "bytes=0-1/2", "bytes 0-1/2 ",
        "bytes  0-1/2", "Bytes 0-1/2", "bytes -1-1/2", "bytes 0-1/2, 0-1/2", "bytes 0-1/" + "9" * 16, "bytes \u0660-1/2",
        "items 0-1/2",
    ],
)  # fmt: skip
def test_what_tells_no_part(header: str) -> None:
    assert Part.read(header) is None


@given(st.text(max_size=60) | st.from_regex(r"bytes [0-9]{0,18}-[0-9]{0,18}/[0-9*]{0,18}", fullmatch=True))
def test_any_header_is_a_part_or_none(header: str) -> None:
    found = Part.read(header)
    assert found is None or 0 <= found.first <= found.last < found.size


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda raw: b"HTTP/1.1 206 OK\r\n" + raw))
def test_any_bytes_are_a_head_or_a_disappointment(raw: bytes) -> None:
    with suppress(Disappointed):
        head = Head.read(raw)
        assert 0 <= head.body_size(Part(0, 9, 10), 10) <= 10


PART = Part(0, 9, 100)
GOOD = "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/100"


@pytest.mark.parametrize(
    ("head", "how"),
    [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 3", Disappointment.LACKS),
        ("HTTP/1.1 416 Range\r\nContent-Length: 3", Disappointment.LACKS),
        ("HTTP/1.1 500 Oh\r\nContent-Length: 3", Disappointment.WRONG),
        ("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: http://elm/", Disappointment.WRONG),
        ("HTTP/1.1 100 Continue", Disappointment.WRONG),
        ("HTTP/2 206 OK\r\nContent-Length: 10", Disappointment.WRONG),
        (GOOD.replace("206", "200"), Disappointment.WRONG),
        (GOOD.replace("206", "2060"), Disappointment.WRONG),
        (GOOD.replace("0-9", "1-9"), Disappointment.WRONG),
        (GOOD.replace("/100", "/101"), Disappointment.OTHER),
        (GOOD.replace(": 10", ": 11"), Disappointment.WRONG),
        (GOOD.replace(": 10", ": 9"), Disappointment.WRONG),
        (GOOD.replace(": 10", ": -10"), Disappointment.WRONG),
        (GOOD.replace(": 10", ": 10, 10"), Disappointment.WRONG),
        (GOOD + "\r\nContent-Length: 10", Disappointment.WRONG),
        (GOOD + "\r\nTransfer-Encoding: identity", Disappointment.WRONG),
        (GOOD + "\r\n folded: line", Disappointment.WRONG),
        (GOOD + "\r\nno colon", Disappointment.WRONG),
        (GOOD.replace("\r\n", "\n"), Disappointment.WRONG),
    ],
)
def test_a_head_that_is_not_as_asked(head: str, how: Disappointment) -> None:
    with pytest.raises(Disappointed) as fault:
        Head.read(head.encode()).body_size(PART, 10)
    assert fault.value.how is how


def test_a_head_as_asked() -> None:
    assert Head.read(GOOD.encode()).body_size(PART, 10) == 10
    whole = "HTTP/1.0 200\r\nServer: x\r\ncontent-length:  3  \r\nX: \xff"
    assert Head.read(whole.encode("latin-1")).body_size(None, 10) == 3
    with pytest.raises(Disappointed) as fault:
        Head.read(whole.encode("latin-1")).body_size(None, 2)
    assert fault.value.how is Disappointment.OTHER


def test_nobody_there_is_a_disappointment() -> None:
    with Pages(b"x", truth) as pages:
        address = pages.address
    for strange in (address, Address("no-such-host.invalid", 80), Address("a" * 70, 80)):
        with pytest.raises(Disappointed) as fault:
            Visit(strange).whole("/blob/", 10)
        assert fault.value.how is Disappointment.AWAY


def test_an_empty_list_is_an_answer() -> None:
    with Pages(b"x", lambda pages, line, *_: pages.send(line, answer("200 OK", b""))) as pages:
        assert Visit(pages.address).whole("/blob/", 10) == b""
