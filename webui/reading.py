"""A zine as a page. What strangers write may be anything, so three walls stand behind each other.

Markdown is read without raw HTML; what comes out keeps only the tags and addresses listed here; and the page's policy lets no
script run whatever got through. The only place that knows nh3.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import nh3
from markupsafe import Markup

from appliance import markdown
from appliance.markdown import ADDRESS, PICTURE

SIZE_MAX: Final = 256 * 1024  # bytes; what is larger is for taking along
KEPT_PAGES: Final = 12
MARKDOWN: Final = "text/markdown"

INLINE: Final = frozenset(("a", "br", "code", "em", "img", "s", "strong"))
BLOCKS: Final = frozenset(("blockquote", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"))
TABLES: Final = frozenset(("table", "tbody", "td", "th", "thead", "tr"))
ATTRIBUTES: Final = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "data"})


@lru_cache(maxsize=KEPT_PAGES)
def page(path: Path, media_type: str, title: str) -> Markup:
    """Return the file at `path` as HTML that may stand below `title`. Its name is its digest, so a few pages can be kept."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return from_markdown(text, title) if media_type == MARKDOWN else from_text(text)


def from_text(text: str) -> Markup:
    """Return plain text as it stands, its lines kept."""
    return Markup('<pre class="text" dir="auto">{}</pre>').format(text)


def from_markdown(text: str, title: str = "") -> Markup:
    """Return Markdown (CommonMark with tables) as clean HTML whose headings stand below the page's own, which is `title`.

    A text made to take long, such as a hundred thousand opening brackets, is shown as it stands instead.
    """
    try:
        rough = markdown.as_html(text, title)
    except markdown.TookTooLong:
        return from_text(text)
    return Markup(clean(rough))  # noqa: S704 (it was just cleaned)


def clean(html: str) -> str:
    """Return `html` with nothing in it but the tags and addresses that are listed here."""
    return nh3.clean(
        html,
        tags=set(INLINE | BLOCKS | TABLES),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
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
