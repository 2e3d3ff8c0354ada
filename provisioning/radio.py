"""What the radio of the access point can do, asked of the kernel when the radio is there.

The radio of a Raspberry Pi (brcmfmac) is told apart by its driver, whatever it says: with WPA3, or with management frames
protected, it sends beacons and no phone can join (raspberrypi/linux, issues 3619, 4718 and 7247). Of others, nl80211 says whether
programs may speak SAE for them, and whether they protect such frames (BIP, the cipher 00-0f-ac:6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.errors import SettingsFault
from provisioning.running import run

WITHOUT: Final = ("brcmfmac",)
SAYS_SAE: Final = "Device supports SAE with AUTHENTICATE command"
SAYS_PROTECTED: Final = "(00-0f-ac:6)"
ABOVE: Final = re.compile(r"^\s*\* 5180(\.0)? MHz(?!.*disabled)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Radio:
    """`is_wpa3`: phones may join it by WPA3. `is_5_ghz`: it knows the channels from 36 on."""

    is_wpa3: bool = False
    is_5_ghz: bool = False


def look(interface: str, root: Path = Path("/")) -> Radio:
    """Return what the radio behind `interface` can do: nothing beyond WPA2 at 2.4 GHz where that cannot be asked."""
    place = root / "sys/class/net" / interface
    try:
        name = (place / "phy80211/name").read_text(encoding="ascii").strip()
        told = run(["iw", "phy", name, "info"], "The radio cannot be asked what it can do")
    except (OSError, SettingsFault):
        return Radio()
    driver = place / "device/driver"
    return said(told, driver.resolve().name if driver.exists() else "")


def said(told: str, driver: str) -> Radio:
    """Return what the text of `iw phy` means for a radio with this driver."""
    is_wpa3 = driver not in WITHOUT and SAYS_SAE in told and SAYS_PROTECTED in told
    return Radio(is_wpa3, ABOVE.search(told) is not None)
