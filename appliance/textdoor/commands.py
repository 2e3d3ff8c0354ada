"""What a text asks for. Whatever is typed is one of these; nothing is ever an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

WORD: Final = re.compile(r"\S+")
NUMBER: Final = re.compile(r"\d+([.,]\d+)?")


class Help(NamedTuple):
    """How does this work."""


class Balance(NamedTuple):
    """What do I have."""


class Pay(NamedTuple):
    """Pay somebody so much. `rest` is what for, and may begin with the currency."""

    to: str
    amount: str
    rest: str


class HalfPay(NamedTuple):
    """Pay, but nobody could tell whom or how much."""


class Yes(NamedTuple):
    """Do what was asked under this code."""

    code: str


class News(NamedTuple):
    """What hangs on the board."""


class Zines(NamedTuple):
    """Which zines speak of this."""

    words: str


class Sos(NamedTuple):
    """Somebody needs help."""

    words: str


class Safe(NamedTuple):
    """Nobody needs help any more."""


class Pair(NamedTuple):
    """This is my phone, and that is the code I got."""

    code: str


class Unclear(NamedTuple):
    """Something else."""


Command = Help | Balance | Pay | HalfPay | Yes | News | Zines | Sos | Safe | Pair | Unclear


def read(text: str) -> Command:
    """Return what a text asks for. Case and spaces do not matter."""
    words = WORD.findall(text)
    if not words:
        return Unclear()
    name, rest = words[0].upper().strip(".,:;!?#/"), words[1:]
    reader = READERS.get(name)
    return reader(rest) if reader else Unclear()


def _pay(words: list[str]) -> Command:
    """The name may have several words; the first number after it is how much."""
    for place, word in enumerate(words):
        if place and NUMBER.fullmatch(word):
            return Pay(" ".join(words[:place]), word.replace(",", "."), " ".join(words[place + 1 :]))
    return HalfPay()


def _code(kind: Callable[[str], Command]) -> Callable[[list[str]], Command]:
    """A code is typed with dashes and spaces or without, large or small."""
    return lambda words: kind("".join(words).replace("-", "").upper()) if words else Unclear()


READERS: Final[dict[str, Callable[[list[str]], Command]]] = {
    "HELP": lambda _: Help(),
    "BAL": lambda _: Balance(),
    "BALANCE": lambda _: Balance(),
    "PAY": _pay,
    "YES": _code(Yes),
    "NEWS": lambda _: News(),
    "ZINES": lambda words: Zines(" ".join(words)),
    "SOS": lambda words: Sos(" ".join(words)),
    "SAFE": lambda _: Safe(),
    "PAIR": _code(Pair),
}
