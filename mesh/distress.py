"""A call for help, small enough for one packet on any road, and how often it is said: spec/distress-v1.md.

**When it ends.** No wall clock is asked, for a node may think it is 1970. A call says how many minutes it lives, under its
author's signature, and each node counts them down by its own uptime. What is passed on says beside the signature how old the
call is by then, rounded up. That age can be forged, so it decides little: a call lives nowhere longer than its life after it
was first heard there, whatever ages come later, and none ends sooner because somebody says that it is old. What ended is not
shown again: calls of one author are counted in turns, and a turn that is not above the last one heard is over. So who stores
a call and plays it again finds ears only at a node that never heard it, once, for the life that its author signed.

**How often.** Its author's node says it at once. All nodes, the author's too, say it again by a Trickle timer (RFC 6206) of its
own, which starts short and doubles up to twenty minutes, and are silent in an interval in which they heard it twice. In the first
minutes that counts only once all said it whom the node has heard within a day: else one who hears the call from many sides
would never say it to the one whom nobody else reaches. A call that a node could not prove is never passed on, and one that
ended is said no more: so the echo ends with the call.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from math import inf
from typing import Final, NamedTuple

from mesh.airform import NODE_HANDLE_SIZE
from mesh.errors import Malformed
from mesh.keys import SIGNATURE_SIZE, NodeKey, PublicKey, Scope, verify
from mesh.trickle import Chance, Trickle
from mesh.wire import VERSION, Reader, varint

HEAD: Final = bytes([VERSION, 12])  # `packet.Kind` says so as well
DOMAIN: Final = "hedgerow/distress/v1"
LIFE_MAX: Final = 1440  # minutes
WORDS_SIZE_MAX: Final = 76  # bytes of UTF-8: the whole packet then has at most 165
PERSON_MAX: Final = 2**14 - 1
TURN_MAX: Final = 2**28 - 1
AT_MAX: Final = 2**35 - 1

AT_ONCE: Final = 6.0  # seconds: the first interval of the timer
SELDOM: Final = 1200.0
COPIES: Final = 2
CALLS_MAX: Final = 64
INSIST_S: Final = 190.0  # five intervals
NEAR_S: Final = 86_400.0
NEAR_MAX: Final = 64


class Level(IntEnum):
    """How bad it is. `OVER` takes a call back."""

    OVER = 0
    WATCH = 1  # be careful
    HELP = 2  # somebody needs help
    DANGER = 3  # a life is in danger


class Caller(NamedTuple):
    """Whose call it is: a person by the number of their account at the node of this handle."""

    node: bytes
    person: int


@dataclass(frozen=True, slots=True)
class Distress:
    """One call. `life` and `age` are minutes; `at` is the author's own idea of the time, for people, 0 where it has none."""

    age: int
    caller: Caller
    turn: int
    level: Level
    life: int
    at: int
    words: str
    signature: bytes = b""

    def signed(self, key: NodeKey, scope: Scope) -> Distress:
        """Return this call with the signature of its author, in the commons `scope`. Raises `Malformed` for what none may say."""
        signed = replace(self, signature=key.sign(DOMAIN, scope + self._statement()))
        return Distress.read(Reader(signed.encode()[len(HEAD) :]))

    def check(self, scope: Scope, public_key: PublicKey) -> None:
        """Raises `BadSignature` where the holder of this key did not say so."""
        verify(public_key, DOMAIN, scope + self._statement(), self.signature)

    def encode(self) -> bytes:
        """Return the whole packet."""
        return HEAD + varint(self.age) + self._statement() + self.signature

    def _statement(self) -> bytes:
        numbers = varint(self.caller.person) + varint(self.turn) + bytes([self.level]) + varint(self.life)
        return self.caller.node + numbers + varint(self.at) + self.words.encode()

    @classmethod
    def read(cls, reader: Reader) -> Distress:
        """Raises `Malformed`."""
        age = _within(reader.varint(), LIFE_MAX)
        node = reader.take(NODE_HANDLE_SIZE)
        person, turn = _within(reader.varint(), PERSON_MAX), _within(reader.varint(), TURN_MAX)
        (level,) = reader.take(1)
        life, at = _within(reader.varint(), LIFE_MAX), _within(reader.varint(), AT_MAX)
        rest = reader.rest()
        words, signature = rest[:-SIGNATURE_SIZE], rest[-SIGNATURE_SIZE:]
        if len(signature) != SIGNATURE_SIZE or len(words) > WORDS_SIZE_MAX:
            raise Malformed(f"a call has at most {WORDS_SIZE_MAX} bytes of words, and a signature")
        if not life or level > Level.DANGER:
            raise Malformed(f"no call has level {level} and lives for {life} minutes")
        return cls(age, Caller(node, person), turn, Level(level), life, at, _words(words), signature)


def _within(number: int, most: int) -> int:
    if number > most:
        raise Malformed(f"{number} is over {most}")
    return number


def _words(raw: bytes) -> str:
    try:
        words = raw.decode()
    except UnicodeDecodeError as fault:
        raise Malformed("the words of a call are UTF-8") from fault
    if not all(letter.isprintable() for letter in words):
        raise Malformed("the words of a call stand on one line, and all of them can be seen")
    return words


@dataclass(slots=True)
class _Said:
    call: Distress
    trickle: Trickle
    begun: float
    said_by: set[str] = field(default_factory=set)


class Crier:
    """Says on one road the calls that its node holds. Times are monotonic seconds."""

    def __init__(self, own: bytes, rng: Chance) -> None:
        """`own` is the handle of this node."""
        self._own = own
        self._rng = rng
        self._calls: OrderedDict[Caller, _Said] = OrderedDict()
        self._at_once: set[Caller] = set()
        self._near: OrderedDict[str, float] = OrderedDict()  # when each address was heard last

    def follow(self, calls: Iterable[Distress], now: float) -> bool:
        """Say these calls, each at its present age, and no others; at most 64. Return whether one of them is new."""
        is_news = False
        kept = self._calls
        self._calls = OrderedDict()
        for call in calls:
            known = kept.get(call.caller)
            if known is None or known.call.turn != call.turn:
                is_news = True
                known = _Said(call, Trickle(AT_ONCE, SELDOM, COPIES, self._rng, now), now)
                if call.caller.node == self._own:
                    self._at_once.add(call.caller)
            known.call = call
            self._calls[call.caller] = known
            if len(self._calls) > CALLS_MAX:
                self._calls.popitem()
        self._at_once &= self._calls.keys()
        return is_news

    def met(self, peer: str, now: float) -> None:
        """Somebody said something: whoever is near should hear of calls, and can be heard to say them."""
        self._near[peer] = now
        self._near.move_to_end(peer)
        if len(self._near) > NEAR_MAX:
            self._near.popitem(last=False)

    def heard(self, call: Distress, peer: str, now: float) -> None:
        """Somebody else said what we may be about to say."""
        known = self._calls.get(call.caller)
        if known is None or known.call.turn != call.turn:
            return
        if len(known.said_by) < NEAR_MAX:
            known.said_by.add(peer)
        near = {one for one, at in self._near.items() if now - at <= NEAR_S}
        if near <= known.said_by or now - known.begun > INSIST_S:
            known.trickle.consistent()

    def due(self, now: float) -> list[Distress]:
        """Return what is to be said now."""
        said = [known.call for caller, known in self._calls.items() if caller in self._at_once]
        self._at_once.clear()
        said += [known.call for known in self._calls.values() if known.trickle.tick(now) and known.call not in said]
        return said

    @property
    def at(self) -> float:
        """When something may be due next; infinity where there is nothing to say."""
        return -inf if self._at_once else min((known.trickle.due for known in self._calls.values()), default=inf)
