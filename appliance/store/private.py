"""Rows that never leave this node: secrets, who may sign in, what was answered, who was heard."""

from __future__ import annotations

import math
import secrets
from collections.abc import Collection, Mapping
from functools import cached_property
from hashlib import blake2b
from typing import Final, NamedTuple

from appliance.clock import Clock, boot_id
from appliance.errors import StoreFault
from appliance.store.database import Database
from mesh.keys import LogId, NodeId, PublicKey, Scope
from mesh.record import RecordId

SESSIONS_MAX: Final = 8  # of one member; the oldest goes first
ANSWERS_MAX: Final = 256  # remembered for one member
FREE_TRIES: Final = 3
TRIES_MAX: Final = 1000  # names with wrong tries; those with the fewest go first
WAIT_MAX_S: Final = 3600
HEARD_EVERY_S: Final = 60  # written no oftener: the card should last for years


class Peer(NamedTuple):
    node: NodeId
    name: str
    road: str
    heard_s: int | None


class AirUse(NamedTuple):
    used_ms: int = 0
    packets: int = 0
    size: int = 0


class Private:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @cached_property
    def boot(self) -> str:
        """Monotonic seconds of two boots cannot be compared."""
        return boot_id()

    def uptime(self) -> tuple[float, str]:
        """Return monotonic seconds, and the boot in which alone they mean anything."""
        return self._clock.monotonic(), self.boot

    # secrets and marks

    def secret(self, name: str) -> bytes:
        content = self._database.value("SELECT content FROM secret WHERE name = ?", name)
        if content is None:
            raise StoreFault(f"{self._database.path} belongs to no commons. Run hedgerow init in an empty directory.")
        return bytes(content)

    def set_secret(self, name: str, content: bytes) -> None:
        self._database.run("INSERT INTO secret VALUES (?, ?)", name, content)

    def mark(self, name: str) -> str:
        return str(self._database.value("SELECT content FROM mark WHERE name = ?", name) or "")

    def set_mark(self, name: str, content: str) -> None:
        self._database.run("INSERT INTO mark VALUES (?1, ?2) ON CONFLICT DO UPDATE SET content = ?2", name, content)

    # who may sign in

    def add_credential(self, number: int, pin_hash: str, is_keeper: bool) -> None:
        self._database.run("INSERT INTO credential VALUES (?, ?, ?)", number, pin_hash, is_keeper)

    def set_pin(self, number: int, pin_hash: str) -> None:
        self._database.run("UPDATE credential SET pin_hash = ? WHERE number = ?", pin_hash, number)

    def credential(self, number: int) -> tuple[str, bool] | None:
        row = self._database.row("SELECT pin_hash, is_keeper FROM credential WHERE number = ?", number)
        return (row[0], bool(row[1])) if row else None

    def new_session(self, number: int) -> str:
        """Return a fresh token. Only its digest is kept, so a stolen card signs nobody in."""
        token = secrets.token_urlsafe(24)
        self._database.run(
            "INSERT INTO session SELECT ?, coalesce(max(no), 0) + 1, ?, ? FROM session",
            *(_digest(token), number, secrets.token_urlsafe(24)),
        )
        self._database.run(
            "DELETE FROM session WHERE number = ?1 AND no NOT IN"
            " (SELECT no FROM session WHERE number = ?1 ORDER BY no DESC LIMIT ?2)",
            *(number, SESSIONS_MAX),
        )
        return token

    def session(self, token: str) -> tuple[int, str] | None:
        """Return the member's number and the session's form secret."""
        row = self._database.row("SELECT number, csrf FROM session WHERE token = ?", _digest(token))
        return (row[0], row[1]) if row else None

    def end_session(self, token: str) -> None:
        self._database.run("DELETE FROM session WHERE token = ?", _digest(token))

    def end_sessions(self, number: int, but: str) -> None:
        self._database.run("DELETE FROM session WHERE number = ? AND token <> ?", number, _digest(but))

    # tries: waits double, are kept over a restart, and never become a lock

    def wait_s(self, name: str) -> int:
        """Return how many seconds `name` must wait before the next try."""
        row = self._database.row("SELECT failures, until_tick, boot FROM tries WHERE name = ?", name)
        if row is None:
            return 0
        failures, until, boot = row
        if boot != self.boot:  # the uptime clock began again: the whole wait counts from now
            until = int(self._clock.monotonic()) + _wait(failures)
            self._set_tries(name, failures, until)
        return max(0, int(until) - int(self._clock.monotonic()))

    def note_failure(self, name: str) -> None:
        failures = int(self._database.value("SELECT failures FROM tries WHERE name = ?", name) or 0) + 1
        self._set_tries(name, failures, int(self._clock.monotonic()) + _wait(failures))
        self._database.run(
            "DELETE FROM tries WHERE name <> ?1 AND name IN"
            " (SELECT name FROM tries WHERE name <> ?1 ORDER BY failures DESC, name LIMIT -1 OFFSET ?2)",
            *(name, TRIES_MAX),
        )

    def _set_tries(self, name: str, failures: int, until: int) -> None:
        self._database.run(
            "INSERT INTO tries (name, failures, until_tick, boot) VALUES (?1, ?2, ?3, ?4)"
            " ON CONFLICT DO UPDATE SET failures = ?2, until_tick = ?3, boot = ?4",
            *(name, failures, until, self.boot),
        )

    def forget_failures(self, name: str) -> None:
        self._database.run("DELETE FROM tries WHERE name = ?", name)

    # bringing: what was brought is forgotten again, a little with each minute

    def bring(self, number: int, per_hour: int) -> int:
        """Count a file that a member brings; return how many seconds to wait where it is one too many, and is not counted."""
        spent, is_of_this_boot = self._brought(number, per_hour)
        wait_s = _too_many_s(spent, per_hour)
        if not wait_s or not is_of_this_boot:  # who asks ten thousand times in vain must not wear the card down
            self._database.run(
                "INSERT INTO bringing VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET spent = ?2, tick = ?3, boot = ?4",
                *(number, spent if wait_s else spent + 1, int(self._clock.monotonic()), self.boot),
            )
        return wait_s

    def wait_to_bring_s(self, number: int, per_hour: int) -> int:
        """Return what `bring` would, and count nothing."""
        return _too_many_s(self._brought(number, per_hour)[0], per_hour)

    def _brought(self, number: int, per_hour: int) -> tuple[float, bool]:
        """Return how much of an hour's allowance is spent now, and whether that was noted since this start of the machine."""
        now = int(self._clock.monotonic())
        row = self._database.row("SELECT spent, tick, boot FROM bringing WHERE number = ?", number)
        spent, tick, boot = row or (0.0, now, self.boot)
        passed = now - tick if boot == self.boot else 0  # the uptime clock began again: nothing is forgotten meanwhile
        return max(0.0, spent - max(0, passed) * per_hour / 3600), boot == self.boot

    # answers: a request that is made twice is done once

    def answer(self, number: int, key: str) -> tuple[bytes, RecordId] | None:
        """Return the digest of the request that came under `key`, and what it led to."""
        row = self._database.row(
            "SELECT body, log.log, seq FROM answered JOIN log ON log_no = log.no WHERE number = ? AND key = ?",
            *(number, _digest(key)),
        )
        return (row[0], RecordId(LogId(row[1]), row[2])) if row else None

    def remember_answer(self, number: int, key: str, body: bytes, place: RecordId) -> None:
        self._database.run(
            "INSERT INTO answered SELECT ?1, ?2, coalesce((SELECT max(no) FROM answered WHERE number = ?1), 0) + 1, ?3,"
            " no, ?5 FROM log WHERE log = ?4",
            *(number, _digest(key), body, place.log, place.seq),
        )
        self._database.run(
            "DELETE FROM answered WHERE number = ?1 AND no <= (SELECT max(no) FROM answered WHERE number = ?1) - ?2",
            *(number, ANSWERS_MAX),
        )

    # invites and neighbours

    def keep_invite(self, invite_key: PublicKey) -> None:
        self._database.run("INSERT INTO invite (invite_key) VALUES (?)", invite_key)

    def use_invite(self, invite_key: PublicKey, node: NodeId) -> bool:
        """Whether `node` may come in by this invite; an invite serves one node. Only inside a transaction."""
        used_by = self._database.row("SELECT used_by FROM invite WHERE invite_key = ?", invite_key)
        if used_by is None or used_by[0] not in (None, node):
            return False
        self._database.run("UPDATE invite SET used_by = ? WHERE invite_key = ?", node, invite_key)
        return True

    def is_peer(self, node: NodeId) -> bool:
        return self._database.row("SELECT 1 FROM peer WHERE node = ? AND public_key IS NOT NULL", node) is not None

    def keep_peer(self, node: NodeId, public_key: PublicKey, name: str, address: str = "") -> None:
        self._database.run(
            "INSERT INTO peer (node, public_key, name, road, address) VALUES (?1, ?2, ?3, '', ?4)"
            " ON CONFLICT DO UPDATE SET public_key = ?2, name = ?3, address = ?4",
            *(node, public_key, name, address),
        )

    def introduced_addresses(self) -> list[tuple[NodeId, str]]:
        """Return where the nodes that were introduced here said that their pages answer."""
        rows = self._database.rows("SELECT node, address FROM peer WHERE address <> '' ORDER BY node")
        return [(NodeId(node), address) for node, address in rows]

    def heard(self, node: NodeId, road: str) -> None:
        """Note that a neighbour was heard just now."""
        now = int(self._clock.monotonic())
        self._database.run(
            "INSERT INTO peer (node, name, road, heard_tick, boot) VALUES (?1, '', ?2, ?3, ?4)"
            " ON CONFLICT DO UPDATE SET road = ?2, heard_tick = ?3, boot = ?4",
            *(node, road, now, self.boot),
        )

    def heard_since(self, seconds: int) -> tuple[str, int]:
        """Return this boot, and the tick of it at which what was heard in the last `seconds` began."""
        return self.boot, int(self._clock.monotonic()) - seconds

    def peers(self) -> list[Peer]:
        now = int(self._clock.monotonic())
        rows = self._database.rows("SELECT node, name, road, heard_tick, boot FROM peer ORDER BY node")
        return [
            Peer(NodeId(node), name, road, max(0, now - tick) if tick is not None and boot == self.boot else None)
            for node, name, road, tick, boot in rows
        ]

    def note_holds(self, node: NodeId, scope: Scope, heights: Mapping[LogId, int]) -> None:
        """Note how far a node holds logs of a scope. What is not here is left out: anybody could name logs without end."""
        self._database.run_many(
            "INSERT INTO holds SELECT ?1, ?2, ?3 FROM log WHERE log = ?2 AND scope = ?4"
            " ON CONFLICT DO UPDATE SET height = ?3",
            [(node, log, height, scope) for log, height in heights.items()],
        )

    def holds(self, node: NodeId) -> dict[LogId, int]:
        return {
            LogId(log): height
            for log, height in self._database.rows("SELECT log, height FROM holds WHERE node = ?", node)
        }

    def height_held(self, node: NodeId, log: LogId) -> int:
        """Return how far a node holds one log, as it last showed."""
        return int(self._database.value("SELECT height FROM holds WHERE node = ? AND log = ?", node, log) or 0)

    def height_shown(self, log: LogId) -> int:
        """Return the most that any node last showed to hold of one log."""
        return int(self._database.value("SELECT max(height) FROM holds WHERE log = ?", log) or 0)

    # roads

    def set_road(self, road: str, is_up: bool, sentence: str) -> None:
        self._database.run(
            "INSERT INTO road VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET is_up = ?2, sentence = ?3",
            road,
            is_up,
            sentence,
        )

    def keep_roads(self, names: Collection[str]) -> None:
        for road, _, _ in self.roads():
            if road not in names:
                self._database.run("DELETE FROM road WHERE road = ?", road)

    def roads(self) -> list[tuple[str, bool, str]]:
        return [
            (road, bool(up), sentence) for road, up, sentence in self._database.rows("SELECT * FROM road ORDER BY road")
        ]

    def add_air(self, uptime_hour: int, uses: Mapping[str, AirUse]) -> None:
        """Add what went over the air; keep two days."""
        hour = self._air_hour(uptime_hour)
        self.set_mark("air hour", f"{hour} {self.boot} {uptime_hour}")
        for what, use in uses.items():
            self._database.run(
                "INSERT INTO air_use VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET"
                " used_ms = used_ms + ?3, packets = packets + ?4, bytes = bytes + ?5",
                *(hour, what, *use),
            )
        self._database.run("DELETE FROM air_use WHERE hour < ?", hour - 48)

    def _air_hour(self, uptime_hour: int) -> int:
        """Return the number of this hour: silent ones count too, and each start of the machine begins a new one."""
        number, _, when = self.mark("air hour").partition(" ")
        boot, _, before = when.rpartition(" ")
        passed = uptime_hour - int(before) if before and boot == self.boot else 1
        return int(number or 0) + max(0, passed)

    def air(self, uptime_hour: int, hours: int) -> dict[str, AirUse]:
        """Return what went over the air in so many hours of uptime, this one being the last."""
        hour = self._air_hour(uptime_hour)
        rows = self._database.rows(
            "SELECT what, sum(used_ms), sum(packets), sum(bytes) FROM air_use WHERE hour > ? GROUP BY what",
            hour - hours,
        )
        return {what: AirUse(*use) for what, *use in rows}


def _wait(failures: int) -> int:
    return min(WAIT_MAX_S, 2 ** max(0, failures - FREE_TRIES)) if failures >= FREE_TRIES else 0


def _digest(token: str) -> bytes:
    return blake2b(token.encode(), digest_size=16).digest()


def _too_many_s(spent: float, per_hour: int) -> int:
    """Return how many seconds one more has to wait, 0 where it may come now."""
    return math.ceil((spent + 1 - per_hour) * 3600 / max(1, per_hour)) if spent + 1 > per_hour else 0
