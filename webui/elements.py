"""Clean HTML as a tree: read from what the cleaner wrote, cut into pieces, and written again.

Only names that come from the cleaner's lists ever stand in it, and whatever is written is escaped anew, so what leaves here is as
harmless as what came in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from html.parser import HTMLParser
from typing import Final

EMPTY: Final = frozenset(("br", "hr", "img"))
INLINE: Final = frozenset(("a", "br", "code", "em", "img", "s", "strong", "sub", "sup"))
# Of other people's HTML: boxes that only hold others, and old names of what we have.
BOXES: Final = frozenset(
    ("article", "div", "dd", "dl", "dt", "figcaption", "figure", "footer", "header", "main", "section")
)
RENAMED: Final = {"b": "strong", "i": "em", "del": "s"}
HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
DEPTH_MAX: Final = 16  # beyond, elements are left out and their words stay


class Element:
    """One element. Its children are never changed once something asked for its size."""

    __slots__ = ("_size", "attributes", "children", "tag")

    def __init__(
        self, tag: str, attributes: dict[str, str] | None = None, children: Sequence[Element | str] = ()
    ) -> None:
        self.tag = tag
        self.attributes = attributes or {}
        self.children = list(children)
        self._size = -1

    @property
    def opening(self) -> str:
        given = "".join(f' {name}="{escape(value)}"' for name, value in self.attributes.items())
        return f"<{self.tag}{given}>"

    @property
    def size(self) -> int:
        """Bytes of its HTML."""
        if self._size < 0:
            around = len(self.opening.encode()) + (0 if self.tag in EMPTY else len(self.tag) + 3)
            self._size = around + sum(size(child) for child in self.children)
        return self._size

    @property
    def html(self) -> str:
        inside = "".join(html(child) for child in self.children)
        return self.opening + ("" if self.tag in EMPTY else f"{inside}</{self.tag}>")

    def walk(self) -> Iterator[Element]:
        """Yield this element and all within it, in the order of the text."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def words(self) -> Iterator[str]:
        """Yield the texts within it; between blocks and after breaks there is a space."""
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child.words()
        if self.tag not in INLINE or self.tag == "br":
            yield " "


def html(node: Element | str) -> str:
    """Return a node as it is written."""
    return escape(node, quote=False) if isinstance(node, str) else node.html


def size(node: Element | str) -> int:
    """Return how many bytes that takes."""
    return len(html(node).encode()) if isinstance(node, str) else node.size


def parse(clean: str) -> list[Element]:
    """Return the blocks of clean HTML, one after another; words that stand outside of any become paragraphs."""
    builder = _Builder()
    builder.feed(str(clean))  # as a plain string: to slice a Markup is slow
    builder.close()
    blocks: list[Element] = []
    loose: list[Element | str] = []
    for node in [*_unboxed(builder.root.children), Element("hr")]:
        if isinstance(node, str) or node.tag in INLINE:
            loose.append(node)
            continue
        if any(not isinstance(one, str) or one.strip() for one in loose):
            blocks.append(Element("p", children=loose))
        loose = []
        if node.tag not in BOXES:
            blocks.append(node)
    return blocks[:-1]


def _unboxed(nodes: Sequence[Element | str]) -> Iterator[Element | str]:
    """Yield what stands in boxes without them; an empty box is left where one ends, since words on its two sides do not touch."""
    for node in nodes:
        if isinstance(node, Element) and node.tag in BOXES:
            yield Element(node.tag)
            yield from _unboxed(node.children)
            yield Element(node.tag)
        else:
            yield node


class _Builder(HTMLParser):
    """Builds the tree. The cleaner closes whatever it opens, so the stack follows it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("")
        self._open = [self.root]
        self._too_deep = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(RENAMED.get(tag, tag), {name: value or "" for name, value in attrs})
        if tag in EMPTY:
            self._open[-1].children.append(element)
        elif len(self._open) > DEPTH_MAX:
            self._too_deep += 1
        else:
            self._open[-1].children.append(element)
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag in EMPTY:
            return
        if self._too_deep:
            self._too_deep -= 1
        elif len(self._open) > 1:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def nest_headings(blocks: Sequence[Element], title: str) -> list[Element]:
    """Return the blocks without a first heading that only says the title again, and with headings that stand below the page's
    own, none deeper than one step, so that a screen reader can walk them (WCAG 1.3.1).
    """
    first = blocks[0] if blocks else None
    if first and first.tag in HEADINGS and "".join(first.words()).strip() == title:
        blocks = blocks[1:]
    above: list[int] = []
    for element in (element for block in blocks for element in block.walk() if element.tag in HEADINGS):
        level = int(element.tag[1])
        above = [*(outer for outer in above if outer < level), level]
        element.tag = f"h{min(len(above) + 1, 6)}" if "".join(element.words()).strip() else "p"
    return list(blocks)


def cut(element: Element, limit: int) -> list[Element]:
    """Return the element in pieces of about `limit` bytes: lists between their items, tables between rows that keep their
    heads, words at spaces. A picture is never cut.
    """
    if element.size <= limit or element.tag in EMPTY:
        return [element]
    head = [child for child in element.children if isinstance(child, Element) and child.tag == "thead"]
    rest = [child for child in element.children if child not in head]
    pieces: list[Element] = []
    start = _first_number(element)
    for group in _groups(rest, limit):
        attributes = {name: value for name, value in element.attributes.items() if name != "id" or not pieces}
        if element.tag == "ol" and start > 1:
            attributes["start"] = str(start)
        pieces.append(Element(element.tag, attributes, [*head, *group]))
        start += sum(isinstance(child, Element) and child.tag == "li" for child in group)
    return pieces or [element]


def _first_number(element: Element) -> int:
    start = element.attributes.get("start", "")
    return int(start) if start.isascii() and start.isdigit() and len(start) < 10 else 1


def _groups(nodes: Sequence[Element | str], limit: int) -> Iterator[list[Element | str]]:
    """Yield nodes, cut where they must be, together as long as they keep within `limit`."""
    group: list[Element | str] = []
    held = 0
    for node in nodes:
        for piece in _cut_words(node, limit) if isinstance(node, str) else cut(node, limit):
            if group and held + size(piece) > limit:
                yield group
                group, held = [], 0
            group.append(piece)
            held += size(piece)
    if group:
        yield group


def _cut_words(text: str, limit: int) -> Iterator[str]:
    """Yield the text in pieces that end at a line, a space, or where there is none, anywhere."""
    letters = max(1, limit // 6)  # no letter takes more bytes, escaped or not
    while len(text) > letters:
        at = max(text.rfind("\n", 0, letters), 0) or max(text.rfind(" ", 0, letters), 0) or letters - 1
        yield text[: at + 1]
        text = text[at + 1 :]
    yield text
