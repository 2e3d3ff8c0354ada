"""Who else follows a scope on this road, and whether they hold what we hold."""

from __future__ import annotations

from collections.abc import Iterator

from mesh.keys import PUBLIC, LogId
from mesh.neighbours import Neighbour
from mesh.outlook import Outlook
from mesh.road import Road


class Company:
    """The neighbours as seen from one scope: their digests against ours, as it is now."""

    def __init__(self, outlook: Outlook, road: Road) -> None:
        self._outlook = outlook
        self._scope = outlook.scope
        self._road = road
        self._agreed: tuple[bytes, dict[LogId, int]] = (b"", {})

    def is_kin(self, neighbour: Neighbour) -> bool:
        """Whether it follows this scope for sure: another commons' digest always differs, and means nothing."""
        return self._scope == PUBLIC or self._scope in neighbour.spoke

    def fresh(self, now: float) -> Iterator[Neighbour]:
        """Take those who showed a digest since the last time."""
        for neighbour in self._road.neighbours.recent(now):
            if self._scope in neighbour.fresh:
                neighbour.fresh.discard(self._scope)
                yield neighbour

    def agrees(self, neighbour: Neighbour) -> bool:
        """Whether it showed our digest last."""
        shown = neighbour.digests.get(self._scope)
        return shown is not None and self._outlook.digest.startswith(shown)

    def note_holder(self, neighbour: Neighbour) -> dict[LogId, int]:
        """Note that it showed our digest, and return the heights that it therefore holds."""
        neighbour.spoke.add(self._scope)
        neighbour.agreed[self._scope] = self._outlook.digest
        return self._outlook.heights()

    def overtaken(self, now: float) -> Iterator[Neighbour]:
        """Yield those whose last digest is ours only since we hold more: they hold it all, and need not say so again."""
        digest = self._outlook.digest
        for neighbour in self._road.neighbours.recent(now):
            if neighbour.agreed.get(self._scope) != digest and self.agrees(neighbour):
                yield neighbour

    def is_unanimous(self, now: float) -> bool:
        """Whether there are neighbours, and all showed our digest last, whichever scopes they follow."""
        recent = self._road.neighbours.recent(now)
        return bool(recent) and all(self.agrees(one) for one in recent)

    def is_new(self, neighbour: Neighbour) -> bool:
        """Note that its digest was compared with ours, and return whether these two were not compared before."""
        pair = (neighbour.digests[self._scope], self._outlook.digest)
        was = neighbour.judged.get(self._scope)
        neighbour.judged[self._scope] = pair
        return was != pair

    def showed_more(self, neighbour: Neighbour) -> None:
        """Note that it holds more than we do now."""
        neighbour.ahead[self._scope] = self._outlook.digest

    def showed_less(self, neighbour: Neighbour) -> None:
        """Note that it lacks something, and has nothing that we lack."""
        neighbour.behind[self._scope] = neighbour.digests.get(self._scope)

    def forget(self, neighbour: Neighbour) -> None:
        """It says anew what it holds."""
        neighbour.spoke.add(self._scope)
        neighbour.behind.pop(self._scope, None)
        neighbour.ahead.pop(self._scope, None)

    def _is_ahead(self, neighbour: Neighbour) -> bool:
        return neighbour.ahead.get(self._scope) == self._outlook.digest

    def all_agree(self, now: float) -> bool:
        """Whether all who follow this scope showed our digest last."""
        return all(self.agrees(one) for one in self._road.neighbours.recent(now) if self.is_kin(one))

    def note_agreement(self, now: float) -> None:
        """Remember what we hold while others are there and all hold the same."""
        if self._outlook.digest != self._agreed[0] and self._kin(now) and self.all_agree(now):
            self._agreed = (self._outlook.digest, self._outlook.heights())

    def common(self, now: float) -> dict[LogId, int]:
        """Return the heights that all neighbours held when they showed their digests last; nothing where they differ."""
        digest, heights = self._agreed
        kin = self._kin(now)
        known = kin and all(digest.startswith(one.digests.get(self._scope, digest + b"0")) for one in kin)
        return heights if known and not self._outlook.proofs else {}

    def _kin(self, now: float) -> list[Neighbour]:
        return [one for one in self._road.neighbours.recent(now) if self.is_kin(one)]

    def differing(self, now: float) -> list[Neighbour]:
        """Return recently heard neighbours who showed anything else than we hold."""
        scope, digest = self._scope, self._outlook.digest
        return [
            one
            for one in self._road.neighbours.recent(now)
            if one.ahead.get(scope) == digest or not digest.startswith(one.digests.get(scope, b""))
        ]

    def helpful(self, now: float) -> list[Neighbour]:
        """Return those of them who disagreed with what we hold now, and did not say that they only lack."""
        return [one for one in self.differing(now) if self._is_ahead(one) or self._may_help(one)]

    def _may_help(self, neighbour: Neighbour) -> bool:
        pair = (neighbour.digests.get(self._scope), self._outlook.digest)
        return neighbour.judged.get(self._scope) == pair and not neighbour.is_behind(self._scope)
