"""The seed: what a keeper decides about a node before it is born, as one file on the part of the card that any laptop can read.

It is a `node.yaml` with four more entries, and is checked as strictly:

    currency: hours                                         # of a commons that this node founds
    invite: oak.invite                                      # or: a file beside it, to join one
    wifi: {name: Elm Corner, passphrase: three short words, country: DE}
    keeper: {name: Ana, pin: '471100'}

The passphrase and the PIN stand there until the node has read them; then the file is written anew without them. Files it names
lie beside it, and come along: the invite, and `password_file` and `ca_file` of an MQTT road.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from appliance import settings
from appliance import wifi as wifis
from appliance.commons.names import clean_name
from appliance.errors import Refused, SettingsFault
from appliance.settings import MqttRoad, Settings
from appliance.settings_section import Section
from appliance.wifi import Wifi

FILE_NAME: Final = "node.yaml"
DATA: Final = Path("/var/lib/hedgerow/node")  # where a card's node lives
FOLDER: Final = "seed"  # beside the node's directory: where the seed is kept once it was taken over
OWN_KEYS: Final = ("currency", "invite", "wifi", "keeper")
HOST, PORT, ADDRESS = "0.0.0.0", 8080, "http://hedge.lan"  # noqa: S104 (a node is there for the phones around it)
PIN: Final = re.compile(r"[0-9]{4,12}")
# On a card the watch over the battery has no power over the machine: it lays its wish where hedgerow-halt.path sees it.
HALT: Final = "sh -c 'cd /run/hedgerow-power && echo \"$HEDGEROW_SLEEP_S\" > wish && mv wish halt'"
SHELF: Final = "starter-shelf"  # an empty file beside the kept seed: the starter zines are not all on the shelf yet
TO_BE_TOLD: Final = "to be told"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who looks after the node first. Without a PIN it was told already."""

    name: str
    pin: str = ""


@dataclass(frozen=True, slots=True)
class Seed:
    """All that a card says of the node it is for."""

    settings: Settings
    currency: str = "hours"
    invite: Path | None = None
    wifi: Wifi | None = None
    keeper: Keeper | None = None
    road_files: tuple[Path, ...] = ()

    @property
    def beside(self) -> tuple[Path, ...]:
        """The files that come along with it."""
        return (*([self.invite] if self.invite else ()), *self.road_files)

    @property
    def has_secrets(self) -> bool:
        """Whether anything in the file, or in one that lies beside it, is nobody else's business."""
        return bool((self.wifi and self.wifi.passphrase) or (self.keeper and self.keeper.pin) or self.beside)


def kept(data: Path) -> Path:
    """Return where the seed of the node in `data` is kept once it was taken over."""
    return data.parent / FOLDER / FILE_NAME


def awaits_keeper(file: Path, data: Path) -> bool:
    """Whether an account waits to be opened by the seed that is kept in `file`. Raises `SettingsFault`."""
    keeper = read(file, data).keeper if file.exists() else None
    return keeper is not None and bool(keeper.pin)


def read(file: Path, data: Path) -> Seed:
    """Return the seed in `file` for a node in directory `data`. Raises `SettingsFault` with file, key and remedy."""
    top = settings.open_section(file)
    top.allow(*settings.KEYS, *OWN_KEYS)
    if "invite" not in top.values and "commons" not in top.values:
        raise top.fault(
            "commons", "is missing. Found one with a line such as `commons: Elm Street`, or join by `invite`."
        )
    plain = {key: value for key, value in top.values.items() if key not in OWN_KEYS}
    plain = {"commons": TO_BE_TOLD} | plain | {"portal": _portal(top.section("portal"))}
    found = _halting(settings.read(data, Section(file, "", plain)))
    _must_be_a_name(top, "name", found.name)
    return Seed(
        settings=found,
        currency=_currency(top),
        invite=_invite(top, file.parent),
        wifi=wifis.read(top.section("wifi")) if top.values.get("wifi") is not None else None,
        keeper=_keeper(top.section("keeper")) if top.values.get("keeper") is not None else None,
        road_files=tuple(path for path in _road_files(found, file.parent) if path.is_file()),
    )


def read_whole(file: Path, data: Path) -> Seed:
    """Return a seed from which a card can be made: with its WiFi and its keeper. Raises `SettingsFault`."""
    seed = read(file, data)
    top = settings.open_section(file)
    if seed.wifi is None:
        raise top.fault("wifi", "is missing. Add a line such as `wifi: {name: Elm Corner, country: DE}`.")
    if seed.keeper is None:
        raise top.fault("keeper", "is missing. Add a line such as `keeper: {name: Ana}`.")
    for path in _road_files(seed.settings, file.parent):
        if not path.is_file():
            raise top.fault("roads", f"name {path.name[:32]}, which must lie beside {FILE_NAME}. Lay it there.")
    return seed


def _road_files(found: Settings, folder: Path) -> list[Path]:
    """Return where the files that roads name should lie; one that is named by a path is on the node already."""
    mqtt = [road for road in found.roads if isinstance(road, MqttRoad)]
    names = {name for road in mqtt for name in (road.password_file, road.ca_file) if name}
    beside = sorted(name for name in names if "/" not in name and not name.startswith("."))
    for name in beside:
        if name in {FILE_NAME, found.key_file.name} or name.startswith(found.database.name):
            raise SettingsFault(
                f"{folder / FILE_NAME}: roads: {name} is a file of the node's own. Give it another name."
            )
    return [folder / name for name in beside]


def _portal(section: Section) -> dict[object, object]:
    """The pages of a card answer phones by the name that is on the poster, unless the keeper says otherwise."""
    return {"host": HOST, "port": PORT, "address": ADDRESS} | dict(section.values)


def _halting(found: Settings) -> Settings:
    """A card knows how it halts, so that nobody forgets to say it; another command is a keeper's own affair."""
    if found.power is None or found.power.halt_command:
        return found
    return replace(found, power=replace(found.power, halt_command=HALT))


def _currency(top: Section) -> str:
    currency = top.text("currency", "hours", 32)
    _must_be_a_name(top, "currency", currency)
    return currency


def _invite(top: Section, folder: Path) -> Path | None:
    name = top.text("invite", "")
    if not name:
        return None
    file = folder / name
    if "/" in name or name.startswith(".") or not file.is_file():
        raise top.fault("invite", f"must be the name of a file that lies beside {FILE_NAME}; there is no {name[:32]}.")
    return file


def _keeper(section: Section) -> Keeper:
    section.allow("name", "pin")
    name, pin = section.text("name", None, 64), section.text("pin", "")
    _must_be_a_name(section, "name", name)
    if pin and not PIN.fullmatch(pin):
        raise section.fault("pin", "must be 4 to 12 digits in quotes, such as pin: '471100'.")
    return Keeper(name, pin)


def _must_be_a_name(section: Section, key: str, said: str) -> None:
    try:
        clean_name(said)
    except Refused as refusal:
        raise section.fault(key, f"cannot be used: {refusal}") from refusal


def write(seed: Seed, file: Path) -> None:
    """Write a seed whole or not at all, so that `read` gives it back. Raises `SettingsFault`."""
    more: dict[object, object] = {"invite": seed.invite.name} if seed.invite else {"currency": seed.currency}
    if seed.wifi:
        more["wifi"] = seed.wifi.shown()
    if seed.keeper:
        more["keeper"] = {"name": seed.keeper.name} | ({"pin": seed.keeper.pin} if seed.keeper.pin else {})
    settings.write_file(file, seed.settings, more, 0o600 if seed.has_secrets else 0o644)


def without_secrets(seed: Seed) -> Seed:
    """Return what may stand on the card for everybody to read."""
    wifi = replace(seed.wifi, passphrase="") if seed.wifi else None
    keeper = replace(seed.keeper, pin="") if seed.keeper else None
    return replace(seed, wifi=wifi, keeper=keeper, invite=None, road_files=())


def completed(seed: Seed, before: Seed) -> Seed:
    """Return a seed with the secrets that were told before and are not repeated: else a new PIN would open the WiFi to all."""
    wifi, keeper = seed.wifi, seed.keeper
    if wifi and before.wifi and not (wifi.passphrase or wifi.is_open):
        wifi = replace(wifi, passphrase=before.wifi.passphrase)
    if keeper and before.keeper and keeper.name == before.keeper.name and not keeper.pin:
        keeper = replace(keeper, pin=before.keeper.pin)
    return replace(seed, wifi=wifi, keeper=keeper)


def must_be_told(seed: Seed, file: Path, *, again: bool) -> None:
    """Raises `SettingsFault` where a node could be born of this seed that nobody could join, or sign in to.

    A PIN that was told once is forgotten when the account is open, and need not be told `again`.
    """
    if seed.wifi and not (seed.wifi.passphrase or seed.wifi.is_open):
        raise SettingsFault(
            f"{file}: wifi.passphrase is missing. Choose three short words, and write them on the wall."
        )
    if seed.keeper and not (seed.keeper.pin or again):
        raise SettingsFault(f"{file}: keeper.pin is missing. Choose 4 to 12 digits in quotes, such as pin: '471100'.")
