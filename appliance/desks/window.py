"""What the gossip engine looks through: what this node holds and may send, and the files that come by the roads."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from appliance.clock import Clock
from appliance.desks.boards import Boards
from appliance.settings import Settings
from appliance.store.database import SQLITE, MakeDatabase, Version
from mesh.blob import PIECE_SIZE, BlobWant, blob_id
from mesh.frontier import Frontier
from mesh.keys import PUBLIC, EpochKey, Head, LogId, Scope
from mesh.log import ForkProof, Run

WANTED_AT_ONCE: Final = 4
OFFERED_MAX: Final = 32
BROADCAST_SIZE_MAX: Final = 256 * 1024  # larger files are fetched over IP, or travel by hand


class Window(Boards):
    """The `Holdings` of the gossip engine."""

    def __init__(self, settings: Settings, clock: Clock | None = None, make: MakeDatabase = SQLITE) -> None:
        super().__init__(settings, clock, make)
        self._frontiers: dict[Scope, tuple[Version, Frontier]] = {}
        self._withdrawals: tuple[Version, int] | None = None
        self._seen: Version | None = None

    @property
    def holdings(self) -> Window:
        return self

    def scopes(self) -> Sequence[Scope]:
        return (PUBLIC, self.commons)

    def frontier(self, scope: Scope) -> Frontier:
        """Return what may be sent of `scope`; kept at hand until the store changes."""
        version = self.database.version()
        cached = self._frontiers.get(scope)
        if cached is None or cached[0] != version:
            cached = self._frontiers[scope] = (version, self.records.certified(scope))
        return cached[1]

    def run(self, log: LogId, after: int, size_max: int) -> Run | None:
        return self.records.run(log, after, size_max)

    def head(self, log: LogId, seq: int) -> Head | None:
        held = self.records.log(log)
        return self.records.head_at(held, seq) if held and seq <= held.height else None

    def withdrawals(self) -> int:
        """Return how many texts were taken back so far; kept at hand until the store changes."""
        version = self.database.version()
        if self._withdrawals is None or self._withdrawals[0] != version:
            self._withdrawals = (version, self.records.withdrawals())
        return self._withdrawals[1]

    def epoch_key(self, scope: Scope) -> EpochKey | None:
        return self.commons_key if scope == self.commons else None

    def fork_proofs(self, scope: Scope) -> Sequence[ForkProof]:
        return self.records.fork_proofs(scope)

    def wanted_blobs(self) -> Sequence[BlobWant]:
        rows = self.database.rows(
            "SELECT blob, size FROM wanted WHERE size <= ? ORDER BY size, blob LIMIT ?",
            BROADCAST_SIZE_MAX,
            WANTED_AT_ONCE,
        )
        room = self.settings.archive.quota_bytes - self.blobs.used_bytes() if rows else 0
        return [BlobWant(blob, size, self.blobs.missing(blob, size)) for blob, size in rows if size <= room]

    def offered_blobs(self) -> Sequence[tuple[bytes, int]]:
        """Return texts of the shelf to play on the radio in idle air, the newest first: none unless node.yaml says so."""
        limit = self.settings.archive.carousel_limit_bytes
        return self.shelf.small_texts(limit, OFFERED_MAX) if limit else ()

    def blob_piece(self, blob: bytes, index: int) -> bytes | None:
        content = self.blobs.read(blob, index * PIECE_SIZE, PIECE_SIZE)
        return content if content and self.shelf.is_open(blob) else None

    def changed(self) -> bool:
        """Whether anything was written since the last time this was asked."""
        version = self.database.version()
        changed, self._seen = version != self._seen, version
        return changed

    # files that come

    def accept_piece(self, blob: bytes, index: int, content: bytes) -> bool:
        """Keep a piece of a wanted file. Returns whether the file is whole now."""
        size = self.database.value("SELECT size FROM wanted WHERE blob = ? AND size <= ?", blob, BROADCAST_SIZE_MAX)
        if size is None or not self.blobs.put_piece(blob, size, index, content):
            return False
        return self.finish_file(blob)

    def accept_file(self, blob: bytes, content: bytes) -> bool:
        """Keep a wanted file that came whole, if it has its name. Returns whether it is here now."""
        wanted = self.database.row("SELECT 1 FROM wanted WHERE blob = ? AND size = ?", blob, len(content))
        if wanted is None or blob_id(content) != blob:
            return False
        self.blobs.keep(BytesIO(content), len(content))
        self.blobs.drop_parts(blob)
        self.note_arrival(blob)
        return True

    def finish_file(self, blob: bytes) -> bool:
        """Put a file that arrived on the shelf, if its digest is right."""
        if not self.blobs.finish(blob):
            return False
        self.note_arrival(blob)
        return True

    def finish_fetch(self, blob: bytes) -> bool:
        """Put a file that was fetched on the shelf, if its digest is right."""
        if not self.blobs.finish_fetch(blob):
            return False
        self.note_arrival(blob)
        return True

    def note_arrival(self, blob: bytes) -> None:
        """Make a file that is here now findable. One that was taken back meanwhile goes."""
        with self.database.writing():
            if self.database.row("SELECT 1 FROM zine WHERE blob = ?", blob) is None:
                self.blobs.drop(blob)
                return
            self.shelf.has_arrived(blob)

    def finish_arrivals(self) -> None:
        """Take up the files that were being put on the shelf when the node ended; torn ones are asked for again."""
        for blob in self.blobs.parts():
            with self.database.writing():
                if self.database.row("SELECT 1 FROM zine WHERE blob = ?", blob) is None:
                    self.blobs.drop(blob)
        for blob, size in self.database.rows("SELECT blob, size FROM wanted"):
            if self.blobs.has(blob):
                self.note_arrival(blob)
            elif size <= BROADCAST_SIZE_MAX and not self.blobs.missing(blob, size):
                self.finish_file(blob)
