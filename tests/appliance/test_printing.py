"""A zine from the archive to sheets: typeset or imposed behind the walls, and every hostile file ends in a sentence."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NumberObject

from appliance import confinement
from appliance.archive.imposition import Layout, Turning
from appliance.archive.paper import PrintOrder
from appliance.desks import printing
from appliance.desks.printing import read_order
from appliance.errors import Failure, JobFailed, Objection, Refused
from appliance.library import NoteForm, Zine, ZineForm
from appliance.node import Node
from tests.appliance.intake.specimens import PACKAGE, PAGE, epub, webp
from tests.appliance.pdf.numbered import check, numbered, said, seen
from tests.appliance.pdf.test_imposing import assert_in_place
from tests.appliance.shell import done, refused

pytestmark = pytest.mark.real

BOOKLET = PrintOrder(Layout.BOOKLET)


@pytest.fixture
def node(elm: Path) -> Iterator[Node]:
    node = Node.open(elm)
    yield node
    node.close()


def publish(node: Node, content: bytes, name: str = "zine.md", **facts: Any) -> Zine:
    return node.publish(ZineForm(**({"title": "Seeds"} | facts)), BytesIO(content), name, None)


def publish_pdf(node: Node, content: bytes, monkeypatch: pytest.MonkeyPatch, **facts: Any) -> Zine:
    """Put a PDF on the shelf as it came from elsewhere: what the archive takes in is tried where it takes it in."""
    zine = publish(node, b"in place of a PDF", "zine.txt", **facts)
    file = node.zine_file(zine.id)
    file.path.chmod(0o600)
    file.path.write_bytes(content)
    told = replace(zine, media_type="application/pdf")
    monkeypatch.setattr(Node, "zine", lambda *_: told)
    return told


def printed(node: Node, zine: Zine, order: PrintOrder, into: Path) -> Path:
    file = into / "sheets.pdf"
    with node.print_zine(zine.id, order) as sheets:
        file.write_bytes(sheets.read())
    check(file)
    return file


def test_a_text_is_printed_and_nothing_stays_behind(node: Node, tmp_path: Path) -> None:
    zine = publish(node, b"# Seeds\n\nDry them in the shade.\n", creator="Ana", licence="copy freely")
    for layout in Layout:
        words = said("pdftotext", printed(node, zine, PrintOrder(layout), tmp_path), "-")
        assert "Dry them in the shade." in words
        assert "You may: copy freely" in words
        assert "Made by Ana" in words
    assert sorted(entry.name for entry in node.settings.rooms.iterdir()) == ["turn.lock"]


WEB_PAGE = (
    b"<!doctype html><html><head><title>Seeds</title><script>alert(1)</script></head><body><h1>Seeds</h1><h2>Drying</h2>"
    b"<p>Dry them in the <b>shade</b>, not <i>in the sun</i>.</p><ul><li>beans<li>peas</ul><table><tr><th>What<th>Days"
    b"<tr><td>Lettuce<td>twelve</table><p onclick='x()'>Then keep them.</p></body></html>"
)


def test_a_web_page_is_printed_as_text(node: Node, tmp_path: Path) -> None:
    zine = publish(node, WEB_PAGE, "seeds.html")
    assert node.may_print(zine)
    for layout in Layout:
        words = said("pdftotext", "-layout", printed(node, zine, PrintOrder(layout), tmp_path), "-")
        for word in ("Drying", "shade, not in the sun.", "beans", "peas", "Lettuce", "twelve", "Then keep them."):
            assert word in words, (layout, words)
        assert "alert" not in words


def test_a_book_is_printed_in_the_order_of_reading_with_its_pictures(node: Node, tmp_path: Path) -> None:
    chapters = {f"OEBPS/{name}.xhtml": chapter(name) for name in ("alder", "beech", "cherry")}
    items = "".join(
        f'<item id="{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in ("alder", "beech", "cherry")
    )
    items += '<item id="leaf" href="pics/leaf.webp" media-type="image/webp"/>'
    package = PACKAGE.format(properties="", manifest=items).replace(
        '<itemref idref="one"/>', "".join(f'<itemref idref="{n}"/>' for n in ("cherry", "one", "alder", "beech"))
    )
    more = {"OEBPS/book.opf": package.encode(), "OEBPS/pics/leaf.webp": webp(), **chapters}
    body = '<p><img src="cover.jpg" alt="the hedge"/></p><p><img src="pics/leaf.webp" alt="a leaf"/></p>'
    zine = publish(node, epub("", body, more=more), "hedges.epub", title="Hedges")
    sheets = printed(node, zine, BOOKLET, tmp_path)
    words = said("pdftotext", printed(node, zine, PrintOrder(Layout.PAGES), tmp_path), "-")
    places = [words.index(f"Of the {name}.") for name in ("cherry", "alder", "beech")]
    assert places == sorted(places)
    assert words.index("Of the cherry.") < words.index("elderberries") < words.index("Of the alder.")
    assert "the hedge" not in words  # it is drawn
    assert "[a leaf]" in words
    assert "could not be printed here: a leaf." in " ".join(words.split())
    assert len(said("pdfimages", "-list", sheets).splitlines()) == 2 + 1


def chapter(name: str) -> bytes:
    return PAGE.format(head="", words=f"Of the {name}.", body="").encode()


def test_what_cannot_be_set_of_a_book_is_one_sentence(node: Node) -> None:
    endless = PAGE.format(head="", words=" ".join(map(str, range(170_000))), body="").encode()
    zine = publish(node, epub("", "", more={"OEBPS/one.xhtml": endless}), "long.epub")
    assert refused_with(node, zine) is Objection.TOO_MANY_PAGES
    spoilt = publish(node, epub("", "", more={"OEBPS/style.css": b"p { margin: 1px }"}), "hedges.epub")
    file = node.zine_file(spoilt.id).path
    for content, verdict in (
        (b"PK\3\4 and no more", Objection.FILE_DAMAGED),
        (epub("", "", less=("OEBPS/book.opf",)), Objection.FILE_DAMAGED),
        (epub("", "", more={"META-INF/rights.xml": b"<x/>"}), Objection.FILE_LOCKED),
        (epub("", "", more={"OEBPS/zeros.bin": bytes(30 << 20)}), Objection.FILE_UNPACKS_TOO_LARGE),
    ):
        file.chmod(0o600)
        file.write_bytes(content)  # as a neighbour might send it
        assert refused_with(node, spoilt) is verdict


def refused_with(node: Node, zine: Zine) -> Any:
    with pytest.raises(Refused) as refusal:
        node.print_zine(zine.id, BOOKLET)
    return refusal.value.verdict


def test_a_book_from_right_to_left_opens_on_the_other_side(node: Node, tmp_path: Path) -> None:
    columns = {}
    for language in ("en", "ar"):
        zine = publish(node, language.encode(), description="777", language=language)  # stands on the cover alone
        (words,) = seen(printed(node, zine, PrintOrder(Layout.MINI), tmp_path))
        columns[language] = int(words["777"][0] * 4)
    assert columns == {"en": 1, "ar": 2}


def test_notes_are_printed_with_the_zine(node: Node, tmp_path: Path) -> None:
    zine = publish(node, b"For three days.")
    ana = node.find_payee("Ana")
    node.annotate(zine.id, NoteForm("Five, in July.", quote="three days"), ana)
    words = said("pdftotext", printed(node, zine, BOOKLET, tmp_path), "-")
    assert words.index("For three days.") < words.index("Notes from the margin") < words.index("Five, in July.")


def test_the_nodes_own_words_are_said_in_the_language_of_the_page(node: Node, tmp_path: Path) -> None:
    zine = publish(node, b"Agua.", creator="Ana")
    with node.print_zine(zine.id, BOOKLET, say=lambda sentence: sentence.replace("Made by", "Hecho por")) as sheets:
        assert "Hecho por Ana" in PdfReader(sheets).pages[0].extract_text()


def test_a_pdf_is_imposed_whole(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zine = publish_pdf(node, numbered(12), monkeypatch)
    for order in (BOOKLET, PrintOrder(Layout.BOOKLET, "Letter", Turning.BY_HAND, 8)):
        assert_in_place(printed(node, zine, order, tmp_path), 12, order)
    with pytest.raises(Refused, match="Choose the booklet"):
        node.print_zine(zine.id, PrintOrder(Layout.MINI))


def test_notes_of_a_pdf_stand_on_pages_behind_its_own(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zine = publish_pdf(node, numbered(8), monkeypatch)
    node.annotate(zine.id, NoteForm("Read this twice.", page=2), node.find_payee("Ana"))
    sheets = printed(node, zine, PrintOrder(Layout.PAGES), tmp_path)
    assert len(seen(sheets)) == 9
    words = said("pdftotext", sheets, "-")
    assert words.index("p8") < words.index("On page 2") < words.index("Read this twice.")
    full = PrintOrder(Layout.MINI)  # has no room for them
    assert_in_place(printed(node, zine, full, tmp_path), 8, full)


def changed(change: Any, pages: int = 4) -> bytes:
    writer = PdfWriter(BytesIO(numbered(pages)))
    change(writer)
    whole = BytesIO()
    writer.write(whole)
    return whole.getvalue()


def locked(writer: PdfWriter) -> None:
    writer.encrypt("secret", algorithm="RC4-128")


def huge_box(writer: PdfWriter) -> None:
    for page in writer.pages:
        page[NameObject("/MediaBox")] = ArrayObject(FloatObject(edge) for edge in (0, 0, 1e8, 1e8))


def loop_of_kids(writer: PdfWriter) -> None:
    tree: Any = writer.root_object["/Pages"]
    tree["/Kids"].append(tree.indirect_reference)


def loop_of_resources(writer: PdfWriter) -> None:
    for page in writer.pages:
        resources: Any = page["/Resources"]
        resources[NameObject("/XObject")] = DictionaryObject({NameObject("/X"): page.indirect_reference})


def wrong_contents(writer: PdfWriter) -> None:
    for page in writer.pages:
        page[NameObject("/Contents")] = NumberObject(7)


def bomb(writer: PdfWriter) -> None:
    """Streams that unpack to gigabytes, in an array, so that they would have to be joined."""
    packed = zlib.compress(b"0" * (1 << 27), 9)
    for page in writer.pages:
        stream: Any = page["/Contents"]
        stream.get_object()._data = packed
        page[NameObject("/Contents")] = ArrayObject([stream.indirect_reference] * 40)


HOSTILE = {
    "locked": changed(locked),
    "a huge page box": changed(huge_box),
    "a page tree that holds itself": changed(loop_of_kids),
    "cut off": numbered(4)[:-600],
    "nothing": b"",
    "no PDF": b"\x00" * 5000,
    "a head alone": b"%PDF-1.7\n%%EOF",
    "a million pages": b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 1000000/Kids["
    + b"3 0 R " * 1000
    + b"]>>endobj 3 0 obj<</Type/Pages/Parent 2 0 R/Count 1000/Kids["
    + b"4 0 R " * 1000
    + b"]>>endobj 4 0 obj<</Type/Page/Parent 3 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    "a bomb": changed(bomb),
}
HARMLESS = {
    "resources that hold their page": changed(loop_of_resources),
    "contents that are a number": changed(wrong_contents),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_pdf_ends_in_a_sentence(kind: str, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    zine = publish_pdf(node, HOSTILE[kind], monkeypatch)
    with pytest.raises(Refused) as refusal:
        node.print_zine(zine.id, BOOKLET)
    assert refusal.value.verdict in {
        Objection.FILE_DAMAGED,
        Objection.FILE_LOCKED,
        Objection.PAGES_TOO_MANY,
        Objection.PAGE_TOO_LARGE,
        Objection.PDF_UNPRINTABLE,
        Objection.PRINT_TOO_MUCH,
    }
    assert sorted(entry.name for entry in node.settings.rooms.iterdir()) == ["turn.lock"]


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_damaged_pdf_is_printed_as_far_as_it_goes(
    kind: str, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zine = publish_pdf(node, HARMLESS[kind], monkeypatch)
    assert len(seen(printed(node, zine, BOOKLET, tmp_path))) == 2


def test_while_one_zine_is_made_the_next_one_is_told_to_wait(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    zine = publish(node, b"Hello.")
    monkeypatch.setattr(printing, "LIMITS", confinement.Limits(patience_s=0.1))
    node.settings.rooms.mkdir(exist_ok=True)
    with confinement._turn(node.settings.rooms / "turn.lock", 0), pytest.raises(Refused, match="try again in a minute"):
        node.print_zine(zine.id, BOOKLET)
    monkeypatch.undo()
    node.print_zine(zine.id, BOOKLET).close()


@pytest.mark.parametrize(
    ("failure", "verdict"),
    [
        (JobFailed(Failure.TOOK_TOO_LONG), Objection.PRINT_TOO_MUCH),
        (JobFailed(Failure.CRASHED), Objection.PDF_UNPRINTABLE),
        (JobFailed(Failure.REFUSED, "TOO_MANY_PAGES", {"limit": 400}), Objection.TOO_MANY_PAGES),
        (JobFailed(Failure.REFUSED, "TOO_MANY_PAGES", {"wrong": 400}), Objection.PDF_UNPRINTABLE),
        (JobFailed(Failure.REFUSED, "NO_SUCH_SENTENCE"), Objection.PDF_UNPRINTABLE),
    ],
)
def test_every_end_of_the_job_is_a_sentence(
    node: Node, monkeypatch: pytest.MonkeyPatch, failure: JobFailed, verdict: Objection
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise failure

    zine = publish(node, b"Hello.")
    monkeypatch.setattr(confinement, "run", fails)
    with pytest.raises(Refused) as refusal:
        node.print_zine(zine.id, BOOKLET)
    assert refusal.value.verdict is verdict


@pytest.mark.parametrize(
    "chosen",
    [
        ("mini", "A3", "by-hand", 0.0),
        ("book", "A4", "by-hand", 0.0),
        ("mini", "A4", "by-foot", 0.0),
        ("mini", "A4", "by-hand", 21.0),
        ("mini", "A4", "by-hand", -1.0),
        ("mini", "A4", "by-hand", float("nan")),
    ],
)
def test_an_order_that_cannot_be_filled_is_refused(chosen: tuple[str, str, str, float]) -> None:
    with pytest.raises(Refused, match="A4 or Letter"):
        read_order(*chosen)


@pytest.mark.parametrize("turning", Turning)
def test_the_test_sheet_counts_up_and_shows_the_margins(turning: Turning, node: Node, tmp_path: Path) -> None:
    file = tmp_path / "trial.pdf"
    with node.print_trial(PrintOrder(Layout.MINI, "Letter", turning)) as sheets:
        file.write_bytes(sheets.read())
    check(file)
    words = said("pdftotext", file, "-")
    assert "it should count from 1 to" in " ".join(words.lower().split()).replace("fold it and leaf through it. ", "")
    assert len(seen(file)) == (4 if turning.is_by_hand else 2)


def test_from_the_command_line(elm: Path, tmp_path: Path) -> None:
    (tmp_path / "seeds.md").write_text("# Seeds\n\nDry them.\n")
    zine_id = done("zine", "add", tmp_path / "seeds.md", "--title", "Seeds", data=elm).split()[0]
    file = tmp_path / "sheets.pdf"
    done("zine", "print", zine_id, "--layout", "mini", "--paper", "Letter", "-o", file, data=elm)
    check(file)
    assert "Dry them." in said("pdftotext", file, "-")
    done("zine", "print", zine_id, "--single-sided", "--last-first", "--margin", "6", "-o", file, data=elm)
    assert len(seen(file)) == 2
    assert "at most 20 mm" in refused("zine", "print", zine_id, "--margin", "60", "-o", file, data=elm)
    assert "nothing here by that number" in refused("zine", "print", "x", "-o", file, data=elm)
    assert [entry.name for entry in (elm / "rooms").iterdir()] == ["turn.lock"]
