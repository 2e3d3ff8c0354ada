"""Reading a PDF that a stranger made: opened strictly, its pages counted before they are believed, its words taken out.

Paths and keys: ISO 32000-1, sections 7.7 (document structure) and 14.11.2 (page boundaries).
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pypdf import PageObject, PdfReader
from pypdf.errors import DependencyError, PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from appliance.errors import Objection, Refused

PAGES_MAX: Final = 2_000
DEPTH_MAX: Final = 64
SIDE_MAX: Final = 14_400.0  # points, five metres: what every reader can show (ISO 32000-1, annex C.2)
# What pypdf raises for a file that is not as it should be; anything else ends the process, and is refused as well.
FAULTS: Final = (PyPdfError, DependencyError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError,
                 OSError, AssertionError, zlib.error, struct.error)  # fmt: skip


def opened(path: Path) -> PdfReader:
    """Return a reader of a PDF without a lock and with pages that make sense. Raises `Refused`."""
    try:
        reader = PdfReader(path)
        locked = reader.is_encrypted
        if not locked:
            _check_pages(reader)
    except FAULTS as fault:
        raise Refused(Objection.FILE_DAMAGED) from fault
    if locked:
        raise Refused(Objection.FILE_LOCKED)
    return reader


def _check_pages(reader: PdfReader) -> None:
    count = 0
    for page in leaves(reader):
        count += 1
        if count > PAGES_MAX:
            raise Refused(Objection.PAGES_TOO_MANY, limit=PAGES_MAX)
        width, height = size(page)
        if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX):
            raise Refused(Objection.PAGE_TOO_LARGE)
    if not count:
        raise Refused(Objection.FILE_DAMAGED)


def leaves(reader: PdfReader) -> Iterator[DictionaryObject]:
    """Yield the pages of the tree without trusting it: a node seen twice is a loop, and its count may be a lie."""
    root = plain(reader.trailer["/Root"])
    seen: set[int] = set()
    todo = [(root.get("/Pages") and root.raw_get("/Pages"), 0)]
    while todo:
        reference, depth = todo.pop()
        node = plain(reference)
        number = reference.idnum if isinstance(reference, IndirectObject) else id(node)
        if not isinstance(node, DictionaryObject) or number in seen or depth > DEPTH_MAX:
            raise Refused(Objection.FILE_DAMAGED)
        seen.add(number)
        kids = plain(node.get("/Kids"))
        if not isinstance(kids, ArrayObject):
            yield node
            continue
        if len(seen) + len(todo) + len(kids) > 4 * PAGES_MAX:
            raise Refused(Objection.PAGES_TOO_MANY, limit=PAGES_MAX)
        todo += [(kid, depth + 1) for kid in reversed(list(kids))]


def plain(thing: Any) -> Any:
    """Return what a reference stands for, and anything else as it is."""
    return thing.get_object() if isinstance(thing, IndirectObject) else thing


def size(page: DictionaryObject) -> tuple[float, float]:
    """Return width and height of a page in points, by its own box or that of what it hangs on."""
    node: Any = page
    for _ in range(DEPTH_MAX):
        box = plain(node.get("/MediaBox"))
        if isinstance(box, ArrayObject) and len(box) == 4:
            left, low, right, high = (float(plain(edge)) for edge in box)
            unit = float(plain(page.get("/UserUnit")) or 1)
            return abs(right - left) * unit, abs(high - low) * unit
        node = plain(node.get("/Parent"))
        if not isinstance(node, DictionaryObject):
            break
    return 612.0, 792.0  # what readers take where nothing is said


def words(reader: PdfReader, letters_max: int, seconds: float) -> str:
    """Return the text of the pages, as far as it can be had in so many seconds of computing."""
    found: list[str] = []
    until, length = time.process_time() + seconds, 0
    for page in reader.pages:
        if time.process_time() > until or length > letters_max:
            break
        found.append(_page_words(page))
        length += len(found[-1])
    return "\n".join(found)


def _page_words(page: PageObject) -> str:
    """A page whose text cannot be had is still a page: it is only not found by its words."""
    try:
        return page.extract_text()
    except FAULTS:
        return ""


def first_picture(reader: PdfReader) -> bytes:
    """Return the largest photograph on the first page, as the JPEG that it is; nothing where there is none."""
    try:
        resources = plain(reader.pages[0].get("/Resources", DictionaryObject()))
        drawn = plain(resources.get("/XObject", DictionaryObject()))
        found = [plain(drawn.raw_get(name)) for name in drawn]
        photographs = [one for one in found if isinstance(one, StreamObject) and one.get("/Filter") == "/DCTDecode"]
        largest = max(photographs, key=lambda one: int(one.get("/Width", 0)) * int(one.get("/Height", 0)), default=None)
        return largest.get_data() if largest is not None else b""
    except FAULTS:
        return b""
