"""Files between neighbours' pages: what this node hands out to anybody on the street, and what it fetches from the others.

Only files of zines on the shelf are handed out. Who holds what is a hint, for the order of fetching and for people; it
proves nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from appliance.desks.shelving import Shelving
from appliance.errors import Objection, Refused
from appliance.library import ZineFile
from appliance.store.database import Row
from appliance.updates import held
from appliance.updates.update_file import UpdateFile
from mesh.addresses import Address
from mesh.blob import CHUNK_SIZE
from mesh.errors import Malformed
from mesh.keys import NodeId, written

NAME: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
LENT_MAX: Final = 8192  # files that one list names
WRONG_TOLD_MAX: Final = 16  # neighbours whose wrong answers are counted
SOUGHT_MAX: Final = 64  # files that are looked at when the next one is chosen
LENT: Final = (
    "SELECT DISTINCT blob FROM zine JOIN log ON log_no = log.no JOIN shelving ON shelving.log = log.log"
    " AND shelving.seq = zine.seq WHERE shelved = 1 AND hidden = 0"
)


class Sought(NamedTuple):
    """A file to be fetched, as one record tells of it; `chunks` names the list of its chunks, b"" where no record does."""

    blob: bytes
    size: int
    chunks: bytes


class LentUpdate(NamedTuple):
    """A new version, and all of its file that stands before the chunks."""

    path: Path
    version: str
    top: bytes


class Lending(Shelving):
    # handed out

    def lent_file(self, name: str) -> ZineFile:
        """Return where a file lies that anybody may fetch, by the hex of its digest. Raises `Refused`."""
        blob = self._lent(name)
        return ZineFile(self.blobs.path(blob), "application/octet-stream", self.blobs.size(blob), name)

    def lent_chunk_list(self, name: str) -> bytes:
        """Return the digests of its chunks. Raises `Refused`.

        Most files that come are never fetched from here, so the list of one that came is made when it is first asked for.
        """
        blob = self._lent(name)
        if self.blobs.size(blob) <= CHUNK_SIZE:
            return blob
        digests = self.database.value("SELECT digests FROM chunk_list WHERE blob = ?", blob)
        return bytes(digests) if digests else self._listed(blob)

    def _listed(self, blob: bytes) -> bytes:
        """Make the list of a file's chunks, and keep it as long as the file stands here."""
        chunks = self.blobs.chunk_list(blob)
        with self.database.writing():
            if not self.shelf.stands(blob):
                raise Refused(Objection.NOT_FOUND)
            self.shelf.keep_chunk_list(blob, chunks)
        return chunks.encode()

    def lent(self) -> bytes:
        """Return the digests of all files that anybody may fetch here, one after another."""
        here = set(self.blobs.names())
        found = [blob for (blob,) in self.database.rows(f"{LENT} ORDER BY blob") if blob in here]
        return b"".join(found[:LENT_MAX])

    def _lent(self, name: str) -> bytes:
        if NAME.fullmatch(name):
            blob = bytes.fromhex(name)
            if self.blobs.has(blob) and self.shelf.stands(blob):
                return blob
        raise Refused(Objection.NOT_FOUND)

    def lent_update(self) -> LentUpdate:
        """Return the new version that lies here for neighbours to fetch. Raises `Refused`."""
        path = held.path(self.settings.data)
        if path is None:
            raise Refused(Objection.NOT_FOUND)
        with closing(UpdateFile(path)) as update:
            return LentUpdate(path, update.top.header.version, update.top.written)

    # fetched

    def introduced_addresses(self) -> dict[NodeId, Address]:
        """Return where the nodes that were introduced here said that their pages answer."""
        found = {}
        for node, text in self.private.introduced_addresses():
            try:
                found[node] = Address.parse(text.lower())
            except Malformed:
                continue
        return found

    def sought(self) -> list[Sought]:
        """Return the wanted files that a neighbour holds and for which there is room, the rarest first."""
        room = self.settings.archive.quota_bytes - self.blobs.used_bytes()
        rows = self.database.rows(
            "SELECT DISTINCT zine.blob, zine.size, chunks,"
            " (SELECT count(*) FROM holding WHERE holding.blob = zine.blob) AS copies FROM wanted"
            " JOIN zine ON zine.blob = wanted.blob WHERE copies > 0 ORDER BY copies, zine.size, zine.blob LIMIT ?",
            SOUGHT_MAX,
        )
        return [Sought(*row[:3]) for row in rows if self._fits(row, room)]

    def _fits(self, row: Row, room: int) -> bool:
        """Whether there is room, on the card and in the archive, for what is missing of a file."""
        blob, size = row[:2]
        missing = size - min(size, self.blobs.fetched_bytes(blob))
        on_card = self.blobs.free_bytes() - self.settings.archive.free_space_floor_bytes
        return missing <= min(room, on_card) and not self.blobs.has(blob)

    def is_anything_wanted(self) -> bool:
        """Whether somebody here waits for a file."""
        return self.database.row("SELECT 1 FROM wanted LIMIT 1") is not None

    def is_sought(self, wanted: Sought) -> bool:
        """Whether somebody here still waits for this one."""
        return self._is_wanted(wanted.blob)

    def is_taken_in(self, blob: bytes, used_bytes: int) -> bool:
        """Whether a file that somebody carried here is kept, where the archive then takes so many bytes.

        Nobody may have looked at it yet, but it was carried all the way: such files may take up to half of the archive.
        """
        quota = self.settings.archive.quota_bytes
        is_welcome = self._is_wanted(blob) or self.shelf.stands(blob)
        return self.shelf.is_open(blob) and used_bytes <= (quota if is_welcome else quota // 2)

    def holders(self, blob: bytes) -> list[NodeId]:
        """Return the neighbours that are known to hold a file."""
        return [NodeId(node) for (node,) in self.database.rows("SELECT node FROM holding WHERE blob = ?", blob)]

    def note_lent(self, node: NodeId, blobs: Iterable[bytes]) -> None:
        """Note which of the files that zines here name a neighbour hands out, and that it hands out no others."""
        known = {blob for (blob,) in self.database.rows("SELECT blob FROM zine")}
        held = known.intersection(blobs)
        before = {blob for (blob,) in self.database.rows("SELECT blob FROM holding WHERE node = ?", node)}
        if held == before:
            return
        with self.database.writing():
            for blob in before - held:
                self.note_lacks(node, blob)
            for blob in held - before:
                self.shelf.note_holder(blob, node)

    def note_lacks(self, node: NodeId, blob: bytes) -> None:
        """Note that a neighbour does not hand out a file."""
        with self.database.writing():
            self.database.run("DELETE FROM holding WHERE blob = ? AND node = ?", blob, node)

    def begin_fetch(self, wanted: Sought) -> bool:
        """Make room for a file. Returns False where it is not wanted any more."""
        with self.database.writing():
            if not self._is_wanted(wanted.blob):
                return False
            self.blobs.begin_fetch(wanted.blob)
        return True

    # what went wrong

    def note_wrong_answer(self, node: NodeId) -> None:
        """Count a neighbour's wrong answer."""
        told = self.wrong_answers()
        told[written(node)] = told.get(written(node), 0) + 1
        loudest = sorted(told.items(), key=lambda one: -one[1])[:WRONG_TOLD_MAX]
        with self.database.writing():
            self.private.set_mark("wrong answers", json.dumps(dict(loudest)))

    def wrong_answers(self) -> dict[str, int]:
        """Return how many wrong answers each neighbour gave when files were fetched, by its id."""
        told: dict[str, int] = json.loads(self.private.mark("wrong answers") or "{}")
        return told
