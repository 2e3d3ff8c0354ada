"""What needs a hand, as STATUS.txt on the card tells it: what the doctor found, and what the board lacks.

Figures alone, which change all the time, are no other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from typing import Final

from appliance import board
from appliance import seed as seeds
from appliance.answers import Check
from appliance.errors import SettingsFault, StoreFault
from appliance.node import Node
from provisioning import status
from provisioning.taken import Card

NO_RADIO: Final = (
    "wifi: this board shows no WiFi chip. Take another board, or start it again without power for ten seconds."
)
FIGURES: Final = re.compile(r"[0-9]+([.,][0-9]+)?")


def looked_at(card: Card) -> str:
    """Return what ought to stand there now; empty where other figures are all that changed."""
    words = "\n".join(filter(None, (status.after_birth(card), _needs(card))))
    return words if _without_figures(words) != _without_figures(status.read(card).strip()) else ""


def _needs(card: Card) -> str:
    try:
        with closing(Node.open(card.data)) as node:
            lines = [_line(check) for check in node.checks() if not check.healthy]
        lines += _missing(card)
    except (SettingsFault, StoreFault) as fault:
        lines = [str(fault)]
    return "\n".join((f"{status.NEEDS}:", *(f"- {line}" for line in lines))) if lines else ""


def _line(check: Check) -> str:
    return f"{check.name}: {check.advice}"


def _missing(card: Card) -> Iterable[str]:
    """Yield what a card was made for and the board has not."""
    if seeds.read(seeds.kept(card.data), card.data).wifi and board.look(card.data).wifi is None:
        yield NO_RADIO


def _without_figures(words: str) -> str:
    return FIGURES.sub("#", words)
