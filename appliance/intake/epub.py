"""Books as EPUB: their archive looked through, scripts and outside references taken out, and packed anew.

EPUB 3.3 (OCF section 4, package documents section 5) and EPUB 2.0.1; what is put together again stays valid for epubcheck.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from appliance import confinement
from appliance.errors import Objection, Refused
from appliance.intake import picture, trees
from appliance.intake.archive import Archive
from appliance.intake.findings import CLEAN, WORDS_BYTES_MAX, Findings
from appliance.intake.trees import DC, OPF

MEDIA_TYPE: Final = b"application/epub+zip"
CONTAINER: Final = "META-INF/container.xml"
LOCK: Final = "META-INF/encryption.xml"
RIGHTS: Final = "META-INF/rights.xml"
# Letters that only scramble a typeface (OCF 3.3, section 4.4; and Adobe's way): no lock on the book.
SCRAMBLING: Final = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
PAGES: Final = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
DRAWING: Final = "image/svg+xml"
PROGRAMS: Final = re.compile(r"javascript|ecmascript|x-shockwave|octet-stream|msdownload", re.I)
# What programs and shops leave in a book about the machine it lay on, and who bought it.
LEFT_BEHIND: Final = re.compile(
    r"(META-INF/calibre_bookmarks\.txt|iTunesMetadata.*\.plist|iTunesArtwork|(.*/)?(\.DS_Store|Thumbs\.db)|__MACOSX/.*)",
    re.I,
)
TOOLS: Final = re.compile(r"(generator|calibre:.*|cover-maker|Sigil.*|.*[Vv]ersion of .*)", re.I)
DOCTYPE: Final = re.compile(rb"<!DOCTYPE[^\[>]*>", re.I)
STYLE: Final = "text/css"


def work(request: dict[str, Any]) -> dict[str, object]:
    """Clean the book that `request` names."""
    archive = Archive(Path(request["file"]))
    try:
        return Book(archive).cleaned().leave()
    finally:
        archive.close()


class Book:
    """One book: its package, and what its manifest says of each file."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        if CONTAINER not in archive:
            raise Refused(Objection.FILE_KIND_UNKNOWN)
        if "mimetype" in archive and archive.read("mimetype").strip() != MEDIA_TYPE:
            raise Refused(Objection.FILE_DAMAGED)
        self._check_unlocked()
        container = trees.read(archive.read(CONTAINER))
        self._package_name = next(
            (node.get("full-path", "") for node in container.iter() if trees.name(node) == "rootfile"), ""
        )
        self.package = trees.read(self.read(self._package_name))
        self._types = {self._place(item): item.get("media-type", "") for item in self._items()}
        self.found = Findings()
        self._quieted: set[str] = set()  # pages that had a script or a form, and have none now
        self._package_changed = False

    def _check_unlocked(self) -> None:
        if RIGHTS in self._archive:
            raise Refused(Objection.FILE_LOCKED)
        if LOCK in self._archive:
            methods = [
                node for node in trees.read(self._archive.read(LOCK)).iter() if trees.name(node) == "EncryptionMethod"
            ]
            if any(node.get("Algorithm") not in SCRAMBLING for node in methods):
                raise Refused(Objection.FILE_LOCKED)

    def read(self, name: str) -> bytes:
        """Return a file of the book. Raises `Refused`."""
        if name not in self._archive:
            raise Refused(Objection.FILE_DAMAGED)
        return self._archive.read(name)

    def _items(self) -> Iterator[Element]:
        return self.package.iter(f"{{{OPF}}}item")

    def _place(self, item: Element) -> str:
        """Return the name within the archive of an item of the manifest."""
        path = unquote(item.get("href", "").partition("#")[0])
        return posixpath.normpath(posixpath.join(posixpath.dirname(self._package_name), path))

    def cleaned(self) -> Findings:
        """Write the book anew; return what was found in it."""
        with zipfile.ZipFile(CLEAN, "w", zipfile.ZIP_DEFLATED) as out:
            _put(out, "mimetype", MEDIA_TYPE, zipfile.ZIP_STORED)
            for name in self._archive.files:
                if name not in ("mimetype", self._package_name) and self._stays(name):
                    _put(out, name, self._clean_file(name))
            self._clean_package()
            _put(out, self._package_name, self._package_written())
        self.found.words = " ".join(self._texts())
        self.found.cover, self.found.small_cover = self._covers()
        return self.found

    def _stays(self, name: str) -> bool:
        if LEFT_BEHIND.fullmatch(name):
            self.found.removed.add("program")
            return False
        if PROGRAMS.search(self._types.get(name, "")) or name.lower().endswith((".js", ".mjs", ".exe", ".swf")):
            self.found.removed.add("script")
            return False
        return True

    def _clean_file(self, name: str) -> bytes:
        content, kind = self._archive.read(name), self._types.get(name, "")
        if kind in PAGES or kind == DRAWING or name.lower().endswith((".xhtml", ".html", ".htm", ".svg")):
            return self._clean_page(name, content)
        if kind == STYLE or name.lower().endswith(".css"):
            return self._clean_style(content)
        if kind in picture.FORMATS:
            out = BytesIO()
            self.found.removed |= picture.clean(content, kind, out)
            return out.getvalue()
        if name.lower().endswith((".xml", ".opf", ".ncx")) or kind.endswith("xml"):
            trees.read(content)
        return content

    def _clean_page(self, name: str, content: bytes) -> bytes:
        """Write a page anew only where something had to go; else not a letter of it is touched."""
        root = trees.read(content)
        removed = trees.disarm(root)
        if not removed:
            return content
        self.found.removed |= removed
        self._quieted.add(name)
        doctype = DOCTYPE.search(content[:1000])
        space = root.tag.partition("}")[0].removeprefix("{") if "}" in str(root.tag) else ""
        return trees.written(root, space, doctype[0] + b"\n" if doctype else b"")

    def _clean_style(self, content: bytes) -> bytes:
        style = content.decode("utf-8", "replace")
        near = trees.without_far(style)
        if near == style:
            return content
        self.found.removed.add("outside")
        return near.encode()

    def _clean_package(self) -> None:
        """Take out of the package what was left out, what tools wrote of themselves, and that it has scripts."""
        gone = [
            item
            for item in self._items()
            if self._place(item) in self._archive.files and not self._stays(self._place(item))
        ]
        far = [item for item in self._items() if trees.FAR.match(item.get("href", ""))]
        for item in (*gone, *far):
            self._drop(item)
            self._package_changed = True
        for item in self._items():
            properties = item.get("properties", "").split()
            kept = [one for one in properties if one not in self._unwanted(self._place(item))]
            if kept != properties:
                self._package_changed = True
                item.attrib.pop("properties")
                item.attrib.update({"properties": " ".join(kept)} if kept else {})
        self._forget_tools()

    def _unwanted(self, place: str) -> set[str]:
        return {"scripted", "remote-resources"} if place in self._quieted else {"remote-resources"}

    def _drop(self, item: Element) -> None:
        number = item.get("id", "")
        for parent in self.package.iter():
            for child in list(parent):
                if child is item or (trees.name(child) == "itemref" and child.get("idref") == number):
                    parent.remove(child)

    def _forget_tools(self) -> None:
        for parent in self.package.iter():
            for child in list(parent):
                is_tool = trees.name(child) == "meta" and TOOLS.fullmatch(child.get("name", "") or "")
                is_packer = child.tag == f"{{{DC}}}contributor" and child.get(f"{{{OPF}}}role") == "bkp"
                if is_tool or is_packer:
                    parent.remove(child)
                    self._package_changed = True
                    self.found.removed.add("program")

    def _package_written(self) -> bytes:
        return trees.written(self.package, OPF) if self._package_changed else self._archive.read(self._package_name)

    def picture(self, page: str, address: str) -> tuple[str, bytes] | None:
        """Return the media type and the content of a picture that a page of the book shows; None where it has no such file."""
        name = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(address.partition("#")[0])))
        kind = self._types.get(name, "")
        if name not in self._archive or not kind.startswith("image/"):
            return None
        return kind, self._archive.read(name)

    def spine(self) -> Iterator[str]:
        """Yield the names of the pages in the order of reading."""
        places = {item.get("id"): self._place(item) for item in self._items()}
        for node in self.package.iter(f"{{{OPF}}}itemref"):
            place = places.get(node.get("idref"), "")
            if place in self._archive:
                yield place

    def _texts(self) -> Iterator[str]:
        size = 0
        for name in self.spine():
            if size > WORDS_BYTES_MAX:
                return
            words = trees.text(trees.read(self._archive.read(name)))
            size += len(words)
            yield words

    def _covers(self) -> tuple[bytes, bytes]:
        """Return the cover that the manifest names: by its property (EPUB 3), or by a word of the metadata (EPUB 2)."""
        named = {node.get("content") for node in self.package.iter() if node.get("name") == "cover"}
        for item in self._items():
            if "cover-image" in item.get("properties", "").split() or item.get("id") in named:
                place = self._place(item)
                if place in self._archive and item.get("media-type") in picture.FORMATS:
                    return picture.covers_or_none(self._archive.read(place))
        return b"", b""


def _put(out: zipfile.ZipFile, name: str, content: bytes, how: int = zipfile.ZIP_DEFLATED) -> None:
    """Put a file into the archive, with no time and no owner."""
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = how
    entry.external_attr = 0o644 << 16
    out.writestr(entry, content)


if __name__ == "__main__":
    confinement.serve(work)
