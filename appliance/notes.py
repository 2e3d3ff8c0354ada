"""The body of a note in the margin of a zine (kind 33, in `public`).

    core := [33, at, log of the zine, seq of the zine]
    text := {0: what is said, 1: by whom, 2: quote, 3: before, 4: after, 5: page}     what is empty is left out

The zine is named by its place, so a note may arrive before its zine. Nothing in the core tells who wrote it: `public` is read by
everybody, and whoever signs with nobody's name must stay nobody. A text that keeps to no rule is read as never said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from appliance.commons.names import BODY_LENGTH_MAX, NAME_LENGTH_MAX
from appliance.kinds import NOTE
from mesh.errors import Malformed
from mesh.keys import ID_SIZE, LogId
from mesh.record import Record, RecordId

QUOTE_LENGTH_MAX: Final = 300
CONTEXT_LENGTH_MAX: Final = 40  # before and after: enough to tell one place of the same words from another
PAGE_MAX: Final = 9999
# In letters. Together they fit into a record (8,192 bytes), also in letters of four bytes.
TEXTS: Final = {
    "text": BODY_LENGTH_MAX - QUOTE_LENGTH_MAX - 2 * CONTEXT_LENGTH_MAX,
    "by": NAME_LENGTH_MAX,
    "quote": QUOTE_LENGTH_MAX,
    "before": CONTEXT_LENGTH_MAX,
    "after": CONTEXT_LENGTH_MAX,
}
TEXT_LENGTH_MAX: Final = TEXTS["text"]


@dataclass(frozen=True, slots=True)
class NoteCard:
    """What somebody wrote into the margin, and where. `text` is empty where it was taken back, or none of this kind."""

    zine: RecordId
    text: str = ""
    by: str = ""
    quote: str = ""
    before: str = ""
    after: str = ""
    page: int = 0

    def record(self, at: int, salt: bytes) -> Record:
        said: dict[int, Any] = {
            place: value for place, name in enumerate((*TEXTS, "page")) if (value := getattr(self, name))
        }
        return Record.new([NOTE, at, self.zine.log, self.zine.seq], said, salt)

    @classmethod
    def read(cls, record: Record) -> NoteCard:
        fields = record.fields()[2:]
        if len(fields) != 2 or type(fields[0]) is not bytes or len(fields[0]) != ID_SIZE:
            raise Malformed("a note names the place of its zine")
        if type(fields[1]) is not int or fields[1] < 1:
            raise Malformed("a place in a log is counted from 1")
        return cls(RecordId(LogId(fields[0]), fields[1]), **_read_text(record.said()))


def _read_text(said: Any) -> dict[str, Any]:
    """Return what was said by its names; nothing where it keeps to no rule. What is empty is left out, so there is one form."""
    names = dict(enumerate((*TEXTS, "page")))
    if type(said) is not dict or not set(said) <= set(names):
        return {}
    named = {names[place]: value for place, value in said.items()}
    return named if all(_is_sound(name, value) for name, value in named.items()) else {}


def _is_sound(name: str, value: Any) -> bool:
    if name == "page":
        return type(value) is int and 0 < value <= PAGE_MAX
    return type(value) is str and 0 < len(value) <= TEXTS[name]
