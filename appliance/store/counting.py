"""Which records count. Facts may arrive in any order; what they amount to must not depend on it.

Each log counts from its first record on, one after another, as far as it can: it waits whole where it absorbs a log that does
not count that far here, and where its node was not let in yet. A log that its node has left behind counts up to the highest
place that anybody named: the next opening, an absorb, or a `held`. All of this only ever adds, so there is one outcome for one
set of records. The exception, an opening that leaves behind less than was counted here, makes the views anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Protocol

from appliance.store.database import Database
from appliance.store.migrations import VIEW_TABLES
from appliance.store.records import Log, Records
from mesh import links
from mesh.errors import PeerFault
from mesh.keys import PUBLIC, LogId, NodeId, Scope
from mesh.links import Height, Opening
from mesh.record import KINDS_OF_MESH, Record, RecordId

CHUNK: Final = 256
ENDLESS: Final = 2**63 - 1


class Views(Protocol):
    """Where counted records leave their traces."""

    def inherit(self, log: Log, earlier: Log, height: int) -> None: ...
    def absorb(self, log: Log, seq: int, other: Log, height: int) -> None: ...
    def apply(self, log: Log, seq: int, record: Record) -> None: ...


class Counting:
    def __init__(self, database: Database, records: Records, commons: Scope, views: Views) -> None:
        self._database = database
        self._records = records
        self._commons = commons
        self._views = views

    def rebuild(self) -> None:
        """Make every view again from the facts."""
        for table in VIEW_TABLES:
            self._database.run(f"DELETE FROM {table}")
        self._database.run("UPDATE log SET counted = 0")
        logs = self._records.logs()
        for log in logs:
            if place := self._left_behind(self._opening(log)):
                self._note_end(place, log)
        self.advance(log.no for log in logs)

    def renew_outgrown(self) -> None:
        """Make the views anew, once, after a step of the database that gave them something to say that they left out before."""
        outgrown = "SELECT 1 FROM mark WHERE name = 'views' AND content = 'outgrown'"
        if self._database.row(outgrown) is None:
            return
        with self._database.writing():
            if self._database.row(outgrown):  # the other process may have been quicker
                self.rebuild()
                self._database.run("DELETE FROM mark WHERE name = 'views'")

    def take_in(self, log: Log, opening: Opening | None) -> None:
        """Count what `log` has got; `opening` is given where it is new."""
        place = self._left_behind(opening) if opening else None
        if place is None:
            self.advance([log.no])
            return
        is_news, left = self._ended(place.log) is None, self._records.log(place.log)
        self._note_end(place, log)
        if is_news and left and self.counted(left) >= place.height < left.height:
            self.rebuild()  # also where somebody named the rest: it may be the rest itself that let him speak
        else:
            self.advance([log.no] + ([left.no] if left else []))

    def counted(self, log: Log) -> int:
        return int(self._database.value("SELECT counted FROM log WHERE no = ?", log.no))

    def advance(self, log_nos: Iterable[int]) -> None:
        """Count as far as possible, beginning with these logs."""
        queue = deque(log_nos)
        while queue:
            queue.extend(self._advance_one(self._records.log_by_no(queue.popleft())))

    def _advance_one(self, log: Log) -> list[int]:
        """Count what follows in one log. Returns the logs that may go on because of it."""
        before = at = self.counted(log)
        woken: list[int] = []
        self._database.run("DELETE FROM waiting WHERE log_no = ?", log.no)
        while records := self._records.span(log.no, at, min(self._limit(log), at + CHUNK)):
            for record in records:
                target, named = self._obstacle(log, at + 1, record)
                woken += named
                if target is not None:
                    self._database.run("INSERT INTO waiting (log_no, on_log) VALUES (?, ?)", log.no, target)
                    return woken + self._reach(log, before, at)
                at += 1
                woken += self._count(log, at, record)
        return woken + self._reach(log, before, at)

    def _reach(self, log: Log, before: int, at: int) -> list[int]:
        if at == before:
            return []
        self._database.run("UPDATE log SET counted = ? WHERE no = ?", at, log.no)
        return self._waiting_for(log.log)

    def _limit(self, log: Log) -> int:
        ended = self._ended(log.log)
        return ENDLESS if ended is None else max(ended, self._named(log.log, log.scope))

    def _ended(self, log: LogId) -> int | None:
        """Return where a log ended, None where it is not known to have been left behind."""
        height = self._database.value("SELECT height FROM ended WHERE log = ?", log)
        return None if height is None else int(height)

    def _named(self, log: LogId, scope: Scope) -> int:
        """Return the highest place of `log` that a log of the same scope named: views of a scope never hang on another's."""
        height = self._database.value("SELECT height FROM named WHERE log = ? AND scope = ?", log, scope)
        return int(height or 0)

    def _waiting_for(self, target: bytes) -> list[int]:
        return [no for (no,) in self._database.rows("SELECT log_no FROM waiting WHERE on_log = ?", target)]

    def _obstacle(self, log: Log, seq: int, record: Record) -> tuple[bytes | None, list[int]]:
        """Return the log or the node that this record must wait for, and the logs that may go on because it is next in line."""
        try:
            if seq == 1:
                return self._obstacle_to_open(Opening.read(record)), []
            if record.kind == links.ABSORB:
                place = links.read_height(record)
                named = self._name(log, place)  # before it counts: what was left behind could not count otherwise
                return None if self._counts(log.scope, place) else place.log, named
        except PeerFault:
            pass  # signed nonsense waits for nothing
        return None, []

    def _obstacle_to_open(self, opening: Opening) -> bytes | None:
        if opening.scope != PUBLIC and not opening.founds and not self.is_admitted(opening.node):
            return opening.node
        if opening.continues and not self._counts(opening.scope, opening.continues):
            return opening.continues.log
        return None

    def _counts(self, scope: Scope, place: Height) -> bool:
        """Whether that very place in that log counts here."""
        other = self._records.log(place.log)
        if other is None or other.scope != scope or self.counted(other) < place.height:
            return False
        return self._records.head_at(other, place.height) == place.head

    def is_admitted(self, node: NodeId) -> bool:
        return self._database.row("SELECT 1 FROM admitted WHERE node = ?", node) is not None

    def _count(self, log: Log, seq: int, record: Record) -> list[int]:
        """Let one record count. Returns the logs that may go on because of it."""
        try:
            if record.kind in KINDS_OF_MESH:
                return self._link(log, seq, record)
            self._views.apply(log, seq, record)
        except PeerFault:
            pass  # signed nonsense stays in the log and counts nowhere
        return []

    def _link(self, log: Log, seq: int, record: Record) -> list[int]:
        if record.kind == links.OPEN and seq == 1:
            return self._open(log, Opening.read(record))
        if record.kind == links.ABSORB:
            height = links.read_height(record)
            other = self._records.log(height.log)
            if other is not None and other.no != log.no:
                self._views.absorb(log, seq, other, height.height)
        if record.kind == links.HELD:
            return self._name(log, links.read_height(record))
        if record.kind == links.ADMIT and log.scope == self._commons:
            return self._admit(links.read_admission(record))
        return []

    def _open(self, log: Log, opening: Opening) -> list[int]:
        if opening.continues:
            earlier = self._records.log(opening.continues.log)
            assert earlier is not None  # its place counts, or this opening would still wait
            self._views.inherit(log, earlier, opening.continues.height)
        if not opening.founds:
            return []
        self._database.run("INSERT INTO founder (node) VALUES (?) ON CONFLICT DO NOTHING", opening.node)
        return self._admit(opening.node)

    def _admit(self, node: NodeId) -> list[int]:
        self._database.run("INSERT INTO admitted (node) VALUES (?) ON CONFLICT DO NOTHING", node)
        return self._waiting_for(node)

    def _name(self, log: Log, place: Height) -> list[int]:
        """Note that `log` names a place. Returns the named log where that is news: it may count further now."""
        if self._named(place.log, log.scope) >= place.height:
            return []
        self._database.run(
            "INSERT INTO named VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET height = ?3",
            *(place.log, log.scope, place.height),
        )
        other = self._records.log(place.log)
        return [other.no] if other else []

    def _left_behind(self, opening: Opening) -> Height | None:
        """Return up to where `opening` continues an earlier log of its own writer, if it does."""
        place = opening.continues
        return place if place and self._is_same_writer(opening, place.log) else None

    def _note_end(self, place: Height, log: Log) -> None:
        """Note that a log ended at `place`, as far as the opening of `log` knew."""
        self._database.run(
            "INSERT INTO ended VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET height = max(height, ?2)",
            *(place.log, place.height, log.no),
        )

    @staticmethod
    def _is_same_writer(opening: Opening, earlier: LogId) -> bool:
        """An opening may only end logs of its own key: log ids are digests, so the claim can be tried out."""
        from_key = (
            Opening(opening.public_key, incarnation, opening.scope).log
            for incarnation in range(opening.incarnation - 1, max(-1, opening.incarnation - 17), -1)
        )
        return earlier in from_key

    def _opening(self, log: Log) -> Opening:
        record = self._records.record(RecordId(log.log, 1))
        assert record is not None
        return Opening.read(record)
