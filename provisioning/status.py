"""STATUS.txt on the part of the card that any laptop reads: how the birth went, and what needs a hand now (`needs`).

The first boot writes it, and a look at the node now and then. It is written as rarely as can be: only where other words are to
stand there. This module knows no node, so that a start with nothing to do is quick.
"""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Final

from appliance import seed as seeds
from appliance.errors import SettingsFault
from appliance.settings import Settings
from provisioning.taken import Card, put

FILE: Final = "STATUS.txt"
SIZE_MAX: Final = 16 * 1024
NEEDS: Final = "NEEDS A HAND"
NOT_YET: Final = "The keeper's account opens by itself once a neighbour node has let this one in."
NODE: Final = re.compile(r"^Node ([a-z2-7]{26}), version ", re.MULTILINE)


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


def ready(settings: Settings, node: str) -> str:
    """Return what stands there of a node that was born: `node` is its id as it is written."""
    return (
        f"READY. {settings.name} is a node of {settings.commons}.\n"
        f"Join its WiFi, then open {settings.address}\n"
        f"Node {node}, version {version('hedgerow')}."
    )


def stands_ready(card: Card, settings: Settings) -> str:
    """Return how the birth went, if that stands there already, of this very node and version; else nothing."""
    told = after_birth(card)
    node = NODE.search(told)
    return told if node and told == ready(settings, node[1]) else ""


def after_birth(card: Card) -> str:
    """Return what stands there of the birth; that an account waits to be opened is true only while it does."""
    told = read(card).partition(f"\n{NEEDS}")[0].strip()
    try:
        waits = seeds.awaits_keeper(seeds.kept(card.data), card.data)
    except SettingsFault:
        waits = False
    return told if waits else "\n".join(line for line in told.splitlines() if line != NOT_YET)
