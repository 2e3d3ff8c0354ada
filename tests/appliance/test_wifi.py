"""What a keeper may say of the WiFi, held against the rules that the kernel's radios obey."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.errors import SettingsFault
from appliance.settings_section import Section
from appliance.wifi import ABOVE, BELOW, COUNTRIES, Wifi, channels, read

RULES: Final = Path("/lib/firmware/regulatory.db-debian")
NO_OUTDOOR, DFS, NO_IR = 1 << 1, 1 << 2, 1 << 3  # flags of regulatory.db(5) and net/wireless/reg.c
EVERYWHERE: Final = "00"
WITHOUT_OUR_BAND: Final = {"TG"}  # its row asks to look out for radar where there is none, so radios stay silent
INDOORS: Final = {"EG", "ID", "OM", "QA", "SY", "UA"}  # want a roof over any WiFi; radios do not know where they are
Rule = tuple[int, int, int]  # flags, kHz from, kHz to


def law() -> dict[str, list[Rule]]:
    """Return each country's rules, read from Debian's package as the kernel reads it."""
    raw, found, at = RULES.read_bytes(), {}, 8
    assert raw[:8] == b"RGDB" + struct.pack(">I", 20)
    while (row := struct.unpack_from(">2sH", raw, at))[1]:
        at += 4
        begin = row[1] * 4
        length, count = raw[begin], raw[begin + 1]
        places = struct.unpack_from(f">{count}H", raw, begin + (length + 1 & ~1))
        found[row[0].decode()] = [struct.unpack_from(">BxxIII", raw, 4 * one + 1)[0:3] for one in places]
    return found


def allows(rules: list[Rule], channel: int, *, outdoors: bool) -> bool:
    """Whether an access point may use this channel, 20 MHz wide, without looking out for radar."""
    middle = 1000 * (2407 + 5 * channel if channel < 14 else 5000 + 5 * channel)
    closed = DFS | NO_IR | (NO_OUTDOOR if outdoors else 0)
    return any(
        begin <= middle - 10_000 and middle + 10_000 <= end and not flags & closed for flags, begin, end in rules
    )


@pytest.mark.real
def test_what_may_be_chosen_is_what_radios_may_do() -> None:
    rules = law()
    assert set(rules) - {EVERYWHERE} - WITHOUT_OUR_BAND == COUNTRIES
    for country in COUNTRIES:
        for channel in channels(country):
            assert allows(rules[country], channel, outdoors=channel in ABOVE or country not in INDOORS), (
                country,
                channel,
            )
        above = all(allows(rules[country], channel, outdoors=True) for channel in ABOVE)
        assert above == (len(channels(country)) > len(BELOW)), country


def told(**entries: Any) -> Wifi:
    values: dict[object, object] = {"name": "Elm", "country": "DE"}
    values.update(entries)
    return read(Section(Path("node.yaml"), "wifi", values))


def test_what_is_shown_is_read_again() -> None:
    for one in (
        told(),
        told(passphrase="bread and roses", security="wpa3", channel=11),
        told(country="US", channel=44),
        told(open=True, share_internet=True),
    ):
        assert read(Section(Path("node.yaml"), "wifi", one.shown())) == one


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"country": "UK"}, "wifi.country must be two capital letters such as DE (or GB, for the United Kingdom)"),
        ({"country": "de"}, "wifi.country must be two capital letters"),
        ({"channel": 12}, "wifi.channel cannot be 12 in DE"),
        ({"channel": 36}, "Choose one from 1 to 11."),
        (
            {"country": "US", "channel": 100},
            "must make way for weather radar. Choose one from 1 to 11, or 36, 40, 44, 48.",
        ),
        ({"channel": 0}, "wifi.channel must be a whole number from 1"),
        ({"security": "wep"}, "wifi.security cannot be wep. Did you mean wpa"),
    ],
)
def test_a_slip_is_named_with_its_remedy(entries: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsFault) as fault:
        told(**entries)
    assert words in str(fault.value)
