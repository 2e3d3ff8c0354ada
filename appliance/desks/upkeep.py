"""Battery and clock, as all processes of the node know them: who watches or hears notes it here, and the others ask."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from appliance.answers import PowerState, Session
from appliance.clock import NOTE_MAX, Trust
from appliance.desks.phones import Texting
from appliance.errors import Objection, Refused
from appliance.power.ladder import Step
from appliance.timekeeping import BUILT_AT, KEEPER, TOLERANCE_S, YEAR_S, Hint, Kept, stepped, with_floor, with_hint
from mesh.keys import written
from mesh.log import Run
from mesh.record import Record

POWER: Final = "power"
LIFETIME_S: Final = 50 * YEAR_S  # of this program: a year that somebody types beyond it is a slip
STALE_S: Final = 3600.0  # the watch tells at least every quarter of an hour


class Upkeep(Texting):
    def note_power(self, state: PowerState) -> None:
        """Keep how the battery is. Raises `StoreFault`."""
        told = {"boot": self.private.boot, "tick": self.clock.monotonic(), **asdict(state)}
        with self.database.writing():
            self.private.set_mark(POWER, json.dumps(told))

    def kept_power(self) -> PowerState | None:
        """Return how the battery was when somebody last looked, however long ago, and by whatever version of this program."""
        told = json.loads(self.private.mark(POWER) or "null")
        return PowerState(**{name: told[name] for name in PowerState.__slots__ if name in told}) if told else None

    def power(self) -> PowerState | None:
        """Return how the battery is; None where nothing watches over one, or has not told for an hour."""
        told = json.loads(self.private.mark(POWER) or "null")
        if not told or told["boot"] != self.private.boot or self.clock.monotonic() - told["tick"] > STALE_S:
            return None
        return self.kept_power()

    def power_step(self) -> Step:
        """Return what is left out to save power; nothing where nobody knows."""
        state = self.power()
        return Step[state.step.upper()] if state else Step.NORMAL

    # what time it is

    def look_at_time(self) -> None:
        """Weigh what the wall clock says beside what others said, and write down now and then how late it is. Cheap."""
        kept, hints = self.kept_time.read(), self.kept_time.hints()
        weighed = with_floor(stepped(kept, (*hints, self.clock.hint()), self._uptime()), self._uptime())
        if weighed != kept:
            self._keep_time(weighed, hints)

    def hint_time(self, source: str, at: int) -> None:
        """Learn that `source` (see `timekeeping`) says it is `at` now, in seconds since 1970."""
        if not BUILT_AT <= at <= NOTE_MAX:
            return
        hint, hints = Hint(source, at - self._uptime()), self.kept_time.hints()
        is_known = any(one.source == source and abs(one.epoch - hint.epoch) <= TOLERANCE_S for one in hints)
        heard, before = hints if is_known else with_hint(hints, hint), self.kept_time.read()
        kept = stepped(before, (*heard, self.clock.hint()), self._uptime())
        if (heard, kept) != (hints, before):
            self._keep_time(kept, heard)

    def hear_time(self, run: Run) -> None:
        """Take what a node of the commons noted last as its word for what time it is; strangers' books tell nothing.

        A note may be old. It counts where it bears out the wall clock, or where that cannot be right.
        """
        log = self.records.log(run.log)
        if log is None or log.scope != self.commons or log.node == self.node_id:
            return
        at, now = max((_noted(record) for record in run.records), default=0), self.clock.now()
        is_new = at > now + TOLERANCE_S if self.clock.trust is Trust.AGREED else abs(at - now) <= TOLERANCE_S
        if is_new or not now:
            self.hint_time(f"peer:{written(log.node)}", at)

    def tell_time(self, session: Session, at: int) -> None:
        """Take a neighbour's word for what time it is: a keeper's decides, another's is a hint. Raises `Refused`."""
        kept = self.kept_time.read()
        latest = max(BUILT_AT, kept.floor)
        if at > BUILT_AT + LIFETIME_S:
            raise Refused(Objection.TIME_FAR)
        if at < latest:
            raise Refused(Objection.TIME_PAST, latest=f"{datetime.fromtimestamp(latest, UTC):%Y-%m-%d %H:%M}")
        if not session.is_keeper:
            self.hint_time(f"phone:{session.account.id}", at)
            return
        word = Hint(KEEPER, at - self._uptime())
        self._keep_time(stepped(kept, (word,), self._uptime()), self.kept_time.hints())

    def _keep_time(self, kept: Kept, hints: tuple[Hint, ...]) -> None:
        with self.database.writing():
            self.kept_time.write(kept, hints)

    def _uptime(self) -> int:
        return int(self.clock.monotonic())


def _noted(record: Record) -> int:
    """Return when its writer noted a record, 0 where no time stands there."""
    fields = record.fields()
    return fields[1] if len(fields) > 1 and type(fields[1]) is int else 0
