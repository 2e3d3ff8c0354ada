"""Names and texts that people type: kept as they are written, within limits, and safe to stand beside other text.

Direction marks (Unicode TR9, Bidi_Control) can make one name look like another or turn a line around, so they are left out; so
are other invisible characters, and marks that pile up on one letter. Names are compared folded: NFKC and case folding
(Unicode TR15).
"""

from __future__ import annotations

import unicodedata
from typing import Final

from appliance.errors import Objection, Refused

NAME_LENGTH_MAX: Final = 40
TITLE_LENGTH_MAX: Final = 120
BODY_LENGTH_MAX: Final = 1900  # with its title it fits into a record (8,192 bytes), also in letters of four bytes
DESCRIPTION_LENGTH_MAX: Final = 900  # and so does this one, with all else that is said of a zine
JOINER: Final = "\u200d"  # holds an emoji family together
MARKS: Final = ("Mn", "Me")  # they stand on the letter before them
MARKS_MAX: Final = 4  # on one letter; no living script needs more
INVISIBLE: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def clean_name(typed: str) -> str:
    """Return the name as it is kept. Raises `Refused`."""
    if len(typed) > 16 * NAME_LENGTH_MAX:
        raise Refused(Objection.NAME_TOO_LONG, limit=NAME_LENGTH_MAX)
    name = unicodedata.normalize("NFC", " ".join(visible(typed).split()))
    if not any(unicodedata.category(letter)[0] in "LNS" for letter in name):
        raise Refused(Objection.NAME_EMPTY)
    if len(name) > NAME_LENGTH_MAX:
        raise Refused(Objection.NAME_TOO_LONG, limit=NAME_LENGTH_MAX)
    if "@" in name:
        raise Refused(Objection.NAME_UNWRITABLE)
    return name


def folded(name: str) -> str:
    """Return the form in which two spellings of one name are equal. What is not seen is left out: phones type it unasked."""
    name = unicodedata.normalize("NFKC", " ".join(visible(name.replace(JOINER, "")).split()))
    return unicodedata.normalize("NFKC", name.casefold())


def visible(text: str) -> str:
    """Return `text` without direction marks and other characters that cannot be seen; spaces of any kind become spaces."""
    seen, marks = [], 0
    for letter in text:
        category = unicodedata.category(letter)
        marks = marks + 1 if category in MARKS else 0
        if letter.isspace():
            seen.append(" ")
        elif letter == JOINER or (category not in INVISIBLE and marks <= MARKS_MAX):
            seen.append(letter)
    return "".join(seen)


def clean_text(typed: str, limit: int, required: bool = True) -> str:
    """Return lines without invisible characters. Raises `Refused` where nothing or too much is left."""
    if len(typed) > 16 * limit:
        raise Refused(Objection.TEXT_TOO_LONG, limit=limit)
    lines = (visible(line).rstrip() for line in typed.splitlines())
    text = unicodedata.normalize("NFC", "\n".join(lines).strip())
    if required and not text:
        raise Refused(Objection.TEXT_EMPTY)
    if len(text) > limit:
        raise Refused(Objection.TEXT_TOO_LONG, limit=limit)
    return text
