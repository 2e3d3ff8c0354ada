"""Small sound files of each kind, made here, each with something in it that tells of people, places or machines."""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO
from typing import cast

from PIL import Image, PngImagePlugin
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, NumberObject, StreamObject, TextStringObject
from reportlab.pdfgen.canvas import Canvas

SECRET = "Rosa Oakley, 12 Elm Street"
WORD = "elderberries"


def photograph(width: int = 640, height: int = 480, turned: int = 1, more: bytes = b"") -> bytes:
    """A JPEG by a camera that knows where it is."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x013B], exif[0x0131] = "Leica", "M3", SECRET, "Darkroom 7"
    exif[0x0112] = turned
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 0.0), 3: "E", 4: (7.0, 15.0, 0.0)})
    exif.get_ifd(0x8769).update({0x9003: "2026:05:01 12:00:00"})
    out = BytesIO()
    pattern(width, height).save(out, "JPEG", exif=exif, comment=SECRET.encode(), quality=85)
    return out.getvalue() + more


def pattern(width: int, height: int) -> Image.Image:
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    picture.paste((200, 40, 40), (width // 8, height // 8, width // 2, height // 2))
    return picture


def drawing(width: int = 300, height: int = 400) -> bytes:
    """A PNG with an author."""
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", SECRET)
    told.add_itxt("XML:com.adobe.xmp", f"<x>{SECRET}</x>")
    out = BytesIO()
    pattern(width, height).save(out, "PNG", pnginfo=told, dpi=(150, 150))
    return out.getvalue()


def webp() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Leica"
    out = BytesIO()
    pattern(200, 200).save(out, "WEBP", exif=exif, xmp=f"<x>{SECRET}</x>".encode())
    return out.getvalue()


def pdf(pages: int = 2, text: str = WORD, with_photograph: bool = True) -> bytes:
    """A PDF with an author, a script, a form of its own and an attachment."""
    out = BytesIO()
    canvas = Canvas(out, pageCompression=1)
    canvas.setAuthor(SECRET)
    for number in range(pages):
        canvas.drawString(72, 700, f"Page {number + 1}: {text}")
        canvas.linkURL("https://example.org/", (72, 600, 200, 620))
        canvas.acroForm.textfield(name=f"field{number}", x=72, y=500, width=100, height=20)
        canvas.showPage()
    canvas.save()
    writer = PdfWriter(clone_from=BytesIO(out.getvalue()))
    script = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    writer.root_object[NameObject("/OpenAction")] = writer._add_object(DictionaryObject(script))
    writer.add_attachment("secret.txt", SECRET.encode())
    writer.add_metadata({"/Author": SECRET, "/Creator": "Quill 3"})
    if with_photograph:
        _hang_up(writer, photograph())
    whole = BytesIO()
    writer.write(whole)
    return whole.getvalue()


def _hang_up(writer: PdfWriter, picture: bytes) -> None:
    """Draw a photograph, as it came from the camera, on the first page."""
    stream = StreamObject()
    for key, name in (
        ("/Type", "/XObject"),
        ("/Subtype", "/Image"),
        ("/ColorSpace", "/DeviceRGB"),
        ("/Filter", "/DCTDecode"),
    ):
        stream[NameObject(key)] = NameObject(name)
    for key, number in (("/Width", 640), ("/Height", 480), ("/BitsPerComponent", 8)):
        stream[NameObject(key)] = NumberObject(number)
    stream.set_data(picture)
    resources = cast("DictionaryObject", writer.pages[0]["/Resources"].get_object())
    resources[NameObject("/XObject")] = DictionaryObject({NameObject("/Photo"): writer._add_object(stream)})


CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:6b6b1c7e-36ab-4f5a-9f7f-0b8d3a2c1d10</dc:identifier>
<dc:title>Hedges</dc:title><dc:language>en</dc:language>
<meta property="dcterms:modified">2026-01-01T00:00:00Z</meta>
<meta name="generator" content="Quill 3"/>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="one" href="one.xhtml" media-type="application/xhtml+xml"{properties}/>
<item id="cover" href="cover.jpg" media-type="image/jpeg" properties="cover-image"/>
<item id="style" href="style.css" media-type="text/css"/>{manifest}
</manifest>
<spine><itemref idref="one"/></spine>
</package>"""
NAV = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
    '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>Hedges</title></head>'
    '<body><nav epub:type="toc"><ol><li><a href="one.xhtml">One</a></li></ol></nav></body></html>'
)
PAGE = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml"><head>'
    '<title>One</title><link rel="stylesheet" href="style.css"/>{head}</head><body><h1>One</h1><p>{words}</p>{body}</body></html>'
)


def epub(
    head: str = '<script src="s.js"></script>',
    body: str = '<p onclick="go()"><a href="https://example.org/">a way out</a></p>',
    more: dict[str, bytes] | None = None,
    less: tuple[str, ...] = (),
) -> bytes:
    """A book with a script, a photograph for a cover, and the name of the program that made it."""
    files: dict[str, bytes] = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": CONTAINER.encode(),
        "OEBPS/book.opf": PACKAGE.format(
            properties=' properties="scripted"' if head else "",
            manifest='<item id="js" href="s.js" media-type="text/javascript"/>' if head else "",
        ).encode(),
        "OEBPS/nav.xhtml": NAV.encode(),
        "OEBPS/one.xhtml": PAGE.format(head=head, words=f"Of {WORD}.", body=body).encode(),
        "OEBPS/style.css": b"p { margin: 0 }",
        "OEBPS/cover.jpg": photograph(),
        **({"OEBPS/s.js": b"alert(1)"} if head else {}),
        **(more or {}),
    }
    return packed({name: content for name, content in files.items() if name not in less})


def packed(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            how = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, how)
    return out.getvalue()


HTML = f"""<!DOCTYPE html><html lang="en"><head><meta charset="iso-8859-1"><title>Caf\xe9 &amp; more</title>
<meta name="author" content="{SECRET}"><script src="https://tracker.example/t.js"></script><style>p {{ color: red }}</style>
</head><body onload="go()"><h1>Caf\xe9</h1><p>Of <b>{WORD}</b>.<p>Next<img src="https://tracker.example/p.gif" alt="a dot">
<form action="https://example.org"><input name="q"></form><iframe src="https://example.org"></iframe>
<a href="javascript:go()">bad</a> <a href="https://example.org/">good</a>
<img alt="dot" src="data:image/png;base64,iVBORw0KGgo="></body></html>""".encode("latin-1")


def mp3(frames: int = 60, tagged: bool = True) -> bytes:
    """Silence in frames of 128 kbit/s at 44.1 kHz, behind a tag with a name in it."""
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    text = b"\3" + SECRET.encode()
    tag = b"TPE1" + struct.pack(">I", len(text)) + b"\0\0" + text
    head = b"ID3\4\0\0" + bytes((len(tag) >> 21 & 127, len(tag) >> 14 & 127, len(tag) >> 7 & 127, len(tag) & 127)) + tag
    old = b"TAG" + SECRET.encode().ljust(125, b"\0")
    return (head if tagged else b"") + frame * frames + (old if tagged else b"")


def wav(seconds: float = 0.2, tagged: bool = True) -> bytes:
    """Silence, recorded by somebody."""
    sound = bytes(int(8000 * seconds) * 2)
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    inner = b"INFOIART" + struct.pack("<I", len(SECRET)) + SECRET.encode() + bytes(len(SECRET) % 2)
    told = b"LIST" + struct.pack("<I", len(inner)) + inner if tagged else b""
    chunks = form + told + b"data" + struct.pack("<I", len(sound)) + sound
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def flac() -> bytes:
    """A header as FLAC has it, with an artist and a picture, before the beginning of one frame."""
    vendor, comment = b"encoder 1", f"ARTIST={SECRET}".encode()
    said = struct.pack("<I", len(vendor)) + vendor + struct.pack("<II", 1, len(comment)) + comment
    blocks = [(0, struct.pack(">HH", 4096, 4096) + bytes(30)), (4, said), (6, photograph(64, 64))]
    head = b"".join(
        bytes((kind | (0x80 if number == 3 else 0),)) + len(content).to_bytes(3, "big") + content
        for number, (kind, content) in enumerate(blocks, 1)
    )
    return b"fLaC" + head + b"\xff\xf8\xc9\x08\x00" + bytes(500)


def ogg(opus: bool = False) -> bytes:
    """A stream of Vorbis or Opus whose second packet names its artist. Its tones are none."""
    sign, comments = (b"OpusHead", b"OpusTags") if opus else (b"\x01vorbis", b"\x03vorbis")
    vendor, comment = b"encoder 1", f"ARTIST={SECRET}".encode()
    said = comments + struct.pack("<I", len(vendor)) + vendor + struct.pack("<II", 1, len(comment)) + comment
    said += b"" if opus else b"\1"
    rest = [b"\x05vorbis" + bytes(40)] if not opus else []
    return _page(2, 0, [sign + bytes(22)]) + _page(0, 1, [said, *rest]) + _page(4, 2, [bytes(200)])


def _page(flags: int, number: int, packets: list[bytes]) -> bytes:
    sizes = b"".join(b"\xff" * (len(packet) // 255) + bytes((len(packet) % 255,)) for packet in packets)
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, 0, 7, number, 0) + bytes((len(sizes),)) + sizes
    page = head + b"".join(packets)
    return page[:22] + struct.pack("<I", ogg_sum(page)) + page[26:]


def ogg_sum(page: bytes) -> int:
    """The checksum of RFC 3533, bit by bit."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) & 0xFFFFFFFF ^ (0x04C11DB7 if value & 0x80000000 else 0)
    return value


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of_size(width: int, height: int, points: bytes = b"") -> bytes:
    """A PNG that claims a size, whatever it holds."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(points or bytes(1000), 9)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")
