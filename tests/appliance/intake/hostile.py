"""Files made to do harm. Each has a name to be brought under, and what is to become of it."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

from PIL import Image

from appliance.errors import Objection
from tests.appliance.intake.specimens import (
    CONTAINER,
    HTML,
    NAV,
    PAGE,
    drawing,
    epub,
    mp3,
    ogg,
    packed,
    pdf,
    photograph,
    png_chunk,
    png_of_size,
    wav,
)

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a "ha ha ha ha ha ha ha ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + ']><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body><p>&j;</p></body></html>'
)
FETCHES = (
    '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY key SYSTEM "file:///etc/passwd">]>'
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body><p>&key;</p></body></html>'
)
LOCK = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#">'
    '<enc:EncryptedData><enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></enc:EncryptedData>'
    "</encryption>"
)
DEEP = PAGE.format(head="", words="<i>" * 5000 + "x" + "</i>" * 5000, body="")


def objects(*bodies: bytes, root: int = 1) -> bytes:
    """A PDF of these objects, numbered from 1, with a table of where they are."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, root, table)
    return bytes(out)


CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"


def one_page(more: bytes = b"", pages: bytes = b"/Count 1 /Kids [3 0 R]", extra: tuple[bytes, ...] = ()) -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] " + more + b" >>"
    return objects(CATALOGUE, b"<< /Type /Pages " + pages + b" >>", page, *extra)


def stream(content: bytes, more: bytes = b"/Filter /FlateDecode") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), more, content)


def huge_page() -> bytes:
    pages = b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"
    return objects(CATALOGUE, pages, b"<< /Type /Page /MediaBox [0 0 3000000 3000000] >>")


def million_pages() -> bytes:
    """Six levels of ten, each the same ten again."""
    levels = [b"<< /Type /Pages /Count 1000000 /Kids [" + b"%d 0 R " % (n + 3) * 10 + b"] >>" for n in range(6)]
    return objects(CATALOGUE, *levels, b"<< /Type /Page /MediaBox [0 0 9 9] >>")


def many_pages() -> bytes:
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 3003))
    pages = b"<< /Type /Pages /Count 3000 /Kids [" + kids + b"] >>"
    return objects(CATALOGUE, pages, *[b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>"] * 3000)


def encrypted() -> bytes:
    from pypdf import PdfWriter  # noqa: PLC0415 (only here)

    writer, out = PdfWriter(clone_from=BytesIO(pdf(1))), BytesIO()
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def zip_with(name: str, mode: int = 0, **more: bytes) -> bytes:
    """A book with one more file, of a name that no book has."""
    out = BytesIO(epub())
    with zipfile.ZipFile(out, "a") as archive:
        entry = zipfile.ZipInfo("Q" * len(name) if "\0" in name else name)
        entry.create_system, entry.external_attr = 3, mode << 16
        archive.writestr(entry, more.get("content", b"/etc/passwd"))
    whole = out.getvalue()
    return whole.replace(("Q" * len(name)).encode(), name.encode()) if "\0" in name else whole


def nested_bomb() -> bytes:
    return epub(more={"OEBPS/zeros.bin": bytes(30 << 20)})


def many_files() -> bytes:
    return epub(more={f"OEBPS/{number}.txt": b"x" for number in range(2100)})


def lying_size() -> bytes:
    """A book that says of a long file that it is short."""
    whole = epub(more={"OEBPS/long.css": b"p { margin: 1px }\n" * 5000})
    return whole.replace(struct.pack("<I", 90_000), struct.pack("<I", 9))


def png_bomb() -> bytes:
    """Many more points than its size says."""
    head = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(200 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def text_bomb() -> bytes:
    told = b"Comment\0\0" + zlib.compress(bytes(200 << 20), 9)
    return drawing()[:33] + png_chunk(b"zTXt", told) + drawing()[33:]


def huge_jpeg() -> bytes:
    plain = photograph()
    place = plain.index(b"\xff\xc0")
    return plain[: place + 5] + struct.pack(">HH", 30_000, 30_000) + plain[place + 9 :]


def large_webp() -> bytes:
    return (
        b"RIFF"
        + struct.pack("<I", 30)
        + b"WEBPVP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + b"\x2f\x75\0\x2f\x75\0"
        + b"VP8L\0\0\0\0"
    )


def gif() -> bytes:
    out = BytesIO()
    Image.new("RGB", (8, 8)).save(out, "GIF")
    return out.getvalue()


ZIP = packed({"a.html": b"<script>alert(1)</script>"})
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

# What is refused, and with which word.
REFUSED: dict[str, tuple[str, Callable[[], bytes], Objection]] = {
    "nothing": ("a.pdf", lambda: b"", Objection.FILE_EMPTY),
    "blanks": ("a.html", lambda: b" \n" * 99, Objection.FILE_EMPTY),
    "a picture of 30,000 by 30,000": ("a.png", lambda: png_of_size(30_000, 30_000), Objection.PICTURE_TOO_LARGE),
    "a photograph of 30,000 by 30,000": ("a.jpg", huge_jpeg, Objection.PICTURE_TOO_LARGE),
    "a WebP of 30,000 by 30,000": ("a.webp", large_webp, Objection.FILE_DAMAGED),
    "a picture of one line": ("a.png", lambda: png_of_size(24_000_000, 1), Objection.PICTURE_TOO_LARGE),
    "a picture with a bomb of words": ("a.png", text_bomb, Objection.FILE_DAMAGED),
    "a photograph cut short": ("a.jpg", lambda: photograph()[:3000], Objection.FILE_DAMAGED),
    "a picture cut short": ("a.png", lambda: drawing()[:-30], Objection.FILE_DAMAGED),
    "a picture with a wrong checksum": ("a.png", lambda: drawing().replace(b"IDAT", b"IDAT\1", 1)[:-1], Objection.FILE_DAMAGED),
    "a PNG called JPEG": ("a.jpg", drawing, Objection.FILE_MISNAMED),
    "a PDF called text": ("a.txt", pdf, Objection.FILE_MISNAMED),
    "a program called PDF": ("a.pdf", lambda: b"\x7fELF" + bytes(99), Objection.FILE_KIND_UNKNOWN),
    "text called EPUB": ("a.epub", lambda: b"Once upon a time", Objection.FILE_MISNAMED),
    "a web page called text": ("a.txt", lambda: HTML, Objection.FILE_MISNAMED),
    "a drawing with a script": ("a.svg", lambda: SVG, Objection.FILE_KIND_UNKNOWN),
    "a drawing with a script called text": ("a.txt", lambda: SVG, Objection.FILE_KIND_UNKNOWN),
    "a GIF": ("a.gif", gif, Objection.FILE_KIND_UNKNOWN),
    "an archive": ("a.zip", lambda: ZIP, Objection.FILE_KIND_UNKNOWN),
    "an archive called EPUB": ("a.epub", lambda: ZIP, Objection.FILE_KIND_UNKNOWN),
    "two endings": ("a.pdf.exe", pdf, Objection.FILE_KIND_UNKNOWN),
    "a photograph that is an archive": ("a.jpg", lambda: photograph() + ZIP, Objection.FILE_TWO_KINDS),
    "a PDF that is an archive": ("a.pdf", lambda: pdf() + ZIP, Objection.FILE_TWO_KINDS),
    "a PDF that is a web page": (
        "a.pdf",
        lambda: pdf().replace(b"\n", b"\n%<script>alert(1)</script>\n", 1),
        Objection.FILE_TWO_KINDS,
    ),
    "a sound that is a PDF": ("a.wav", lambda: wav()[:60] + b"%PDF-1.7" + wav()[60:], Objection.FILE_TWO_KINDS),
    "a sound that is an archive": ("a.mp3", lambda: mp3(tagged=False) + ZIP, Objection.FILE_TWO_KINDS),
    "a sound that is none": ("a.mp3", lambda: b"\xff\xfb\x90\x00" + b"\x55" * 100_000, Objection.FILE_DAMAGED),
    "a sound that is only a tag": ("a.mp3", lambda: b"ID3\4\0\0\0\0\0\12" + bytes(10), Objection.FILE_DAMAGED),
    "a WAV whose pieces reach beyond it": (
        "a.wav",
        lambda: wav().replace(struct.pack("<I", 16), b"\xff\xff\xff\x7f"),
        Objection.FILE_DAMAGED,
    ),
    "an Ogg cut short": ("a.ogg", lambda: ogg()[:-50], Objection.FILE_DAMAGED),
    "an Ogg of another kind": ("a.ogg", lambda: ogg().replace(b"vorbis", b"theora"), Objection.FILE_DAMAGED),
    "a FLAC without an end of its notes": (
        "a.flac",
        lambda: b"fLaC" + b"\0\0\0\x22" + bytes(34) + b"\4\xff\xff\xff",
        Objection.FILE_DAMAGED,
    ),
    "a PDF with a lock": ("a.pdf", encrypted, Objection.FILE_LOCKED),
    "a PDF of a million pages": ("a.pdf", million_pages, Objection.FILE_DAMAGED),
    "a PDF of three thousand pages": ("a.pdf", many_pages, Objection.PAGES_TOO_MANY),
    "a PDF whose pages are a ring": ("a.pdf", lambda: one_page(pages=b"/Count 1 /Kids [2 0 R]"), Objection.FILE_DAMAGED),
    "a PDF without pages": ("a.pdf", lambda: one_page(pages=b"/Count 0 /Kids []"), Objection.FILE_DAMAGED),
    "a PDF with a page of a kilometre": ("a.pdf", huge_page, Objection.PAGE_TOO_LARGE),
    "a PDF that is nothing but a head": ("a.pdf", lambda: b"%PDF-1.7\n" + bytes(range(256)) * 40, Objection.FILE_DAMAGED),
    "a book that is a bomb": ("a.epub", nested_bomb, Objection.FILE_UNPACKS_TOO_LARGE),
    "a book of two thousand files": ("a.epub", many_files, Objection.FILE_UNPACKS_TOO_LARGE),
    "a book that lies of a size": ("a.epub", lying_size, Objection.FILE_DAMAGED),
    "a book with a lock": ("a.epub", lambda: epub(more={"META-INF/encryption.xml": LOCK.encode()}), Objection.FILE_LOCKED),
    "a book that reaches up": ("a.epub", lambda: zip_with("../../etc/passwd"), Objection.FILE_NAMES_UNSAFE),
    "a book that begins at the root": ("a.epub", lambda: zip_with("/etc/passwd"), Objection.FILE_NAMES_UNSAFE),
    "a book for another system": ("a.epub", lambda: zip_with("..\\..\\win.ini"), Objection.FILE_NAMES_UNSAFE),
    "a book with a link": ("a.epub", lambda: zip_with("OEBPS/link", 0o120777), Objection.FILE_NAMES_UNSAFE),
    "a book with a name of zeros": ("a.epub", lambda: zip_with("OEBPS/a\0b"), Objection.FILE_NAMES_UNSAFE),
    "a book with a name twice": ("a.epub", lambda: zip_with("OEBPS/NAV.xhtml"), Objection.FILE_NAMES_UNSAFE),
    "a billion laughs": (
        "a.epub",
        lambda: epub("", more={"OEBPS/one.xhtml": LAUGHS.encode()}),
        Objection.FILE_UNPACKS_TOO_LARGE,
    ),
    "a page that fetches a file": (
        "a.epub",
        lambda: epub("", more={"OEBPS/one.xhtml": FETCHES.encode()}),
        Objection.FILE_UNPACKS_TOO_LARGE,
    ),
    "a page five thousand deep": (
        "a.epub",
        lambda: epub("", more={"OEBPS/one.xhtml": DEEP.encode()}),
        Objection.FILE_UNPACKS_TOO_LARGE,
    ),
    "a book without a package": ("a.epub", lambda: epub(less=("OEBPS/book.opf",)), Objection.FILE_DAMAGED),
    "a book that is none": (
        "a.epub",
        lambda: packed({"mimetype": b"application/zip", "META-INF/container.xml": CONTAINER.encode()}),
        Objection.FILE_DAMAGED,
    ),
}  # fmt: skip

# What is cleaned, and what must not be in it afterwards.
CLEANED: dict[str, tuple[str, Callable[[], bytes], tuple[bytes, ...]]] = {
    "a PDF with scripts everywhere": (
        "a.pdf",
        lambda: one_page(
            b"/AA << /O << /S /JavaScript /JS (app.alert\\(1\\)) >> >> /Annots [ << /Type /Annot /Subtype /Link /Rect [0 0 9 9]"
            b" /A << /S /Launch /F (calc.exe) >> >> << /Type /Annot /Subtype /Link /Rect [0 0 9 9]"
            b" /A << /S /URI /URI (javascript:alert\\(1\\)) >> >> ]"
        ),
        (b"JavaScript", b"alert", b"Launch", b"calc", b"javascript"),
    ),
    "a PDF without a table": ("a.pdf", lambda: one_page().partition(b"xref")[0] + b"trailer << /Root 1 0 R >>", ()),
    "a PDF with a wrong table": ("a.pdf", lambda: one_page().replace(b"startxref\n", b"startxref\n9"), ()),
    "a PDF whose page never ends": (
        "a.pdf",
        lambda: one_page(b"/Contents 4 0 R", extra=(stream(zlib.compress(b"q " * 200_000)),)),
        (),
    ),
    "a web page full of tags": ("a.html", lambda: b"<!doctype html><p>x" + b"<div>" * 100_000, (b"<div>" * 65,)),
    "a web page that breaks out": (
        "a.html",
        lambda: (
            b"<!doctype html><p title='\"><script>alert(1)</script>'>x<svg/onload=alert(1)>"
            b"<a href='java&#115;cript:alert(1)'>y</a><img src=x onerror=alert(1)><math><mi//xlink:href='data:x,alert(1)'>"
        ),
        (b"<script", b"onload", b"onerror", b"javascript", b"<svg", b"<math"),
    ),
    "a web page in UTF-7": (
        "a.html",
        lambda: b"<!doctype html><meta charset=utf-7><p>+ADw-script+AD4-alert(1)+ADw-/script+AD4-and more",
        (b"<script",),
    ),
    "a picture with more points than it says": ("a.png", png_bomb, ()),
    "a book that calls home": (
        "a.epub",
        lambda: epub(
            '<link rel="stylesheet" href="https://tracker.example/t.css"/>',
            '<p><img src="https://tracker.example/p.gif" alt="x"/><iframe src="https://tracker.example/"></iframe></p>',
            more={
                "OEBPS/style.css": b"@import 'https://tracker.example/t.css'; p { background: url(//tracker.example/x) }"
            },
        ),
        (b"tracker.example",),
    ),
    "a book that leads to a script": (
        "a.epub",
        lambda: epub("", '<p><a href="javascript:alert(1)" onclick="alert(1)">x</a></p>'),
        (b"alert",),
    ),
    "a name to the root": ("../../etc/passwd.pdf", pdf, ()),
    "a name of zeros": ("a\0.exe\0.pdf", pdf, ()),
    "a name from right to left": ("gpj.\u202efdp.pdf", pdf, ()),
    "navigation alone": ("a.epub", lambda: epub("", more={"OEBPS/nav.xhtml": NAV.encode()}), ()),
}
