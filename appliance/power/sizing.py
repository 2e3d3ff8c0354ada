"""How large a panel and a battery a node needs where it stands: by latitude, by how clear the sky is, by what the node draws.

Sources
    the sun above the air, on level ground, each day    FAO Irrigation and Drainage Paper 56 (1998), equations 21 to 25
    the day that stands for its month                   Klein 1977, as in Duffie and Beckman, Solar Engineering, table 1.6.1
    what of it is diffuse, by the clearness of the sky  Erbs, Klein and Duffie 1982, monthly means
    what falls on a panel that leans to the equator     Liu and Jordan 1962, with the beam's ratio of Klein 1977

The formulas hold within about a tenth where the clearness is known; it is guessed here, so what comes out is rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, ceil, cos, pi, radians, sin, tan
from typing import Final

SOLAR_MJ_MIN: Final = 0.0820  # the solar constant as FAO-56 uses it, MJ a square metre and minute
MJ_IN_KWH: Final = 3.6
MEAN_DAYS: Final = (17, 47, 75, 105, 135, 162, 198, 228, 258, 288, 318, 344)
LATITUDE_MAX: Final = 65  # further north or south the sun does not come back every day
TILTS: Final = tuple(range(10, 80, 5))  # a flatter panel keeps its dirt and snow
GROUND: Final = 0.2  # of the light that falls on grass or earth comes back
# Of what falls on a panel so much reaches the battery: heat, dirt, wires, the charger, what the battery itself loses.
PERFORMANCE: Final = 0.7
USABLE: Final = 0.8  # of a LiFePO4 battery, between its two knees
VOLTS: Final = 12.8
CHARGE_C: Final = 0.5  # a battery takes half its ampere hours as amperes, unless its sheet allows more
PANEL_STEP_W, BATTERY_STEP_AH = 5, 1
PANEL_MAX_W: Final = 1000  # more than that is no node's panel: the place is too dark
LATITUDES: Final = (0, 10, 20, 30, 35, 40, 45, 50, 55, 60)
DARK_DAYS: Final = 3
GREY, MIXED, CLEAR = 0.30, 0.45, 0.60  # how much of the sun above the air reaches level ground in the darkest month


@dataclass(frozen=True, slots=True)
class Build:
    """A way to build a node: its parts with the watts that each draws, day and night."""

    name: str
    parts: tuple[tuple[str, float], ...]

    @property
    def watts(self) -> float:
        return round(sum(watts for _, watts in self.parts), 1)


# Boards: Raspberry Pi's table of typical bare-board currents (350 and 600 mA) at 5 V. Radios: listening, screen dark, by their
# chips' data sheets. A step-down converter loses about an eighth; a Victron SmartSolar 75/10 takes 25 mA of the battery.
ZERO: Final = ("Pi Zero 2 W", 1.8)
NRF: Final = ("Radio, nRF52 (RAK)", 0.1)
CONTROLLER: Final = ("Charge controller", 0.3)
DRAWS_NOTHING: Final = (
    ("Card, 8 to 64 GB", 0.0),
    ("Antenna for the band", 0.0),
    ("Panel, battery", 0.0),
    ("Fuses, copper cable", 0.0),
    ("INA226 or VE.Direct", 0.0),
    ("Box, glands, straps", 0.0),
)
SILL: Final = Build("sill", (ZERO, NRF, *DRAWS_NOTHING[:2]))
SHED: Final = Build(
    "shed",
    (
        ("Pi 4, or a Pi 3 B+", 3.0),
        ("Radio, ESP32 (Heltec)", 0.5),
        ("Converter 12 to 5 V", 0.5),
        CONTROLLER,
        *DRAWS_NOTHING[:5],
    ),
)
POLE: Final = Build("pole", (ZERO, NRF, ("Converter 12 to 5 V", 0.3), CONTROLLER, *DRAWS_NOTHING))
BUILDS: Final = (SILL, SHED, POLE)


@dataclass(frozen=True, slots=True)
class Size:
    """What is needed. `month` (1 to 12) is the worst one, `sun_hours` its hours of full sun a day on the panel at `tilt` degrees.

    Where the sun is too low for any panel, `panel_w` is None.
    """

    month: int
    tilt: int
    sun_hours: float
    day_wh: float
    panel_w: int | None
    battery_ah: int


def declination(day: int) -> float:
    """Return how far north the sun stands, in radians, on a day of the year (FAO-56, 24)."""
    return 0.409 * sin(2 * pi * day / 365 - 1.39)


def sunset(latitude: float, slope: float) -> float:
    """Return the hour angle of sunset, in radians (FAO-56, 25); 0 where the sun does not rise, pi where it does not set."""
    return acos(max(-1.0, min(1.0, -tan(latitude) * tan(slope))))


def above_the_air(latitude_deg: float, day: int) -> float:
    """Return what the sun gives to level ground above the air in a day, in MJ a square metre (FAO-56, 21)."""
    latitude, slope = radians(latitude_deg), declination(day)
    evening = sunset(latitude, slope)
    distance = 1 + 0.033 * cos(2 * pi * day / 365)
    height = evening * sin(latitude) * sin(slope) + cos(latitude) * cos(slope) * sin(evening)
    return 24 * 60 / pi * SOLAR_MJ_MIN * distance * max(0.0, height)


def diffuse(clearness: float, evening: float) -> float:
    """Return which share of a month's light comes from the whole sky (Erbs et al.)."""
    if evening <= radians(81.4):
        return 1.391 - 3.560 * clearness + 4.189 * clearness**2 - 2.137 * clearness**3
    return 1.311 - 3.022 * clearness + 3.427 * clearness**2 - 1.821 * clearness**3


def on_the_panel(latitude_deg: float, tilt_deg: float, day: int, clearness: float) -> float:
    """Return the kWh a square metre, or hours of full sun, that fall in a day on a panel that leans to the equator."""
    latitude, tilt, slope = radians(abs(latitude_deg)), radians(tilt_deg), declination(day)
    slope = slope if latitude_deg >= 0 else -slope  # seen from the south, June is the winter
    evening = sunset(latitude, slope)
    leaning = min(evening, sunset(latitude - tilt, slope))
    level = cos(latitude) * cos(slope) * sin(evening) + evening * sin(latitude) * sin(slope)
    if level <= 0:
        return 0.0
    beam = cos(latitude - tilt) * cos(slope) * sin(leaning) + leaning * sin(latitude - tilt) * sin(slope)
    share = diffuse(clearness, evening)
    ratio = (1 - share) * max(0.0, beam) / level + share * (1 + cos(tilt)) / 2 + GROUND * (1 - cos(tilt)) / 2
    return clearness * above_the_air(latitude_deg, day) / MJ_IN_KWH * ratio


def size(latitude_deg: float, watts: float, dark_days: float, clearness: float) -> Size:
    """Return panel and battery for a node that draws `watts` all day: enough in the worst month, and for `dark_days` without sun.

    The tilt is the one that gives the most in that month.
    """
    assert abs(latitude_deg) <= LATITUDE_MAX
    sun, tilt, month = max(_worst(latitude_deg, tilt, clearness) for tilt in TILTS)
    day_wh = 24 * watts
    panel = day_wh / PERFORMANCE / sun if sun > 0 else PANEL_MAX_W + 1
    return Size(
        month=month,
        tilt=tilt,
        sun_hours=round(sun, 1),
        day_wh=round(day_wh),
        panel_w=_up(panel, PANEL_STEP_W) if panel <= PANEL_MAX_W else None,
        battery_ah=_up(max(day_wh * dark_days / USABLE, panel / CHARGE_C) / VOLTS, BATTERY_STEP_AH),
    )


def _worst(latitude_deg: float, tilt: int, clearness: float) -> tuple[float, int, int]:
    """Return (hours of full sun, tilt, month) of the month that gives a panel at this tilt the least."""
    sun, month = min(
        (on_the_panel(latitude_deg, tilt, day, clearness), month) for month, day in enumerate(MEAN_DAYS, 1)
    )
    return sun, tilt, month


def _up(value: float, step: int) -> int:
    return step * max(1, ceil(value / step - 1e-9))


def table() -> str:
    """Return the guide's table, as Markdown: the pole's panel and battery by latitude and sky, for three days without sun."""
    rows = ["| Latitude | grey | mixed | clear | tilt |", "|---|---:|---:|---:|---:|"]
    for latitude in LATITUDES:
        sizes = [size(latitude, POLE.watts, DARK_DAYS, sky) for sky in (GREY, MIXED, CLEAR)]
        panels = " | ".join(f"{one.panel_w} W" if one.panel_w else "none" for one in sizes)
        rows.append(f"| {latitude} | {panels} | {sizes[1].tilt} |")
    return "\n".join(rows)


def shopping() -> str:
    """Return the guide's list of parts with the watts of each, as Markdown; a price is for the reader to fill in."""
    names = tuple(dict.fromkeys(name for build in BUILDS for name, _ in build.parts))
    ordered = sorted(names, key=lambda name: -max(dict(build.parts).get(name, 0.0) for build in BUILDS))
    rows = [f"| Part | {' | '.join(build.name for build in BUILDS)} | cost |", "|---|---:|---:|---:|---|"]
    for name in ordered:
        watts = (dict(build.parts).get(name) for build in BUILDS)
        rows.append(f"| {name} | {' | '.join('' if one is None else f'{one:g}' for one in watts)} | .... |")
    rows.append(f"| **Together** | {' | '.join(f'**{build.watts:g}**' for build in BUILDS)} | |")
    return "\n".join(rows)
