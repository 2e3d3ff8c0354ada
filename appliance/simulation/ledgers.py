"""Real books for simulated nodes: each has a store in a directory of its own, behind the door that a node's records come through.

What people want to pay is paid at the real counter, so it writes the absorbs that a payment needs; and what the radio brings
is counted by the real rules. So a street can tell whether all who hold the same records make the same of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any, ClassVar, Final

from appliance.clock import Clock
from appliance.desks.payments import Payments
from appliance.errors import Refused
from appliance.ledger.transfer import Transfer
from appliance.settings import Archive, Gossip, Settings
from appliance.simulation.payments import CURRENCY, PaymentsPenman
from appliance.store.database import SQLITE, Database
from appliance.store.private import Private
from appliance.store.views import state_hash
from mesh import links
from mesh.keys import PUBLIC, EpochKey, NodeId, NodeKey, Scope
from mesh.links import Opening
from mesh.log import Run
from mesh.record import Record
from mesh.simulation.truth import Recipe

FLOOR: Final = -400  # so near that people soon spend what others paid them


class NodeBooks:
    """The `mesh.simulation.truth.Books` of one node."""

    def __init__(self, directory: Path, key: NodeKey, scope: Scope, epoch_key: EpochKey) -> None:
        self._at = 0
        station_seals = Gossip(batch_s=inf)  # and none but it: two signatures over one place would be a fork
        settings = Settings(
            directory, "Node", "Street", archive=Archive(free_space_floor_bytes=0), gossip=station_seals
        )
        directory.mkdir()
        settings.key_file.write_text(key.seed.hex(), encoding="ascii")
        _furnish(settings, scope, epoch_key)
        self._desk = Payments(settings, Clock(wall=lambda: self._at), make=_unsynced)
        with self._desk.database.writing():
            self._desk.open_log(Opening(key.public_key, 0, PUBLIC))

    def take(self, run: Run) -> None:
        self._desk.accept(run)

    def state(self) -> bytes | None:
        own = self._desk.records.logs(self._desk.commons, self._desk.node_id)
        if any(log.height > log.certified for log in own):
            return None
        return bytes.fromhex(state_hash(self._desk.database, self._desk.commons))

    def pay(self, transfer: Transfer, at: int, memo: str) -> Sequence[Record]:
        """Pay at the counter. Returns all that the node wrote for it; nothing where the ledger refuses."""
        self._at = at
        desk, before = self._desk, self._desk.own_log(self._desk.commons).height
        taken, given = sorted(transfer.postings, key=lambda posting: posting.amount)
        try:
            payer, payee = (desk.account(str(posting.account)) for posting in (taken, given))
            desk.pay(payer, payee, given.amount, desk.currency(CURRENCY), memo)
        except Refused:
            return ()
        own = desk.own_log(desk.commons)
        return desk.records.span(own.no, before, own.height)

    def close(self) -> None:
        self._desk.close()


def _furnish(settings: Settings, scope: Scope, epoch_key: EpochKey) -> None:
    database = Database(settings.database, _unsynced)
    with database.writing():
        private = Private(database, Clock())
        private.set_secret("commons", scope)
        private.set_secret("epoch_key", epoch_key)
    database.close()


def _unsynced(path: str, pragmas: Sequence[tuple[str, Any]], timeout: float) -> Any:
    """Open a database that need not outlive a power cut: it is gone after the run."""
    return SQLITE(path, pragmas=(*pragmas, ("synchronous", 0)), timeout=timeout)


class Ledgers:
    """The books of all nodes of one run, below an empty `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._books: dict[NodeId, NodeBooks] = {}

    def open(self, key: NodeKey, scope: Scope, epoch_key: EpochKey) -> NodeBooks:
        """Begin the books of one node: a `mesh.simulation.truth.BooksFor`."""
        books = NodeBooks(self._directory / f"{len(self._books)}", key, scope, epoch_key)
        self._books[key.node_id] = books
        return books

    def of(self, node: NodeId) -> NodeBooks | None:
        """Return the books of a node; None for one that keeps none, as those do who are not honest."""
        return self._books.get(node)

    def close(self) -> None:
        for books in self._books.values():
            books.close()


class CountersPenman(PaymentsPenman):
    """Authors who pay at the counter of their own node, which keeps books and refuses what passes a floor."""

    FLOOR: ClassVar = FLOOR

    def __init__(self, ledgers: Ledgers, *of_run: Any) -> None:
        super().__init__(*of_run)
        self._ledgers = ledgers

    def before(self, author: int) -> list[Recipe]:
        """The founder lets everybody in, else nothing that they say would count."""
        others = self.nodes[1:] if author == 0 else ()
        return super().before(author) + [_as_it_is(links.admit(0, node)) for node in others]

    def write(self, author: int, transfer: Transfer, at: int, memo: str) -> Sequence[Recipe]:
        books = self._ledgers.of(self.nodes[author])
        if books is None:
            return super().write(author, transfer, at, memo)
        return [_as_it_is(record) for record in books.pay(transfer, at, memo)]


def _as_it_is(record: Record) -> Recipe:
    """Return the recipe of a record that was made already, with the salt of its place where it has one."""
    return lambda _salt: record
