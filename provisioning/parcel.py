"""Our own code as one Debian package: what a card is furnished with, and what an update brings.

The packages lie side by side in one directory, as in a checkout, so that the pages hand out their own source from it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from provisioning.running import run

HOUSE: Final = Path(__file__).parent.parent
RECIPE: Final = HOUSE / "provisioning/recipe"
LIBRARY: Final = "usr/lib/hedgerow"
ROOMS: Final = ("appliance", "mesh", "provisioning", "systemd", "webui")
BESIDE: Final = ("CHANGELOG.md", "LICENSE", "Makefile", "README.md", "pyproject.toml")
UNITS: Final = "usr/lib/systemd/system"
WANTED: Final = (
    *("hedgerow-first-boot.service", "hedgerow-portal.service", "hedgerow-gossip.service", "hedgerow-power.service"),
    *("hedgerow-doctor.timer", "hedgerow-backup.timer", "hedgerow-halt.path", "hedgerow-network.service"),
    *("hedgerow-trial.service", "hedgerow-proof.service", "hedgerow-update.path"),
    *("hedgerow-next-card.path", "hedgerow-number.service"),
    *("hedgerow-access-point.service", "hedgerow-names.service"),
    *("hedgerow-uplink.path", "hedgerow-uplink.timer", "hedgerow-uplink.service", "hedgerow-internet.service"),
)
UNITS_OF_DEBIAN: Final = ("systemd-networkd.service", "nftables.service")
PROGRAM: Final = """#!/usr/bin/python3 -P
import sys

from appliance.starting import hedgerow

if __name__ == "__main__":
    sys.exit(hedgerow())
"""
CONTROL: Final = """Package: hedgerow
Version: {version}
Architecture: all
Maintainer: Hedgerow
Section: net
Priority: optional
Depends: {depends}
Description: A neighbourhood autonomy node
 Mutual credit, a zine archive and the pages a street needs, with no internet.
"""


def packages(*lists: str) -> list[str]:
    """Return the names of Debian packages in our lists, such as `packages.txt`, sorted."""
    lines = (line for name in lists for line in (RECIPE / name).read_text("utf-8").splitlines())
    return sorted(filter(None, (line.partition("#")[0].strip() for line in lines)))


def lay_out(tree: Path) -> None:
    """Lay our files into `tree` as they lie on a card. Equal sources give equal trees."""
    library = tree / LIBRARY
    for room in ROOMS:
        shutil.copytree(HOUSE / room, library / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BESIDE:
        if (HOUSE / name).is_file():  # a card that makes the next one has no Makefile's tests, but all it was given
            shutil.copy(HOUSE / name, library)
    facts = library / f"hedgerow-{version('hedgerow')}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: hedgerow\nVersion: {version('hedgerow')}\n", "utf-8")
    _put(tree / "usr/lib/python3/dist-packages/hedgerow.pth", f"/{LIBRARY}\n")
    _put(tree / "usr/bin/hedgerow", PROGRAM, 0o755)
    for name in ("README.md", "CHANGELOG.md", "LICENSE"):
        if (HOUSE / name).is_file():
            _put(tree / "usr/share/doc/hedgerow" / name, (HOUSE / name).read_text("utf-8"))
    _lay_units(tree)


def _lay_units(tree: Path) -> None:
    source = HOUSE / "systemd"
    units = tree / UNITS
    units.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.suffix in {".service", ".target", ".timer", ".path"}:
            shutil.copy(path, units)
    for path in sorted(source.glob("*.service.d")):
        shutil.copytree(path, units / path.name)
    for name in WANTED:
        _link(units / "hedgerow.target.wants" / name, f"../{name}")
    for name in ("hedgerow.target", *UNITS_OF_DEBIAN):
        _link(units / "multi-user.target.wants" / name, f"../{name}")
    for name, place in (
        ("hedgerow.sysusers", "usr/lib/sysusers.d/hedgerow.conf"),
        ("hedgerow.tmpfiles", "usr/lib/tmpfiles.d/hedgerow.conf"),
        ("90-hedgerow-card.rules", "usr/lib/udev/rules.d/90-hedgerow-card.rules"),
        ("90-hedgerow-sticks.rules", "usr/lib/udev/rules.d/90-hedgerow-sticks.rules"),
        ("90-hedgerow-wifi.rules", "usr/lib/udev/rules.d/90-hedgerow-wifi.rules"),
    ):
        _put(tree / place, (source / name).read_text("utf-8"))
    for name in (
        "take-stick",
        "is-own-card",
        "own-number",
        "grow-data",
        "lay-status",
        "wake-later",
        "lead-on",
        "try-again",
        "share.nft",
    ):
        _put(tree / LIBRARY / name, (source / name).read_text("utf-8"), 0o755)


def _put(file: Path, text: str, mode: int = 0o644) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)


def _link(place: Path, target: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def build(into: Path, room: Path) -> Path:
    """Build the package in directory `into`, with `room` for what lies about meanwhile. Raises `SettingsFault`."""
    tree = room / "tree"
    lay_out(tree)
    control = CONTROL.format(version=version("hedgerow"), depends=", ".join(packages("packages.txt")))
    _put(tree / "DEBIAN/control", control)
    for path in _everything(tree):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    package = into / f"hedgerow_{version('hedgerow')}_all.deb"
    words = ["dpkg-deb", "--root-owner-group", "--uniform-compression", "-Zgzip", "--build", str(tree), str(package)]
    run(words, "The package could not be built")
    return package


def _everything(tree: Path) -> Iterator[Path]:
    yield tree
    yield from sorted(tree.rglob("*"))
