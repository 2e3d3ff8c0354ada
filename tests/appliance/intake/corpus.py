"""Real documents out of Debian packages: fetched once into the user's cache, unpacked there, and never kept with the code."""

from __future__ import annotations

import os
import subprocess
from itertools import islice
from pathlib import Path
from typing import Final

from appliance.intake.kind import OF_ENDING

# Small packages with documents of many kinds, in Debian 12 and 13 alike.
PACKAGES: Final = (
    *("developers-reference", "developers-reference-fr", "developers-reference-ja", "debian-faq", "debian-faq-zh-cn"),
    *("sound-theme-freedesktop", "sound-icons", "desktop-base", "libtiff-doc"),
)
EACH: Final = 3  # documents of one kind and package
SIZE_MAX: Final = 24 << 20


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hedgerow-tests" / "documents"


def fetch() -> Path:
    """Return the directory where the packages lie unpacked."""
    place = cache()
    for package in PACKAGES:
        if not (place / package).is_dir():
            _fetch(package, place)
    return place


def _fetch(package: str, place: Path) -> None:
    archives, part = place / "archives", place / f"{package}.part"
    archives.mkdir(parents=True, exist_ok=True)
    if not list(archives.glob(f"{package}_*.deb")) and not _download(package, archives):
        subprocess.run(["apt-get", "-qq", "update"], check=False, capture_output=True)
        assert _download(package, archives), f"{package} cannot be fetched: is there a network, and a Debian mirror?"
    (found,) = archives.glob(f"{package}_*.deb")
    subprocess.run(["dpkg-deb", "--extract", found, part], check=True)
    found.unlink()
    part.rename(place / package)


def _download(package: str, archives: Path) -> bool:
    command = ["apt-get", "-qq", "download", package]
    return subprocess.run(command, cwd=archives, check=False, capture_output=True, timeout=200).returncode == 0


def documents() -> list[Path]:
    """Return some documents of every kind and package, in an order that is always the same."""
    place, found = fetch(), []
    for package in PACKAGES:
        by_ending: dict[str, list[Path]] = {}
        for file in sorted((place / package).rglob("*")):
            if file.is_file() and not file.is_symlink() and 0 < file.stat().st_size <= SIZE_MAX:
                by_ending.setdefault(file.suffix.casefold(), []).append(file)
        for ending, files in sorted(by_ending.items()):
            if ending in OF_ENDING:
                found += list(islice(files, EACH))
    return found
