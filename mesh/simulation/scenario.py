"""A street as a file tells it: who hears whom, what is written when, what goes wrong, and what is expected.

Hours count from the start of the run, which is at 0 o'clock. Shares and losses lie between 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from mesh.distress import Level

HOUR_S: Final = 3600.0
REGION: Final = "EU_868"
DAY_H: Final = 24.0


@dataclass(frozen=True, slots=True)
class Link:
    """Two nodes hear each other; each packet is missed by chance with this `loss`."""

    one: int
    other: int
    loss: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Between these hours nothing crosses from one group to another; nodes in no group hear everybody."""

    from_h: float
    until_h: float
    groups: tuple[frozenset[int], ...]

    def parts(self, one: int, other: int) -> bool:
        """Whether the two are kept apart."""
        homes = [
            next((place for place, group in enumerate(self.groups) if node in group), None) for node in (one, other)
        ]
        return None not in homes and homes[0] != homes[1]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Radio off each day between these hours, over midnight where `from_h` is the later one."""

    nodes: frozenset[int]
    from_h: float
    until_h: float


@dataclass(frozen=True, slots=True)
class Writing:
    """`count` records at random moments by random `authors`."""

    count: int
    from_h: float
    until_h: float
    authors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Burst:
    """Each link is deaf for this `share` of the time, `length_s` at once."""

    share: float
    length_s: float


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong by chance, until `until_h`. Rates are per node and day unless said otherwise.

    `duplicates` and `reordered` are shares of the packets that reach a node; a reordered one comes up to 30 s late.
    A power cut loses what was just being written. On a full disk nothing is taken in, and a stalled program leaves
    its radio's queue to run over. `couriers` carry what one node held to another node, as many times in all.
    """

    burst: Burst | None = None
    reboots: float = 0.0
    power_cuts: float = 0.0
    clock_jumps: float = 0.0
    full_disks: float = 0.0
    stalls: float = 0.0
    duplicates: float = 0.0
    reordered: float = 0.0
    couriers: int = 0
    until_h: float = float("inf")


@dataclass(frozen=True, slots=True)
class Alarm:
    """Somebody at `node` calls for help at `at_h`, and takes it back at `over_h`. `person` tells callers of a node apart.

    Who is on, and reached by others who are, shows it after `shown_within_s`.
    """

    node: int
    person: int
    at_h: float
    level: Level
    minutes: int
    shown_within_s: float
    over_h: float | None = None

    @property
    def words(self) -> str:
        return f"here is call {self.person}"


class Malice(Enum):
    """What a hostile node does, until the faults end."""

    REPLAY = "replay"
    EQUIVOCATION = "equivocation"
    GARBAGE = "garbage"
    FLOOD = "flood"


@dataclass(frozen=True, slots=True)
class Expect:
    """All honest nodes agree at most `converged_within_h` after `after_h`; nobody talks for more than a share of an hour.

    `quiet_packets_max`: from an hour after they agreed and the faults ended, honest nodes send at most so many packets an hour,
    on average.
    """

    converged_within_h: float
    after_h: float
    airtime_share_max: float = 0.03
    quiet_packets_max: float = float("inf")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run. Nodes are numbered from 0."""

    name: str
    seed: int
    preset: str
    payload_limit: int
    hours: float
    nodes: int
    links: tuple[Link, ...]
    records: Writing
    expect: Expect
    cuts: tuple[Cut, ...] = ()
    asleep: tuple[Sleep, ...] = ()
    faults: Faults = field(default_factory=Faults)
    hostile: tuple[tuple[int, Malice], ...] = ()
    is_signed: bool = False  # whether radios sign what they broadcast, which takes air
    has_books: bool = False  # whether nodes keep books of what they hold
    calls: tuple[Alarm, ...] = ()

    @property
    def honest(self) -> list[int]:
        """The nodes that keep the rules."""
        hostile = {node for node, _ in self.hostile}
        return [node for node in range(self.nodes) if node not in hostile]

    @property
    def is_calm(self) -> bool:
        """Whether nothing goes wrong, so that nobody hears late what others heard long ago."""
        return self.faults == Faults() and not self.hostile and not self.cuts and not self.asleep

    @property
    def faults_end_s(self) -> float:
        """From this moment on nothing goes wrong any more, in seconds."""
        return min(self.faults.until_h, self.hours) * HOUR_S
