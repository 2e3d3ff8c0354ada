"""How an update gets onto the card: into the slot that does not run, piece by piece, each checked before and read back after.

Nothing of it can start before all of it is there. Cut off anywhere, it is done again from its start, and what is right already
is left as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.card import sync
from appliance.errors import Refused
from appliance.updates import command_line, last
from appliance.updates.flaws import Flaw
from appliance.updates.header import Part, places
from appliance.updates.last import Last, Outcome
from appliance.updates.slots import Card, put
from appliance.updates.update_file import UpdateFile
from mesh.keys import digest

KERNEL, MEMORY_DISK, DEVICE_TREES = "vmlinuz", "initrd.img", "*.dtb"
FORCED_EACH: Final = 16  # chunks after which the card is waited for, so that little is pending when a plug is pulled
MIB: Final = 1 << 20
SPARE: Final = MIB  # of the open part, which FAT's folders and the note may take

Tell = Callable[[int, int], None]  # bytes done, of how many


def lay(update: UpdateFile, card: Card, version: str, shape: int, tell: Tell = lambda _, __: None) -> Last:
    """Write the slot that does not run, and its folder on the open part; `version` and `shape` are what runs.

    Raises `Refused`, after which the running system is as it was.
    """
    header = update.top.header
    before = last.read(card.open)
    if before and before.outcome is Outcome.TRYING and before.slot == card.running:
        raise Refused(Flaw.ON_TRIAL, version=before.version)
    number = _number(card)
    update.check_size()
    _check_starts(update, card)
    _check_room(update, card)
    card.clear_fallback()
    card.point(card.running)
    note = Last(Outcome.WRITING, header.version, card.other, header.shape, version, shape)
    last.write(card.open, note)
    try:
        _lay_system(update, card.slots[card.other], tell)
        _lay_boot_files(update, card, number)
    except OSError as fault:
        raise Refused(Flaw.NOT_WRITTEN, reason=fault.strerror) from fault
    return note


def arm(card: Card, note: Last) -> None:
    """Give the other slot one attempt, from the next start on. Raises `Refused`."""
    last.write(card.open, note.now(Outcome.TRYING))
    card.set_fallback()
    card.point(note.slot)


def _number(card: Card) -> int:
    """Return the number of this very card, by which the new system is found. Raises `Refused`."""
    file = card.folder(card.running) / command_line.FILE
    try:
        found = command_line.number(file.read_bytes())
    except OSError as fault:
        raise Refused(Flaw.NOT_WRITTEN, reason=f"{command_line.FILE}: {fault.strerror}") from fault
    if found is None:
        raise Refused(Flaw.NOT_WRITTEN, reason=f"{command_line.FILE} of the running system names no card")
    return found


def _check_starts(update: UpdateFile, card: Card) -> None:
    """The starter takes a folder without its kernel and its device tree for none, and finds nothing beside it: no memory disk
    would turn the letter back. Which of the trees this board needs only the starter knows, so none may be missing.
    """
    folder, brought = card.folder(card.running), {part.name for part in update.top.header.boot_files}
    trees = sorted(tree.name for tree in folder.glob(DEVICE_TREES))
    for name in (KERNEL, MEMORY_DISK, command_line.FILE, *trees):
        if name not in brought and (folder / name).exists():
            raise Refused(Flaw.LACKS, name=update.name, missing=name)


def _check_room(update: UpdateFile, card: Card) -> None:
    header = update.top.header
    room = card.room(card.other)
    if header.system.size > room:
        raise Refused(Flaw.TOO_LARGE, name=update.name, size=-(-header.system.size // MIB), room=room // MIB)
    place = os.statvfs(card.open)
    kept = sum(file.stat().st_size for file in card.folder(card.other).rglob("*") if file.is_file())
    free = place.f_bavail * place.f_frsize + kept - SPARE
    size = sum(part.size for part in header.boot_files)
    if size > free:
        raise Refused(Flaw.TOO_LARGE, name=update.name, size=-(-size // MIB), room=free // MIB)


def _lay_system(update: UpdateFile, slot: Path, tell: Tell) -> None:
    part = update.top.header.system
    with slot.open("r+b", buffering=0) as device:
        handle = device.fileno()
        for index, (at, chunk) in enumerate(places(part)):
            offset = index * MIB
            if digest(os.pread(handle, part.chunk_size(index), offset)) != chunk.digest:
                _write(handle, update.content(part, index, at), offset)
            if index % FORCED_EACH == FORCED_EACH - 1:
                os.fsync(handle)
            tell(min(part.size, offset + MIB), part.size)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)  # what is read back shall come from the card
        check_slot(handle, part)


def _write(handle: int, content: bytes, offset: int) -> None:
    done = 0
    while done < len(content):
        done += os.pwrite(handle, content[done:], offset + done)


def check_slot(handle: int, part: Part) -> None:
    """Read a slot back. Raises `Refused` where it is not what was signed."""
    for index, chunk in enumerate(part.chunks):
        if digest(os.pread(handle, part.chunk_size(index), index * MIB)) != chunk.digest:
            raise Refused(Flaw.WRITTEN_WRONG)


def _lay_boot_files(update: UpdateFile, card: Card, number: int) -> None:
    """Files that are right already are not written; those of the version before go, so that two versions always fit."""
    folder, wanted = card.folder(card.other), {part.name: part for part in update.top.header.boot_files}
    folder.mkdir(exist_ok=True)
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        if str(file.relative_to(folder)) not in wanted:
            file.unlink()
    for name, part in wanted.items():
        content = b"".join(update.content(part, index, at) for index, (at, _) in enumerate(places(part)))
        if name == command_line.FILE:
            content = command_line.naming(content, number, card.other)
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        if not file.exists() or file.read_bytes() != content:
            put(file, content)
        if file.read_bytes() != content:
            raise Refused(Flaw.WRITTEN_WRONG)
    sync(folder)
    sync(card.open)
