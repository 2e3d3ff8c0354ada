"""What a road says to people who have only a phone app: one text after the other, as slowly as a radio takes them."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple, Protocol

from mesh.governor import Priority
from mesh.transports.lora_pipe import TextBy

EVERYBODY: Final = 0xFFFFFFFF
GAP_S: Final = 2.2  # firmware drops what comes within two seconds of the last text
LIVES_S: Final = 300.0  # an answer that found no air for so long is of no use any more
WAITING_MAX: Final = 24


class Letter(NamedTuple):
    """One text. With a `key` it is sealed to the device `to`, else it is for everybody."""

    text: str
    to: int = EVERYBODY
    key: bytes = b""
    hops: int = 0
    priority: Priority = Priority.LEDGER


class Line(Protocol):
    """A radio: a transport that carries texts too, and may know what time it is.

    `clock_epoch`: seconds since 1970 at which our uptime clock stood at zero, by the radio's own clock; None before it told.
    """

    clock_epoch: int | None

    @property
    def node(self) -> int:
        """The device's own number, by which phone apps call it; 0 before it was heard."""

    def say(self, text: bytes, to: int, key: bytes, hops: int) -> None:
        """Raises TransportDown, AirtimeSpent where the air is full."""

    def take_texts(self) -> list[TextBy]:
        """Return what came since the last time."""

    def text_airtime_ms(self, size: int, *, is_sealed: bool) -> float:
        """Milliseconds on air."""


class Texts:
    """The letters of one road; at most 24 wait. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Letter]] = deque()
        self._said_at = -GAP_S

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, letter: Letter, now: float) -> None:
        """Keep a letter; a call for help goes before all others, and puts the last one out where there is no room."""
        if letter.priority is Priority.DISTRESS:
            self._waiting.appendleft((now, letter))
        elif len(self._waiting) < WAITING_MAX:
            self._waiting.append((now, letter))
        while len(self._waiting) > WAITING_MAX:
            self._waiting.pop()

    def due(self, now: float) -> Letter | None:
        """Return the letter to be said now; it stays until `said` or until it is too old."""
        while self._waiting and now - self._waiting[0][0] > LIVES_S:
            self._waiting.popleft()
        return self._waiting[0][1] if self._waiting and now - self._said_at >= GAP_S else None

    def said(self, now: float) -> None:
        """The first letter is on its way."""
        self._waiting.popleft()
        self._said_at = now
