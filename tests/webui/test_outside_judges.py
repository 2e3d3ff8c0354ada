"""What the node serves, judged by programs of others: jing by the grammars of Atom and OPDS, epubcheck by the rules of EPUB."""

from __future__ import annotations

import subprocess
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
from PIL import Image

from appliance.answers import Board
from appliance.node import Node
from tests.webui.street import publish
from tests.webui.test_feeds import reached
from tests.webui.visitor import Visitor

pytestmark = pytest.mark.real

EPUBCHECK = "/usr/share/java/epubcheck.jar"
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")  # a short run is not worth a long warming up
GRAMMARS = Path(__file__).parent / "grammars"


def judged(grammar: str, *documents: Path) -> subprocess.CompletedProcess[str]:
    command = ["jing", "-c", str(GRAMMARS / grammar), *map(str, documents)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def catalogue(street: Node, stranger: Visitor, tmp_path: Path) -> list[Path]:
    """Every feed of the catalogue as a file, with what is hard to write among it."""
    for number, words in enumerate(["a & b < c > \"d\" 'e'", "]]>", "سوق 🌿", "e" * 120, "line\nline"]):
        publish(street, words, f"Text {number}".encode(), series=words, tags=(words[:40],), description=words)
    for number in range(27):
        publish(street, f"Issue {number}", f"Number {number}".encode(), creator="", licence="", description="")
    files = []
    for number, path in enumerate(reached(stranger)):
        file = tmp_path / f"{number}.xml"
        file.write_bytes(stranger.get(path).data)
        files.append(file)
    assert len(files) > 12
    return files


def test_every_feed_of_the_catalogue_is_opds(catalogue: list[Path]):
    for grammar in ("opds.rnc", "atom.rnc"):
        judgement = judged(grammar, *catalogue)
        assert judgement.returncode == 0, judgement.stdout


def test_a_catalogue_with_faults_is_none(catalogue: list[Path], tmp_path: Path):
    """The grammars find what is planted, one fault at a time."""
    whole = next(file.read_text() for file in catalogue if "acquisition/open-access" in file.read_text())
    planted = {}
    for number, (good, bad) in enumerate(
        [
            ('rel="start"', 'rel="begin"'),
            (";kind=acquisition", ""),
            ("<updated>", "<updated>on Tuesday "),
            ("http://opds-spec.org/acquisition/open-access", "http://opds-spec.org/open"),
            (' type="text/markdown" href', " href"),
            ("<id>urn:uuid:", "<id>"),
            ("<dc:language>", "<dc:language>!"),
            ("</author>", "<name>again</name></author>"),
            (";kind=acquisition", "; kind=acquisition"),
            ('href="/archive/', 'href="/archive {'),
            ('<summary type="text">', '<summary type="html">'),
            ("</feed>", '<opds:price xmlns:opds="http://opds-spec.org/2010/catalog">1</opds:price></feed>'),
        ]
    ):
        assert good in whole
        planted[bad] = tmp_path / f"bad-{number}.xml"
        planted[bad].write_text(whole.replace(good, bad, 1))
    said = judged("opds.rnc", *planted.values()).stdout
    assert [bad for bad, file in planted.items() if file.name not in said] == []


def test_an_entry_says_who_wrote_it_and_where_it_is(tmp_path: Path):
    """What RFC 4287 leaves to Schematron in its appendix B."""
    head = "<id>urn:x:1</id><title>A</title><updated>2026-01-01T00:00:00Z</updated>"
    author, link, content = "<author><name>Ana</name></author>", '<link href="/a"/>', "<content>a</content>"
    entries = {
        "whole": f"<entry>{head}{author}{link}</entry>",
        "with content": f"<entry>{head}{author}{content}</entry>",
        "nobody's": f"<entry>{head}{link}</entry>",
        "nowhere": f'<entry>{head}{author}<link rel="related" href="/a"/></entry>',
    }
    for name, entry in entries.items():
        (tmp_path / f"{name}.xml").write_text(f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{entry}</feed>')
    said = judged("atom.rnc", *sorted(tmp_path.iterdir())).stdout
    assert {name for name in entries if f"{name}.xml" in said} == {"nobody's", "nowhere"}


def test_the_news_are_atom(street: Node, stranger: Visitor, tmp_path: Path):
    street.post(Board.NOTICE, "a & b <c>", "]]> \u0007", street.find_payee("Ana"))
    file = tmp_path / "feed.xml"
    file.write_bytes(stranger.get("/feed.atom").data)
    judgement = judged("atom.rnc", file)
    assert judgement.returncode == 0, judgement.stdout


def test_the_way_to_search_is_opensearch(street: Node, stranger: Visitor, tmp_path: Path):
    file = tmp_path / "search.xml"
    file.write_bytes(stranger.get("/opds/search.xml").data)
    judgement = judged("opensearch.rnc", file)
    assert judgement.returncode == 0, judgement.stdout


def epub() -> bytes:
    """A small EPUB 3 (W3C EPUB 3.3): a package, its navigation and one chapter."""
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">'
    )
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f'{head}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "EPUB/package.opf": f'{head}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:example:hedges</dc:identifier>'
        "<dc:title>Hedges</dc:title><dc:language>en</dc:language>"
        '<meta property="dcterms:modified">2026-01-01T00:00:00Z</meta></metadata>'
        '<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="one" href="one.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="one"/></spine></package>',
        "EPUB/nav.xhtml": f'{head}{page}<head><title>Hedges</title></head><body><nav epub:type="toc"><ol>'
        '<li><a href="one.xhtml">One</a></li></ol></nav></body></html>',
        "EPUB/one.xhtml": f"{head}{page}<head><title>One</title></head><body><p>A row of hawthorn.</p></body></html>",
    }
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content, ZIP_STORED)
    return packed.getvalue()


def checked(content: bytes, room: Path) -> subprocess.CompletedProcess[str]:
    file = room / "served.epub"
    file.write_bytes(content)
    return subprocess.run(
        ["java", *QUICK, "-jar", EPUBCHECK, str(file)], capture_output=True, text=True, timeout=120, check=False
    )


def served(visitor: Visitor) -> bytes:
    """Fetch the EPUB as an e-reader app does: from the link in the catalogue."""
    feed = next(root for path, root in reached(visitor).items() if path == "/opds/new")
    link = next(link for link in feed.iter() if link.get("type") == "application/epub+zip")
    answer = visitor.get(link.get("href", ""))
    assert answer.mimetype == "application/epub+zip"
    assert str(len(answer.data)) == link.get("length")
    return bytes(answer.data)


def test_an_epub_that_was_brought_leaves_the_node_as_an_epub(node: Node, stranger: Visitor, tmp_path: Path):
    publish(node, "Hedges", epub(), "hedges.epub")
    judgement = checked(served(stranger), tmp_path)
    assert judgement.returncode == 0, judgement.stdout + judgement.stderr


def test_a_picture_has_its_cover_in_the_catalogue(node: Node, stranger: Visitor, tmp_path: Path):
    drawn = BytesIO()
    Image.new("RGB", (300, 400), "green").save(drawn, "PNG")
    publish(node, "A hedge", drawn.getvalue(), "hedge.png")
    file = tmp_path / "new.xml"
    file.write_bytes(stranger.get("/opds/new").data)
    assert judged("opds.rnc", file).returncode == 0
    links = {link.get("rel", ""): link for link in reached(stranger)["/opds/new"].iter() if link.get("rel")}
    for rel in ("http://opds-spec.org/image", "http://opds-spec.org/image/thumbnail"):
        answer = stranger.get(links[rel].get("href", ""))
        assert (answer.status_code, answer.mimetype) == (200, links[rel].get("type"))


def test_epubcheck_would_find_a_fault(tmp_path: Path):
    assert checked(epub().replace(b'properties="nav"', b'properties="nan"'), tmp_path).returncode == 1
