"""The node's calendar: it seals the next moon when it may, and tells in which moon the commons is."""

from __future__ import annotations

import json
from typing import Any, Final

from appliance import moons
from appliance.clock import Trust
from appliance.desks.upkeep import Upkeep
from appliance.errors import Refused
from appliance.kinds import Seal
from appliance.moons import Own

SINCE: Final = "moon since"  # of the last seal: when, and how long this node has been up since
SHARED: Final = "moon"
HOUR_S: Final = 3600


class Calendar(Upkeep):
    def moon(self) -> int:
        """Return the moon of the commons, counted from its founding. It never goes back, whoever joins."""
        return max(int(self.private.mark(SHARED) or 0), moons.shared(self._sealed().values()))

    def moons_said(self) -> list[tuple[str, int]]:
        """Return each node of the commons by its name, this one too, with the moon that it said last (0: none yet)."""
        return sorted((self._node_name(node), moon) for node, moon in self._sealed().items())

    def look_at_moon(self) -> int | None:
        """Seal the next moon if it is time; return which. Cheap, and to be called every minute or so."""
        self._keep_uptime()
        self._keep_shared()
        if self.clock.trust is not Trust.AGREED or not self.counting.is_admitted(self.node_id):
            return None
        sealed, since = self._sealed(), self._since()
        own = Own(sealed.get(bytes(self.node_id), 0), since["at"], since["up_s"] + self._passed_s(since))
        moon = moons.due(own, sealed.values(), self.clock.now())
        if moon is not None:
            self._seal_moon(moon)
        return moon

    def _seal_moon(self, moon: int) -> None:
        now = self.clock.now()
        try:
            with self.saying():
                self.say(self.commons, Seal(moon).record(now))
                self._write_since(now, 0)
        except Refused:
            return  # a node that only reads seals nothing

    def _sealed(self) -> dict[bytes, int]:
        """Return the last moon that each node of the commons has sealed."""
        rows = self.database.rows(
            "SELECT admitted.node, moon FROM admitted LEFT JOIN moon_seal ON moon_seal.node = admitted.node"
        )
        return {bytes(node): moon or 0 for node, moon in rows}

    def _keep_shared(self) -> None:
        now = self.moon()
        if str(now) != (self.private.mark(SHARED) or "0"):
            with self.database.writing():
                self.private.set_mark(SHARED, str(now))

    def _keep_uptime(self) -> None:
        """Write down once an hour how long this node has been up: what is lost at a start only makes it wait longer."""
        since = self._since()
        if not self._is_of_this_start(since) or self._passed_s(since) >= HOUR_S:
            with self.database.writing():
                self._write_since(since["at"], since["up_s"] + self._passed_s(since))

    def _since(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.private.mark(SINCE) or "null") or {}
        return {"at": 0, "up_s": 0, "boot": "", "tick": 0} | told

    def _write_since(self, at: int, up_s: int) -> None:
        told = {"at": at, "up_s": up_s, "boot": self.private.boot, "tick": self._uptime()}
        self.private.set_mark(SINCE, json.dumps(told))

    def _is_of_this_start(self, since: dict[str, Any]) -> bool:
        return bool(since["boot"] == self.private.boot)

    def _passed_s(self, since: dict[str, Any]) -> int:
        return max(0, self._uptime() - since["tick"]) if self._is_of_this_start(since) else 0
