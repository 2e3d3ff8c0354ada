"""Web pages: read leniently, as browsers do, and written anew from what is listed here. Nothing else of them is kept.

The page that comes out is put together from letters and a few tags, each attribute known, each letter of markup escaped. So it
does not matter whether another program would have read the page otherwise. Scripts, forms, frames, styles and pictures from
elsewhere cannot be written down at all. When it is shown, `webui.reading` cleans it once more, by a parser of its own.
"""

from __future__ import annotations

import codecs
import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

from appliance import confinement
from appliance.errors import Objection, Refused
from appliance.intake.findings import CLEAN, Findings

SIZE_MAX: Final = 8 << 20
DEPTH_MAX: Final = 64
KEPT: Final = frozenset(
    ("a", "abbr", "article", "aside", "b", "bdi", "bdo", "blockquote", "br", "caption", "cite", "code", "dd", "del",
    "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hr", "i", "img", "ins", "kbd", "li", "main", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s",
    "samp", "section", "small", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
    "tr", "u", "ul", "var", "wbr")
)  # fmt: skip
VOID: Final = frozenset(("br", "hr", "img", "wbr"))
# What stands within these is no text.
LEFT_OUT: Final = frozenset(
    ("script", "style", "template", "noscript", "iframe", "object", "applet", "svg", "math", "canvas", "audio",
    "video", "select", "textarea", "frameset", "noframes", "noembed", "xmp", "plaintext", "title")
)  # fmt: skip
SCRIPTS: Final = frozenset(("script", "object", "embed", "applet"))
OUTSIDE: Final = frozenset(("iframe", "frame", "audio", "video", "source", "track", "link"))
FORMS: Final = frozenset(("form", "input", "button", "select", "textarea"))
ATTRIBUTES: Final = {
    "a": ("href", "title"),
    "img": ("src", "alt", "title", "width", "height"),
    "ol": ("start",),
    "td": ("colspan", "rowspan"),
    "th": ("colspan", "rowspan", "scope"),
}
EVERYWHERE: Final = ("lang", "dir", "id")
PICTURE: Final = re.compile(r"data:image/(svg\+xml|png|jpeg|webp)[;,]", re.IGNORECASE)
ADDRESS: Final = re.compile(r"(https?://|mailto:|tel:|#)", re.IGNORECASE)
PLAIN: Final = {
    "lang": re.compile(r"[A-Za-z0-9-]{1,35}"),
    "dir": re.compile(r"ltr|rtl|auto"),
    "id": re.compile(r"[\w.:-]{1,80}"),
    "width": re.compile(r"\d{1,5}"),
    "height": re.compile(r"\d{1,5}"),
    "start": re.compile(r"-?\d{1,6}"),
    "colspan": re.compile(r"\d{1,3}"),
    "rowspan": re.compile(r"\d{1,3}"),
    "scope": re.compile(r"row|col|rowgroup|colgroup"),
}
CHARSET: Final = re.compile(
    rb"""<(?:meta[^>]{0,200}?charset\s*=\s*["']?|\?xml[^>]{0,100}?encoding\s*=\s*["'])([\w:.-]{1,40})""", re.I
)
MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# A page that says Latin-1 means what browsers take for it (WHATWG Encoding, section 4.2).
ALIASES: Final = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
}
UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def work(request: dict[str, Any]) -> dict[str, object]:
    """Clean the web page that `request` names."""
    file = Path(request["file"])
    if file.stat().st_size > SIZE_MAX:
        raise Refused(Objection.FILE_TOO_LARGE, limit=SIZE_MAX)
    page = Cleaner()
    page.feed(decoded(file.read_bytes()))
    page.close()
    if not "".join(page.words).strip() and "<img" not in "".join(page.body):
        raise Refused(Objection.FILE_EMPTY)
    Path(CLEAN).write_text(page.written(), encoding="utf-8")
    return Findings(removed=page.removed, words=" ".join(page.words)).leave()


def decoded(content: bytes) -> str:
    """Return a page as letters, by what it says of itself; UTF-8 and then Latin-1 where it says nothing."""
    marked = next((name for mark, name in MARKS if content.startswith(mark)), None)
    said = CHARSET.search(content[:4096])
    named = marked or (said[1].decode("ascii").lower() if said else "utf-8")
    for encoding in (ALIASES.get(named, named), "utf-8", "cp1252"):
        try:
            if codecs.lookup(encoding)._is_text_encoding:  # noqa: SLF001 (the only way to tell rot13 from an alphabet)
                return UNPRINTABLE.sub("", content.decode(encoding).removeprefix("\ufeff"))
        except (LookupError, UnicodeError):
            continue
    return UNPRINTABLE.sub("", content.decode("cp1252", "replace"))


class Cleaner(HTMLParser):
    """Takes a page in and keeps the clean one: `body` as markup, `words` as plain text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.body: list[str] = []
        self.words: list[str] = []
        self.removed: set[str] = set()
        self._open: list[str] = []
        self._left_out: list[str] = []
        self._title = ""
        self._language = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}
        self._note(tag, given)
        if tag == "html" and PLAIN["lang"].fullmatch(given.get("lang", "")):
            self._language = given["lang"]
        elif tag == "body":
            self._left_out.clear()
        elif tag in LEFT_OUT:
            self._left_out.append(tag)
        elif tag in KEPT and not self._left_out:
            self._begin(tag, given)

    def _begin(self, tag: str, given: dict[str, str]) -> None:
        if len(self._open) >= DEPTH_MAX and tag not in VOID:
            return
        if tag in ("p", "li", "dt", "dd", "tr", "td", "th") and self._open[-1:] == [tag]:
            self.handle_endtag(tag)
        kept = self._kept(tag, given)
        if tag == "img" and "src" not in kept:
            self.handle_data(given.get("alt", ""))
            return
        self.body.append(f"<{tag}" + "".join(f' {name}="{escape(value)}"' for name, value in kept.items()) + ">")
        if tag not in VOID:
            self._open.append(tag)

    def _kept(self, tag: str, given: dict[str, str]) -> dict[str, str]:
        kept = {}
        for name in (*ATTRIBUTES.get(tag, ()), *EVERYWHERE):
            value = UNPRINTABLE.sub("", given.get(name, "")).strip()
            if name in given and self._may_stay(name, value):
                kept[name] = value
        return kept

    def _may_stay(self, name: str, value: str) -> bool:
        if name == "src":
            return bool(PICTURE.match(value))
        if name == "href":
            return bool(ADDRESS.match(value))
        return PLAIN[name].fullmatch(value) is not None if name in PLAIN else True

    def _note(self, tag: str, given: dict[str, str]) -> None:
        """Note what a page would have done that a clean one does not."""
        address = given.get("href", "").strip().lower()
        if (
            tag in SCRIPTS
            or any(name.startswith("on") for name in given)
            or address.startswith(("javascript:", "data:"))
        ):
            self.removed.add("script")
        if tag in FORMS:
            self.removed.add("form")
        loads = tag in OUTSIDE or (tag == "img" and not PICTURE.match(given.get("src", "").strip()))
        if loads or "srcset" in given or "background" in given:
            self.removed.add("outside")
        if tag == "meta" and given.get("name", "").lower() in ("author", "generator", "creator"):
            self.removed.add("people" if given["name"].lower() == "author" else "program")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._left_out:
            while self._left_out and self._left_out.pop() != tag:
                pass
        elif tag in self._open and not self._left_out:
            while (last := self._open.pop()) != tag:
                self.body.append(f"</{last}>")
            self.body.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._left_out == ["title"] and not self._open:
            self._title += data[:200]
        if not self._left_out:
            self.body.append(escape(data, quote=False))
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        """Leave comments out: nobody reads them, and programs write their names there."""

    def written(self) -> str:
        """Return the clean page, whole."""
        self.body += [f"</{tag}>" for tag in reversed(self._open)]
        self._open.clear()
        title = escape(" ".join(self._title.split())[:200], quote=False)
        language = f' lang="{self._language}"' if self._language else ""
        return (
            f'<!DOCTYPE html>\n<html{language}>\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n</head>\n'
            f"<body>\n{''.join(self.body).strip()}\n</body>\n</html>\n"
        )


if __name__ == "__main__":
    confinement.serve(work)
