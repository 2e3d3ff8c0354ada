"""What kind of file it is, by its content. Its name may say less, but not something else; two kinds at once are refused.

First bytes: the media types' own specifications, as collected in the MIME Sniffing Standard, section 6.
"""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path
from typing import BinaryIO, Final

from appliance.errors import Objection, Refused
from appliance.kinds import TEXTS

HEAD: Final = 4096
TAIL: Final = 65_557  # the end of a ZIP archive lies at most so far from the end of the file (APPNOTE 4.3.16)
MARKDOWN, TEXT = TEXTS
HTML: Final = "text/html"
PDF: Final = "application/pdf"
EPUB: Final = "application/epub+zip"
MP3: Final = "audio/mpeg"

ENDINGS: Final = {
    MARKDOWN: (".md", ".markdown"),
    TEXT: (".txt", ".text"),
    HTML: (".html", ".htm", ".xhtml"),
    PDF: (".pdf",),
    EPUB: (".epub",),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    MP3: (".mp3",),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/flac": (".flac",),
    "audio/wav": (".wav", ".wave"),
}
OF_ENDING: Final = {ending: media_type for media_type, endings in ENDINGS.items() for ending in endings}
# What only looks like one of ours by its name or its first letters, and what a phone may take for a program.
NEVER: Final = frozenset((".svg", ".zip", ".gif", ".docx", ".odt", ".apk", ".exe", ".js", ".xml", ".mobi", ".azw3"))
WORDS: Final = {
    MARKDOWN: "Markdown",
    TEXT: "text",
    HTML: "HTML",
    PDF: "PDF",
    EPUB: "EPUB",
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WebP",
    MP3: "MP3",
    "audio/ogg": "Ogg",
    "audio/flac": "FLAC",
    "audio/wav": "WAV",
}
BEGINNINGS: Final = (
    (re.compile(rb"%PDF-\d\.\d"), PDF),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "audio/wav"),
    (re.compile(rb"OggS\0"), "audio/ogg"),
    (re.compile(rb"fLaC"), "audio/flac"),
    (re.compile(rb"\xff[\xfa\xfb\xf2\xf3\xe2\xe3]"), MP3),
)
BOOK: Final = re.compile(rb"PK\x03\x04.{26}mimetype", re.DOTALL)
PACKED: Final = re.compile(rb"PK\x03\x04")
MARKUP: Final = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.I | re.S
)
OTHER_MARKUP: Final = re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml|svg|!doctype\s+svg)\b", re.I)
FOREIGN: Final = re.compile(rb"%PDF-\d|<script|<html|<!doctype", re.I)  # in the first bytes of what is something else


def decide(file: Path, name: str) -> str:
    """Return the media type of `file`, which was called `name`. Raises `Refused` where it is none that is taken in."""
    with file.open("rb") as content:
        head, size = content.read(HEAD), file.stat().st_size
        if not head.strip():
            raise Refused(Objection.FILE_EMPTY)
        found = _by_content(content, head, name)
        if found not in (MARKDOWN, TEXT, HTML):
            _check_single(content, head, size, found)
    ending = Path(name).suffix.casefold()
    if ending in NEVER:
        raise Refused(Objection.FILE_KIND_UNKNOWN)
    if OF_ENDING.get(ending, found) != found:
        raise Refused(Objection.FILE_MISNAMED, ending=ending, kind=WORDS[found])
    return found


def _by_content(content: BinaryIO, head: bytes, name: str) -> str:
    begins = after_tag(content) or head
    for sign, media_type in BEGINNINGS:
        if sign.match(begins):
            return media_type
    if begins is not head:  # a tag of ID3 says that this is sound, so it is looked at as such
        return MP3
    if BOOK.match(head):
        return EPUB
    if PACKED.match(head):
        if Path(name).suffix.casefold() in ENDINGS[EPUB]:  # many a book is packed in another order; its reader knows
            return EPUB
        raise Refused(Objection.FILE_KIND_UNKNOWN)
    return _of_text(head, Path(name).suffix.casefold())


def after_tag(content: BinaryIO) -> bytes:
    """Return the first bytes behind the tags of ID3v2 that stand before some sound; nothing where there are none."""
    begins = 0
    for _ in range(8):
        content.seek(begins)
        tag = content.read(10)
        if len(tag) < 10 or tag[:3] != b"ID3" or max(tag[6:10]) > 0x7F:
            break
        size = tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]
        begins += 10 + size + (10 if tag[5] & 0x10 else 0)
    content.seek(begins)
    return content.read(64) or b"\0" if begins else b""


def _of_text(head: bytes, ending: str) -> str:
    """Markdown and text cannot be told apart by their letters, so there the name decides."""
    of_ending = OF_ENDING.get(ending, TEXT)
    if MARKUP.match(head):
        return HTML
    if OTHER_MARKUP.match(head) and of_ending != HTML:
        raise Refused(Objection.FILE_KIND_UNKNOWN)
    if of_ending == HTML:
        return HTML
    if b"\0" in head or not _is_utf8(head):
        raise Refused(Objection.FILE_UNREADABLE if OF_ENDING.get(ending) in TEXTS else Objection.FILE_KIND_UNKNOWN)
    return of_ending if of_ending in TEXTS else TEXT


def _is_utf8(head: bytes) -> bool:
    """Whether this may be the beginning of a text; its last letter may be cut."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as fault:
        return fault.reason == "unexpected end of data" and len(head) - fault.start <= 3 and len(head) == HEAD
    return True


def _check_single(content: BinaryIO, head: bytes, size: int, found: str) -> None:
    """Refuse what another program would take for another kind of file: one that begins later, or is read from its end."""
    if FOREIGN.search(head[:1024], 5 if found == PDF else 0):
        raise Refused(Objection.FILE_TWO_KINDS)
    if found == EPUB:
        return
    content.seek(max(0, size - TAIL), os.SEEK_SET)
    tail = content.read(TAIL)
    place = tail.rfind(b"PK\x05\x06")
    while place >= 0:
        if _ends_archive(tail, place):
            raise Refused(Objection.FILE_TWO_KINDS)
        place = tail.rfind(b"PK\x05\x06", 0, place)


def _ends_archive(tail: bytes, place: int) -> bool:
    """Whether the four letters are more than chance: what they say of the file's end must be so (APPNOTE 4.3.16)."""
    if len(tail) - place < 22:
        return False
    size, comment = struct.unpack_from("<I4xH", tail, place + 12)
    directory = place - size
    return place + 22 + comment <= len(tail) and (directory < 0 or tail[directory : directory + 4] == b"PK\x01\x02")
