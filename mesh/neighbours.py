"""Who was heard on this road, what they showed, and how much work each may cause. All of it bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mesh.keys import Scope

NEIGHBOURS_MAX: Final = 64


@dataclass(slots=True)
class Neighbour:
    """One node, by its handle. `digests` are the last it showed; `fresh` are scopes in which that is not judged yet."""

    handle: bytes
    heard: float
    state: int = 0  # how its power stands, as its last beacon said: 0 for well
    digests: dict[Scope, bytes] = field(default_factory=dict)
    fresh: set[Scope] = field(default_factory=set)
    judged: dict[Scope, tuple[bytes, bytes]] = field(default_factory=dict)  # their digest and ours, when last compared
    agreed: dict[Scope, bytes] = field(default_factory=dict)  # our digest when it was last found to be theirs
    behind: dict[Scope, bytes | None] = field(default_factory=dict)  # with this digest it held nothing that we lack
    ahead: dict[Scope, bytes] = field(default_factory=dict)  # when our digest was this, it held more than we
    accord: bytes = b""  # the joint of its last word, where that was an accord about something else than we held
    spoke: set[Scope] = field(default_factory=set)  # scopes it follows for sure

    def claims_accord(self, joint: bytes, unknown: bytes) -> None:
        """Note that it agrees with others about something else than we hold: what that is, nobody can tell."""
        self.digests = dict.fromkeys(self.digests, unknown)
        self.accord = joint

    def showed(self, scope: Scope, digest: bytes) -> bool:
        """Whether it showed this digest last."""
        before = self.digests.get(scope)
        return before is not None and digest.startswith(before)

    def shows(self, scope: Scope, digest: bytes) -> None:
        """Note the digest it just showed; whether it equals ours is judged at the next tick."""
        self.accord = b""
        self.digests[scope] = digest
        self.fresh.add(scope)

    def is_behind(self, scope: Scope) -> bool:
        """Whether it said, since it last changed, that it holds nothing we lack."""
        return scope in self.behind and self.behind[scope] in (None, self.digests.get(scope))


class Neighbours:
    """The nodes that were heard, at most 64: whoever was silent longest makes room."""

    def __init__(self, recent: float) -> None:
        self._recent = recent
        self._known: OrderedDict[bytes, Neighbour] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def heard(self, handle: bytes, now: float) -> tuple[Neighbour, bool]:
        """Return the neighbour that just spoke, and whether it is new or was thought to be gone."""
        known = self._known.get(handle)
        is_new = known is None or now - known.heard > self._recent
        neighbour = known or Neighbour(handle, now)
        neighbour.heard = now
        self._known[handle] = neighbour
        self._known.move_to_end(handle)
        if len(self._known) > NEIGHBOURS_MAX:
            self._known.popitem(last=False)
        return neighbour, is_new

    def hinted(self, hint: bytes) -> Neighbour | None:
        """Return the one neighbour whose handle begins so, None where there are none or several."""
        found = [neighbour for handle, neighbour in self._known.items() if handle.startswith(hint)]
        return found[0] if len(found) == 1 else None

    def meet(self, joint: bytes, digests: Mapping[Scope, bytes]) -> None:
        """Learn what we hold now: whoever spoke of just that in an accord, before we held it, holds it."""
        for neighbour in self._known.values():
            if neighbour.accord == joint:
                neighbour.digests, neighbour.accord = dict(digests), b""

    def recent(self, now: float) -> list[Neighbour]:
        """Return those who were heard lately enough to be looked for."""
        known = [*self._known.values()]
        if known and now - known[0].heard <= self._recent:  # it was silent longest
            return known
        return [neighbour for neighbour in known if now - neighbour.heard <= self._recent]


class Allowances:
    """A token bucket per peer address, for at most 64 of them: no single one can cause endless work.

    An address that was forged suffers for the forger while he goes on, and not a moment longer.
    """

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def spend(self, peer: str, now: float) -> bool:
        """Return whether one more packet of `peer` may be looked at."""
        left, then = self._left.get(peer, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._per_second)
        allowed = left >= 1
        self._left[peer] = (left - 1 if allowed else left, now)
        self._left.move_to_end(peer)
        if len(self._left) > NEIGHBOURS_MAX:
            self._left.popitem(last=False)
        return allowed
