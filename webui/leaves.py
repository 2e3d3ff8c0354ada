"""A zine as leaves: its blocks, numbered through, in parts that a slow phone loads at once, and where in them a note belongs.

A part ends between blocks, never below a heading; a block that is larger than a part is cut. Links within the zine lead to the
part that holds their target. Larger pictures that stand within the text are requests of their own.
"""

from __future__ import annotations

import unicodedata
from base64 import b64decode
from binascii import Error as NotBase64
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final
from urllib.parse import unquote_to_bytes

from markupsafe import Markup

from appliance.commons.names import INVISIBLE, JOINER
from webui.elements import HEADINGS, Element, cut, nest_headings, parse

PART_SIZE: Final = 16_000  # bytes of HTML: with its page and its notes, compressed, a part keeps within 25 kB
BLOCK_SIZE: Final = 6_000
PICTURE_SIZE: Final = 4_000  # a picture written within the text; larger ones are fetched by themselves
PICTURES: Final = {
    "data:image/png": "image/png",
    "data:image/jpeg": "image/jpeg",
    "data:image/svg+xml": "image/svg+xml",
}
MARK: Final = "z-"  # before the names of a zine's own anchors: no other part of the page is called so
PLACES_TRIED: Final = 64
CONTEXT: Final = 40  # letters on either side of a passage


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, a list: what a note can stand beside. `number` counts through the whole zine from 1."""

    number: int
    html: Markup
    words: str  # as a quote is compared with: without what cannot be seen, and with single spaces


@dataclass(frozen=True, slots=True)
class Leaves:
    """The parts of a zine. `pictures` are those that are fetched by themselves: media type and content."""

    parts: tuple[tuple[Block, ...], ...]
    pictures: tuple[tuple[str, bytes], ...] = ()
    _begins: tuple[int, ...] = field(default=(), repr=False)
    _words: str = field(default="", repr=False)

    @classmethod
    def of(cls, clean: str, title: str, zine_path: str) -> Leaves:
        """Return the leaves of clean HTML that stands below `title`. `zine_path` is where the zine's pages are."""
        blocks = nest_headings(parse(clean), title)
        pictures = tuple(_moved_pictures(blocks, f"{zine_path}/picture/"))
        _name_headings(blocks)
        parts = list(_parted(piece for block in blocks for piece in cut(block, BLOCK_SIZE)))
        _lead(parts, f"{zine_path}/read?part=")
        numbered = _numbered(parts)
        words = [block.words for part in numbered for block in part]
        begins = tuple(accumulate((len(text) + 1 for text in words), initial=0))
        return cls(numbered, pictures, begins, " ".join(words))

    def block(self, number: int) -> Block | None:
        """Return the block of that number, if there is one."""
        return next((block for part in self.parts for block in part if block.number == number), None)

    def part_of(self, number: int) -> int:
        """Return the number of the part, from 1, in which a block stands."""
        return next(
            (at for at, part in enumerate(self.parts, 1) if part and number <= part[-1].number), len(self.parts)
        )

    def find(self, quote: str, before: str = "", after: str = "") -> int | None:
        """Return the number of the block in which a passage begins, None where it stands nowhere (spec/note-v1.md)."""
        quote = plain(quote)
        places = list(self._places(quote)) if quote else []
        if not places:
            return None
        before, after = plain(before)[::-1], plain(after)

        def company(at: int) -> int:
            return _shared(self._before(at), before) + _shared(self._after(at, quote), after)

        return self._block_at(max(places, key=company))

    def around(self, quote: str, number: int) -> tuple[str, str]:
        """Return what stands before and after a quote, where it begins nearest to the beginning of block `number`."""
        quote = plain(quote)
        places = list(self._places(quote, self._begin(number))) or list(self._places(quote)) if quote else []
        if not places:
            return "", ""
        at = min(places, key=lambda place: abs(place - self._begin(number)))
        return self._before(at)[::-1].strip(), self._after(at, quote).strip()

    def _places(self, quote: str, since: int = 0) -> Iterator[int]:
        at = self._words.find(quote, since)
        for _ in range(PLACES_TRIED):
            if at < 0:
                return
            yield at
            at = self._words.find(quote, at + 1)

    def _before(self, at: int) -> str:
        """Return what stands before a place, from its end."""
        return self._words[max(0, at - CONTEXT - 1) : at].rstrip()[::-1]

    def _after(self, at: int, quote: str) -> str:
        return self._words[at + len(quote) : at + len(quote) + CONTEXT + 1].lstrip()

    def _begin(self, number: int) -> int:
        return self._begins[min(max(number, 1), len(self._begins)) - 1]

    def _block_at(self, place: int) -> int:
        return bisect_right(self._begins, place)


def plain(text: str) -> str:
    """Return a text as passages are compared: composed, without what cannot be seen, and with single spaces."""
    unseen = {
        ord(letter): None
        for letter in set(text)
        if unicodedata.category(letter) in INVISIBLE and letter != JOINER and not letter.isspace()
    }
    return unicodedata.normalize("NFC", " ".join(text.translate(unseen).split()))


def _shared(one: str, other: str) -> int:
    """Return how many letters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (mine, theirs) in enumerate(pairs) if mine != theirs), min(len(one), len(other)))


def _parted(blocks: Iterator[Element]) -> Iterator[list[Element]]:
    """Yield blocks in parts. A heading goes on with what it is about; a part that is nearly full ends before one."""
    part: list[Element] = []
    held = 0
    for block in blocks:
        is_full = held + block.size > PART_SIZE or (block.tag in HEADINGS and held > PART_SIZE * 3 // 4)
        if part and is_full:
            carried: list[Element] = []
            while len(part) > 1 and part[-1].tag in HEADINGS:
                carried.insert(0, part.pop())
            yield part
            part, held = carried, sum(one.size for one in carried)
        part.append(block)
        held += block.size
    if part:
        yield part


def _numbered(parts: Sequence[Sequence[Element]]) -> tuple[tuple[Block, ...], ...]:
    number = 0
    numbered = []
    for part in parts:
        blocks = []
        for element in part:
            number += 1
            words = plain("".join(element.words()))
            blocks.append(Block(number, Markup(element.html), words))  # noqa: S704 (elements.py escaped it)
        numbered.append(tuple(blocks))
    return tuple(numbered)


def _name_headings(blocks: Sequence[Element]) -> None:
    """Give headings the names by which Markdown's makers link to them: `## Storing water` is `#storing-water`."""
    taken: set[str] = set()
    for element in (element for block in blocks for element in block.walk()):
        named = element.attributes.get("id", "")
        if not named and element.tag in HEADINGS:
            kept = "".join(sign for sign in "".join(element.words()).strip().lower() if sign.isalnum() or sign in " -_")
            named = kept.replace(" ", "-")[:80]
        if named and MARK + named not in taken:
            element.attributes["id"] = MARK + named
            taken.add(MARK + named)
        else:
            element.attributes.pop("id", None)


def _lead(parts: Sequence[Sequence[Element]], path: str) -> None:
    """Lead links within the zine to the part and the place that they mean; a link to nowhere is none."""
    places = {
        element.attributes["id"]: number
        for number, part in enumerate(parts, 1)
        for block in part
        for element in block.walk()
        if "id" in element.attributes
    }
    for element in (element for part in parts for block in part for element in block.walk()):
        target = element.attributes.get("href", "")
        if target.startswith("#"):
            name = MARK + target[1:]
            if name in places:
                element.attributes["href"] = f"{path}{places[name]}#{name}"
            else:
                del element.attributes["href"]


def _moved_pictures(blocks: Sequence[Element], path: str) -> Iterator[tuple[str, bytes]]:
    """Take larger pictures out of the text and yield them; in their places stands their address."""
    count = 0
    for element in (element for block in blocks for element in block.walk()):
        source = element.attributes.get("src", "")
        if element.tag != "img" or len(source) <= PICTURE_SIZE:
            continue
        picture = _picture(source)
        if picture is None:
            del element.attributes["src"]
            continue
        count += 1
        element.attributes |= {"src": f"{path}{count}", "loading": "lazy"}
        yield picture


def _picture(source: str) -> tuple[str, bytes] | None:
    """Return the media type and the content of a `data:` address (RFC 2397)."""
    head, _, content = source.partition(",")
    media_type = PICTURES.get(head.partition(";")[0].strip().lower())
    if media_type is None:
        return None
    raw = unquote_to_bytes(content)
    if not head.lower().endswith(";base64"):
        return media_type, raw
    try:
        return media_type, b64decode(b"".join(raw.split()))
    except NotBase64:
        return None
