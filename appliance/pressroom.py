"""The job that makes a zine's sheets, behind the walls of `confinement`: what strangers wrote is read here and nowhere else.

In its room lies `zine.json`, what is to be printed and how; it leaves `sheets.pdf` there. Texts of every kind become the same
blocks.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any, Final

from appliance import confinement, hypertext, markdown
from appliance.archive.blocks import Block, Picture, Verbatim
from appliance.errors import Objection, Refused
from appliance.intake import kind
from appliance.intake.archive import Archive
from appliance.intake.epub import Book
from appliance.intake.markup import decoded
from appliance.pdf import printing
from appliance.pdf.imposing import PAGES_MAX

TEXT_MAX: Final = 1 << 20
PICTURES_MAX: Final = 24 << 20  # bytes of all pictures of a book together; those beyond are told in words
DEPTH: Final = 4_000  # lists and quotes within each other are set by calling again
ASKED: Final = "zine.json"
MADE: Final = "sheets.pdf"


def work(_: dict[str, Any]) -> dict[str, Any]:
    """Make the sheets that `zine.json` asks for. Raises `Refused`."""
    sys.setrecursionlimit(DEPTH)
    asked = json.loads(Path(ASKED).read_text(encoding="utf-8"))
    return printing.make(asked, lambda: _blocks(Path(asked["file"]), asked["media_type"], asked["title"]), Path(MADE))


def _blocks(file: Path, media_type: str, title: str) -> tuple[Block, ...]:
    if media_type == kind.EPUB:
        return _book(file, title)
    with file.open("rb") as content:
        text = content.read(TEXT_MAX + 1)
    _check_length(len(text))
    if media_type == kind.HTML:
        return hypertext.as_blocks(decoded(text), title, markdown.picture)
    written = text.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if media_type == kind.MARKDOWN:
        try:
            return markdown.as_blocks(written, title)
        except markdown.TookTooLong:
            return (Verbatim(written, is_code=False),)
    return (Verbatim(written, is_code=False),)


def _check_length(size: int) -> None:
    if size > TEXT_MAX:
        raise Refused(Objection.TOO_MANY_PAGES, limit=PAGES_MAX)


def _book(file: Path, title: str) -> tuple[Block, ...]:
    """Return the pages of a book in the order of reading, with the pictures that lie in it. Raises `Refused`."""
    archive = Archive(file)
    try:
        book, size = Book(archive), 0
        pictures = _Pictures(book)
        blocks: list[Block] = []
        for name in book.spine():
            content = book.read(name)
            size += len(content)
            _check_length(size)
            blocks += hypertext.as_blocks(decoded(content), title, partial(pictures.find, name))
        return tuple(blocks)
    finally:
        archive.close()


class _Pictures:
    """The pictures of a book, as many as there is memory for."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._left = PICTURES_MAX

    def find(self, page: str, address: str, words: str) -> Picture | None:
        """Return what a page shows at an address: a file of its book, or written within the page."""
        found = self._book.picture(page, address) if not address.startswith("data:") else None
        if found is None:
            return markdown.picture(address, words)
        media_type, content = found
        self._left -= len(content)
        return Picture(media_type, content, words) if self._left >= 0 else None


if __name__ == "__main__":
    confinement.serve(work)
