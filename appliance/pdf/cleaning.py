"""A PDF without what it tells of people and programs, and without what acts by itself. Its pages stay as they were drawn.

Nothing is struck out in place: the document is written anew from what can still be reached, so what was taken out is gone.
Keys: ISO 32000-1, tables 28 (catalogue), 30 (page), 164 and 169 (annotations), 198 (actions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject

from appliance.errors import Objection, Refused
from appliance.pdf.reading import FAULTS, leaves, plain

OBJECTS_MAX: Final = 400_000
ROOT_KEPT: Final = frozenset(
    ("/Type", "/Version", "/Pages", "/PageLabels", "/Dests", "/Outlines", "/PageMode", "/PageLayout",
    "/ViewerPreferences", "/Lang", "/MarkInfo", "/StructTreeRoot", "/OCProperties", "/OutputIntents", "/Names")
)  # fmt: skip
PAGE_DROPPED: Final = {
    "/Metadata": "notes",
    "/PieceInfo": "program",
    "/LastModified": "moment",
    "/AA": "script",
    "/Thumb": "thumbnail",
    "/B": "",
    "/Tabs": "",
    "/PresSteps": "",
}
ROOT_TOLD: Final = {
    "/OpenAction": "script",
    "/AA": "script",
    "/AcroForm": "form",
    "/Metadata": "notes",
    "/PieceInfo": "program",
    "/Collection": "attachment",
    "/AF": "attachment",
}
TITLES_TOLD: Final = {
    "/Author": "people",
    "/Creator": "program",
    "/Producer": "program",
    "/CreationDate": "moment",
    "/ModDate": "moment",
}
ANNOTATIONS_TOLD: Final = {
    "/Widget": "form",
    "/FileAttachment": "attachment",
    "/Screen": "script",
    "/RichMedia": "script",
}
ADDRESSES: Final = ("http:", "https:", "mailto:", "tel:")

CleanPicture = Callable[[bytes], tuple[bytes, set[str]]]


def clean(reader: PdfReader, out: BinaryIO, clean_picture: CleanPicture) -> set[str]:
    """Write the document of `reader` without what it tells; return the names of what was taken out.

    `clean_picture` returns a JPEG without its notes, and what those told. The reader is used up by this.
    """
    try:
        removed = _forget_titles(reader) | _clean_root(plain(reader.trailer["/Root"]))
        for page in leaves(reader):
            removed |= _clean_page(page)
        for found in _reachable(plain(reader.trailer["/Root"])):
            removed |= _clean_object(found, clean_picture)
        writer = PdfWriter(clone_from=reader)
        writer.metadata = None
        writer.write(out)
    except FAULTS as fault:
        raise Refused(Objection.FILE_DAMAGED) from fault
    return removed


def _forget_titles(reader: PdfReader) -> set[str]:
    told = plain(reader.trailer.get("/Info"))
    names = set(told) if isinstance(told, DictionaryObject) else set()
    for key in ("/Info", "/ID"):
        if key in reader.trailer:
            del reader.trailer[key]
    said = {TITLES_TOLD[name] for name in names & set(TITLES_TOLD)}
    return said | ({"notes"} if names - set(TITLES_TOLD) - {"/Trapped"} else set())


def _clean_root(root: DictionaryObject) -> set[str]:
    removed = {told for key, told in ROOT_TOLD.items() if key in root and not _is_place(key, plain(root[key]))}
    for key in set(root) - ROOT_KEPT:
        del root[NameObject(key)]
    names = plain(root.get("/Names"))
    if isinstance(names, DictionaryObject):
        told = {"/JavaScript": "script", "/EmbeddedFiles": "attachment"}
        removed |= {told[key] for key in set(names) & set(told)}
        for key in set(names) - {"/Dests"}:
            del names[NameObject(key)]
    return removed


def _is_place(key: str, value: Any) -> bool:
    """Many a document opens at a page: that is no script."""
    return key == "/OpenAction" and (
        isinstance(value, ArrayObject) or (isinstance(value, DictionaryObject) and value.get("/S") == "/GoTo")
    )


def _clean_page(page: DictionaryObject) -> set[str]:
    notes = plain(page.get("/Annots"))
    if not isinstance(notes, ArrayObject):
        return set()
    kept, removed = ArrayObject(), set()
    for reference in notes:
        note = plain(reference)
        if isinstance(note, DictionaryObject) and note.get("/Subtype") == "/Link":
            kept.append(reference)
        elif isinstance(note, DictionaryObject) and note.get("/Subtype") != "/Popup":
            removed.add(ANNOTATIONS_TOLD.get(str(note.get("/Subtype")), "notes"))
    if kept:
        page[NameObject("/Annots")] = kept
    else:
        del page[NameObject("/Annots")]
    return removed


def _reachable(root: DictionaryObject) -> Iterator[DictionaryObject]:
    """Yield every dictionary once that can be reached from the catalogue."""
    seen: set[int] = set()
    todo: list[Any] = [root]
    while todo:
        thing = todo.pop()
        if isinstance(thing, IndirectObject):
            if thing.idnum in seen:
                continue
            seen.add(thing.idnum)
            if len(seen) > OBJECTS_MAX:
                raise Refused(Objection.FILE_UNPACKS_TOO_LARGE)
            thing = thing.get_object()
        if isinstance(thing, DictionaryObject):
            yield thing
            todo += [thing.raw_get(key) for key in thing]
        elif isinstance(thing, ArrayObject):
            todo += list(thing)


def _clean_object(found: DictionaryObject, clean_picture: CleanPicture) -> set[str]:
    removed = {told for key, told in PAGE_DROPPED.items() if told and key in found}
    for key in set(found) & set(PAGE_DROPPED):
        del found[NameObject(key)]
    removed |= _clean_actions(found)
    if isinstance(found, StreamObject) and found.get("/Subtype") == "/Image" and found.get("/Filter") == "/DCTDecode":
        content = found.get_data()
        cleaned, told = clean_picture(content)
        if cleaned != content:
            removed |= told
            found._data = cleaned  # noqa: SLF001 (there is no other door to a stream that is not unpacked)
    return removed


def _clean_actions(found: DictionaryObject) -> set[str]:
    """Let a link lead to a page of this document or to an address, and nowhere else."""
    removed = set()
    for key in ("/A", "/PA", "/Next"):
        action = plain(found.get(key)) if key in found else None
        if key == "/Next" and "/S" not in found:  # the next heading of an outline is no action
            continue
        if isinstance(action, DictionaryObject | ArrayObject) and not _is_harmless(action):
            del found[NameObject(key)]
            removed.add("script")
    return removed


def _is_harmless(action: DictionaryObject | ArrayObject) -> bool:
    if isinstance(action, ArrayObject) or "/S" not in action:
        return False
    deed = str(plain(action["/S"]))
    if deed == "/URI":
        return str(plain(action.get("/URI"))).lower().startswith(ADDRESSES)
    return deed in ("/GoTo", "/Named", "/Thread")
