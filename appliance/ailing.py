"""What is not well between this node and others on one road, as its engine noticed: told anew at most once a minute.

A flood under forged addresses must wear out neither the card nor the page: the engine remembers 64 addresses, the store as many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from appliance.answers import Ailment
from mesh.gossip import Engine
from mesh.keys import Scope

EVERY_S: Final = 60.0
KINDS: Final = {ailment.value: ailment for ailment in Ailment}


@dataclass(frozen=True, slots=True)
class Findings:
    """With whom and in which scopes nothing moves now, and how often others broke which rule since the last time."""

    stalemates: frozenset[tuple[bytes, Scope]]
    faults: Mapping[tuple[str, Ailment], int]


class Ailing:
    """Looks at the engine of one road. Seconds are those of any clock that never goes back."""

    def __init__(self) -> None:
        self._due = -inf
        self._engine: Engine | None = None
        self._told: dict[str, Counter[str]] = {}
        self._stalemates: frozenset[tuple[bytes, Scope]] = frozenset()

    def look(self, engine: Engine, now: float) -> Findings | None:
        """Return what is new; None where nothing is, or where it is not time yet."""
        if now < self._due:
            return None
        if engine is not self._engine:
            self._engine, self._told = engine, {}
        stalemates, faults = frozenset(engine.stalemates), self._new_faults(engine)
        if not faults and stalemates == self._stalemates:
            return None
        self._due, self._stalemates = now + EVERY_S, stalemates
        self._told = {peer: kinds.copy() for peer, kinds in engine.faults.items()}
        return Findings(stalemates, faults)

    def _new_faults(self, engine: Engine) -> dict[tuple[str, Ailment], int]:
        return {
            (peer, KINDS.get(kind, Ailment.FAULT)): count - self._told.get(peer, Counter())[kind]
            for peer, kinds in engine.faults.items()
            for kind, count in kinds.items()
            if count != self._told.get(peer, Counter())[kind]
        }
