"""What a booklet of 32 pages costs, beside reading and writing the same pages with pypdf alone, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO

import pytest
from pypdf import PdfReader, PdfWriter

from appliance.archive.imposition import Layout
from appliance.archive.paper import PrintOrder
from appliance.archive.starter_shelf import starter_zines
from appliance.markdown import as_blocks
from appliance.pdf.imposing import imposed
from appliance.pdf.letters import Letters
from appliance.pdf.typesetting import Text, frame, typeset
from tests.appliance.pdf.numbered import numbered

PAGES = 32
RATIO_MAX = 2.0
SECONDS_MAX = 1.0  # TARGETS: on this machine; a Zero 2 W may take five
ORDER = PrintOrder(Layout.BOOKLET)


def copied(content: bytes) -> None:
    writer = PdfWriter()
    for page in PdfReader(BytesIO(content)).pages:
        writer.add_page(page)
    writer.write(BytesIO())


def folded(content: bytes) -> None:
    imposed(PdfReader(BytesIO(content)).pages, ORDER).write(BytesIO())


def set_pages() -> bytes:
    """Typeset as many pages of our own shelf, drawings and all."""
    body = "\n\n".join(zine.body.decode() for zine in starter_zines()[:7])
    return typeset(Text("All of it", as_blocks(body)), frame(ORDER.page, ORDER.layout, 0.0), ORDER.layout, Letters())


def cost(work: Callable[[], object]) -> float:
    """Seconds of computing, the best of five: other work on the machine is not ours to count."""
    best = 1e9
    for _ in range(5):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def first_pages(content: bytes) -> bytes:
    writer = PdfWriter()
    for page in PdfReader(BytesIO(content)).pages[:PAGES]:
        writer.add_page(page)
    whole = BytesIO()
    writer.write(whole)
    return whole.getvalue()


@pytest.mark.alone
def test_a_booklet_of_32_pages_costs_little_more_than_copying_them(capsys: pytest.CaptureFixture[str]) -> None:
    typeset_pages = set_pages()
    said = []
    for name, content in (("numbered", numbered(PAGES)), ("typeset", first_pages(typeset_pages))):
        alone, ours = cost(lambda c=content: copied(c)), cost(lambda c=content: folded(c))  # type: ignore[misc]
        said.append(
            f"32 {name} pages: folded {ours:.3f} s, read and written by pypdf alone {alone:.3f} s: {ours / alone:.2f}"
        )
        assert ours < RATIO_MAX * alone
        assert ours < SECONDS_MAX
    count = len(PdfReader(BytesIO(typeset_pages)).pages)
    setting = cost(set_pages)
    said.append(f"{count} pages typeset from Markdown: {setting:.3f} s, {setting * PAGES / count:.3f} s for 32")
    assert setting * PAGES / count < SECONDS_MAX
    with capsys.disabled():
        print("\n" + "\n".join(said))
