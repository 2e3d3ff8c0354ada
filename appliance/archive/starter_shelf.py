"""The zines a new node starts with: our own texts and drawings, packed as files beside this module.

A zine travels as one file, so each drawing is set into its Markdown as a `data:` image (RFC 2397). The drawings bring
their own paper and ink: inside an image an SVG cannot see the page's colours, and black lines on a dark page would
vanish.

The shelf is written here, not heard from a peer: a fault in it is our own bug, so it raises `ValueError`.
"""

import base64
import re
from dataclasses import dataclass, fields
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from appliance.library import ZineForm

FENCE: Final = "---\n"
DRAWING: Final = re.compile(r"!\[(?P<alt>[^\]\n]+)\]\((?P<name>[^)\n]+)\)")
DRAWING_NAME: Final = re.compile(r"[a-z0-9-]+\.svg")


@dataclass(frozen=True)
class StarterZine:
    """One zine, ready to publish: what is known about it, and its Markdown in UTF-8 with every drawing inside."""

    title: str
    creator: str
    language: str
    series: str
    issue: str
    licence: str
    tags: tuple[str, ...]
    description: str
    body: bytes

    @property
    def form(self) -> ZineForm:
        """What is told about it when it is published."""
        return ZineForm(**{name: getattr(self, name) for name in FRONT_KEYS})


FRONT_KEYS: Final = tuple(field.name for field in fields(StarterZine) if field.name != "body")


def starter_zines() -> list[StarterZine]:
    """Every zine of the shelf, by issue and then language. Raises ValueError if a packed file breaks the form."""
    shelf = files("appliance.archive") / "starter"
    zines = [read_zine(folder) for folder in shelf.iterdir() if folder.is_dir()]
    return sorted(zines, key=lambda zine: (int(zine.issue), zine.language))


def read_zine(folder: Traversable) -> StarterZine:
    """The zine of one folder: `zine.md` and the drawings it names."""
    front, markdown = split_front_matter((folder / "zine.md").read_text(encoding="utf-8"))
    known = read_front_matter(front)
    return StarterZine(
        title=known["title"],
        creator=known["creator"],
        language=known["language"],
        series=known["series"],
        issue=known["issue"],
        licence=known["licence"],
        tags=read_tags(known["tags"]),
        description=known["description"],
        body=with_drawings(markdown, folder).encode("utf-8"),
    )


def split_front_matter(text: str) -> tuple[str, str]:
    """The lines between the two fences, and the Markdown after them."""
    opening, front, markdown = (*text.split(FENCE, 2), "", "")[:3]
    if opening or not markdown.strip():
        raise ValueError("A starter zine begins with front matter between two lines of ---, and has a text after it.")
    return front, markdown


def read_front_matter(front: str) -> dict[str, str]:
    """`key: value` lines into a mapping that holds each of FRONT_KEYS once, and nothing else.

    A small part of YAML on purpose: the core knows no YAML library, and eight plain lines need none.
    """
    known: dict[str, str] = {}
    for line in front.splitlines():
        key, colon, value = line.partition(": ")
        if key not in FRONT_KEYS or not colon or not value.strip():
            raise ValueError(f"The front matter of a starter zine has a line that is not known: {line!r}.")
        if key in known:
            raise ValueError(f"The front matter of a starter zine says {key} twice.")
        known[key] = value.strip()
    if missing := [key for key in FRONT_KEYS if key not in known]:
        raise ValueError(f"The front matter of a starter zine lacks {', '.join(missing)}.")
    return known


def read_tags(value: str) -> tuple[str, ...]:
    """A comma-separated list; an empty or repeated tag is an error."""
    tags = tuple(tag.strip() for tag in value.split(","))
    if not all(tags) or len(set(tags)) < len(tags):
        raise ValueError(f"The tags of a starter zine are empty or repeated: {value!r}.")
    return tags


def with_drawings(markdown: str, folder: Traversable) -> str:
    """The Markdown with each drawing it names replaced by the drawing itself."""

    def set_in(found: re.Match[str]) -> str:
        if not DRAWING_NAME.fullmatch(found["name"]):
            raise ValueError(f"A starter zine shows {found['name']!r}, which is no drawing of its own folder.")
        drawing = base64.b64encode((folder / found["name"]).read_bytes()).decode("ascii")
        return f"![{found['alt']}](data:image/svg+xml;base64,{drawing})"

    return DRAWING.sub(set_in, markdown)
