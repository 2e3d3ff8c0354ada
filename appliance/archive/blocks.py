"""A text as blocks: what a typesetter needs to know of it, and nothing of the language it was written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Span:
    """A run of letters in one style. A line break within a paragraph is a newline as its text."""

    text: str
    strong: bool = False
    emphasis: bool = False
    code: bool = False
    struck: bool = False


Spans: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    level: int  # 1 to 6
    spans: Spans


@dataclass(frozen=True, slots=True)
class Paragraph:
    spans: Spans


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing or photograph within the text, and what it shows in words."""

    media_type: str
    content: bytes
    words: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list. `ticked` is None where it has no box to tick."""

    blocks: tuple[Block, ...]
    ticked: bool | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[Item, ...]
    first: int | None = None  # the number of its first item; None where items are only marked


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Lines that are kept as they stand."""

    text: str
    is_code: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equally many cells; the first row holds the heads. `right` tells which columns are set to the right."""

    rows: tuple[tuple[Spans, ...], ...]
    right: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the text."""


Block: TypeAlias = Heading | Paragraph | Picture | Listing | Quote | Verbatim | Table | Rule
