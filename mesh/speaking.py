"""Whose turn it is on a road: of what is due the most urgent, within what the air allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from mesh.beaconing import Beaconing
from mesh.blobcast import Blobcast
from mesh.dialogue import Dialogue
from mesh.effects import Send
from mesh.governor import Priority
from mesh.keys import Scope
from mesh.mending import PARTS_AT_ONCE, Mending
from mesh.packet import Kind
from mesh.reassembly import size_in_parts
from mesh.road import Road

MESSAGE_SIZE_GOAL: Final = 2048

Dialogues = Mapping[Scope, Dialogue]
Room = Callable[[Priority], int]  # how many full packets of this priority there is air for


def ample(priority: Priority) -> int:  # noqa: ARG001 (there is room for whatever it is)
    """Return as many packets as go at once: the road is bounded by nothing else."""
    return PARTS_AT_ONCE


class Speaking:
    """The order of one road. `least` is the least urgent that may be said just now, and `room` how much."""

    def __init__(self, road: Road, mending: Mending, blobcast: Blobcast) -> None:
        self.least = Priority.CAROUSEL
        self.room: Room = ample
        self._road = road
        self._mending = mending
        self._blobcast = blobcast
        size = road.packet_size_max
        self._message_size = max(size, min(size_in_parts(size, PARTS_AT_ONCE), MESSAGE_SIZE_GOAL))
        self._turn = 1
        self._asks_next = False  # this node spoke for others, and now for itself

    def something(self, dialogues: Dialogues, beaconing: Beaconing, now: float) -> list[Send]:
        """Return what is due and most urgent: rows and records that others lack, wants, files."""
        return (
            (self._asks_next and self._for_itself(dialogues, now))
            or self._for_others(dialogues, beaconing, now)
            or self._for_itself(dialogues, now)
            or (_sends(self._blobcast.speak(now), Priority.BODIES) if self.least >= Priority.BODIES else [])
            or (_sends(self._blobcast.play(now), Priority.CAROUSEL) if self.least >= Priority.CAROUSEL else [])
        )

    def _for_others(self, dialogues: Dialogues, beaconing: Beaconing, now: float) -> list[Send]:
        """Return what others lack: rows of messages, else a message."""
        rows = self._mending.refill(now, self.room(Priority.LEDGER))
        sends = _sends(rows, Priority.LEDGER) or self._answer(dialogues, beaconing, now)
        self._asks_next = self._asks_next or bool(sends)
        return sends

    def _for_itself(self, dialogues: Dialogues, now: float) -> list[Send]:
        """Return what asks for all that is lacking here. It is short, and goes between any two bursts of what others lack."""
        mending = self._mending.has_holes(now)
        sends = _sends(self._mending.ask(now), Priority.LEDGER) or next(
            (sends for one in self.in_turn(dialogues) if (sends := _sends(one.ask(now, mending), one.urgency))), []
        )
        self._asks_next = self._asks_next and not sends
        return sends

    def in_turn(self, dialogues: Dialogues) -> Sequence[Dialogue]:
        """Return the dialogues that may ask: scopes take turns."""
        return [one for one in [*dialogues.values()][:: self._turn] if one.urgency <= self.least]

    def wakes(self, dialogues: Dialogues) -> list[float | None]:
        """Return when each dialogue has something to say that may be said."""
        return [dialogue.next_wake(self.least) for dialogue in dialogues.values()]

    def _answer(self, dialogues: Dialogues, beaconing: Beaconing, now: float) -> list[Send]:
        """Return one message, as packets: the most urgent that fits; scopes take turns."""
        for urgency, dialogue in self._due(dialogues, now):
            parts = min(PARTS_AT_ONCE, self.room(urgency))
            size = min(size_in_parts(self._road.packet_size_max, parts), self._message_size) if parts else 0
            message = dialogue.answer(size, now, self.least) if size else None
            if message:
                self._turn = -self._turn
                if Kind(message[1]) in (Kind.DATA, Kind.PACKED):
                    beaconing.told(dialogue.scope, dialogue.outlook.digest, now)
                return _sends(self._mending.packets(message, now), urgency)
        return []

    def _due(self, dialogues: Dialogues, now: float) -> list[tuple[Priority, Dialogue]]:
        due = [(one.due(now, self.least), one) for one in [*dialogues.values()][:: self._turn]]
        return sorted([(urgency, one) for urgency, one in due if urgency is not None], key=lambda pair: pair[0])


def _sends(packets: Iterable[bytes], priority: Priority) -> list[Send]:
    return [Send(packet, priority) for packet in packets]
