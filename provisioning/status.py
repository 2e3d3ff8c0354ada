"""STATUS.txt on the part of the card that any laptop reads: how the birth went, and what needs a hand now.

The first boot writes it, and a look at the node now and then. It is written as rarely as can be: only where other words are to
stand there, and figures alone, which change all the time, are no other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from typing import Final

from appliance import board, moving_in
from appliance import seed as seeds
from appliance.answers import Check
from appliance.errors import SettingsFault, StoreFault
from appliance.node import Node
from provisioning.taken import Card, put

FILE: Final = "STATUS.txt"
SIZE_MAX: Final = 16 * 1024
NEEDS: Final = "NEEDS A HAND"
NOT_YET: Final = "The keeper's account opens by itself once a neighbour node has let this one in."
NO_RADIO: Final = (
    "wifi: this board shows no WiFi chip. Take another board, or start it again without power for ten seconds."
)
FIGURES: Final = re.compile(r"[0-9]+([.,][0-9]+)?")


def read(card: Card) -> str:
    """Return what stands there, with plain line ends; empty where nothing can be read."""
    try:
        with (card.seed / FILE).open("rb") as file:
            return file.read(SIZE_MAX).decode("utf-8", "replace").replace("\r\n", "\n")
    except OSError:
        return ""


def tell(card: Card, words: str) -> None:
    """Write it for any laptop, if the card lets us and the words are new. Raises `StoreFault`."""
    if card.seed.is_dir() and read(card) != f"{words}\n":
        put(card.seed / FILE, as_lines(words))


def as_lines(words: str) -> bytes:
    """Return the file's bytes: with the line ends that every laptop's editor knows."""
    return f"{words}\n".replace("\n", "\r\n").encode()


def looked_at(card: Card) -> str:
    """Return what ought to stand there now; empty where other figures are all that changed."""
    stands = read(card)
    told, _, _ = stands.partition(f"\n{NEEDS}")
    words = "\n".join(filter(None, (_after_birth(card, told.strip()), _needs(card))))
    return words if _without_figures(words) != _without_figures(stands.strip()) else ""


def _after_birth(card: Card, told: str) -> str:
    """Return how the birth went; that an account waits to be opened is true only while it does."""
    try:
        waits = not moving_in.is_open(seeds.kept(card.data), card.data)
    except SettingsFault:
        waits = False
    return told if waits else "\n".join(line for line in told.splitlines() if line != NOT_YET)


def _needs(card: Card) -> str:
    try:
        with closing(Node.open(card.data)) as node:
            lines = [_line(check) for check in node.checks() if not check.healthy]
        lines += _missing(card)
    except (SettingsFault, StoreFault) as fault:
        lines = [str(fault)]
    return "\n".join((f"{NEEDS}:", *(f"- {line}" for line in lines))) if lines else ""


def _line(check: Check) -> str:
    return f"{check.name}: {check.advice}"


def _missing(card: Card) -> Iterable[str]:
    """Yield what a card was made for and the board has not."""
    if seeds.read(seeds.kept(card.data), card.data).wifi and board.look(card.data).wifi is None:
        yield NO_RADIO


def _without_figures(words: str) -> str:
    return FIGURES.sub("#", words)
