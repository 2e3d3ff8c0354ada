"""A zine's sheets: its own pages where it is a PDF, else typeset ones, laid out to be folded. For the job behind the walls."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from pypdf import PageObject, PdfReader

from appliance.archive.blocks import Block
from appliance.archive.imposition import MINI_PAGES, Layout, Turning
from appliance.archive.paper import PrintOrder
from appliance.errors import Objection, Refused
from appliance.pdf import reading
from appliance.pdf.imposing import PAGES_MAX, imposed
from appliance.pdf.letters import EAST_ASIAN, Letters
from appliance.pdf.sheets import trial_pages
from appliance.pdf.typesetting import Note, Text, frame, typeset

PDF: Final = "application/pdf"

ReadBlocks = Callable[[], tuple[Block, ...]]


def make(asked: dict[str, Any], blocks: ReadBlocks, made: Path) -> dict[str, Any]:
    """Write the sheets that are asked for into the file `made`; `blocks` reads the text of what is no PDF. Raises `Refused`."""
    order = read_order(asked["order"])
    try:
        pages = _pages(asked, blocks, order)
        sheets = imposed(pages, order)
        with made.open("wb") as out:
            sheets.write(out)
    except reading.FAULTS as fault:
        raise Refused(Objection.PDF_UNPRINTABLE) from fault
    return {"pages": len(pages), "sides": len(sheets.pages)}


def read_order(said: dict[str, Any]) -> PrintOrder:
    """Return an order from its plain JSON."""
    return PrintOrder(
        Layout(said["layout"]), said["paper"], Turning(said["turning"]), said["margin_mm"], said["from_the_right"]
    )


def _pages(asked: dict[str, Any], blocks: ReadBlocks, order: PrintOrder) -> list[PageObject]:
    """Return the pages of a zine: its own where it is a PDF, with its notes behind them; else typeset ones."""
    if not asked["file"]:
        return list(PdfReader(BytesIO(trial_pages(order, asked["words"]))).pages)
    if asked["media_type"] == PDF:
        reader = reading.opened(Path(asked["file"]))
        if len(reader.pages) > PAGES_MAX:
            raise Refused(Objection.TOO_MANY_PAGES, limit=PAGES_MAX)
        return [*reader.pages, *_notes(asked, order, len(reader.pages))]
    return _typeset(asked, blocks(), order)


def _notes(asked: dict[str, Any], order: PrintOrder, pages: int) -> list[PageObject]:
    """Return what stands in the margin of a PDF as pages of their own; none where a mini-zine has no room for them."""
    if not asked["notes"]:
        return []
    if order.layout is not Layout.MINI:
        return _typeset(asked, (), order, is_bare=True)
    try:
        notes = _typeset(asked, (), order, is_bare=True)
    except Refused:
        return []
    return notes if pages + len(notes) <= MINI_PAGES else []


def _typeset(
    asked: dict[str, Any], blocks: tuple[Block, ...], order: PrintOrder, is_bare: bool = False
) -> list[PageObject]:
    text = Text(
        title=asked["title"],
        blocks=blocks,
        kicker=asked["kicker"],
        maker=asked["maker"],
        summary=asked["summary"],
        imprint=tuple(asked["imprint"]),
        notes_title=asked["words"]["notes"],
        notes=tuple(Note(**note) for note in asked["notes"]),
        unprinted=asked["words"]["unprinted"],
        from_the_right=order.from_the_right,
        is_bare=is_bare,
    )
    made = typeset(text, frame(order.page, order.layout, order.margin), order.layout, Letters(EAST_ASIAN))
    return list(PdfReader(BytesIO(made)).pages)
