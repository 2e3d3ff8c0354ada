"""The walls of .importlinter hold, and each of them breaks when one forbidden import is planted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

CHECKOUT = Path(__file__).parent.parent
CONTRACT = "importlinter:contract:"
LINTER = Path(sys.executable).with_name("lint-imports")

RULES = ConfigParser()
RULES.read(CHECKOUT / ".importlinter")
TITLES = {section.removeprefix(CONTRACT): RULES[section]["name"] for section in RULES.sections() if CONTRACT in section}
PACKAGES = tuple(sorted(top.parent.name for top in CHECKOUT.glob("*/__init__.py") if top.parent.name != "tests"))


class Fault(NamedTuple):
    """One line added to one file, which breaks one contract and no other."""

    contract: str
    file: str
    line: str


FAULTS = (
    Fault("house", "mesh/transports/mqtt.py", "import appliance.errors"),
    Fault("house", "appliance/daemon.py", "import webui"),
    Fault("house", "provisioning/disks.py", "import webui"),
    Fault("house", "webui/words.py", "import provisioning"),
    Fault("mesh", "mesh/record.py", "import mesh.log"),
    Fault("mesh", "mesh/gossip.py", "from mesh import bundle"),
    Fault("mesh", "mesh/packet.py", "from mesh.transports import Transport"),
    Fault("mesh", "mesh/room_without_a_floor.py", ""),
    Fault("transports", "mesh/transports/mqtt.py", "import mesh.transports.loopback"),
    Fault("transports", "mesh/transports/room_without_a_floor.py", ""),
    Fault("simulation", "mesh/simulation/air.py", "import mesh.simulation.station"),
    Fault("simulation", "mesh/simulation/room_without_a_floor.py", ""),
    Fault("appliance", "appliance/store/__init__.py", "import appliance.node"),
    Fault("appliance", "appliance/ledger/__init__.py", "import appliance.archive"),
    Fault("appliance", "appliance/room_without_a_floor.py", ""),
    Fault("portal", "webui/words.py", "import webui.forms"),
    Fault("portal", "webui/qr.py", "import webui.views.poster"),
    Fault("portal", "webui/room_without_a_floor.py", ""),
    Fault("power", "appliance/power/charge.py", "import appliance.power.ladder"),
    Fault("power", "appliance/power/waking.py", "import appliance.power.gauge"),
    Fault("power", "appliance/power/room_without_a_floor.py", ""),
    Fault("updates", "appliance/updates/header.py", "import appliance.updates.trial"),
    Fault("updates", "appliance/updates/room_without_a_floor.py", ""),
    Fault("cards", "provisioning/disks.py", "import provisioning.fat"),
    Fault("cards", "provisioning/room_without_a_floor.py", ""),
    Fault("pages", "webui/__init__.py", "import mesh.frontier"),
    Fault("pages", "webui/__init__.py", "import appliance.store"),
    Fault("pure", "mesh/gossip.py", "import time"),
    Fault("pure", "mesh/keys.py", "from random import random"),
    Fault("pure", "mesh/bundle.py", "import socket"),
    Fault("pure", "appliance/ledger/__init__.py", "import threading"),
    Fault("pure", "appliance/kinds.py", "import logging"),
    Fault("pure", "appliance/power/gauge.py", "import time"),
    Fault("radio", "appliance/daemon.py", "import meshtastic.serial_interface"),
    Fault("radio", "mesh/transports/mqtt.py", "from pubsub import pub"),
    Fault("owner", "mesh/transports/lora.py", "import mesh.transports.lora_device"),
    Fault("owner", "appliance/roads.py", "import mesh.transports.lora_child"),
    Fault("broker", "appliance/daemon.py", "from paho.mqtt import client"),
    Fault("broker", "mesh/transports/loopback.py", "import paho.mqtt.client"),
    Fault("database", "appliance/node.py", "import peewee"),
    Fault("database", "appliance/doctor.py", "import sqlite3"),
    Fault("web", "appliance/cli/__init__.py", "import flask"),
    Fault("rooms", "webui/views/home.py", "import nh3"),
    Fault("markdown", "webui/reading.py", "import markdown_it"),
    Fault("markdown", "appliance/desks/zines.py", "from markdown_it import MarkdownIt"),
    Fault("paper", "appliance/desks/zines.py", "from pypdf import PdfReader"),
    Fault("paper", "webui/views/archive.py", "import reportlab.pdfgen.canvas"),
    Fault("settings", "appliance/node.py", "import yaml"),
    Fault("signatures", "mesh/record.py", "import cbor2"),
    Fault("signatures", "appliance/node.py", "import cryptography.hazmat.primitives.asymmetric.ed25519"),
    Fault("signatures", "webui/signin.py", "from argon2 import PasswordHasher"),
    Fault("intake", "appliance/intake/epub.py", "import PIL.Image"),
    Fault("intake", "webui/views/feeds.py", "import defusedxml.ElementTree"),
    Fault("confined", "appliance/desks/zines.py", "import appliance.intake.segments"),
    Fault("confined", "appliance/intake/kind.py", "import appliance.intake.archive"),
    Fault("command", "appliance/node.py", "import click"),
    Fault("command", "appliance/seed.py", "import click"),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code that ships, with its rules; whoever plants a fault takes it out again."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(CHECKOUT / ".importlinter", copy)
    for package in PACKAGES:
        shutil.copytree(CHECKOUT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    return copy


@contextmanager
def planted(file: Path, line: str) -> Iterator[None]:
    """Add `line` to `file`, for a while; a file that did not exist is gone afterwards."""
    before = file.read_bytes() if file.exists() else None
    with file.open("a") as code:
        code.write(f"\n{line}\n")
    try:
        yield
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)


def verdicts(house: Path) -> dict[str, str]:
    """Whether each contract, by its short name, is KEPT or BROKEN in `house`."""
    run = subprocess.run(
        [LINTER, "--no-cache"],
        cwd=house,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = dict(re.findall(r"^(.+) (KEPT|BROKEN)\b", run.stdout, re.MULTILINE))
    assert said.keys() == set(TITLES.values()), run.stdout + run.stderr
    return {contract: said[title] for contract, title in TITLES.items()}


def test_the_walls_stand(house: Path) -> None:
    assert set(verdicts(house).values()) == {"KEPT"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.contract}: {fault.line or fault.file}")
def test_a_planted_import_breaks_its_wall_and_no_other(house: Path, fault: Fault) -> None:
    file = house / fault.file
    assert file.exists() == (file.stem != "room_without_a_floor")
    with planted(file, fault.line):
        found = verdicts(house)
    assert {contract for contract, verdict in found.items() if verdict == "BROKEN"} == {fault.contract}


def test_every_wall_is_tried() -> None:
    assert {fault.contract for fault in FAULTS} == set(TITLES)


def test_every_package_stands_behind_the_walls() -> None:
    assert RULES["importlinter"]["root_packages"].split() == list(PACKAGES)
