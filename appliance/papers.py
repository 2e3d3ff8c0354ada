"""The paper that goes with a node: a poster for the wall, a card for its keeper, a card for whoever carries sticks.

python -m appliance.papers NODE.YAML > papers.pdf      for a process that has no memory to spare for setting pages
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from segno.helpers import make_wifi_data

from appliance import seed as seeds
from appliance.errors import SettingsFault
from appliance.pdf.posters import Poster, Square, posters
from appliance.seed import Seed
from appliance.wifi import Wifi

KEEP: Final = "Keep this card where only you can read it."


def sheets(seed: Seed, paper: str) -> bytes:
    """Return the three pages as a PDF. Raises `SettingsFault` where the seed does not say what must stand on them."""
    return posters([_poster(seed), _keepers_card(seed), _couriers_card(seed)], paper)


def _told_wifi(seed: Seed) -> Wifi:
    wifi = seed.wifi
    if wifi is None or not (wifi.passphrase or wifi.is_open):
        raise SettingsFault("The poster needs wifi.name and wifi.passphrase: print it before the card is written.")
    return wifi


def wifi_square(wifi: Wifi) -> str:
    """Return what phones join a network by."""
    return make_wifi_data(wifi.name, wifi.passphrase or None, "WPA" if wifi.passphrase else None)


def _poster(seed: Seed) -> Poster:
    wifi, address = _told_wifi(seed), seed.settings.address
    secret = f"Its password: {wifi.passphrase}" if wifi.passphrase else "It has no password."
    return Poster(
        seed.settings.name,
        (Square(wifi_square(wifi), "1. Join the WiFi"), Square(address, "2. Open the pages")),
        (
            f"The WiFi is called {wifi.name}. {secret}",
            f"Then open {address} in any browser.",
            "There is no internet here, and none is needed: this is the street's own. No app, no account elsewhere.",
            "If your phone asks whether to stay on a WiFi without internet, say yes.",
        ),
    )


def _keepers_card(seed: Seed) -> Poster:
    if seed.keeper is None or not seed.keeper.pin:
        raise SettingsFault("The keeper's card needs keeper.name and keeper.pin: print it before the card is written.")
    address = seed.settings.address
    return Poster(
        f"Keeper of {seed.settings.name}",
        (Square(f"{address}/steward", "The keeper's page"),),
        (
            f"Name: {seed.keeper.name}",
            f"PIN: {seed.keeper.pin}",
            f"Sign in at {address}/signin, then open {address}/steward: it says what needs a hand.",
            "Once a month: look at that page. Once a year: wipe the panel, look at cables and seals, make a copy of the card.",
            KEEP,
        ),
    )


def _couriers_card(seed: Seed) -> Poster:
    address = seed.settings.address
    return Poster(
        f"Carrying for {seed.settings.name}",
        (Square(f"{address}/carry", "Carry by phone"),),
        (
            "With a stick: put it into the node, wait until its light has been dark for ten seconds, pull it out. "
            "Do the same at the next node, and once more here on the way back.",
            "What happened stands on the stick, in hedgerow/what-happened.txt.",
            f"With a phone: open {address}/carry at one node, take the file along, hand it in at another.",
            "A file that is torn or lost does no harm: carry the next one. Nobody can read on the way what is for members only.",
        ),
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(sheets(seeds.read_whole(Path(sys.argv[1]), Path(sys.argv[1]).parent), "A4"))
