"""The one door in. Whatever a neighbour typed, the radio heard or a stick brought is verified, stored and counted here, in one
transaction; only then does anybody hear that it is done. Next to it stands the boot guard: a node that may not be the only
writer of its logs reads, and writes nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from appliance import keel, place
from appliance.answers import Trouble
from appliance.clock import Clock
from appliance.errors import Objection, Refused, StoreFault
from appliance.settings import Settings
from appliance.store import before
from appliance.store.blobs import Blobs
from appliance.store.counting import Counting
from appliance.store.database import SQLITE, Database, MakeDatabase
from appliance.store.kept_time import KeptTime
from appliance.store.private import Private
from appliance.store.records import Log, Records
from appliance.store.shelf import Shelf
from appliance.store.unwell import UnwellRows
from appliance.store.views import AllViews
from mesh import links
from mesh.errors import BadSignature, ForkedLog, Malformed, Unexplained
from mesh.keys import PUBLIC, SALT_SIZE, EpochKey, NodeId, NodeKey, Scope, salt_for
from mesh.links import Height, Invitation, Opening
from mesh.log import Checkpoint, ForkProof, Run, batches, first_head, heads
from mesh.record import Record, RecordId

LOGS_MAX: Final = 4096  # of one scope
GUEST_LOGS_MAX: Final = 64  # of nodes that nobody here let in yet
GUEST_HEIGHT_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a run: `new` records, or `waits` because something before it is not here yet."""

    new: int = 0
    waits: bool = False


class Door:
    """The store of one node and its two sides: `accept` what others signed, `say` what this node signs."""

    def __init__(self, settings: Settings, clock: Clock | None = None, make: MakeDatabase = SQLITE) -> None:
        self.settings = settings
        self.key = NodeKey(_read_key(settings))
        self.node_id: NodeId = self.key.node_id
        self.database = Database(settings.database, make)
        with ExitStack() as undo:
            undo.callback(self.database.close)  # nobody else could close what was opened for nothing
            self.kept_time = KeptTime(self.database)
            self.clock = replace(clock or Clock(), kept=self.kept_time.read)
            self.private = Private(self.database, self.clock)
            self.commons = Scope(self.private.secret("commons"))
            self.commons_key = EpochKey(self.private.secret("epoch_key"))
            self.unwell_rows = UnwellRows(self.database, self.private)
            self.records = Records(self.database)
            self.blobs = Blobs(settings.blobs, settings.archive.free_space_floor_bytes)
            self.shelf = Shelf(self.database, self.blobs, settings.archive, self.node_id)
            self.views = AllViews(self.database, self.shelf)
            self.counting = Counting(self.database, self.records, self.commons, self.views)
            self.counting.renew_outgrown()
            self._here = place.here(settings.key_file)
            self._keel = keel.read(settings.keel_file)
            self._marked: list[Height] = []
            self.spoke_at = self.clock.ticks()  # another process may have said something just before
            self._pen = threading.RLock()  # one writer at a time in this process; the database sees to the others
            undo.pop_all()

    def close(self) -> None:
        """Close this thread's connection."""
        self.database.close()

    # --- what others signed

    def accept(self, run: Run) -> Taken:
        """Verify, store and count a run, all or nothing. Raises a `PeerFault` where its sender broke a rule."""
        taken = self._accept(run)
        self.shelf.sweep()
        return taken

    def _accept(self, run: Run) -> Taken:
        contradiction: ForkProof | None = None
        with self.database.writing():
            log, opening = self._log_of(run)
            if log is None:
                return Taken(waits=True)
            checkpoint = run.check(log.public_key, self.records.head_at(log, run.after))
            held = self.records.overlapping(log, checkpoint)
            if held is None:
                return self._take(log, run, checkpoint, opening)
            contradiction = ForkProof(log.public_key, held, checkpoint)
            self.records.keep_fork_proof(contradiction)
        raise ForkedLog("this log was written twice from one place on; the proof is kept")

    def _log_of(self, run: Run) -> tuple[Log | None, Opening | None]:
        """Return the log that a run belongs to; None where it must wait. A run from seq 1 on brings its own key."""
        log = self.records.log(run.log)
        if log is not None:
            return (log, None) if run.after <= log.height and self._has_room(run, log, None) else (None, None)
        if run.after:
            return None, None
        opening = Opening.read(run.records[0]) if run.records else None
        if opening is None or opening.log != run.log:
            raise Malformed("this log does not begin with its own opening")
        self._check_right(opening)
        run.check(opening.public_key, first_head(opening.log))
        return (self.records.begin(opening), opening) if self._has_room(run, None, opening) else (None, None)

    def _check_right(self, opening: Opening) -> None:
        """Follow public logs, and in the own commons those that show by what right they are there."""
        if opening.scope not in (PUBLIC, self.commons):
            raise Malformed("this log belongs to another commons")
        if opening.scope == self.commons and opening.right is None and opening.continues is None:
            raise BadSignature("this node shows no right to write in this commons")

    def _has_room(self, run: Run, log: Log | None, opening: Opening | None) -> bool:
        """Strangers are held only as far as there is room for guests; they may be let in any moment."""
        node, scope = (
            (opening.node, opening.scope) if opening else (log.node, log.scope) if log else (self.node_id, PUBLIC)
        )
        if self._is_known(node) or (opening and opening.founds):
            return True
        logs = self.records.logs(scope)
        guests = sum(1 for other in logs if not self._is_known(other.node))
        return run.upto <= GUEST_HEIGHT_MAX and len(logs) < LOGS_MAX and (log is not None or guests < GUEST_LOGS_MAX)

    def _is_known(self, node: NodeId) -> bool:
        return node == self.node_id or self.counting.is_admitted(node) or self.private.is_peer(node)

    def _take(self, log: Log, run: Run, checkpoint: Checkpoint, opening: Opening | None) -> Taken:
        new = run.records[log.height - run.after :]
        self._check_shared(log, run)
        if new:
            self._check_next(log, new)
            self.records.append(log, new)
            self._withdraw(log, new)
            self._check_company(log, new)
            if log.node == self.node_id:
                self.private.set_mark("tail", self._tail_mark(log))
        self.records.certify(log, checkpoint)
        self.counting.take_in(log, opening)
        return Taken(new=len(new))

    def _check_shared(self, log: Log, run: Run) -> None:
        """What a run says of the records that are here must be what they say, also where no two checkpoints prove a fork."""
        shared = run.records[: log.height - run.after]
        chain = heads(self.records.head_at(log, run.after), shared)
        if chain and chain[-1] != self.records.head_at(log, run.after + len(shared)):
            if log.height > log.certified:
                raise ForkedLog("another copy of this node wrote on; this one must not")
            raise ForkedLog("this log was written twice from one place on; what was here first stays")

    def _check_next(self, log: Log, new: Sequence[Record]) -> None:
        """A second opening inside a log would make its name ambiguous."""
        later = new[1:] if log.height == 0 else new
        if any(record.kind == links.OPEN for record in later):
            raise Malformed("a log opens once")

    def _withdraw(self, log: Log, records: Sequence[Record]) -> None:
        """Take texts back as soon as their author's word is here, whether it counts yet or not."""
        for record in records:
            if record.kind == links.WITHDRAW:
                try:
                    target = RecordId(*links.read_withdrawal(record))
                except Malformed:
                    continue
                if written := self.records.withdraw(target, log):
                    self.views.forget(written, target.seq)

    def _check_company(self, log: Log, new: Sequence[Record]) -> None:
        """A record without its text is believed only together with the word that took it back."""
        for seq, record in enumerate(new, log.height + 1):
            if record.is_withdrawn and not self.records.is_withdrawn(RecordId(log.log, seq)):
                raise Unexplained("a text is missing, and nobody here took it back")

    def accept_fork_proof(self, proof: ForkProof) -> bool:
        """Keep a proof that a log was forked. Returns whether it is news. Raises `PeerFault` where it proves nothing."""
        proof.check()
        with self.database.writing():
            log = self.records.log(proof.one.log)
            if log is None or log.public_key != proof.public_key:
                return False
            return self.records.keep_fork_proof(proof)

    # --- what this node signs

    @contextmanager
    def saying(self) -> Iterator[None]:
        """What is said inside is on the card when the block ends. Raises `Refused` while the node only reads."""
        with self._pen:
            with self.database.writing():
                if self.trouble:
                    raise Refused(Objection.NODE_IS_READ_ONLY)
                yield
            with suppress(StoreFault):  # what is on the card is done, also if the mark beside it could not follow
                self.mark_keel()
            self.shelf.sweep()

    def say(self, scope: Scope, record: Record) -> RecordId:
        """Write one record on top of the own log. Only inside `saying`."""
        log = self.own_log(scope)
        self.records.append(log, [record])
        self._withdraw(log, [record])
        self.counting.take_in(log, None)
        return RecordId(log.log, log.height + 1)

    def salt(self, scope: Scope) -> bytes:
        """Return the salt of the next record: derived in the commons, where members can work it out; random in public."""
        if scope == PUBLIC:
            return os.urandom(SALT_SIZE)
        log = self.own_log(scope)
        return salt_for(self.commons_key, log.log, log.height + 1)

    def own_log(self, scope: Scope) -> Log:
        """Return the log that this copy of the node writes in `scope`. Another copy may have opened a later one."""
        incarnation = int(self.private.mark("incarnation") or 0)
        for log in self.records.logs(scope, self.node_id):
            if log.incarnation == incarnation:
                return log
        raise StoreFault(f"{self.database.path} was never finished. Run hedgerow init in an empty directory.")

    def seal(self) -> bool:
        """Certify what this node wrote since its last checkpoint, so that it may be sent. Returns whether there was anything."""
        with self._pen, self.database.writing():
            if self.trouble:
                return False
            pending = [log for scope in (PUBLIC, self.commons) if (log := self.own_log(scope)).height > log.certified]
            for log in pending:
                self._certify(log)
            return bool(pending)

    def _certify(self, log: Log) -> None:
        """Sign what is new, in batches that fit every road."""
        previous = log.certified
        for seq in batches(previous, self.records.span(log.no, previous, log.height)):
            head = self.records.head_at(log, seq)
            self.records.certify(log, Checkpoint.sign(self.key, log.log, previous, seq, head))
            previous = seq

    def open_log(self, opening: Opening) -> Log:
        """Begin a log of this node's own. Only inside a transaction."""
        log = self.records.begin(opening)
        self.records.append(log, [opening.record(self.clock.now())])
        self.counting.take_in(self.records.log_by_no(log.no), opening)
        return self.records.log_by_no(log.no)

    # --- the boot guard

    @property
    def trouble(self) -> Trouble | None:
        """Why this node only reads, if it does."""
        if before.copy_of(self.settings.database).exists():
            return Trouble("on_trial")
        if self.private.mark("place") not in ("", self._here):
            return Trouble("other_hardware")
        for scope in (PUBLIC, self.commons):
            log = self.own_log(scope)
            if self._is_behind(log):
                return Trouble("behind", {"height": log.height})
            if self.database.row("SELECT 1 FROM ended WHERE log = ?", log.log):
                return Trouble("superseded")
            if self.database.row("SELECT 1 FROM fork_proof WHERE log = ?", log.log):
                return Trouble("forked")
        return None

    def _is_behind(self, log: Log) -> bool:
        """Whether the keel mark, which no restored copy takes back, knows more of the own log than the store does."""
        for mark in self._keel.heights if self._keel else ():
            if mark.log == log.log and (
                mark.height > log.height or self.records.head_at(log, mark.height) != mark.head
            ):
                return True
        return False

    @property
    def tail_came_home(self) -> bool:
        """Whether somebody brought records of the own log to this place that are signed with this node's own key."""
        return self.private.mark("tail") == self._tail_mark(self.own_log(self.commons))

    def _tail_mark(self, log: Log) -> str:
        return f"{self._here} {log.log.hex()}"

    def mark_keel(self) -> None:
        heights = [
            Height(log.log, log.height, log.head)
            for log in (self.own_log(PUBLIC), self.own_log(self.commons))
            if log.height
        ]
        if heights != self._marked:
            keel.write(self.settings.keel_file, keel.Keel(self._here, tuple(heights)))
            self._marked = heights

    def reopen(self) -> None:
        """Leave the own logs behind where they are certified, and open the next incarnation of each."""
        with self._pen:
            with self.database.writing():
                own = self.records.logs(node=self.node_id)
                incarnation = max(log.incarnation for log in own) + 1
                for scope in (PUBLIC, self.commons):
                    self._reopen(scope, incarnation)
                self.private.set_mark("incarnation", str(incarnation))
                self.private.set_mark("place", self._here)
            self._keel = None
            self.mark_keel()

    def _reopen(self, scope: Scope, incarnation: int) -> None:
        first = self.records.record(RecordId(self.own_log(scope).log, 1))
        assert first is not None
        right = Opening.read(first).right
        self.open_log(Opening(self.key.public_key, incarnation, scope, self._last_place(scope), right))

    def _last_place(self, scope: Scope) -> Height | None:
        """Return up to where the newest log of this node counts here, be it another copy's: so there is one line of descent."""
        for log in reversed(self.records.logs(scope, self.node_id)):
            if height := min(log.certified, self.counting.counted(log)):
                return Height(log.log, height, self.records.head_at(log, height))
        own = self.own_log(scope)
        return Height(own.log, own.certified, own.certified_head) if own.certified else None

    # --- what is due without anybody asking

    def do_duties(self) -> bool:
        """Write what this node owes the others: admissions, `held` and absorbs. Returns whether anything was written."""
        if self.trouble or not self.is_let_in():
            return False
        with self.saying():
            at = self.clock.now()
            due = [(self.commons, record) for record in (*self._admissions(at), *self._absorbs(at))]
            due += [(scope, record) for scope in (PUBLIC, self.commons) for record in self._held(scope, at)]
            for scope, record in due:
                self.say(scope, record)
        return bool(due)

    def is_let_in(self) -> bool:
        """Whether what this node says in its commons counts. Before an invited node is let in, it counts nowhere."""
        own = self.own_log(self.commons)
        return self.counting.counted(own) == own.height

    def _admissions(self, at: int) -> Iterator[Record]:
        """Let in whoever holds an invite of ours: once for each invite."""
        for (no,) in self.database.rows("SELECT log_no FROM waiting JOIN log ON no = log_no WHERE on_log = log.node"):
            log = self.records.log_by_no(no)
            first = self.records.record(RecordId(log.log, 1))
            right = Opening.read(first).right if first else None
            if isinstance(right, Invitation) and self.private.use_invite(right.invite_key, log.node):
                yield links.admit(at, log.node)

    def _held(self, scope: Scope, at: int) -> Iterator[Record]:
        """Say how much of a log that was left behind is here, where that is more than anybody has named."""
        rows = self.database.rows(
            "SELECT no FROM log JOIN ended USING (log) LEFT JOIN named USING (log, scope)"
            " WHERE scope = ? AND certified > max(ended.height, coalesce(named.height, 0))",
            scope,
        )
        for (no,) in rows:
            log = self.records.log_by_no(no)
            yield links.held(at, Height(log.log, log.certified, log.certified_head))

    def _absorbs(self, at: int) -> Iterator[Record]:
        """Absorb what the commons began with, and the tail of a log of our own that came back."""
        own = self.own_log(self.commons)
        rows = self.database.rows(
            "SELECT other.no FROM log other LEFT JOIN ("
            "  SELECT other AS log, max(height) AS height FROM absorbed WHERE log_no = ?1 GROUP BY other"
            ") done ON done.log = other.log WHERE other.scope = ?2 AND other.no <> ?1 AND other.counted > 0 AND ("
            "  (other.log IN (SELECT log FROM ended) AND other.node = ?3 AND other.counted > coalesce(done.height, 0))"
            "  OR EXISTS (SELECT 1 FROM currency WHERE log_no = other.no AND seq > coalesce(done.height, 0)))",
            *(own.no, self.commons, self.node_id),
        )
        for (no,) in rows:
            yield links.absorb(at, self.counted_place(self.records.log_by_no(no)))

    def counted_place(self, log: Log) -> Height:
        """Return how far `log` counts here."""
        height = self.counting.counted(log)
        return Height(log.log, height, self.records.head_at(log, height))


def _read_key(settings: Settings) -> bytes:
    try:
        seed = bytes.fromhex(settings.key_file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as fault:
        raise StoreFault(
            f"{settings.key_file} cannot be read. Without its key a node is nobody; restore a backup."
        ) from fault
    if len(seed) != 32:
        raise StoreFault(f"{settings.key_file} does not hold a key. Restore a backup.")
    return seed
