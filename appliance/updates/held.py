"""The update that a node holds: taken from a stick or a neighbour into the data, offered to other neighbours, applied when asked.

updates/hedgerow-VERSION.update   the newest one that enough keepers signed
updates/wish                      what a keeper or a stick asked for; the service that may write slots sees to it
updates/fetch                     whether neighbours' pages are asked for newer ones, once a keeper has said so on the page
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing, suppress
from enum import Enum, unique
from importlib.metadata import version
from pathlib import Path
from typing import Final

from appliance.card import make_directory, sync
from appliance.errors import Refused, StoreFault
from appliance.updates import last
from appliance.updates.flaws import Flaw
from appliance.updates.header import number
from appliance.updates.keepers import LIST_SIZE_MAX, Keepers, parse
from appliance.updates.last import FOLDER, Outcome
from appliance.updates.slots import OPEN, put
from appliance.updates.update_file import Here, Top, UpdateFile, check, found

DIRECTORY: Final = "updates"
KEYS: Final = "update-keys.txt"
NEXT_KEYS: Final = "update-keys.next"
WISH: Final = "wish"
FETCH: Final = "fetch"
YES, NO = "yes", "no"
MIB: Final = 1 << 20
ARCHITECTURES: Final = {"aarch64": "arm64", "x86_64": "amd64"}


@unique
class Wish(Enum):
    """What may be asked of the service that writes slots."""

    APPLY = "apply"
    AGAIN = "apply again"
    GO_BACK = "go back"


def here(open_part: Path = OPEN) -> Here:
    """Return what this node is to an update."""
    note = last.read(open_part)
    failed = note.version if note and note.outcome is Outcome.FELL_BACK else ""
    machine = os.uname().machine
    return Here(version("hedgerow"), ARCHITECTURES.get(machine, machine), failed)


def keepers(open_part: Path = OPEN) -> Keepers | None:
    """Return who may sign updates of this node; None where nobody may. Raises `Refused` where the list is wrong."""
    try:
        with (open_part / FOLDER / KEYS).open("rb") as file:
            return parse(file.read(LIST_SIZE_MAX).decode("utf-8-sig", "replace"))
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise Refused(Flaw.UNREADABLE, name=KEYS, reason=fault.strerror) from fault


def stage_keepers(open_part: Path, following: Keepers | None) -> None:
    """Lay down who may sign once a version on trial holds. Raises `Refused`."""
    staged = open_part / FOLDER / NEXT_KEYS
    try:
        if following:
            put(staged, following.as_text().encode())
        else:
            staged.unlink(missing_ok=True)
    except OSError as fault:
        raise Refused(Flaw.NOT_WRITTEN, reason=fault.strerror) from fault


def follow_keepers(open_part: Path) -> None:
    """Let those sign from now on who were laid down with the version that holds. Raises `Refused`."""
    staged = open_part / FOLDER / NEXT_KEYS
    try:
        if staged.exists():
            staged.replace(staged.with_name(KEYS))
            sync(staged.parent)
    except OSError as fault:
        raise Refused(Flaw.NOT_WRITTEN, reason=fault.strerror) from fault


def path(data: Path) -> Path | None:
    """Return the update that the node in directory `data` holds."""
    with suppress(Refused):
        return found(data / DIRECTORY)
    return None


def take(place: Path, data: Path, floor_bytes: int, open_part: Path = OPEN) -> Top:
    """Copy an update from a stick, each chunk checked on its way. Returns it. Raises `Refused`, `StoreFault`."""
    with closing(UpdateFile(found(place))) as update:
        check(update.top, keepers(open_part), here(open_part))
        update.check_size()
        if not is_newer(update.top, data):
            return update.top
        target = target_of(update.top, data, floor_bytes)
        arriving = target.with_suffix(".arriving")
        try:
            with arriving.open("wb") as copy:
                copy.write(update.top.written)
                for part in update.top.header.parts:
                    for stored in update.sealed_chunks(part):
                        copy.write(stored)
                copy.flush()
                os.fsync(copy.fileno())
            keep(arriving, target)
        except OSError as fault:
            raise StoreFault(f"{target} cannot be written: {fault.strerror}. Look at the card.") from fault
        finally:
            arriving.unlink(missing_ok=True)
        return update.top


def is_newer(top: Top, data: Path) -> bool:
    """Whether nothing as new is held yet."""
    kept = path(data)
    if kept is None:
        return True
    try:
        with closing(UpdateFile(kept)) as update:
            return number(update.top.header.version) < number(top.header.version)
    except Refused:
        return True


def target_of(top: Top, data: Path, floor_bytes: int) -> Path:
    """Return where an update is kept. Raises `Refused` where there is no room for it. What began to arrive of others goes."""
    directory = data / DIRECTORY
    make_directory(directory)
    target = directory / f"hedgerow-{top.header.version}.update"
    for left in directory.glob("*.arriving"):
        if left.stem != target.stem:
            left.unlink()
    if shutil.disk_usage(directory).free - top.whole_size < floor_bytes:
        raise Refused(Flaw.NO_ROOM, name=top.name, size=-(-top.whole_size // MIB))
    return target


def keep(arrived: Path, target: Path) -> None:
    """Give a whole file its name, and let older ones go. May raise `OSError`."""
    arrived.replace(target)
    sync(target.parent)
    for other in target.parent.glob("*.update"):
        if other != target:
            other.unlink()


def wish(data: Path, what: Wish) -> None:
    """Ask for it. Raises `StoreFault`."""
    _note(data, WISH, what.value)


def wished(data: Path) -> Wish | None:
    """Return what is asked for."""
    try:
        return Wish(_noted(data, WISH))
    except ValueError:
        return None


def let_fetch(data: Path, on: bool) -> None:
    """Let new versions come from neighbours' pages, or from sticks alone; a running node follows. Raises `StoreFault`."""
    _note(data, FETCH, YES if on else NO)


def may_fetch(data: Path, otherwise: bool) -> bool:
    """Whether new versions may come from neighbours' pages: as the keeper said last, `otherwise` where nobody did."""
    said = _noted(data, FETCH)
    return said == YES if said in (YES, NO) else otherwise


def _note(data: Path, name: str, word: str) -> None:
    try:
        make_directory(data / DIRECTORY)
        part = data / DIRECTORY / f".{name}"
        part.write_text(word, encoding="ascii")
        sync(part)
        part.replace(data / DIRECTORY / name)
    except OSError as fault:
        raise StoreFault(f"{data / DIRECTORY} cannot be written: {fault.strerror}. Look at the card.") from fault


def _noted(data: Path, name: str) -> str:
    try:
        handle = os.open(data / DIRECTORY / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(32).decode("ascii", "replace")
    except OSError:
        return ""


def forget_wish(data: Path) -> None:
    """Say that it was seen to."""
    (data / DIRECTORY / WISH).unlink(missing_ok=True)
