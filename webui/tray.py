"""Cards that were made ready and wait to be taken: in memory alone, for half an hour, and each thing is handed out once."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

from flask import Flask, current_app

from appliance.errors import Refused
from appliance.next_card import NextCard, Unready

KEPT_S: Final = 30 * 60
CARDS_MAX: Final = 4
PARTS: Final = ("files", "papers", "reader")


@dataclass
class _Waiting:
    """One card, whose it is, until when it waits, and what of it was not taken yet."""

    card: NextCard
    keeper: str
    until: float
    left: set[str] = field(default_factory=lambda: set(PARTS))


class Tray:
    """The cards of one portal. A restart forgets them, on purpose."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}

    def lay(self, card: NextCard, keeper: str) -> str:
        """Keep a card for `keeper`; return the ticket it is taken with. Where there are too many, the oldest goes."""
        ticket = secrets.token_urlsafe(16)
        with self._lock:
            self._forget()
            while len(self._waiting) >= CARDS_MAX:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[ticket] = _Waiting(card, keeper, self._ticks() + KEPT_S)
        return ticket

    def take(self, ticket: str, keeper: str, part: str) -> NextCard:
        """Return the card of which `part` is taken now. Raises `Refused` where it was taken before, or is another keeper's."""
        with self._lock:
            self._forget()
            found = self._waiting.get(ticket)
            if found is None or found.keeper != keeper or part not in found.left:
                raise Refused(Unready.TAKEN_ALREADY)
            found.left.discard(part)
            if not found.left:
                del self._waiting[ticket]
            return found.card

    def left(self, ticket: str, keeper: str) -> frozenset[str]:
        """Return what of a card was not taken yet."""
        with self._lock:
            self._forget()
            found = self._waiting.get(ticket)
            return frozenset(found.left) if found and found.keeper == keeper else frozenset()

    def _forget(self) -> None:
        now = self._ticks()
        self._waiting = {ticket: one for ticket, one in self._waiting.items() if one.until > now}


def tray() -> Tray:
    """Return the tray of this portal."""
    return cast("Tray", current_app.extensions["tray"])


def join(app: Flask) -> None:
    """Give `app` a tray of its own."""
    app.extensions["tray"] = Tray()
