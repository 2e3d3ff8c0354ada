"""A ZIP archive from a stranger: looked at from its list alone, and unpacked piece by piece, never onto the card.

Rules for names and flags: PKWARE APPNOTE 6.3.10, sections 4.4.4 and 4.4.17; EPUB OCF 3.3, section 4.2.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Final

from appliance.errors import Objection, Refused

FILES_MAX: Final = 2_000
UNPACKED_MAX: Final = 128 << 20  # of all files together
FILE_MAX: Final = 32 << 20  # of one, since it is looked at whole
RATIO_MAX: Final = 150  # what deflate makes of text is seldom a twentieth; beyond, it is a bomb
RATIO_FROM: Final = 1 << 20
NAME_MAX: Final = 255
ENCRYPTED: Final = 0x1
FAULTS: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, LookupError, OSError)


class Archive:
    """The files of one archive by their names, each within its limits. Raises `Refused` where anything is not as it should be."""

    def __init__(self, path: Path) -> None:
        self._zip = _opened(path)
        found = self._zip.infolist()
        if len(found) > FILES_MAX or sum(file.file_size for file in found) > UNPACKED_MAX:
            raise Refused(Objection.FILE_UNPACKS_TOO_LARGE)
        for file in found:
            _check(file)
        self.files = {file.filename: file for file in found if not file.is_dir()}
        folded = {name.casefold() for name in self.files}
        if len(folded) != sum(not file.is_dir() for file in found):
            raise Refused(Objection.FILE_NAMES_UNSAFE)

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def read(self, name: str) -> bytes:
        """Return a whole file. More than its entry said is never unpacked."""
        file = self.files[name]
        try:
            with self._zip.open(file) as content:
                whole = content.read(file.file_size + 1)
        except FAULTS as fault:
            raise Refused(Objection.FILE_DAMAGED) from fault
        if len(whole) > file.file_size:
            raise Refused(Objection.FILE_UNPACKS_TOO_LARGE)
        return whole

    def close(self) -> None:
        self._zip.close()


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except FAULTS as fault:
        raise Refused(Objection.FILE_DAMAGED) from fault


def _check(file: zipfile.ZipInfo) -> None:
    if file.flag_bits & ENCRYPTED:
        raise Refused(Objection.FILE_LOCKED)
    if not _is_safe(file.orig_filename) or stat.S_IFMT(file.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refused(Objection.FILE_NAMES_UNSAFE)
    is_bomb = file.file_size > RATIO_FROM and file.file_size > RATIO_MAX * max(1, file.compress_size)
    if file.file_size > FILE_MAX or is_bomb or file.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(Objection.FILE_UNPACKS_TOO_LARGE)


def _is_safe(name: str) -> bool:
    """Whether a name leads to a place within the archive, on every system."""
    parts = name.rstrip("/").split("/")
    odd = any(sign in '\\:*?"<>|' or ord(sign) < 32 or ord(sign) == 127 for sign in name)
    return 0 < len(name) <= NAME_MAX and not odd and all(part not in ("", ".", "..") for part in parts)
