"""Pictures taken apart into their pieces and put together again without those that tell of people, places and machines.

No point of the picture is touched, so nothing is lost. What stands behind a picture's end is left out.
JPEG: ITU-T T.81 annex B. PNG: W3C PNG, third edition. WebP: RFC 9649, section 2.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from appliance.errors import Objection, Refused

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP13, APP14, APP15 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF
ALONE: Final = frozenset((0x01, *range(0xD0, 0xD8)))
NEXT_MARKER: Final = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
EXIF: Final = b"Exif\0\0"
SEGMENTS_MAX: Final = 10_000
CHUNKS_MAX: Final = 1_000_000

PNG_SIGN: Final = b"\x89PNG\r\n\x1a\n"
# Pieces that say what the picture looks like; of the others nobody knows what they tell.
PNG_KEPT: Final = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD", b"pHYs",
     b"acTL", b"fcTL", b"fdAT")
)  # fmt: skip
WEBP_KEPT: Final = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
WEBP_EXIF, WEBP_XMP = 0x08, 0x04


class Taken(NamedTuple):
    """What was taken out: the raw EXIF of the picture, and whether there were other notes or something behind its end."""

    exif: bytes = b""
    notes: bool = False
    behind: bool = False


def damaged() -> Refused:
    """Return the refusal of what ends too early or makes no sense."""
    return Refused(Objection.FILE_DAMAGED)


def clean_jpeg(picture: bytes, out: BinaryIO, orientation: int = 1) -> Taken:
    """Write `picture` without its notes; the way it is turned is kept where it matters, in an EXIF of 26 bytes."""
    exif, notes, place = b"", False, 2
    if picture[:2] != b"\xff\xd8":
        raise damaged()
    out.write(picture[:2])
    if orientation in range(2, 9):
        out.write(_turned(orientation))
    for _ in range(SEGMENTS_MAX):
        marker, begins, ends = _segment(picture, place)
        if marker == EOI:
            out.write(b"\xff\xd9")
            return Taken(exif, notes, bool(picture[ends:].strip(b"\0")))
        if _is_kept(marker, picture[begins : begins + 16]):
            out.write(picture[place:ends])
        elif marker == APP1 and picture.startswith(EXIF, begins):
            exif = exif or picture[begins + len(EXIF) : ends]
        else:
            notes = True
        place = ends
    raise damaged()


def _segment(picture: bytes, place: int) -> tuple[int, int, int]:
    """Return the marker at `place`, where what it holds begins, and where the next marker is."""
    if place + 2 > len(picture) or picture[place] != 0xFF:
        raise damaged()
    while picture[place + 1 : place + 2] == b"\xff":
        place += 1
    if place + 2 > len(picture):
        raise damaged()
    marker = picture[place + 1]
    if marker == EOI or marker in ALONE:
        return marker, place + 2, place + 2
    if place + 4 > len(picture):
        raise damaged()
    length = int.from_bytes(picture[place + 2 : place + 4], "big")
    begins, ends = place + 4, place + 2 + length
    if length < 2 or ends > len(picture):
        raise damaged()
    if marker == SOS:
        following = NEXT_MARKER.search(picture, ends)
        if following is None:
            raise damaged()
        ends = following.start()
    return marker, begins, ends


def _is_kept(marker: int, begins: bytes) -> bool:
    if marker == APP2:
        return begins.startswith(b"ICC_PROFILE\0")
    if marker == APP0:
        return begins.startswith(b"JFIF\0") and begins[12:14] == b"\0\0"  # without a small picture of its own
    if marker == APP14:
        return begins.startswith(b"Adobe")
    return not (APP0 <= marker <= APP15 or marker == COM)


def _turned(orientation: int) -> bytes:
    """Return an EXIF segment that says how the picture is turned, and nothing else (Exif 2.32, 4.6.4)."""
    tiff = b"MM\0\x2a\0\0\0\x08" + b"\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
    return b"\xff\xe1" + struct.pack(">H", 2 + len(EXIF) + len(tiff)) + EXIF + tiff


def clean_png(picture: bytes, out: BinaryIO) -> Taken:
    """Write `picture` without its notes."""
    exif, notes, first = b"", False, True
    if picture[:8] != PNG_SIGN:
        raise damaged()
    out.write(PNG_SIGN)
    for kind, begins, ends in _png_chunks(picture):
        if first != (kind == b"IHDR"):
            raise damaged()
        first = False
        if kind in PNG_KEPT:
            if zlib.crc32(memoryview(picture)[begins - 4 : ends]) != int.from_bytes(picture[ends : ends + 4], "big"):
                raise damaged()
            out.write(memoryview(picture)[begins - 8 : ends + 4])
        elif kind == b"eXIf":
            exif = picture[begins:ends]
        elif not kind[0] & 0x20:  # one that a reader must know
            raise damaged()
        else:
            notes = True
        if kind == b"IEND":
            return Taken(exif, notes, len(picture) > ends + 4)
    raise damaged()


def _png_chunks(picture: bytes) -> Iterator[tuple[bytes, int, int]]:
    place = 8
    for _ in range(CHUNKS_MAX):
        size = int.from_bytes(picture[place : place + 4], "big")
        if place + 12 + size > len(picture):
            return
        yield picture[place + 4 : place + 8], place + 8, place + 8 + size
        place += 12 + size


def clean_webp(picture: bytes, out: BinaryIO) -> Taken:
    """Write `picture` without its notes."""
    exif, notes, kept = b"", False, []
    ends_all = 8 + int.from_bytes(picture[4:8], "little")
    if ends_all > len(picture):
        raise damaged()
    for kind, begins, ends in riff_chunks(picture, 12, ends_all):
        if kind in WEBP_KEPT:
            kept.append((kind, begins, ends))
        elif kind == b"EXIF":
            exif = picture[begins:ends].removeprefix(EXIF)
        else:
            notes = True
    size = 4 + sum(8 + (ends - begins) + (ends - begins) % 2 for _, begins, ends in kept)
    out.write(b"RIFF" + struct.pack("<I", size) + b"WEBP")
    for kind, begins, ends in kept:
        content = picture[begins:ends]
        if kind == b"VP8X":
            content = bytes((content[0] & ~(WEBP_EXIF | WEBP_XMP),)) + content[1:]
        out.write(kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2))
    return Taken(exif, notes, len(picture) > ends_all + 1)


def riff_chunks(content: bytes, place: int, ends_all: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each piece of a RIFF file: its name, and where what it holds begins and ends."""
    for _ in range(CHUNKS_MAX):
        if place >= ends_all:
            return
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        if place + 8 + size > ends_all:
            raise damaged()
        yield content[place : place + 4], place + 8, place + 8 + size
        place += 8 + size + size % 2
    raise damaged()
