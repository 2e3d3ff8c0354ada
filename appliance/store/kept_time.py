"""The row about what time it is: what is certain over every start, and what was said since this one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from appliance.clock import boot_id
from appliance.store.database import Database
from appliance.timekeeping import Hint, Kept

ROW: Final = "time"


class KeptTime:
    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Kept:
        """Return what is kept. What was agreed before the board was switched on again is only a floor now."""
        said = self._said()
        floor = int(said.get("floor", 0))
        return Kept(floor, said["epoch"], said["since"]) if self._is_of_this_start(said) else Kept(floor)

    def hints(self) -> tuple[Hint, ...]:
        """Return what others said since the board was switched on."""
        said = self._said()
        return tuple(Hint(*hint) for hint in said["hints"]) if self._is_of_this_start(said) else ()

    def write(self, kept: Kept, hints: Iterable[Hint]) -> None:
        """Put both in the place of what was there. Within a transaction."""
        said = {"boot": boot_id(), **kept._asdict(), "hints": list(hints)}
        self._database.run(
            "INSERT INTO mark VALUES (?1, ?2) ON CONFLICT DO UPDATE SET content = ?2", ROW, json.dumps(said)
        )

    def _said(self) -> dict[str, Any]:
        content = self._database.value("SELECT content FROM mark WHERE name = ?", ROW)
        said: dict[str, Any] = json.loads(content) if content else {}
        return said

    @staticmethod
    def _is_of_this_start(said: dict[str, Any]) -> bool:
        return bool(said) and said["boot"] == boot_id()
