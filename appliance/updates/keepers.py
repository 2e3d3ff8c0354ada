"""Whose signatures count: a short list in plain text, on the part of the card that any laptop reads.

    needed 2
    key 3f5ag…(52 letters)  Ana
    key m6k2q…              Ben

Who has the card in hand decides who is on the list; from afar only a signed update can change it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from appliance.errors import Refused
from appliance.updates.flaws import Flaw
from mesh.errors import Malformed
from mesh.keys import PublicKey, unwritten, written

KEYS_MAX: Final = 16
KEY_SIZE: Final = 32
NAME_MAX: Final = 40
LIST_SIZE_MAX: Final = 8192
LINE: Final = re.compile(r"(needed|key) +([a-z2-7]{52}|[0-9]{1,2})(?: +(\S(?:.*\S)?))?", re.ASCII)
NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{0,40}")
HEAD: Final = (
    "# Who may sign updates of this node, and how many of them must. It takes none that others signed.\n"
    "# A later update may change this list, if as many of these keepers signed it.\n"
)


@dataclass(frozen=True, slots=True)
class Keepers:
    """`needed` of those in `names` must sign; `names` tells what people call the holder of a key."""

    needed: int
    names: dict[PublicKey, str]

    def fields(self) -> list[Any]:
        """Return the values that stand in an update's header."""
        return [self.needed, [[key, name] for key, name in sorted(self.names.items())]]

    @classmethod
    def read(cls, fields: Any) -> Keepers:
        """Return what a header says. Raises `Malformed`."""
        if type(fields) is not list or [type(one) for one in fields] != [int, list]:
            raise Malformed("keepers are a number and a list")
        needed, rows = fields
        if any(type(row) is not list or [type(one) for one in row] != [bytes, str] for row in rows):
            raise Malformed("a keeper is a key and a name")
        if any(len(key) != KEY_SIZE or not NAME.fullmatch(name) for key, name in rows):
            raise Malformed("a key has 32 bytes, and a name one line of at most 40 letters")
        keys = [key for key, _ in rows]
        if keys != sorted(set(keys)) or not 1 <= needed <= len(keys) <= KEYS_MAX:
            raise Malformed("keys are in order, each once, and as many as must sign")
        return cls(needed, {PublicKey(key): name for key, name in rows})

    def as_text(self) -> str:
        """Return the list as it lies on the card."""
        lines = [f"key {written(key)}  {name}".rstrip() for key, name in sorted(self.names.items())]
        return HEAD + "\n".join([f"needed {self.needed}", *lines, ""])


def parse(text: str) -> Keepers:
    """Return what the list says. Raises `Refused` with the line that is wrong."""
    needed, names = 0, dict[PublicKey, str]()
    for number, line in enumerate(text[:LIST_SIZE_MAX].splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line.strip())
        if match is None or (match[1] == "needed") != match[2].isdigit():
            raise _wrong(number, "it is neither `needed 2` nor `key` with 52 letters and a name")
        if match[1] == "needed":
            needed = int(match[2])
            continue
        key = _key(match[2], number)
        if key in names:
            raise _wrong(number, "this key stands there twice")
        names[key] = (match[3] or "")[:NAME_MAX]
    if not 1 <= needed <= len(names) <= KEYS_MAX:
        raise _wrong(len(text.splitlines()), f"{needed} of {len(names)} keys must sign; that cannot be")
    return Keepers(needed, names)


def _key(letters: str, number: int) -> PublicKey:
    try:
        return PublicKey(unwritten(letters, KEY_SIZE))
    except Malformed as fault:
        raise _wrong(number, "these 52 letters are no key") from fault


def _wrong(line: int, reason: str) -> Refused:
    return Refused(Flaw.KEYS_UNREADABLE, line=line, reason=reason)
