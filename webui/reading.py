"""A zine as a page. What strangers write may be anything, so three walls stand behind each other.

Markdown is read without raw HTML; what comes out keeps only the tags and addresses listed here; and the page's policy lets no
script run whatever got through. The only place that knows nh3.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Set
from functools import lru_cache
from pathlib import Path
from typing import Final

import nh3
from markupsafe import Markup

from appliance import markdown
from appliance.library import Zine
from appliance.markdown import ADDRESS, PICTURE
from webui.elements import BOXES, RENAMED
from webui.leaves import Leaves

SIZE_MAX: Final = 1024 * 1024  # bytes; what is larger is for taking along
READABLE: Final = ("text/markdown", "text/plain", "text/html")
# A text that is nothing but marks would cost more memory than the portal has; it is shown as it stands.
MARKS_MAX: Final = 40_000
LINES_MAX: Final = 30_000
MARKS: Final = re.compile(r"[*_\[\]`|&<!~\\]")
TAGS_MAX: Final = 40_000
# What was read last is kept, within a few megabytes: many small zines, and few large ones.
KEPT: Final = ((64 * 1024, 12), (SIZE_MAX, 2))
BLANK_LINES: Final = re.compile(r"(?<=\n)[ \t\r]*\n(?=[^\n])")

INLINE: Final = frozenset(("a", "br", "code", "em", "img", "s", "strong"))
BLOCKS: Final = frozenset(("blockquote", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"))
TABLES: Final = frozenset(("table", "tbody", "td", "th", "thead", "tr"))
ATTRIBUTES: Final = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "data"})
# Of HTML that others made, more is understood: elements.py makes it into the above.
OF_OTHERS: Final = BOXES | RENAMED.keys() | {"h1", "sub", "sup"}


def is_readable(zine: Zine) -> bool:
    """Whether a zine is shown as a page of ours; anything else is for the phone's own readers."""
    return zine.is_here and not zine.trouble and zine.media_type in READABLE and zine.size <= SIZE_MAX


def leaves(path: Path, media_type: str, title: str, zine_path: str) -> Leaves:
    """Return the file at `path` as leaves below `title`. Its name is its digest, so what was read last can be kept."""
    size = path.stat().st_size
    read = next(read for (limit, _), read in zip(KEPT, _READERS, strict=True) if size <= limit or limit == SIZE_MAX)
    return read(path, media_type, title, zine_path)


def _leaves(path: Path, media_type: str, title: str, zine_path: str) -> Leaves:
    text = path.read_text(encoding="utf-8", errors="replace")
    match media_type:
        case "text/markdown":
            shown: str = from_markdown(text, title)
        case "text/html":
            shown = from_html(text)
        case _:
            shown = "".join(from_text(part) for part in BLANK_LINES.split(text))
    return Leaves.of(shown, title, zine_path)


_READERS: Final = tuple(lru_cache(maxsize=count)(_leaves) for _, count in KEPT)


def from_html(text: str) -> Markup:
    """Return HTML that others made as clean HTML; every element may bear a name for links within the zine."""
    if text.count("<") > TAGS_MAX:
        return from_text(html.unescape(nh3.clean(text, tags=set())))
    attributes = {tag: ATTRIBUTES.get(tag, set()) | {"id"} for tag in INLINE | BLOCKS | TABLES | OF_OTHERS}
    return Markup(_cleaned(text, INLINE | BLOCKS | TABLES | OF_OTHERS, attributes))  # noqa: S704 (it was just cleaned)


def from_text(text: str) -> Markup:
    """Return plain text as it stands, its lines kept."""
    return Markup('<pre class="text" dir="auto">{}</pre>').format(text)


def from_markdown(text: str, title: str = "") -> Markup:
    """Return Markdown (CommonMark with tables) as clean HTML whose headings stand below the page's own, which is `title`.

    A text made to take long, such as a hundred thousand opening brackets, is shown as it stands instead.
    """
    if text.count("\n") > LINES_MAX or sum(1 for _ in MARKS.finditer(text)) > MARKS_MAX:
        return from_text(text)
    try:
        rough = markdown.as_html(text, title)
    except markdown.TookTooLong:
        return from_text(text)
    return Markup(clean(rough))  # noqa: S704 (it was just cleaned)


def clean(rough: str) -> str:
    """Return HTML with nothing in it but the tags and addresses that are listed here."""
    return _cleaned(rough, INLINE | BLOCKS | TABLES, ATTRIBUTES)


def _cleaned(rough: str, tags: Set[str], attributes: Mapping[str, Set[str]]) -> str:
    return nh3.clean(
        rough,
        tags=set(tags),
        clean_content_tags={"script", "style", "title"},
        attributes={tag: set(names) for tag, names in attributes.items()},
        attribute_filter=_harmless,
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )


def _harmless(_tag: str, name: str, value: str) -> str | None:
    """Keep an address only where it belongs: pictures are within the zine, and links are no pictures."""
    if name == "src":
        return value if PICTURE.match(value) else None
    if name == "href":
        return value if ADDRESS.match(value) else None
    return value
