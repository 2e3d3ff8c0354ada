"""What the node answers: plain values for pages, the API and the command line. They carry facts, never sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Generic, TypeVar

Row = TypeVar("Row")


class Standing(Enum):
    """The four words for people."""

    SETTLED = "settled"  # durable here and on another node
    GOOD = "good"  # locked to this node
    PROMISE = "promise"  # depends on a person
    IN_QUESTION = "in_question"  # dispute or suspense


@dataclass(frozen=True, slots=True)
class Currency:
    number: int
    code: str  # as typed: "hours"
    name: str
    meaning: str
    decimals: int
    floor: int  # in smallest units, zero or negative
    total: int  # sum of all balances: always 0, shown so that anybody can see it


@dataclass(frozen=True, slots=True)
class Account:
    id: str  # "<node id>.<number>"
    name: str  # "" where the name was withdrawn
    node_id: str
    home_name: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Room:
    """How much can be paid from an account here, now, and why that much."""

    currency: Currency
    balance: int  # all that counts, from anywhere
    payable: int  # what can be paid here now
    floor: int
    waiting: int  # how many entries from other nodes are here, but wait for another one before they count
    is_home: bool  # False: nothing can be paid here, because the account is kept at `home_name`
    home_name: str
    read_only: bool


LATELY_S: Final = 86_400  # neighbours that all agree speak once in six hours: after a day without a word one is silent


@dataclass(frozen=True, slots=True)
class Delivery:
    """Which other nodes hold a record, by what they last showed: "held by 3 of 4 neighbours"."""

    held_by: int  # of those heard lately
    neighbours: int  # heard lately
    silent: int  # not heard lately, and held it when they last were

    @property
    def is_elsewhere(self) -> bool:
        """Whether any other node is known to hold it."""
        return self.held_by + self.silent > 0


@dataclass(frozen=True, slots=True)
class Transfer:
    id: str
    payer: Account
    payee: Account
    amount: int
    currency: Currency
    memo: str
    at: int  # seconds since 1970 by the writer's clock, 0 where it was unsure
    standing: Standing
    verdict: str  # "accepted", or why it counts nowhere
    reverses: str | None  # id of the payment that this one gives back
    reversed_by: str | None
    delivery: Delivery
    on_its_way: bool = False  # it is here and verified, and counts as soon as what it builds on has come


class Board(Enum):
    NOTICE = "notice"
    OFFER = "offer"
    WANT = "want"


@dataclass(frozen=True, slots=True)
class Post:
    id: str
    board: Board
    title: str
    body: str
    author: Account
    at: int
    may_withdraw: bool


@dataclass(frozen=True, slots=True)
class Session:
    token: str
    csrf: str
    account: Account
    is_keeper: bool


@dataclass(frozen=True, slots=True)
class MemberCard:
    """What is printed on paper when a member joins."""

    account: Account
    pin: str
    node_name: str
    address: str


# What a beacon says of its node, by number (mesh/spec/gossip-v1.md).
STATES: Final = {1: "economy", 2: "timetable", 3: "checkpoint", 4: "halt", 5: "needs a hand"}
NEEDS_A_HAND: Final = 5


@dataclass(frozen=True, slots=True)
class Neighbour:
    node_id: str
    name: str
    road: str  # "" where it was never heard
    heard_s: int | None  # seconds since it was heard, by this node's uptime clock
    holds_ours: bool  # whether it holds all that this node wrote
    state: str = ""  # what it says of itself: economy, timetable, checkpoint, halt, needs a hand; "" where all is well


class Ailment(Enum):
    """What may be wrong between this node and others. Values are the names under which the engine counts it."""

    STALEMATE = "stalemate"  # asking three times did not make the two alike
    NEWER = "packets from the future"
    BAD_SIGNATURE = "bad signatures"
    MALFORMED = "malformed"
    FAULT = "other faults of peers"
    FLOOD = "packets beyond a peer's allowance"


@dataclass(frozen=True, slots=True)
class Unwell:
    """One thing that is not well. `who` is the name of a node, or the address under which packets came."""

    road: str
    what: Ailment
    who: str
    count: int  # of the last day


ROADS_IN_WORDS: Final = {"loopback": "practice radio", "lora": "radio (LoRa)", "mqtt": "broker on this network"}


@dataclass(frozen=True, slots=True)
class RoadState:
    """How a road to other nodes is. `name` is as in node.yaml, the second of a kind `lora-2`; `sentence` may be empty."""

    name: str
    is_up: bool
    sentence: str

    @property
    def in_words(self) -> str:
        """What people call it: `radio (LoRa)` for lora, `radio (LoRa) 2` for lora-2."""
        kind, _, number = self.name.partition("-")
        return f"{ROADS_IN_WORDS.get(kind, kind)} {number}".rstrip()


@dataclass(frozen=True, slots=True)
class Air:
    used_ms_hour: int
    budget_ms_hour: int
    packets_day: int
    bytes_day: int


@dataclass(frozen=True, slots=True)
class AirDay:
    """Milliseconds of the last 24 hours of uptime and of this hour alone, and what the law allows in one hour.

    `by_priority` is what was sent, under the names of `mesh.governor.Priority` in small letters.
    """

    used_ms: int
    heard_ms: int
    law_ms_hour: int
    by_priority: Mapping[str, int]
    heard_ms_hour: int
    by_priority_hour: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PowerState:
    """How the battery is. `percent` of the charge, None before it was read; `is_counted`: not merely guessed by the voltage.

    `hours_left` until the node halts as things go, None while the battery fills. `trouble`: why the sensor says nothing.
    """

    step: str  # normal, economy, timetable, checkpoint, halt
    percent: int | None = None
    is_counted: bool = False
    volts: float | None = None
    amps: float | None = None
    hours_left: float | None = None
    trouble: str = ""
    looks: int = 0  # how often in a row the board woke in vain


@dataclass(frozen=True, slots=True)
class Status:
    """The facts of `status --json`; `as_json` gives exactly the names that INTERFACES lists."""

    facts: dict[str, object]

    def as_json(self) -> dict[str, object]:
        return self.facts


@dataclass(frozen=True, slots=True)
class Check:
    """One self-check of the doctor: `advice` is one sentence a keeper can act on."""

    name: str
    healthy: bool
    advice: str


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a long list, newest first. `older` continues it; empty at the end."""

    rows: tuple[Row, ...]
    older: str = ""

    @classmethod
    def cut(cls, found: Sequence[Sequence[Any]], limit: int, shown: Callable[[Any], Row]) -> Page[Row]:
        """Show the first `limit` of what was found; one more tells that there are older ones. Each begins with its number."""
        return cls(tuple(shown(one) for one in found[:limit]), str(found[limit - 1][0]) if len(found) > limit else "")


def goes_on_below(older: str) -> int:
    """Return the number of the row below which a list goes on; where `older` is no such number it begins anew."""
    return int(older) if older.isascii() and older.isdigit() and len(older) < 19 else 2**63 - 1


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a bundle."""

    records: int
    already: int
    waiting: int
    blobs: int
    refused: int
    torn: bool
    sealed_kept: int = 0
    calls: int = 0  # for help, that nobody here had heard


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the node only reads, or what it found wrong: for the keeper's page."""

    code: str
    details: dict[str, object] = field(default_factory=dict)
