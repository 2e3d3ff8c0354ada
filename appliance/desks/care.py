"""The node's own care: its state in figures, verify, rebuild and backup."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from appliance import radio_switch
from appliance.answers import Air, AirDay, Neighbour, RoadState, Status
from appliance.card import left_by_the_dead, make_directory, sync
from appliance.desks.moons import Calendar
from appliance.errors import CardFull, Refused, StoreFault
from appliance.store.audit import broken_facts, broken_files, broken_laws
from appliance.store.counting import Counting
from appliance.store.database import Database, os_fault
from appliance.store.migrations import MIGRATIONS
from appliance.store.private import AirUse
from appliance.store.records import Records
from appliance.store.shelf import Shelf
from appliance.store.views import AllViews, state_hash, view_sizes
from appliance.updates import held, overview
from appliance.updates.held import Wish
from appliance.updates.overview import Versions
from mesh.governor import Governor, Priority
from mesh.keys import PUBLIC, Scope, written

FEW: Final = 5  # sums over fewer people would tell about single ones
DAY_H: Final = 24
LAST_BYTES: Final = 1 << 20
VERIFYING: Final = ".verify-"


class Care(Calendar):
    @cached_property
    def version(self) -> str:
        return version("hedgerow")

    def versions(self) -> Versions:
        """Return which version runs here, which lies ready, and which came before."""
        return overview.look(self.settings.data, len(MIGRATIONS))

    def wish_for(self, what: Wish) -> None:
        """Ask the service that writes systems for another version. Raises `StoreFault`."""
        held.wish(self.settings.data, what)

    def fetches_versions(self) -> bool:
        """Whether new versions come from neighbours' pages too, to lie ready here."""
        return held.may_fetch(self.settings.data, self.settings.updates.fetch_from_neighbours)

    def let_versions_come(self, on: bool) -> None:
        """Say whether they may. The daemon follows when it looks next. Raises `StoreFault`."""
        held.let_fetch(self.settings.data, on)

    def update_keys(self) -> str:
        """Return the list of those who may sign updates of this node, for another card; "" where none can be read."""
        with suppress(Refused):
            signers = held.keepers()
            return signers.as_text() if signers else ""
        return ""

    def health(self) -> None:
        """Take the writer door and leave it again. Raises `StoreFault` where nothing could be written."""
        check_writable(self.settings.key_file)
        with self.database.writing():
            if self.blobs.free_bytes() < LAST_BYTES:
                raise CardFull(
                    "The card is full: not even a payment can be kept. Take back zines, or use a larger card."
                )

    def has_room(self, size: int) -> bool:
        """Whether so many bytes may come in: an upload lies on the card four times while it is cleaned, then once."""
        return self.blobs.free_bytes() - 4 * size >= self.settings.archive.free_space_floor_bytes

    def status(self) -> Status:
        """Return the facts of `status --json`."""
        with self.database.reading():
            scopes = {self._scope_name(scope): scope for scope in self.scopes()}
            hashes = {name: self.state_hash(scope) for name, scope in scopes.items()}
            return Status(
                {
                    "version": self.version,
                    "node_id": written(self.node_id),
                    "incarnation": self.own_log(self.commons).incarnation,
                    "name": self.settings.name,
                    "commons": self.settings.commons,
                    "read_only": self.trouble is not None,
                    "records": self.records.count(),
                    "logs": len(self.records.logs()),
                    "frontiers": {name: self._frontier_facts(scope) for name, scope in scopes.items()},
                    "state_hashes": hashes,
                    "state_hash": _joined(hashes),
                    "moon": self.moon(),
                    "radio": "on" if radio_switch.is_on(self.settings.data) else "off",
                    "peers": [self._peer_facts(one) for one in self.neighbours()],
                    "air": self._air_facts(),
                    "clock": {"trust": self.clock.trust.value, "now": self.clock.now()},
                    "power": self._power_facts(),
                    "store": {"bytes": self.settings.database.stat().st_size, "free_bytes": self.blobs.free_bytes()},
                }
            )

    def state_hash(self, scope: Scope) -> str:
        """Return the digest of all views of a scope; worked out once for each frontier, for equal frontiers have equal views."""
        frontier = self.records.held(scope).digest()
        cached = self._hashes.get(scope)
        if cached is None or cached[0] != frontier:
            cached = self._hashes[scope] = (frontier, state_hash(self.database, scope))
        return cached[1]

    @cached_property
    def _hashes(self) -> dict[Scope, tuple[bytes, str]]:
        return {}

    def _scope_name(self, scope: Scope) -> str:
        return "public" if scope == PUBLIC else written(scope)

    def _frontier_facts(self, scope: Scope) -> dict[str, list[Any]]:
        return {
            written(log): [reach.height, reach.head.hex()] for log, reach in self.records.held(scope).reaches.items()
        }

    def _peer_facts(self, one: Neighbour) -> dict[str, Any]:
        return {name: getattr(one, name) for name in ("node_id", "name", "road", "heard_s", "holds_ours")}

    def roads(self) -> list[RoadState]:
        """Return how each road was when the gossip process last looked; nothing before it ran."""
        return [RoadState(*row) for row in self.private.roads()]

    def air(self) -> Air:
        """Return what this node used of the air."""
        hour, day = (self.private.air(self.hour(), hours).get("sent", AirUse()) for hours in (1, DAY_H))
        return Air(hour.used_ms, round(Governor(self.settings.region).budget_ms), day.packets, day.size)

    def air_day(self) -> AirDay:
        """Return what this node said and heard today, and what it might have."""
        day, hour = (self.private.air(self.hour(), hours) for hours in (DAY_H, 1))
        return AirDay(
            used_ms=day.get("sent", AirUse()).used_ms,
            heard_ms=day.get("heard", AirUse()).used_ms,
            law_ms_hour=round(Governor(self.settings.region).law_ms),
            by_priority=_by_priority(day),
            heard_ms_hour=hour.get("heard", AirUse()).used_ms,
            by_priority_hour=_by_priority(hour),
        )

    def _air_facts(self) -> dict[str, int]:
        air = self.air()
        return {name: getattr(air, name) for name in air.__slots__}

    def _power_facts(self) -> dict[str, Any] | None:
        state = self.power()
        return {name: getattr(state, name) for name in state.__slots__ if name != "looks"} if state else None

    def numbers(self) -> dict[str, Any]:
        """Return totals of the commons. Figures about fewer than five people are withheld as None."""
        one = self.database.value
        members = one("SELECT count(*) FROM member WHERE name <> ''")
        turnover = self.database.rows(
            "SELECT currency.code, currency.decimals, count(DISTINCT posting.log_no || '.' || posting.seq), sum(amount),"
            " count(DISTINCT hex(node) || posting.number)"
            " FROM posting JOIN currency ON currency.number = currency WHERE amount > 0 GROUP BY currency.number"
        )
        return {
            "members": members,
            "nodes": one("SELECT count(*) FROM admitted"),
            "zines": one("SELECT count(*) FROM zine"),
            "posts": one("SELECT count(*) FROM post"),
            "turnover": [
                {
                    "currency": code,
                    "decimals": decimals,
                    "payments": payments if people >= FEW else None,
                    "amount": amount if people >= FEW else None,
                }
                for code, decimals, payments, amount, people in turnover
            ],
        }

    # verify, rebuild, backup

    def verify(self) -> Iterator[str]:
        """Yield a sentence for whatever is wrong; change nothing. Payments go on meanwhile."""
        with self.database.reading():
            facts = list(broken_facts(self.database, self.records))
            yield from facts
            yield from broken_laws(self.database)
        yield from broken_files(self.blobs)
        if not facts:  # views of damaged facts tell nothing
            yield from self._broken_views()

    def _broken_views(self) -> Iterator[str]:
        """Make the views again in a copy, and compare."""
        for left in left_by_the_dead(self.settings.data, VERIFYING):
            shutil.rmtree(left, ignore_errors=True)
        with self._own_room() as directory:
            copy = directory / "hedgerow.db"
            self.database.copy_to(copy)
            with closing(Database(copy)) as there:
                for pragma in (
                    "journal_mode",
                    "synchronous",
                ):  # nobody misses the copy, and a full card has no room for a log
                    there.run(f"PRAGMA {pragma} = OFF")
                kept, sizes = {scope: state_hash(there, scope) for scope in self.scopes()}, view_sizes(there)
                shelf = Shelf(there, self.blobs, self.settings.archive, self.node_id)
                with there.writing():
                    Counting(there, Records(there), self.commons, AllViews(there, shelf)).rebuild()
                for scope in self.scopes():
                    if state_hash(there, scope) != kept[scope]:
                        yield f"the views of {self._scope_name(scope)} differ from what was signed; run hedgerow rebuild"
                for table, size in view_sizes(there).items():
                    if size != sizes[table]:
                        yield f"view {table} has {sizes[table]} rows and should have {size}; run hedgerow rebuild"

    @contextmanager
    def _own_room(self) -> Iterator[Path]:
        """Give a directory that goes again. Raises `StoreFault`."""
        try:
            made = tempfile.TemporaryDirectory(dir=self.settings.data, prefix=f"{VERIFYING}{os.getpid()}-")
        except OSError as fault:
            raise os_fault(self.settings.data, fault) from fault
        with made as directory:
            yield Path(directory)

    def rebuild(self) -> None:
        """Make every view again from what was signed."""
        with self.database.writing():
            self.counting.rebuild()
        self._hashes.clear()

    def backup(self, destination: Path) -> None:
        """Write a consistent copy of the whole node into a new directory, while it runs. Raises `StoreFault`."""
        self.seal()
        try:
            make_directory(destination.parent)
            destination.mkdir()
            for file in (self.settings.data / "node.yaml", self.settings.key_file):
                _copy_file(file, destination / file.name)
            (destination / "blobs").mkdir()
            self.database.copy_to(destination / "hedgerow.db")
            for blob in self.blobs.names():
                with suppress(FileNotFoundError):  # taken back meanwhile
                    _copy_file(self.blobs.path(blob), destination / "blobs" / blob.hex())
            for path in (destination / "hedgerow.db", destination / "blobs", destination, destination.parent):
                sync(path)
        except FileExistsError as fault:
            raise StoreFault(f"{destination} exists already. Name a new directory for the backup.") from fault
        except OSError as fault:
            raise os_fault(destination, fault) from fault


def _by_priority(uses: Mapping[str, AirUse]) -> dict[str, int]:
    return {one.name.lower(): uses.get(one.name.lower(), AirUse()).used_ms for one in Priority}


def _joined(hashes: dict[str, str]) -> str:
    whole = blake2b(b"hedgerow/state/v1/both\0", digest_size=32)
    for digest in hashes.values():
        whole.update(bytes.fromhex(digest))
    return whole.hexdigest()


def check_writable(path: Path) -> None:
    """Raise `StoreFault` where the card only reads. Opening a file tells, and writes nothing; an empty transaction does not tell.

    Not for the database: to close its file again would end SQLite's locks (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError as fault:
        raise os_fault(path, fault) from fault


def _copy_file(source: Path, target: Path) -> None:
    content = source.open("rb")
    with content, target.open("wb") as file:
        os.fchmod(file.fileno(), source.stat().st_mode & 0o777)
        while chunk := content.read(1 << 16):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
