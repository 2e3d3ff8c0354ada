"""Small whole files of each kind, and what chance does to them: bits turned, pieces cut out, doubled, and put in from others."""

from __future__ import annotations

import struct
from functools import cache
from io import BytesIO
from zipfile import ZipFile

from hypothesis import strategies as st

from tests.appliance.intake.hostile import LAUGHS, SVG, objects, one_page, stream
from tests.appliance.intake.specimens import (
    HTML,
    drawing,
    epub,
    flac,
    mp3,
    ogg,
    packed,
    pattern,
    pdf,
    photograph,
    wav,
)

ODD_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
TOKENS = (
    *(b"\xff\xd8\xff", b"IEND", b"OggS\0", b"ID3\4\0\0\x7f\x7f\x7f\x7f", b"RIFF", b"PK\5\6", b"APETAGEX", b"\0\0\0\0"),
    *(b"%PDF-1.4", b"endobj", b"/Kids", b"/Parent 2 0 R", b"<<", b"]", b"stream\n"),
    *(b"<script>", b"&a;", b"<!DOCTYPE", b"<![CDATA["),
)


@cache
def small_webp() -> bytes:
    out = BytesIO()
    pattern(24, 24).save(out, "WEBP", xmp=b"<x>Rosa</x>")
    return out.getvalue()


@cache
def plain_pdf() -> bytes:
    """A PDF whose objects lie open, so that damage meets the document and not its compression."""
    page = (
        b"/Contents 4 0 R /Resources << /Font << /F1 5 0 R >> /XObject << /P 6 0 R >> >> /Annots [ << /Type /Annot"
        b" /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (https://example.org/) >> >> ] /Rotate 90"
    )
    picture = stream(photograph(32, 24), b"/Type /XObject /Subtype /Image /Width 32 /Height 24 /ColorSpace /DeviceRGB"
                     b" /BitsPerComponent 8 /Filter /DCTDecode")  # fmt: skip
    text = stream(b"BT /F1 12 Tf 72 700 Td (elderberries) Tj ET", b"")
    return one_page(page, extra=(text, b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>", picture))


@cache
def specimens(media_type: str) -> tuple[bytes, ...]:
    """Return small files of a kind that are taken in as they are."""
    made = {
        "image/jpeg": lambda: (photograph(32, 24), photograph(24, 24, turned=6)),
        "image/png": lambda: (drawing(24, 30),),
        "image/webp": lambda: (small_webp(),),
        "audio/mpeg": lambda: (mp3(6), mp3(6, tagged=False)),
        "audio/ogg": lambda: (ogg(), ogg(opus=True)),
        "audio/flac": lambda: (flac(),),
        "audio/wav": lambda: (wav(0.02), wav(0.02, tagged=False)),
        "text/html": lambda: (HTML, HTML.replace(b"<p>", b"<table><tr><td>")),
        "application/pdf": lambda: (plain_pdf(), pdf(1, with_photograph=False), objects(b"<< /Type /Catalog >>")),
        "application/epub+zip": lambda: (epub(), epub("", "")),
    }
    return made[media_type]()


def damaged(media_type: str, others: tuple[bytes, ...] = ()) -> st.SearchStrategy[bytes]:
    """Files of a kind, each with a few wounds; pieces of `others`, and of files of the same kind, may stand in them."""
    whole = specimens(media_type)
    return st.sampled_from(whole).flatmap(lambda file: wounded(file, (*whole, *others)))


@st.composite
def wounded(draw: st.DrawFn, file: bytes, others: tuple[bytes, ...]) -> bytes:
    content = bytearray(file)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        ends = min(len(content), at + draw(st.integers(1, 64)))
        match draw(st.integers(0, 6)):
            case 0:  # a bit turned
                content[at : at + 1] = bytes((content[at] ^ 1 << draw(st.integers(0, 7)),)) if content else b""
            case 1:
                del content[at:ends]
            case 2:  # cut off
                del content[at:]
            case 3:
                content[at:at] = content[at:ends]
            case 4:  # another number where one may stand
                wide = draw(st.sampled_from((">I", "<I", ">H", "<H", "B")))
                number = draw(st.sampled_from(ODD_NUMBERS)) & (1 << 8 * struct.calcsize(wide)) - 1
                content[at : at + struct.calcsize(wide)] = struct.pack(wide, number)
            case 5:
                content[at:at] = draw(st.sampled_from(TOKENS))
            case 6:  # a piece of another file
                other = draw(st.sampled_from(others))
                begins = draw(st.integers(0, max(0, len(other) - 1)))
                content[at:ends] = other[begins : begins + draw(st.integers(1, 200))]
    return bytes(content)


@st.composite
def damaged_books(draw: st.DrawFn) -> bytes:
    """Books whose archive is whole, with one file in them that is not: there damage gets past the checksums."""
    files = unpacked(epub())
    name = draw(st.sampled_from(sorted(files)))
    files[name] = draw(wounded(files[name], (SVG, LAUGHS.encode(), HTML, *files.values())))
    if draw(st.booleans()):
        del files[draw(st.sampled_from(sorted(files)))]
    return packed(files)


@cache
def _entries(book: bytes) -> tuple[tuple[str, bytes], ...]:
    with ZipFile(BytesIO(book)) as archive:
        return tuple((name, archive.read(name)) for name in archive.namelist())


def unpacked(book: bytes) -> dict[str, bytes]:
    return dict(_entries(book))
