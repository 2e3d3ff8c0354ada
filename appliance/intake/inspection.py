"""The asking side of the intake: which kind of file it is, which job looks at it, and what is believed of its answer."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance import confinement
from appliance.confinement import Limits
from appliance.errors import Failure, JobFailed, Objection, Refused
from appliance.intake import kind
from appliance.intake.findings import (
    CLEAN,
    COVER,
    COVER_BYTES_MAX,
    PAGES_MAX,
    REMOVED,
    SMALL_COVER,
    SMALL_COVER_BYTES_MAX,
    WORDS,
    WORDS_BYTES_MAX,
)

MIB: Final = 1 << 20
# Python, Pillow and pypdf take 55 MiB of address space themselves; a picture of 24 million points takes 96 unpacked.
LIMITS: Final = Limits(memory_bytes=240 * MIB, cpu_s=30, wall_s=60.0, file_bytes=140 * MIB, room_bytes=300 * MIB)
JOBS: Final = {
    kind.HTML: "appliance.intake.markup",
    kind.PDF: "appliance.intake.document",
    kind.EPUB: "appliance.intake.epub",
    **dict.fromkeys(("image/jpeg", "image/png", "image/webp"), "appliance.intake.picture"),
    **dict.fromkeys(("audio/mpeg", "audio/ogg", "audio/flac", "audio/wav"), "appliance.intake.sound"),
}
ANSWERS: Final = {
    Failure.TOOK_TOO_LONG: Objection.FILE_TOO_HARD,
    Failure.TOO_MUCH_MEMORY: Objection.FILE_TOO_HARD,
    Failure.WROTE_TOO_MUCH: Objection.FILE_UNPACKS_TOO_LARGE,
    Failure.CRASHED: Objection.FILE_DAMAGED,
    Failure.BUSY: Objection.NODE_BUSY,
}
SENTENCES: Final = {
    one.name: one
    for one in (
        *(Objection.FILE_EMPTY, Objection.FILE_DAMAGED, Objection.FILE_LOCKED, Objection.FILE_TOO_LARGE),
        *(
            Objection.FILE_UNPACKS_TOO_LARGE,
            Objection.FILE_NAMES_UNSAFE,
            Objection.PICTURE_TOO_LARGE,
            Objection.FILE_KIND_UNKNOWN,
        ),
        *(Objection.PAGES_TOO_MANY, Objection.PAGE_TOO_LARGE),
    )
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a look into a file found. `clean` is the file to keep."""

    media_type: str
    clean: Path
    pages: int = 0
    words: str = ""
    cover: bytes = b""
    small_cover: bytes = b""
    removed: tuple[str, ...] = ()


def look(file: Path, media_type: str, room: Path) -> Found:
    """Have `file` looked at by a process of its own, in a fresh `room`. Raises `Refused` where it cannot be taken in."""
    request = {"file": str(file), "media_type": media_type}
    try:
        facts = confinement.run(JOBS[media_type], request, room, LIMITS, reads=[file])
    except JobFailed as failure:
        raise _refusal(failure) from failure
    pages, removed = facts.get("pages"), facts.get("removed")
    if type(pages) is not int or not 0 <= pages <= PAGES_MAX or not isinstance(removed, list):
        raise Refused(Objection.FILE_DAMAGED)
    clean = room / CLEAN
    if not _is_own_file(clean):
        raise Refused(Objection.FILE_DAMAGED)
    return Found(
        media_type=media_type,
        clean=clean,
        pages=pages,
        words=_left(room / WORDS, WORDS_BYTES_MAX).decode("utf-8", "ignore").replace("\0", ""),
        cover=_picture(room / COVER, COVER_BYTES_MAX),
        small_cover=_picture(room / SMALL_COVER, SMALL_COVER_BYTES_MAX),
        removed=tuple(name for name in REMOVED if name in removed),
    )


def _refusal(failure: JobFailed) -> Refused:
    """Return the answer for a person. What a job says may be a lie, so only known answers with plain details pass."""
    if failure.reason is not Failure.REFUSED:
        return Refused(ANSWERS[failure.reason])
    details: dict[str, Any] = {
        name: value for name, value in failure.details.items() if type(value) is int and name.isidentifier()
    }
    try:
        return Refused(SENTENCES[failure.sentence], **details)
    except (KeyError, TypeError):
        return Refused(Objection.FILE_DAMAGED)


def _left(path: Path, size_max: int) -> bytes:
    """Return what a job left under a name; nothing where it is no plain file of its own, or too long."""
    if not _is_own_file(path) or path.stat().st_size > size_max:
        return b""
    return path.read_bytes()


def _picture(path: Path, size_max: int) -> bytes:
    """Return a JPEG; nothing where it is none."""
    picture = _left(path, size_max)
    return picture if picture.startswith(b"\xff\xd8\xff") else b""


def _is_own_file(path: Path) -> bool:
    """Whether this is a file that was written here, and no way to another one."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1
