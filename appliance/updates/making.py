"""How an update is made, from a system's image and the files of its starter, and signed by one keeper after another.

Keys of keepers are made and used on their own laptops; a node only ever sees the public halves.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from appliance.card import sync
from appliance.errors import Refused, SettingsFault
from appliance.updates.flaws import Flaw
from appliance.updates.header import CHUNK_SIZE, SYSTEM, Chunk, Header, Part
from appliance.updates.keepers import KEYS_MAX, Keepers
from appliance.updates.update_file import DOMAIN, PRELUDE, SEALS_SIZE, Top, UpdateFile, packed
from mesh.errors import Malformed
from mesh.keys import NodeKey, digest

AT_ONCE: Final = 8  # chunks that are packed side by side
KEY_LETTERS: Final = 64


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into an update: the image of a slot, and the folder that its starter reads."""

    version: str
    architecture: str
    shape: int
    system: Path
    boot: Path
    keepers: Keepers | None = None


def make(contents: Contents, target: Path) -> Header:
    """Write the update, unsigned. Raises `SettingsFault` where it cannot be one."""
    part = target.with_name(f"{target.name}.part")
    try:
        with tempfile.TemporaryFile(dir=target.parent) as chunks:
            header = _pack(contents, chunks)
            raw = Header.parse(header.encode()).encode()  # what cannot be read is not written
            with part.open("wb") as whole:
                whole.write(Top(target.name, raw, {}).written)
                chunks.seek(0)
                shutil.copyfileobj(chunks, whole, CHUNK_SIZE)
                whole.flush()
                os.fsync(whole.fileno())
        part.replace(target)
        sync(target.parent)
    except Malformed as fault:
        raise SettingsFault(f"{target} cannot be made: {fault}. Put that right, then try again.") from fault
    except OSError as fault:
        raise SettingsFault(f"{target} cannot be made: {fault.strerror} ({fault.filename}).") from fault
    finally:
        part.unlink(missing_ok=True)
    return header


def _pack(contents: Contents, chunks: IO[bytes]) -> Header:
    files = {str(file.relative_to(contents.boot)): file for file in contents.boot.rglob("*") if file.is_file()}
    names = sorted(files, key=str.lower)
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        parts = [
            _part(name, file, chunks, workers)
            for name, file in [(SYSTEM, contents.system), *((name, files[name]) for name in names)]
        ]
    return Header(contents.version, contents.architecture, contents.shape, contents.keepers, tuple(parts))


def _part(name: str, file: Path, chunks: IO[bytes], workers: ThreadPoolExecutor) -> Part:
    told = []
    with file.open("rb") as source:
        while batch := list(_next(source)):
            for content, stored in zip(batch, workers.map(packed, batch), strict=True):
                chunks.write(stored)
                told.append(Chunk(len(stored), digest(stored), digest(content)))
    return Part(name, file.stat().st_size, tuple(told))


def _next(source: IO[bytes]) -> Iterator[bytes]:
    for _ in range(AT_ONCE):
        if content := source.read(CHUNK_SIZE):
            yield content


def sign(file: Path, key: NodeKey) -> None:
    """Add a keeper's signature, once all of the file was found as its header tells. Raises `Refused`, `SettingsFault`."""
    with closing(UpdateFile(file)) as update:
        update.check_whole()
        top = update.top
    if key.public_key in top.seals:
        raise Refused(Flaw.SIGNED_ALREADY, name=file.name)
    if len(top.seals) == KEYS_MAX:
        raise Refused(Flaw.FULLY_SIGNED, name=file.name)
    signed = Top(top.name, top.raw, dict(top.seals) | {key.public_key: key.sign(DOMAIN, digest(top.raw))})
    try:
        with file.open("r+b") as target:
            target.seek(PRELUDE.size + len(top.raw))
            target.write(signed.written[-SEALS_SIZE:])
            target.flush()
            os.fsync(target.fileno())
    except OSError as fault:
        raise SettingsFault(f"{file} cannot be written: {fault.strerror}. Copy it to a place of your own.") from fault


def new_key(file: Path) -> NodeKey:
    """Make a keeper's key in a file that only its owner reads. Raises `SettingsFault`."""
    key = NodeKey(secrets.token_bytes(KEY_LETTERS // 2))
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as target:
            target.write(f"{key.seed.hex()}\n")
    except OSError as fault:
        raise SettingsFault(f"{file} cannot be made: {fault.strerror}. Choose a new name.") from fault
    return key


def read_key(file: Path) -> NodeKey:
    """Return the key in a keeper's file. Raises `SettingsFault`."""
    try:
        with file.open("rb") as source:
            seed = bytes.fromhex(source.read(KEY_LETTERS + 2).decode("ascii").strip())
    except OSError as fault:
        raise SettingsFault(f"{file} cannot be read: {fault.strerror}.") from fault
    except ValueError:
        seed = b""
    if len(seed) != KEY_LETTERS // 2:
        raise SettingsFault(f"{file} is no keeper's key. Make one with: hedgerow update key FILE")
    return NodeKey(seed)
