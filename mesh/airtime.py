"""What a LoRa frame costs the air, and what the law of a region allows.

Formula: Semtech AN1200.13, "LoRa Modem Designer's Guide", section 4, the same as in the SX1276 data sheet, 4.1.1.7.
Presets and the duty limits of regions: Meshtastic firmware 2.8, `modemPresetToParams` and `RDEF`.
"""

import math
from types import MappingProxyType
from typing import Final, NamedTuple

HOUR_S: Final = 3600
HOUR_MS: Final = 3_600_000
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


SIGNATURE_BYTES: Final = 66  # what a radio adds that signs what it broadcasts
SIGNED_PAYLOAD_MAX: Final = 165  # more it leaves unsigned


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


def text_on_air_bytes(size: int, *, is_sealed: bool) -> int:
    """Size on air of a text of `size` bytes. Its port takes a byte less than a private one; a seal to one reader, 12 more."""
    return on_air_bytes(size) - 1 + (12 if is_sealed else 0)


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
