"""The pipe between the daemon and the process that owns the radio: one form for each message, and none for the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import Malformed, PeerFault, UnknownVersion
from mesh.transports.lora_pipe import (
    BODY_SIZE_MAX,
    WISHES,
    WORDS,
    Ask,
    Bye,
    Changed,
    Dated,
    Dropped,
    Ended,
    Fault,
    HeardBy,
    Message,
    Misfit,
    Offer,
    Reader,
    Ready,
    Say,
    Spoke,
    Stray,
    TextBy,
    Took,
    Tune,
    Well,
    encode,
)

ANY = WISHES | WORDS
numbers, small = st.integers(0, 2**32 - 1), st.integers(0, 255)
keys = st.one_of(st.just(b""), st.binary(min_size=32, max_size=32))
texts = st.binary(min_size=1, max_size=233)
packets = st.binary(min_size=1, max_size=231)
names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=32)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Tune, names, names, names, st.binary(min_size=32, max_size=32), st.integers(256, 511), st.booleans()),
    st.builds(Offer, numbers, packets),
    st.builds(Ask, numbers),
    st.just(Bye()),
    st.builds(Ready, numbers, small, st.sampled_from([0, 16, 32, 48]).map(Misfit)),
    st.builds(Took, numbers, small),
    st.builds(Dropped, numbers, small),
    st.builds(Well, numbers, small),
    st.builds(HeardBy, numbers, packets),
    st.builds(Say, numbers, numbers, st.integers(0, 7), keys, texts),
    st.builds(TextBy, numbers, numbers, st.integers(0, 7), keys, texts),
    st.builds(Spoke, st.integers(0, 65535)),
    st.builds(Dated, st.integers(0, 2**32 - 1)),
    st.builds(Stray, st.integers(0, 65535)),
    st.builds(Changed, numbers),
    st.builds(Ended, st.sampled_from(Fault), numbers, st.integers(0, 63).map(Misfit)),
)


@given(st.lists(messages, max_size=5), st.integers(1, 40))
def test_what_is_said_is_heard_however_it_is_cut(said: list[Message], step: int) -> None:
    raw = b"".join(map(encode, said))
    reader = Reader(ANY)
    heard = [message for at in range(0, len(raw), step) for message in reader.feed(raw[at : at + step])]
    assert heard == said
    assert [type(message) for message in heard] == [type(message) for message in said]


@given(st.binary(max_size=600) | st.builds(lambda rest: b"\x01" + rest, st.binary(max_size=600)))
def test_any_bytes_are_messages_of_one_form_or_a_fault(raw: bytes) -> None:
    reader = Reader(ANY)
    try:
        heard = list(reader.feed(raw))
    except PeerFault:
        return
    assert raw.startswith(b"".join(map(encode, heard)))
    assert len(raw) - len(b"".join(map(encode, heard))) < 4 + BODY_SIZE_MAX


@given(messages, st.data())
def test_one_changed_byte_is_a_fault_or_another_message(message: Message, chance: st.DataObject) -> None:
    raw = bytearray(encode(message))
    raw[chance.draw(st.integers(0, len(raw) - 1))] ^= chance.draw(st.integers(1, 255))
    try:
        heard = list(Reader(ANY).feed(bytes(raw)))
    except PeerFault:
        return
    assert heard != [message] or encode(heard[0]) == bytes(raw)


def head(kind: int, size: int, version: int = 1) -> bytes:
    return bytes((version, kind)) + size.to_bytes(2, "big")


@pytest.mark.parametrize(
    "raw",
    [
        head(0x06, 0),  # no such kind
        head(0x02, 513),  # too large
        head(0x04, 1) + b"\x00",  # bytes after the bye
        head(0x02, 4) + bytes(4),  # an offer of nothing
        head(0x02, 4 + 232) + bytes(236),  # more than any radio carries
        head(0x03, 3) + bytes(3),
        head(0x11, 6) + bytes(5) + b"\x01",  # set to another region, and in service
        head(0x05, 10) + bytes(10),  # a text of nothing
        head(0x05, 12) + bytes(8) + b"\x08\x00hi",  # more hops than there are
        head(0x1A, 13) + bytes(9) + b"\x02kkt",  # half a key
        head(0x18, 6) + bytes(6),  # no fault has number 0
        head(0x18, 6) + b"\x04" + bytes(4) + b"\x40",  # no such misfit
        encode(Tune("a", "b", "c", bytes(32), 300, True)).replace(b"\x01a", b"\x01 "),
        encode(Tune("a", "b", "c", bytes(32), 300, True))[:-1] + b"\x02",  # neither yes nor no
        encode(Tune("a", "b", "c", bytes(32), 300, True)).replace((300).to_bytes(2, "big"), b"\x00\x01"),
    ],
)
def test_what_has_another_form_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        list(Reader(ANY).feed(raw))


def test_a_frame_from_the_future_is_told_apart() -> None:
    with pytest.raises(UnknownVersion):
        list(Reader(ANY).feed(b"\x02"))


def test_each_side_hears_only_what_the_other_may_say() -> None:
    with pytest.raises(Malformed):
        list(Reader(WORDS).feed(encode(Bye())))
    with pytest.raises(Malformed):
        list(Reader(WISHES).feed(encode(Stray(1))))
