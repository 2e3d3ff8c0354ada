"""Where neighbours say that their pages answer: read strictly, and believed only of the neighbourhood."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.addresses import Address, Announcement
from mesh.errors import Malformed
from mesh.keys import NodeId

OAK = NodeId(bytes(range(16)))


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("http://10.0.0.1", "10.0.0.1", 80),
        ("http://192.168.4.1:8080", "192.168.4.1", 8080),
        ("http://100.64.1.2:81", "100.64.1.2", 81),
        ("http://127.0.0.1:8080", "127.0.0.1", 8080),
        ("http://[fd00::1]:8080", "fd00::1", 8080),
        ("http://elm", "elm", 80),
        ("http://elm-street.local:65535", "elm-street.local", 65535),
        ("http://a.b.home.arpa", "a.b.home.arpa", 80),
    ],
)
def test_places_of_the_neighbourhood(text: str, host: str, port: int) -> None:
    assert Address.parse(text) == Address(host, port)
    assert Address.parse(str(Address(host, port))) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "", "http://", "http:///", "elm.local", "https://10.0.0.1", "http://10.0.0.1/", "http://10.0.0.1/x", "http://a@10.0.0.1",
        "http://10.0.0.1:0", "http://10.0.0.1:065", "http://10.0.0.1:65536", "http://10.0.0.1:", "http://10.0.0.1:80:80",
        "http://8.8.8.8", "http://1.1.1.1:80", "http://[2606:4700::1111]", "http://elm.example.org", "http://elm.onlylocal",
        "http://127.1", "http://0x7f.1", "http://2130706433", "http://0177.0.0.1", "http://10.0.0", "http://10.0.0.256",
        "http://[::ffff:10.0.0.1]", "http://[10.0.0.1]", "http://fd00::1", "http://[fe80::1%eth0]", "http://[elm]",
        "http://0.0.0.0", "http://[::]", "http://224.0.0.1", "http://255.255.255.255", "http://[ff02::1]",
        "http://ELM.local", "http://elm..local", "http://.local", "http://-elm.local", "http://elm-.local", "http://elm_x",
        "http://elm.local\n", " http://elm.local", "http://elm.local ", "http://élm.local", "http://" + "a" * 64,
        "http://" + "a." * 60 + "local", "http://\u0661\u0660.0.0.1",
    ],
)  # fmt: skip
def test_what_is_no_place_of_the_neighbourhood(text: str) -> None:
    with pytest.raises(Malformed):
        Address.parse(text)


def test_some_lead_back_to_the_reader() -> None:
    own = ("http://127.0.0.1:81", "http://127.3.2.1", "http://[::1]:8080", "http://localhost:80", "http://a.localhost")
    assert all(Address.parse(text).is_own_machine for text in own)
    assert not any(Address.parse(text).is_own_machine for text in ("http://10.0.0.1", "http://elm.local", "http://elm"))


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_no_number_of_the_wide_internet_is_believed(number) -> None:
    text = f"http://[{number}]" if number.version == 6 else f"http://{number}"
    with suppress(Malformed):
        assert not ip_address(Address.parse(text).host).is_global


@given(st.text(max_size=120) | st.from_regex(r"http://[a-z0-9.\[\]:-]{0,40}(:[0-9]{0,6})?", fullmatch=True))
def test_any_text_is_an_address_or_malformed(text: str) -> None:
    with suppress(Malformed):
        found = Address.parse(text)
        assert Address.parse(str(found)) == found
        assert str(found) in (text, text + ":80")


def test_an_announcement_is_written_in_one_way() -> None:
    said = Announcement(OAK, Address("10.0.0.1", 8080))
    assert said.encode() == b"hedgerow-portal-1 " + said.encode().split()[1] + b" http://10.0.0.1:8080"
    assert Announcement.parse(said.encode()) == said


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda raw: raw + b" ",
        lambda raw: raw + b"\n",
        lambda raw: raw.replace(b"-1 ", b"-2 "),
        lambda raw: raw.replace(b" ", b"  "),
        lambda raw: raw.replace(b":8080", b""),
        lambda raw: raw.replace(b":8080", b":08080"),
        lambda raw: raw.replace(b"10.0.0.1", b"8.8.8.8"),
        lambda raw: raw.upper(),
        lambda raw: raw[:-40],
        lambda raw: b"",
        lambda raw: raw + b"x" * 10_000,
        lambda raw: b"\xff" + raw,
    ],
)
def test_other_announcements_are_dropped(spoiled) -> None:
    with pytest.raises(Malformed):
        Announcement.parse(spoiled(Announcement(OAK, Address("10.0.0.1", 8080)).encode()))


@given(st.binary(max_size=250))
def test_any_bytes_are_an_announcement_or_malformed(raw: bytes) -> None:
    with suppress(Malformed):
        assert Announcement.parse(raw).encode() == raw
