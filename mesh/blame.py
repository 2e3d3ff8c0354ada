"""Who brought what, and who broke a rule: counted, and no more. An address can be forged, so nobody is muted on its word."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from mesh.effects import Deliver, Effect
from mesh.errors import BadSignature, Malformed, PeerFault, UnknownVersion
from mesh.keys import Scope
from mesh.log import Run
from mesh.neighbours import NEIGHBOURS_MAX

BROUGHT_MAX: Final = 16
FAULTS: Final = (
    (UnknownVersion, "packets from the future"),
    (BadSignature, "bad signatures"),
    (Malformed, "malformed"),
)


class Blame:
    """Faults by peer address, at most 64, and by kind; all of them also in `counters`."""

    def __init__(self, counters: Counter[str]) -> None:
        self.faults: OrderedDict[str, Counter[str]] = OrderedDict()
        self._counters = counters

    def fault(self, peer: str, fault: PeerFault) -> None:
        """Count a packet that broke a rule."""
        self.note(peer, next((name for kind, name in FAULTS if isinstance(fault, kind)), "other faults of peers"))

    def note(self, peer: str, what: str) -> None:
        """Count something else that a peer did."""
        self._counters[what] += 1
        self.faults[peer] = self.faults.pop(peer, Counter())
        self.faults[peer][what] += 1
        if len(self.faults) > NEIGHBOURS_MAX:
            self.faults.popitem(last=False)


class Brought:
    """What each peer brought last, in case the door refuses it."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, list[tuple[Scope, Run]]] = OrderedDict()

    def keep(self, scope: Scope, effects: Iterable[Effect]) -> None:
        """Remember who brought these."""
        brought: dict[str, list[tuple[Scope, Run]]] = {}
        for effect in effects:
            if isinstance(effect, Deliver):
                brought.setdefault(effect.peer, []).append((scope, effect.run))
        for peer, runs in brought.items():
            self._runs[peer] = runs
            self._runs.move_to_end(peer)
            if len(self._runs) > BROUGHT_MAX:
                self._runs.popitem(last=False)

    def by(self, peer: str) -> Sequence[tuple[Scope, Run]]:
        """Return what `peer` brought last, with the scopes."""
        return self._runs.get(peer, ())
