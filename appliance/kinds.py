"""What records mean to an appliance: kind numbers and the bodies behind them. Numbers are never used again.

A core that breaks its own rules is a mistake of its author, who signed it: it stays in the log and counts nowhere. A text that
does is read as never said: the author may take it back, and what the core means must not hang on when that was heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from appliance.moons import MOON_MAX
from mesh.errors import Malformed
from mesh.keys import DIGEST_SIZE
from mesh.record import Record

NODE: Final = 16
MEMBER: Final = 17
CURRENCY: Final = 18
MOON: Final = 19
TRANSFER: Final = 20  # body in ledger/transfer.py
POST: Final = 24
ZINE: Final = 32
NOTE: Final = 33  # body in notes.py

DECIMALS_MAX: Final = 6
CODE_LENGTH_MAX: Final = 40
FLOOR_MIN: Final = -(10**12)
BOARDS: Final = ("notice", "offer", "want")
# What a zine's file may be. A record says the place in this list, so nothing is ever moved or taken out.
MEDIA_TYPES: Final = (
    *("text/markdown", "text/plain", "text/html", "application/pdf", "application/epub+zip"),
    *("image/jpeg", "image/png", "image/webp"),
    *("audio/mpeg", "audio/ogg", "audio/flac", "audio/wav"),
)
TEXTS: Final = MEDIA_TYPES[:2]  # what is read as it stands
ZINE_TEXTS: Final = ("title", "creator", "language", "description", "series", "issue", "licence")


@dataclass(frozen=True, slots=True)
class NodeCard:
    """What a node calls itself."""

    name: str

    def record(self, at: int, salt: bytes) -> Record:
        return Record.new([NODE, at], [self.name], salt)

    @classmethod
    def read(cls, record: Record) -> NodeCard:
        _numbers(record, 0)
        return cls(_texts(record, 1)[0])


@dataclass(frozen=True, slots=True)
class Member:
    """A neighbour whose account has its home at the writer's node."""

    number: int
    name: str

    def record(self, at: int, salt: bytes) -> Record:
        return Record.new([MEMBER, at, self.number], [self.name], salt)

    @classmethod
    def read(cls, record: Record) -> Member:
        (number,) = _numbers(record, 1)
        if number < 1:
            raise Malformed("accounts are numbered from 1")
        return cls(number, _texts(record, 1)[0])


@dataclass(frozen=True, slots=True)
class CurrencyRules:
    """A unit that the commons declares. `floor` is in smallest units, zero or below."""

    number: int
    code: str
    decimals: int
    floor: int
    name: str
    meaning: str

    def record(self, at: int, salt: bytes) -> Record:
        core = [CURRENCY, at, self.number, self.decimals, self.floor, self.code]
        return Record.new(core, [self.name, self.meaning], salt)

    @classmethod
    def read(cls, record: Record) -> CurrencyRules:
        *numbers, code = _fields(record, 4)
        if (
            any(type(number) is not int for number in numbers)
            or type(code) is not str
            or not 0 < len(code) <= CODE_LENGTH_MAX
        ):
            raise Malformed("a currency is declared by three numbers and a code")
        number, decimals, floor = numbers
        if number < 0 or not 0 <= decimals <= DECIMALS_MAX or not FLOOR_MIN <= floor <= 0:
            raise Malformed("a currency's numbers are out of range")
        name, meaning = _texts(record, 2)
        return cls(number, code, decimals, floor, name, meaning)


@dataclass(frozen=True, slots=True)
class Seal:
    """The writer's node says that this moon of the commons has begun; see moons.py. It says nothing in words."""

    moon: int

    def record(self, at: int) -> Record:
        return Record.new([MOON, at, self.moon])

    @classmethod
    def read(cls, record: Record) -> Seal:
        (moon,) = _numbers(record, 1)
        if not 1 <= moon <= MOON_MAX:
            raise Malformed("moons are counted from 1")
        return cls(moon)


@dataclass(frozen=True, slots=True)
class PostCard:
    """A notice, an offer or a want by the `author`-th member of the writer's node."""

    board: str
    author: int
    title: str
    body: str

    def record(self, at: int, salt: bytes) -> Record:
        return Record.new([POST, at, BOARDS.index(self.board), self.author], [self.title, self.body], salt)

    @classmethod
    def read(cls, record: Record) -> PostCard:
        board, author = _numbers(record, 2)
        if not 0 <= board < len(BOARDS) or author < 1:
            raise Malformed("there is no such board or author")
        title, body = _texts(record, 2)
        return cls(BOARDS[board], author, title, body)


@dataclass(frozen=True, slots=True)
class ZineCard:
    """A zine: its file by digest, and what its makers say of it.

    `chunks` is the digest of the list of its chunks' digests, where it has more than one (mesh/blob.py). Zines of
    earlier days do without it, and so do small ones.
    """

    blob: bytes
    size: int
    media_type: str
    title: str
    creator: str
    language: str
    description: str
    series: str
    issue: str
    licence: str
    tags: tuple[str, ...]
    chunks: bytes = b""

    def record(self, at: int, salt: bytes) -> Record:
        said: dict[int, Any] = {
            place: getattr(self, name) for place, name in enumerate(ZINE_TEXTS) if getattr(self, name)
        }
        if self.tags:
            said[len(ZINE_TEXTS)] = list(self.tags)
        core = [ZINE, at, self.blob, self.size, MEDIA_TYPES.index(self.media_type)]
        return Record.new(core + [self.chunks] * bool(self.chunks), said, salt)

    @classmethod
    def read(cls, record: Record) -> ZineCard:
        blob, size, media, *more = _some_fields(record, 3, 4)
        if any(type(chunks) is not bytes or len(chunks) != DIGEST_SIZE for chunks in more):
            raise Malformed("the list of a zine's chunks is named by its digest")
        if type(blob) is not bytes or len(blob) != DIGEST_SIZE or type(size) is not int or type(media) is not int:
            raise Malformed("a zine names its file, its size and its type")
        if size < 1 or not 0 <= media < len(MEDIA_TYPES):
            raise Malformed("a zine's size or type is out of range")
        texts, tags = _zine_texts(record.said())
        named = {name: texts.get(place, "") for place, name in enumerate(ZINE_TEXTS)}
        return cls(
            blob=blob, size=size, media_type=MEDIA_TYPES[media], **named, tags=tuple(tags), chunks=b"".join(more)
        )


def _zine_texts(said: Any) -> tuple[dict[int, str], list[str]]:
    """Return the texts by their places, and the tags; nothing where something else was said."""
    texts = dict(said) if type(said) is dict else {}
    tags = texts.pop(len(ZINE_TEXTS), [])
    known = all(type(place) is int and 0 <= place < len(ZINE_TEXTS) for place in texts)
    if known and type(tags) is list and all(type(text) is str for text in (*texts.values(), *tags)):
        return texts, tags
    return {}, []


def _fields(record: Record, count: int) -> list[Any]:
    return _some_fields(record, count, count)


def _some_fields(record: Record, least: int, most: int) -> list[Any]:
    fields = record.fields()[2:]
    if not least <= len(fields) <= most:
        raise Malformed(f"this kind has {least} to {most} fields")
    return fields


def _numbers(record: Record, count: int) -> list[int]:
    fields = _fields(record, count)
    if any(type(field) is not int for field in fields):
        raise Malformed("this kind's fields are numbers")
    return fields


def _texts(record: Record, count: int) -> list[str]:
    """Return the texts of a record; empty ones where they were withdrawn or are none of this kind, as if never said."""
    said = record.said()
    is_known = type(said) is list and len(said) == count and all(type(text) is str for text in said)
    return said if is_known else [""] * count
