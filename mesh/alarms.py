"""Which calls for help a node believes, how long each lives there, and what is over: the rules of spec/distress-v1.md.

Pure: where calls are kept, who their authors are and what time it is are arguments, so the node and the simulator keep one rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, NamedTuple, Protocol

from mesh.distress import Distress
from mesh.keys import NodeId
from mesh.neighbours import Allowances

MINUTE_S: Final = 60
CALLS_OF_A_NODE_MAX: Final = 4
HEARD_AT_ONCE: Final = 12  # news of one node; then one in five minutes
HEARD_PER_S: Final = 1 / 300


class Hearing(Enum):
    """What a call for help was that somebody brought."""

    NEWS = "that are news"
    AGAIN = "heard again"
    OVER = "that are over"
    TOO_MANY = "beyond a node's allowance"


class Held(NamedTuple):
    """A call, whose it is, and how long it lives yet here: at most `most_s`, whatever ages are told. Seconds."""

    node: NodeId
    call: Distress
    left_s: float
    most_s: float

    @property
    def is_alive(self) -> bool:
        return self.left_s > 0


class Shelf(Protocol):
    """Where the last call of each caller is kept."""

    def all(self) -> Sequence[Held]:
        """Return the last call of each caller, those that ended among them."""
        ...

    def of(self, node: NodeId, person: int) -> Held | None:
        """Return the last call of one caller."""
        ...

    def keep(self, node: NodeId, call: Distress, left_s: float, most_s: float) -> None:
        """Keep a call in the place of the caller's last one."""
        ...

    def drop(self, node: NodeId, person: int) -> None:
        """Forget a call, but not that its turn is over."""
        ...

    def floor(self, node: NodeId) -> int:
        """Return the highest turn of this node that was forgotten."""
        ...


class Alarms:
    """The calls of one node. `author` names who signed a call and raises `BadSignature` where that is nobody known here."""

    def __init__(self, shelf: Shelf, author: Callable[[Distress], NodeId], ticks: Callable[[], float]) -> None:
        self._shelf = shelf
        self._author = author
        self._ticks = ticks
        self._heard_of = Allowances(HEARD_PER_S, HEARD_AT_ONCE)

    def accept(self, call: Distress) -> Hearing:
        """Take in a call that was heard. Raises `BadSignature`."""
        known = next((held for held in self._shelf.all() if held.call.signature == call.signature), None)
        if known is not None:
            return self._lengthen(known, call)
        node = self._author(call)
        last = self._shelf.of(node, call.caller.person)
        if call.age >= call.life or call.turn <= max(self._shelf.floor(node), last.call.turn if last else 0):
            return Hearing.OVER
        others = [held for held in self._shelf.all() if held.node == node and held != last]
        is_full = sum(held.is_alive for held in others) >= CALLS_OF_A_NODE_MAX
        if is_full or not self._heard_of.spend(node.hex(), self._ticks()):
            return Hearing.TOO_MANY
        if last is None:
            self.clear_out(others)
        self._shelf.keep(node, call, (call.life - call.age) * MINUTE_S, call.life * MINUTE_S)
        return Hearing.NEWS

    def _lengthen(self, known: Held, call: Distress) -> Hearing:
        """A younger copy of a call that lives makes it live longer, but never longer than its life after it was first heard."""
        left_s = min(known.most_s, (call.life - call.age) * MINUTE_S)
        if known.is_alive and left_s > known.left_s + MINUTE_S:
            self._shelf.keep(known.node, known.call, left_s, known.most_s)
        return Hearing.AGAIN if known.is_alive else Hearing.OVER

    def raised(self, node: NodeId, call: Distress) -> None:
        """Keep a call of this node's own."""
        self._shelf.keep(node, call, call.life * MINUTE_S, call.life * MINUTE_S)

    def on_air(self) -> list[Distress]:
        """Return what is to be said on every road, each at its present age."""
        return [held.call for held in self.living() if held.call.age < held.call.life]

    def living(self) -> list[Held]:
        """Return the calls that are shown, and those that are over and still told."""
        return [held for held in self._shelf.all() if held.is_alive]

    def clear_out(self, of_one_node: Sequence[Held]) -> None:
        """Leave room for one more of this node: what ended goes, then what is over."""
        going = sorted(of_one_node, key=lambda held: (held.is_alive, held.call.level, held.left_s))
        for held in going[: max(0, len(going) - CALLS_OF_A_NODE_MAX + 1)]:
            self._shelf.drop(held.node, held.call.caller.person)


def aged(call: Distress, left_s: float) -> int:
    """Return the age in minutes of a call that lives so long yet, rounded up: what is passed on never grows younger."""
    return call.life - int(left_s // MINUTE_S)
