"""What a LoRa frame costs the air, and a meter that keeps one station within its share of it.

Pure: time is an argument (seconds of any clock that never goes back). Formula: Semtech AN1200.13, "LoRa Modem
Designer's Guide", section 4, the same as in the SX1276 data sheet, 4.1.1.7. Presets and the duty limits of regions:
Meshtastic firmware 2.8, `modemPresetToParams` and `RDEF`.
"""

import math
from collections import deque
from types import MappingProxyType
from typing import Final, NamedTuple

from mesh.errors import AirtimeSpent

HOUR_S: Final = 3600
HOUR_MS: Final = 3_600_000
BUDGET_SHARE_DEFAULT: Final = 0.03
FRAME_BYTES_MAX: Final = 255

PREAMBLE_SYMBOLS: Final = 16
SYNC_SYMBOLS: Final = 4.25
LOW_DATA_RATE_SYMBOL_MS: Final = 16.0


class Preset(NamedTuple):
    """Modem settings under one of Meshtastic's names; `coding_rate` 5 stands for 4/5 and so on up to 8."""

    spreading_factor: int
    bandwidth_khz: int
    coding_rate: int

    @property
    def symbol_ms(self) -> float:
        """How long one symbol lasts."""
        return float(2**self.spreading_factor / self.bandwidth_khz)


PRESETS: Final = MappingProxyType(
    {
        "ShortTurbo": Preset(7, 500, 5),
        "ShortFast": Preset(7, 250, 5),
        "ShortSlow": Preset(8, 250, 5),
        "MediumFast": Preset(9, 250, 5),
        "MediumSlow": Preset(10, 250, 5),
        "LongFast": Preset(11, 250, 5),
        "LongTurbo": Preset(11, 500, 8),
        "LongModerate": Preset(11, 125, 8),
        "LongSlow": Preset(12, 125, 8),
    }
)

# Share of each hour that one station may talk. 1.0 means that the law counts no airtime; our own budget still does.
REGIONS: Final = MappingProxyType(
    {
        "ANZ": 1.0,
        "ANZ_433": 1.0,
        "BR_902": 1.0,
        "CN": 1.0,
        "EU_433": 0.10,
        "EU_868": 0.10,
        "IN": 1.0,
        "JP": 1.0,
        "KR": 1.0,
        "KZ_433": 1.0,
        "KZ_863": 1.0,
        "MY_433": 1.0,
        "MY_919": 1.0,
        "NP_865": 1.0,
        "NZ_865": 1.0,
        "PH_433": 1.0,
        "PH_868": 1.0,
        "PH_915": 1.0,
        "RU": 1.0,
        "SG_923": 1.0,
        "TH": 0.10,
        "TW": 1.0,
        "UA_433": 0.10,
        "UA_868": 0.01,
        "US": 1.0,
    }
)


def preset_named(name: str) -> Preset:
    """Look up a modem preset. Raises ValueError for a name that Meshtastic does not know."""
    if name not in PRESETS:
        raise ValueError(f"{name!r} is no modem preset; known are {', '.join(PRESETS)}")
    return PRESETS[name]


def on_air_bytes(payload_size: int) -> int:
    """Size on air of a private-port broadcast that carries `payload_size` bytes.

    A 16-byte radio header and the envelope around the payload, whose length field grows by a byte at 128. Measured
    with firmware 2.8 and broadcasts it does not sign: 23 bytes more below a payload of 128, else 24.
    """
    if payload_size < 0:
        raise ValueError(f"a payload of {payload_size} bytes cannot be")
    return payload_size + (23 if payload_size < 128 else 24)


def airtime_ms(preset: str, frame_bytes: int) -> float:
    """Time on air of a frame of `frame_bytes` (header included, see `on_air_bytes`), in milliseconds.

    Explicit header, CRC on, 16-symbol preamble; low-data-rate optimisation when a symbol lasts over 16 ms.
    """
    if not 0 <= frame_bytes <= FRAME_BYTES_MAX:
        raise ValueError(f"a LoRa frame has 0 to {FRAME_BYTES_MAX} bytes, not {frame_bytes}")
    modem = preset_named(preset)
    factor = modem.spreading_factor
    slowed = 2 if modem.symbol_ms > LOW_DATA_RATE_SYMBOL_MS else 0
    blocks = math.ceil((8 * frame_bytes - 4 * factor + 28 + 16) / (4 * (factor - slowed)))
    payload_symbols = 8 + max(blocks, 0) * modem.coding_rate
    return (PREAMBLE_SYMBOLS + SYNC_SYMBOLS + payload_symbols) * modem.symbol_ms


class AirtimeMeter:
    """One station's own count of the air it used in the last hour. The radio's reports are not trusted for this.

    Seconds are whole buckets, so that memory stays under 3,602 entries; a bucket counts until all of it is an hour old.
    """

    def __init__(self, region: str = "EU_868", share: float = BUDGET_SHARE_DEFAULT) -> None:
        """`share` of each hour is the budget (0.03 = 108 s), never more than the region's law allows."""
        if region not in REGIONS:
            raise ValueError(f"{region!r} is no radio region; known are {', '.join(REGIONS)}")
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"a share of the air lies between 0 and 1, not at {share}")
        self.law_ms: Final = REGIONS[region] * HOUR_MS
        self.budget_ms: Final = min(share * HOUR_MS, self.law_ms)
        self._spent: deque[tuple[int, int]] = deque()  # (second, microseconds), oldest first; whole numbers never drift
        self._total_us = 0

    def used_ms(self, now_s: float) -> float:
        """Airtime spent in the hour before `now_s`, in milliseconds."""
        while self._spent and self._spent[0][0] + 1 + HOUR_S <= now_s:
            self._total_us -= self._spent.popleft()[1]
        return self._total_us / 1000

    def room_ms(self, now_s: float, *, distress: bool = False) -> float:
        """Airtime that may still be spent now: up to the budget, or up to the law when somebody is in distress."""
        return max(0.0, self._limit_ms(distress) - self.used_ms(now_s))

    def spend(self, cost_ms: float, now_s: float, *, distress: bool = False) -> None:
        """Count a frame before it is sent. Raises AirtimeSpent, and counts nothing, if it does not fit."""
        if cost_ms < 0:
            raise ValueError(f"a frame cannot take {cost_ms} ms")
        if cost_ms > self.room_ms(now_s, distress=distress):
            raise AirtimeSpent(
                "The radio has used its share of the air for now. Everything is saved and will leave by itself."
            )
        self._count(math.ceil(cost_ms * 1000), int(now_s))

    def wait_s(self, cost_ms: float, now_s: float, *, distress: bool = False) -> float:
        """Seconds until a frame of `cost_ms` fits: 0 for now, infinity when it is larger than the whole budget."""
        limit_ms = self._limit_ms(distress)
        if cost_ms > limit_ms:
            return math.inf
        left_ms = self.used_ms(now_s)
        wait_s = 0.0
        for second, spent_us in self._spent:
            if cost_ms <= limit_ms - left_ms:
                break
            left_ms -= spent_us / 1000
            wait_s = second + 1 + HOUR_S - now_s
        return wait_s

    def _limit_ms(self, distress: bool) -> float:
        return self.law_ms if distress else self.budget_ms

    def _count(self, cost_us: int, second: int) -> None:
        # A clock that stepped back must not open a second account for the same air: the newest bucket takes it.
        if self._spent and self._spent[-1][0] >= second:
            newest, spent_us = self._spent.pop()
            self._spent.append((newest, spent_us + cost_us))
        else:
            self._spent.append((second, cost_us))
        self._total_us += cost_us
