"""The WiFi that phones join: what a keeper may say of it, within the law of the air.

Countries and channels are those of the kernel's own rules, for the radio obeys them and stays silent otherwise (wireless-regdb;
a test compares). A node hangs outside, so of the 5 GHz band it has the channels that need no look-out for weather radar, and only
where the law lets them be used outdoors. (Some, such as Egypt, want a roof over any WiFi: keepers know where theirs hangs.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from appliance.settings_section import Section

NAME_BYTES_MAX: Final = 32  # IEEE 802.11, 9.4.2.2
PASSPHRASE: Final = re.compile(r"[\x20-\x7e]{8,63}")  # IEEE 802.11, annex J.4
BELOW, ABOVE = range(1, 12), range(36, 49, 4)  # of the bands at 2.4 and at 5 GHz
CHANNEL, CHANNEL_MAX = 6, 177
SECURITIES: Final = ("auto", "wpa2", "wpa3")
COUNTRIES: Final = frozenset(
    """
AD AE AF AI AL AM AN AR AS AT AU AW AZ BA BB BD BE BF BG BH BL BM BN BO BR BS BT BW BY BZ CA CF CH CI CL CN CO
CR CU CX CY CZ DE DK DM DO DZ EC EE EG ES ET FI FM FO FR GB GD GE GF GH GI GL GP GR GT GU GY HK HN HR HT HU ID
IE IL IM IN IR IS IT JM JO JP KE KH KN KP KR KW KY KZ LB LC LI LK LS LT LU LV MA MC MD ME MF MH MK MN MO MP MQ
MR MT MU MV MW MX MY NA NG NI NL NO NP NZ OM PA PE PF PG PH PK PL PM PR PT PW PY QA RE RO RS RU RW SA SE SG SI
SK SM SN SR SV SX SY TC TD TH TN TR TT TW TZ UA UG US UY UZ VA VC VE VI VN VU WF WS YE YT ZA ZW
""".split()  # noqa: SIM905 (a literal list would fill a screen)
)
ABOVE_OUTDOORS: Final = frozenset(
    """
AE AF AI AN AR AS AW AZ BB BF BL BM BN BS BT BW BY CF CI CL CO CR CX DM DO DZ ET FM GD GE GF GH GL GP GU GY HN
HR HT IN IR JM JO JP KE KH KN KP KR KW KY LB LC LK LS MA MF MH MN MO MP MQ MR MU MV MW MX NI NP NZ OM PA PE PF PG
PH PM PR PW PY RE RS RW SA SG SN SR SV SX TC TD TH TN TT TW UG US UY UZ VC VE VI VU WF WS YT ZA ZW
""".split()  # noqa: SIM905 (a literal list would fill a screen)
)


@dataclass(frozen=True, slots=True)
class Wifi:
    """The network that phones join. Without a passphrase it is open, or it was told already and is not repeated.

    `security`: `wpa2`, `wpa3`, or `auto` for both at once where the radio can do it. `shares_internet`: where a cable leads on,
    phones may go there too; else none of their packets is passed on.
    """

    name: str
    country: str
    passphrase: str = ""
    channel: int = CHANNEL
    is_open: bool = False
    security: str = "auto"
    shares_internet: bool = False

    def shown(self) -> dict[object, object]:
        """Return what `read` gives this network back from."""
        shown: dict[object, object] = {"name": self.name, "country": self.country, "channel": self.channel}
        shown |= {"passphrase": self.passphrase} if self.passphrase else {}
        shown |= {"security": self.security} if self.security != "auto" else {}
        shown |= {"share_internet": True} if self.shares_internet else {}
        return shown | ({"open": True} if self.is_open else {})


def read(section: Section) -> Wifi:
    """Return the network that `section` tells of. Raises `SettingsFault`."""
    section.allow("name", "passphrase", "country", "channel", "open", "security", "share_internet")
    name = section.text("name", None)
    if len(name.encode()) > NAME_BYTES_MAX:
        raise section.fault("name", f"must take at most {NAME_BYTES_MAX} bytes; signs beyond ASCII take several.")
    passphrase, is_open = section.text("passphrase", ""), section.yes_or_no("open", default=False)
    if passphrase and is_open:
        raise section.fault("open", "cannot be true beside a passphrase. Remove one of the two.")
    if passphrase and not PASSPHRASE.fullmatch(passphrase):
        raise section.fault("passphrase", "must be 8 to 63 letters, digits or signs without accents.")
    country = _country(section)
    return Wifi(
        name,
        country,
        passphrase,
        _channel(section, country),
        is_open,
        section.choice("security", "auto", SECURITIES),
        section.yes_or_no("share_internet", default=False),
    )


def _country(section: Section) -> str:
    country = section.text("country", None)
    if country not in COUNTRIES:
        raise section.fault(
            "country",
            "must be two capital letters such as DE (or GB, for the United Kingdom): the law of the air differs by country.",
        )
    return country


def channels(country: str) -> tuple[int, ...]:
    """Return the channels that a node outdoors may use in `country`."""
    return (*BELOW, *(ABOVE if country in ABOVE_OUTDOORS else ()))


def _channel(section: Section, country: str) -> int:
    channel = section.whole("channel", CHANNEL, 1, CHANNEL_MAX)
    if channel not in channels(country):
        more = ", or 36, 40, 44, 48" if country in ABOVE_OUTDOORS else ""
        raise section.fault(
            "channel",
            f"cannot be {channel} in {country}: a radio outdoors must not send there, or must make way for weather radar. "
            f"Choose one from 1 to 11{more}.",
        )
    return channel
