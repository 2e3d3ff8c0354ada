"""Pictures: measured before they are unpacked, cleaned, and made small for a cover. The only place that knows Pillow."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final

from PIL import Image, ImageOps, UnidentifiedImageError

from appliance import confinement
from appliance.errors import Objection, Refused
from appliance.intake import segments
from appliance.intake.findings import CLEAN, COVER_BYTES_MAX, SMALL_COVER_BYTES_MAX, Findings
from appliance.intake.segments import Taken

POINTS_MAX: Final = 24_000_000  # unpacked they take four bytes each
COVER_SIZE: Final = (240, 320)
SMALL_COVER_SIZE: Final = (84, 112)
QUALITIES: Final = (80, 65, 50, 35, 20, 10)
FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
FAULTS: Final = (
    OSError,
    ValueError,
    SyntaxError,
    LookupError,
    TypeError,
    struct.error,
    UnidentifiedImageError,
)  # what Pillow says of what it cannot read

ORIENTATION: Final = 0x0112
TOLD: Final = {  # Exif 2.32, tables 4 to 8, and what the tags tell
    "place": (0x8825,),
    "camera": (0x010F, 0x0110, 0xA431, 0xA433, 0xA434, 0xA435, 0x927C),
    "moment": (0x0132, 0x9003, 0x9004),
    "people": (0x013B, 0x8298, 0xA430, 0x9C9D),
    "program": (0x0131, 0x013C),
}
INNER: Final = 0x8769  # where the tags of the camera stand

Image.MAX_IMAGE_PIXELS = None  # measured here, with a sentence of our own


def work(request: dict[str, Any]) -> dict[str, object]:
    """Clean the picture `request` names, and make its covers."""
    picture = Path(request["file"]).read_bytes()
    with Path(CLEAN).open("wb") as out:
        removed = clean(picture, str(request["media_type"]), out)
    found = Findings(pages=1, removed=removed)
    del picture
    found.cover, found.small_cover = covers(Path(CLEAN).read_bytes())
    return found.leave()


def clean(picture: bytes, media_type: str, out: BinaryIO) -> set[str]:
    """Write `picture` without what it tells of people, places and machines; return the names of what was taken out."""
    orientation = measured(picture, media_type)
    writers: dict[str, Callable[[], Taken]] = {
        "image/jpeg": lambda: segments.clean_jpeg(picture, out, orientation),
        "image/png": lambda: segments.clean_png(picture, out),
        "image/webp": lambda: segments.clean_webp(picture, out),
    }
    taken = writers[media_type]()
    told = set(_told(taken.exif)) if taken.exif else set()
    if taken.notes or (taken.exif and not told):
        told.add("notes")
    return told | ({"attachment"} if taken.behind else set())


def measured(picture: bytes, media_type: str) -> int:
    """Return how a picture is turned (EXIF's orientation). Raises `Refused` where it has too many points or is none."""
    try:
        with Image.open(BytesIO(picture), formats=(FORMATS[media_type],)) as opened:
            width, height = opened.size
            if width * height > POINTS_MAX or max(width, height) > 65_500:
                raise Refused(Objection.PICTURE_TOO_LARGE, width=width, height=height, limit=POINTS_MAX // 1_000_000)
            turned = opened.getexif().get(ORIENTATION, 1) if media_type == "image/jpeg" else 1
    except FAULTS as fault:
        raise segments.damaged() from fault
    return turned if type(turned) is int else 1


def covers(picture: bytes) -> tuple[bytes, bytes]:
    """Return a picture as two JPEGs, a large and a small cover. Raises `Refused` where it cannot be unpacked."""
    try:
        with Image.open(BytesIO(picture), formats=tuple(FORMATS.values())) as opened:
            opened.draft("RGB", (COVER_SIZE[0] * 2, COVER_SIZE[1] * 2))
            opened.load()
            large = _on_paper(ImageOps.exif_transpose(_shrunk(opened, COVER_SIZE)))
    except FAULTS as fault:
        raise segments.damaged() from fault
    small = _shrunk(large, SMALL_COVER_SIZE)
    return _packed(large, COVER_BYTES_MAX), _packed(small, SMALL_COVER_BYTES_MAX)


def covers_or_none(picture: bytes) -> tuple[bytes, bytes]:
    """As `covers`; nothing where the picture is not worth a word, such as one that is no more than a line."""
    try:
        with Image.open(BytesIO(picture), formats=tuple(FORMATS.values())) as opened:
            width, height = opened.size
    except FAULTS:
        return b"", b""
    if min(width, height) < 16 or width * height > POINTS_MAX:
        return b"", b""
    try:
        return covers(picture)
    except Refused:
        return b"", b""


def _shrunk(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    factor = max(1, min(picture.width // (2 * size[0]), picture.height // (2 * size[1])))
    less = picture.reduce(factor) if factor > 1 and picture.mode not in ("P", "1") else picture.copy()
    less.thumbnail(size)
    return less


def _on_paper(picture: Image.Image) -> Image.Image:
    """Return a picture on white, where one can see through it."""
    if picture.mode in ("RGB", "L"):
        return picture.convert("RGB")
    seen_through = picture.convert("RGBA")
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(seen_through, mask=seen_through.getchannel("A"))
    return paper


def _packed(picture: Image.Image, size_max: int) -> bytes:
    """Return a JPEG of at most `size_max` bytes: of less quality where need be, or none at all."""
    plain = Image.new("RGB", picture.size)
    plain.paste(picture)
    for quality in QUALITIES:
        out = BytesIO()
        plain.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= size_max:
            return out.getvalue()
    return b""


def _told(exif: bytes) -> Iterator[str]:
    """Yield the names of what the tags of a picture tell."""
    tags = Image.Exif()
    try:
        tags.load(exif)
        known = set(tags) | set(tags.get_ifd(INNER))
    except FAULTS:
        known = set()
    yield from (name for name, numbers in TOLD.items() if known & set(numbers))
    if b"\xff\xd8\xff" in exif:
        yield "thumbnail"


if __name__ == "__main__":
    confinement.serve(work)
