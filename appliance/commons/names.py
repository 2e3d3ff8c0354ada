"""Names and texts that people type: kept as they are written, within limits, and safe to stand beside other text.

Direction marks (Unicode TR9, Bidi_Control) can make one name look like another or turn a line around, so they are left out; so
are other invisible characters. Names are compared folded: NFKC and case folding (Unicode TR15).
"""

from __future__ import annotations

import unicodedata
from typing import Final

from appliance.errors import Objection, Refused

NAME_LENGTH_MAX: Final = 40
TITLE_LENGTH_MAX: Final = 120
BODY_LENGTH_MAX: Final = 2000
JOINER: Final = "\u200d"  # holds an emoji family together
INVISIBLE: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def clean_name(typed: str) -> str:
    """Return the name as it is kept. Raises `Refused`."""
    if len(typed) > 16 * NAME_LENGTH_MAX:
        raise Refused(Objection.NAME_TOO_LONG, limit=NAME_LENGTH_MAX)
    name = " ".join(visible(unicodedata.normalize("NFC", typed)).split())
    if not any(unicodedata.category(letter)[0] in "LNS" for letter in name):
        raise Refused(Objection.NAME_EMPTY)
    if len(name) > NAME_LENGTH_MAX:
        raise Refused(Objection.NAME_TOO_LONG, limit=NAME_LENGTH_MAX)
    if "@" in name:
        raise Refused(Objection.NAME_UNWRITABLE)
    return name


def folded(name: str) -> str:
    """Return the form in which two spellings of one name are equal."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def visible(text: str) -> str:
    """Return `text` without direction marks and other characters that cannot be seen; spaces become spaces."""
    return "".join(
        letter for letter in map(_spaced, text) if letter == JOINER or unicodedata.category(letter) not in INVISIBLE
    )


def clean_text(typed: str, limit: int, required: bool = True) -> str:
    """Return lines without invisible characters. Raises `Refused` where nothing or too much is left."""
    if len(typed) > 16 * limit:
        raise Refused(Objection.TEXT_TOO_LONG, limit=limit)
    lines = (visible(line).rstrip() for line in unicodedata.normalize("NFC", typed).splitlines())
    text = "\n".join(lines).strip()
    if required and not text:
        raise Refused(Objection.TEXT_EMPTY)
    if len(text) > limit:
        raise Refused(Objection.TEXT_TOO_LONG, limit=limit)
    return text


def _spaced(letter: str) -> str:
    return " " if letter in "\t\u00a0\u202f\u2007" else letter
