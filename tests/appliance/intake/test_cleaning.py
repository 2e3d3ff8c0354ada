"""What is sound comes out clean: it looks and sounds as before, and tells nothing of people, places and machines."""

from __future__ import annotations

import wave
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, ImageChops
from pypdf import PdfReader

from tests.appliance.intake import specimens
from tests.appliance.intake.conftest import Intake
from tests.appliance.intake.specimens import SECRET, WORD

KINDS: tuple[tuple[str, Callable[[], bytes], str, set[str]], ...] = (
    ("a.jpg", specimens.photograph, "image/jpeg", {"place", "camera", "moment", "people", "program", "notes"}),
    ("b.PNG", specimens.drawing, "image/png", {"notes"}),
    ("c.webp", specimens.webp, "image/webp", {"camera", "notes"}),
    (
        "d.pdf",
        specimens.pdf,
        "application/pdf",
        {"people", "program", "moment", "script", "form", "attachment", "place"},
    ),
    ("e.epub", specimens.epub, "application/epub+zip", {"script", "program", "place"}),
    ("f.html", lambda: specimens.HTML, "text/html", {"script", "form", "outside", "people"}),
    ("g.mp3", specimens.mp3, "audio/mpeg", {"tags"}),
    ("h.wav", specimens.wav, "audio/wav", {"tags"}),
    ("i.flac", specimens.flac, "audio/flac", {"tags", "picture"}),
    ("j.ogg", specimens.ogg, "audio/ogg", {"tags"}),
    ("k.opus", lambda: specimens.ogg(opus=True), "audio/ogg", {"tags"}),
)


@pytest.mark.parametrize(("name", "make", "media_type", "removed"), KINDS, ids=[kind[0] for kind in KINDS])
def test_it_comes_out_clean(
    intake: Intake, name: str, make: Callable[[], bytes], media_type: str, removed: set[str]
) -> None:
    content = make()
    assert SECRET.encode() in content or media_type in ("application/pdf", "application/epub+zip")
    found = intake.bring(content, name)
    clean = intake.clean
    assert found.media_type == media_type
    assert removed <= set(found.removed)
    for telling in (SECRET.encode(), b"Leica", b"Quill", b"Darkroom", b"alert(1)", b"tracker.example", b"javascript:"):
        assert telling not in clean
    again = intake.bring(clean, name)
    assert (intake.clean, again.removed) == (clean, ()), "what is clean is not changed"
    assert intake.spent
    print(f"{name}: {intake.spent.wall_s:.2f} s, {intake.spent.memory_bytes / 1e6:.0f} MB")


@pytest.mark.parametrize("name", ["d.pdf", "e.epub", "f.html"])
def test_its_words_are_found(intake: Intake, name: str) -> None:
    make = next(kind[1] for kind in KINDS if kind[0] == name)
    assert WORD in intake.bring(make(), name).words


@pytest.mark.parametrize("name", ["a.jpg", "b.PNG", "c.webp"])
def test_not_one_point_of_a_picture_changes(intake: Intake, name: str) -> None:
    content = next(kind[1] for kind in KINDS if kind[0] == name)()
    intake.bring(content, name)
    before, after = (Image.open(BytesIO(picture)).convert("RGB") for picture in (content, intake.clean))
    assert ImageChops.difference(before, after).getbbox() is None


@pytest.mark.parametrize("name", ["a.jpg", "b.PNG", "c.webp", "d.pdf", "e.epub"])
def test_a_cover_is_a_small_jpeg(intake: Intake, name: str) -> None:
    found = intake.bring(next(kind[1] for kind in KINDS if kind[0] == name)(), name)
    for cover, size_max, longest in ((found.cover, 12_000, 320), (found.small_cover, 2_000, 112)):
        assert 0 < len(cover) <= size_max
        picture = Image.open(BytesIO(cover))
        assert picture.format == "JPEG"
        assert max(picture.size) <= longest


def test_a_picture_full_of_noise_has_a_small_cover_too(intake: Intake) -> None:
    out = BytesIO()
    Image.effect_noise((900, 1200), 120).save(out, "JPEG", quality=90)
    found = intake.bring(out.getvalue(), "noise.jpg")
    assert 0 < len(found.cover) <= 12_000
    assert 0 < len(found.small_cover) <= 2_000


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_photograph_stays_as_it_was_turned(intake: Intake, turned: int) -> None:
    found = intake.bring(specimens.photograph(400, 200, turned), "a.jpg")
    tags = Image.open(BytesIO(intake.clean)).getexif()
    assert dict(tags) == ({0x0112: turned} if turned > 1 else {})
    width, height = Image.open(BytesIO(found.cover)).size
    assert (width > height) == (turned < 5)


def test_what_hangs_behind_a_picture_is_cut_off(intake: Intake) -> None:
    found = intake.bring(specimens.photograph(more=b"\0\0\0\x18ftypmp42 a moving picture" * 50), "a.jpg")
    assert "attachment" in found.removed
    assert intake.clean.endswith(b"\xff\xd9")
    assert b"moving" not in intake.clean


def test_a_pdf_keeps_its_pages_and_its_links(intake: Intake) -> None:
    found = intake.bring(specimens.pdf(pages=3), "d.pdf")
    assert found.pages == 3
    with PdfReader(BytesIO(intake.clean), strict=True) as reader:
        assert len(reader.pages) == 3
        assert reader.metadata is None
        assert set(reader.root_object) <= {"/Type", "/Pages", "/PageMode", "/Names", "/Outlines"}
        notes = [note.get_object() for note in reader.pages[0]["/Annots"]]  # type: ignore[attr-defined]
        assert [note["/A"]["/URI"] for note in notes] == ["https://example.org/"]
    assert b"pypdf" not in intake.clean
    assert b"ReportLab" not in intake.clean


def test_a_book_is_packed_as_books_are(intake: Intake) -> None:
    intake.bring(specimens.epub(), "e.epub")
    with zipfile.ZipFile(BytesIO(intake.clean)) as book:
        first = book.infolist()[0]
        assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
        assert "OEBPS/s.js" not in book.namelist()
        page = book.read("OEBPS/one.xhtml").decode()
        assert "<!DOCTYPE html>" in page
        assert "script" not in page + book.read("OEBPS/book.opf").decode()
        assert 'href="https://example.org/"' in page


def test_a_web_page_keeps_its_words_and_loads_nothing(intake: Intake) -> None:
    intake.bring(specimens.HTML, "f.html")
    page = intake.clean.decode("utf-8")
    assert '<meta charset="utf-8">\n<title>Café &amp; more</title>' in page
    assert "<h1>Café</h1>" in page
    assert '<a href="https://example.org/">good</a>' in page
    assert "a dot" in page
    assert page.count("<img") == 1


def test_silence_stays_silence(intake: Intake) -> None:
    intake.bring(specimens.wav(), "h.wav")
    with wave.open(BytesIO(intake.clean)) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (8000, 1600)


def test_the_checksums_of_a_stream_are_right(intake: Intake) -> None:
    intake.bring(specimens.ogg(), "j.ogg")
    clean = intake.clean
    for begins in (at for at in range(len(clean)) if clean.startswith(b"OggS", at)):
        body = begins + 27 + clean[begins + 26]
        page = clean[begins : body + sum(clean[begins + 27 : body])]
        assert specimens.ogg_sum(page[:22] + bytes(4) + page[26:]) == int.from_bytes(page[22:26], "little")
