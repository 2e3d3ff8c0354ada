"""The shelf by subjects: in which languages, series and about what there are zines, and which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from appliance.answers import Page, goes_on_below
from appliance.desks.zines import Zines
from appliance.library import Passage, Rack, Subject, Zine
from appliance.store.searching import LOOKED_THROUGH, passage

SHOWN: Final = 200  # of one subject; those with the most zines


class Catalogue(Zines):
    def subjects(self, subject: Subject) -> list[tuple[str, int]]:
        """Return what zines on the shelf are about: each name, and how many zines have it; the most first."""
        found: Counter[str] = Counter()
        for names, count in self.shelf.subjects(subject):
            for name in names.split("\n"):
                found[name] += count
        return sorted(found.items(), key=lambda one: (-one[1], one[0]))[:SHOWN]

    def zines_about(self, subject: Subject, name: str, older: str = "", limit: int = 20) -> Page[Zine]:
        """Return the zines on the shelf that are about something, newest first."""
        if not name:
            return Page(())
        below = goes_on_below(older)
        rows = self.shelf.cards("", below, limit + 1, Rack.SHELF, (subject, name))
        return Page.cut(rows, limit, lambda row: self._zine(row, None))

    def passages(self, query: str, zines: Iterable[Zine]) -> dict[str, Passage]:
        """Return, by the ids of zines that were found, the sentences in which what was searched for stands in their texts."""
        found = {zine.id: self._passage(zine, query) for zine in zines if zine.is_here}
        return {zine_id: sentence for zine_id, sentence in found.items() if sentence}

    def _passage(self, zine: Zine, query: str) -> Passage | None:
        text = self.shelf.text(bytes.fromhex(zine.blob), zine.media_type, LOOKED_THROUGH)
        return passage(text, query, is_markdown=zine.media_type == "text/markdown")
