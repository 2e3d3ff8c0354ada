"""Real documents out of Debian packages: fetched once into the user's cache, unpacked there, and never kept with the code.

No small package holds MP3, FLAC or WebP, so those are made there, by the encoders that people use, of recordings and pictures of
these packages; with the tags and covers that such programs write.
"""

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
ENCODED: Final = "encoded"
ENCODERS: Final = (
    (".mp3", "lame --quiet -b 64 --ta Rosa --tc Elm-Street {source} {output}"),
    (".mp3", "lame --quiet -V 4 --add-id3v2 --ta Rosa --ti {cover} {source} {output}"),
    (".mp3", "lame --quiet --abr 48 -m m --resample 22.05 {source} {output}"),
    (".flac", "flac --silent -8 --tag=ARTIST=Rosa --picture={cover} --output-name={output} {source}"),
    (".flac", "flac --silent -0 --output-name={output} {source}"),
    (".flac", "flac --silent -5 --tag=COMMENT=Elm-Street --output-name={output} {source}"),
    (".webp", "cwebp -quiet -metadata all -q 60 {source} -o {output}"),
    (".webp", "cwebp -quiet -metadata all -lossless {source} -o {output}"),
    (".webp", "cwebp -quiet -metadata all -q 80 -resize 400 0 {source} -o {output}"),
)


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


def encoded() -> Path:
    """Return the directory of documents made from others."""
    place, made = fetch(), cache() / ENCODED
    if not made.is_dir():
        part = cache() / f"{ENCODED}.part"
        part.mkdir(exist_ok=True)
        sounds = sorted((place / "sound-icons").rglob("*.wav"), key=lambda file: -file.stat().st_size)
        pictures = [*sorted((place / "libtiff-doc").rglob("*.jpg")), *sorted((place / "desktop-base").rglob("*.jpg"))]
        for number, (ending, command) in enumerate(ENCODERS):
            source = sounds[number] if ending != ".webp" else pictures[number]
            words = {"source": source, "output": part / f"{number}-{source.stem}{ending}", "cover": pictures[0]}
            subprocess.run([word.format(**words) for word in command.split()], check=True, capture_output=True)
        part.rename(made)
    return made


def documents() -> list[Path]:
    """Return some documents of every kind and package, in an order that is always the same."""
    place, found = fetch(), []
    encoded()
    for package in (*PACKAGES, ENCODED):
        by_ending: dict[str, list[Path]] = {}
        for file in sorted((place / package).rglob("*")):
            if file.is_file() and not file.is_symlink() and 0 < file.stat().st_size <= SIZE_MAX:
                by_ending.setdefault(file.suffix.casefold(), []).append(file)
        for ending, files in sorted(by_ending.items()):
            if ending in OF_ENDING:
                found += list(islice(files, EACH))
    return found
