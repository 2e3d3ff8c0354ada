"""The card of the next node, made ready on this one: a keeper's answers become a checked seed, its secrets are drawn, and all
that belongs into the card's folder is packed together with the papers.

Nothing of it is written to this node's store or card: what is secret stands on paper and on the new card only.
"""

from __future__ import annotations

import io
import secrets
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import unique
from pathlib import Path
from typing import Final

from appliance import seed as seeds
from appliance import wifi
from appliance.commons.names import clean_name
from appliance.decimals import read_decimal
from appliance.errors import Answer, Refused, SettingsFault
from appliance.seed import Keeper, Seed
from appliance.settings import LoraRoad, Portal, Settings
from appliance.settings_power import VEDIRECT, Power
from appliance.updates import held
from mesh.airtime import REGIONS as OF_THE_AIR

REGIONS: Final = tuple(sorted(OF_THE_AIR))
RADIOS: Final = ("/dev/ttyUSB0", "/dev/ttyACM0")
SENSORS: Final = ("ina226", "ina219", VEDIRECT)
INVITE: Final = "hedgerow.invite"
FOLDER: Final = "hedgerow"
PIN_DIGITS: Final = 6
PAPERS_S: Final = 60
# Letters that are not mistaken for others on a poster.
LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
CAPACITY_AH: Final = (0.5, 2000.0)
SHUNT_OHM: Final = (0.00001, 10.0)


@unique
class Unready(Answer):
    """Why no card can be made of what a keeper answered."""

    COUNTRY_MISSING = "Choose the country where the node will stand: the law of the air differs by country."
    WIFI_NAME_LONG = (
        "That name is too long for a WiFi: it has room for {limit} letters, and those with accents or of other scripts"
        " count several times."
    )
    PASSWORD_UNFIT = "A WiFi password has 8 to 63 letters, digits or signs without accents. Left empty, one is drawn."  # noqa: S105
    PIN_UNFIT = "A PIN has 4 to 12 digits. Left empty, one is drawn."
    CHOICE_UNKNOWN = "One of the answers is none that can be chosen. Load the page again."
    UNFIT = "The answers do not make a node: {why}"
    PAPERS_FAILED = "The papers could not be made just now. Try again in a minute."
    TAKEN_ALREADY = (
        "This was handed out already, or half an hour has passed. So that nobody else finds it, it is kept no longer:"
        " answer the questions again, and a new card is made."
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """What a keeper says about the next node, as typed. Where `radio` or `sensor` is empty, it has none."""

    name: str
    commons: str = ""
    currency: str = "hours"
    region: str = "EU_868"
    radio: str = ""
    country: str = ""
    passphrase: str = ""
    keeper: str = ""
    pin: str = ""
    sensor: str = ""
    capacity_ah: str = ""
    shunt_ohm: str = "0.1"


@dataclass(frozen=True, slots=True)
class NextCard:
    """A card that can be made: its seed with all secrets, the files for its folder `hedgerow`, and its papers as a PDF."""

    seed: Seed
    files: dict[str, bytes]
    papers: bytes

    def packed(self, advice: str) -> bytes:
        """Return everything as one ZIP file: the folder as it goes onto the card, the papers, and `advice` how to go on."""
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as pack:
            pack.writestr("READ-ME.txt", advice.replace("\n", "\r\n"))
            pack.writestr("papers.pdf", self.papers)
            for name, content in self.files.items():
                pack.writestr(f"{FOLDER}/{name}", content)
        return whole.getvalue()


def prepared(answers: Answers, invite: Callable[[], bytes] | None, update_keys: str = "") -> NextCard:
    """Return the card, checked as `hedgerow provision check` does. Raises `Refused`.

    `invite` makes what lets the node join our commons, once all else is well; None, it founds one of its own. `update_keys` is
    the list of those who may sign its updates, if there is one.
    """
    with tempfile.TemporaryDirectory(prefix="hedgerow-next-") as room:  # lies in memory on a card
        folder = Path(room)
        seed = drawn(_seed(answers, folder / INVITE if invite else None))
        if invite:
            (folder / INVITE).write_bytes(invite())
        seeds.write(seed, folder / seeds.FILE_NAME)
        try:
            seed = seeds.read_whole(folder / seeds.FILE_NAME, seeds.DATA)
        except SettingsFault as fault:
            raise Refused(Unready.UNFIT, why=str(fault).removeprefix(f"{folder}/")) from fault
        files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
        keys = {held.KEYS: update_keys.encode()} if update_keys else {}
        return NextCard(seed, files | keys, _papers(folder))


def _papers(folder: Path) -> bytes:
    """Return the papers, set by a process of their own: what sets pages stays out of the portal's memory."""
    house = str(Path(__file__).parent.parent)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-B", "-m", "appliance.papers", str(folder / seeds.FILE_NAME)],
            env={"PYTHONPATH": house, "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PAPERS_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise Refused(Unready.PAPERS_FAILED) from fault
    return done.stdout


def drawn(seed: Seed) -> Seed:
    """Return a whole seed with a passphrase and a PIN where the keeper left them open."""
    assert seed.wifi
    assert seed.keeper
    air, keeper = seed.wifi, seed.keeper
    if not air.passphrase and not air.is_open:
        groups = ("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
        air = replace(air, passphrase="-".join(groups))
    if not keeper.pin:
        keeper = replace(keeper, pin="".join(secrets.choice("0123456789") for _ in range(PIN_DIGITS)))
    return replace(seed, wifi=air, keeper=keeper)


def _seed(answers: Answers, invite: Path | None) -> Seed:
    name = clean_name(answers.name)
    is_known = answers.region in REGIONS and answers.radio in ("", *RADIOS) and answers.sensor in ("", *SENSORS)
    if not is_known:
        raise Refused(Unready.CHOICE_UNKNOWN)
    return Seed(
        settings=Settings(
            data=seeds.DATA,
            name=name,
            commons=seeds.TO_BE_TOLD if invite else clean_name(answers.commons),
            region=answers.region,
            portal=Portal(seeds.HOST, seeds.PORT, seeds.ADDRESS),
            roads=(LoraRoad(answers.radio),) if answers.radio else (),
            power=_power(answers) if answers.sensor else None,
        ),
        currency=clean_name(answers.currency or "hours"),
        invite=invite,
        wifi=_wifi(name, answers),
        keeper=Keeper(clean_name(answers.keeper), _pin(answers.pin)),
    )


def _wifi(name: str, answers: Answers) -> wifi.Wifi:
    if len(name.encode()) > wifi.NAME_BYTES_MAX:
        raise Refused(Unready.WIFI_NAME_LONG, limit=wifi.NAME_BYTES_MAX)
    if answers.country not in wifi.COUNTRIES:
        raise Refused(Unready.COUNTRY_MISSING)
    if answers.passphrase and not wifi.PASSPHRASE.fullmatch(answers.passphrase):
        raise Refused(Unready.PASSWORD_UNFIT)
    return wifi.Wifi(name, answers.country, answers.passphrase)


def _pin(typed: str) -> str:
    if typed and not seeds.PIN.fullmatch(typed):
        raise Refused(Unready.PIN_UNFIT)
    return typed


def _power(answers: Answers) -> Power:
    is_chip = answers.sensor != VEDIRECT
    return Power(
        sensor=answers.sensor,
        device="/dev/i2c-1" if is_chip else "/dev/ttyUSB0" if answers.radio != "/dev/ttyUSB0" else "/dev/ttyUSB1",
        capacity_ah=read_decimal(answers.capacity_ah, *CAPACITY_AH),
        shunt_ohm=read_decimal(answers.shunt_ohm, *SHUNT_OHM) if is_chip else 0.1,
        halt_command=seeds.HALT,
    )
