"""How much each peer made this node say again. Nobody is muted for asking; whoever asks without end is no longer answered.

What is sent to a peer for the first time is free: whoever is new lacks all. What it asks for a second time, because it was lost
or because it only says so, counts by the byte, up to a share of each hour.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from mesh.governor import MINUTE_S, Sliding
from mesh.keys import LogId
from mesh.neighbours import NEIGHBOURS_MAX

HOUR_MINUTES: Final = 60
LOGS_MAX: Final = 256
QUOTA: Final = "wants beyond a peer's share of the hour"  # a counter
STEP: Final = 1024  # bytes: who caused so much less goes first


@dataclass(slots=True)
class _Account:
    caused: Sliding = field(default_factory=lambda: Sliding(HOUR_MINUTES))
    told: OrderedDict[LogId, int] = field(default_factory=OrderedDict)  # up to where logs were sent on its word


class Quotas:
    """The accounts of at most 64 peer addresses; the one that asked longest ago makes room. `most` is bytes an hour."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def __len__(self) -> int:
        return len(self._accounts)

    def is_spent(self, peer: str, now: float) -> bool:
        """Whether this peer made us say so much again within the hour that its asking is to be left alone."""
        return self._caused(peer, now) >= self._most

    def steps(self, peer: str, now: float) -> int:
        """Return in kibibytes what this peer caused within the hour: whoever caused less is served first."""
        return self._caused(peer, now) // STEP

    def _caused(self, peer: str, now: float) -> int:
        account = self._accounts.get(peer)
        return account.caused.total(now / MINUTE_S) if account else 0

    def charge(self, peer: str, size: int, now: float) -> None:
        """Count bytes that go out once more, since this peer asked."""
        self._account(peer).caused.add(size, now / MINUTE_S)

    def sent(self, peer: str, log: LogId, after: int, upto: int, size: int, now: float) -> None:
        """Count records that go out since this peer asked, where it asked for some of them before."""
        told = self._account(peer).told
        if after < told.get(log, 0):
            self.charge(peer, size, now)
        told[log] = max(upto, told.pop(log, 0))
        if len(told) > LOGS_MAX:
            told.popitem(last=False)

    def _account(self, peer: str) -> _Account:
        account = self._accounts.setdefault(peer, _Account())
        self._accounts.move_to_end(peer)
        if len(self._accounts) > NEIGHBOURS_MAX:
            self._accounts.popitem(last=False)
        return account
