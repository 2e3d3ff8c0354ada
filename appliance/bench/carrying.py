"""`hedgerow bench bundle`: writing and reading a bundle, beside `cp` and `b2sum` of the same bytes.

A node with sound files on its shelf and payments in its books writes a bundle, and a node that has nothing reads it: every
signature and digest is checked, every file lands in the archive. `cp` and `b2sum` one after the other are what a careful person
would do instead. All four are timed by the wall, disk included, in turn and several times; a figure is the middle one.
"""

from __future__ import annotations

import os
import subprocess
import time
import wave
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from appliance import founding
from appliance.errors import MeasurementFault
from appliance.library import ZineForm
from appliance.node import Node
from appliance.settings import Archive, Settings

FILES: Final = 6
FILE_BYTES: Final = 8 << 20
PAYMENTS: Final = 200
ROUNDS: Final = 3
AIM: Final = 0.5
AIMS: Final = {"write_ratio": AIM, "read_ratio": AIM}
ROOMY: Final = Archive(free_space_floor_bytes=0, shelve_arrivals=True)

Figures = dict[str, float]


def measure(files: int = FILES, file_bytes: int = FILE_BYTES, rounds: int = ROUNDS) -> Figures:
    """Return seconds and ratios; a ratio of 1 is as fast as `cp` and `b2sum`. Raises `MeasurementFault`."""
    with TemporaryDirectory() as directory:
        place = Path(directory)
        giver = _full(place, files, file_bytes)
        try:
            invites = [giver.invite() for _ in range(rounds)]
            bundle = place / "street.hedge"
            written, read, by_hand = [], [], []
            for number, invite in enumerate(invites):
                written.append(_timed(lambda: _write(giver, bundle)))
                by_hand.append(_timed(lambda: _copy(bundle, place / "copy")))
                read.append(_timed_reading(place / f"taker-{number}", invite, bundle, files))
            size = bundle.stat().st_size
        finally:
            giver.close()
    hand_s, write_s, read_s = median(by_hand), median(written), median(read)
    return {
        "bundle_bytes": size,
        "cp_b2sum_s": hand_s,
        "write_s": write_s,
        "read_s": read_s,
        "write_ratio": hand_s / write_s,
        "read_ratio": hand_s / read_s,
    }


def _full(place: Path, files: int, file_bytes: int) -> Node:
    founding.found(Settings(place / "giver", "Elm", "Street", archive=ROOMY))
    node = Node.open(place / "giver")
    node.add_member("Ana", "1234", keeper=True)
    node.add_member("Ben", "1234")
    pair = node.find_payee("Ana"), node.find_payee("Ben")
    for number in range(PAYMENTS):
        one, other = pair if number % 2 else reversed(pair)
        node.pay(one, other, 5, node.currency("hours"), f"bread {number}")
    chance = Random(1)
    for number in range(files):
        node.publish(ZineForm(title=f"Sounds {number}"), BytesIO(_sound(chance, file_bytes)), "sounds.wav", None)
    return node


def _sound(chance: Random, size: int) -> bytes:
    """Return a WAV file of noise, which nothing can make smaller."""
    content = BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(44_100)
        sound.writeframes(chance.randbytes(size))
    return content.getvalue()


def _write(node: Node, bundle: Path) -> None:
    with bundle.open("wb") as file:
        node.export_bundle(file)
        file.flush()
        os.fsync(file.fileno())


def _copy(bundle: Path, copy: Path) -> None:
    for words in (("cp", "--reflink=never", bundle, copy), ("sync", "--data", copy), ("b2sum", copy)):
        subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)


def _timed_reading(data: Path, invite: bytes, bundle: Path, files: int) -> float:
    founding.join(Settings(data, "Oak", "Street", archive=ROOMY), invite)
    node = Node.open(data)
    try:
        began = time.perf_counter()
        with bundle.open("rb") as file:
            came = node.import_bundle(file)
        seconds = time.perf_counter() - began
    finally:
        node.close()
    if came.torn or came.refused or came.blobs != files:
        raise MeasurementFault(f"Only {came.blobs} of {files} files were read from the bundle.")
    return seconds


def _timed(does: Callable[[], None]) -> float:
    began = time.perf_counter()
    does()
    return time.perf_counter() - began
