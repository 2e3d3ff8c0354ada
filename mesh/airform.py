"""Records as they travel: nothing is sent that the receiver can derive.

    parcel  := scope handle ‖ sender ‖ digest ‖ run …
    run     := log handle ‖ after ‖ count ‖ record{count} ‖ reach of the checkpoint ‖ signature
    record  := 4 · size of core + form ‖ core ‖ (digest | salt ‖ size ‖ text | size ‖ text)

The seq of a record follows from its place, the head of the checkpoint from the records, the log's name from its open
record or from what the receiver holds, and the salt of a text inside a commons from the epoch key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mesh.errors import Malformed
from mesh.keys import DIGEST_SIZE, SALT_SIZE, SIGNATURE_SIZE, EpochKey, LogId, NodeId, Scope, salt_for
from mesh.log import Run
from mesh.record import CORE_SIZE_MAX, TEXT_SIZE_MAX, Record
from mesh.wire import Reader, varint

LOG_HANDLE_SIZE: Final = 4
NODE_HANDLE_SIZE: Final = 4
SCOPE_HANDLE_SIZE: Final = 2
SHORT_DIGEST_SIZE: Final = 5
HEAD_HANDLE_SIZE: Final = 4
RUN_OVERHEAD: Final = LOG_HANDLE_SIZE + 9 + 3 + 9 + SIGNATURE_SIZE  # what a run costs beside its records, at most


def log_handle(log: LogId) -> bytes:
    """Return the first 4 bytes of the name: enough to find a log among those held, or several of which one will do."""
    return log[:LOG_HANDLE_SIZE]


def node_handle(node: NodeId) -> bytes:
    """Return the first 4 bytes of the node's name."""
    return node[:NODE_HANDLE_SIZE]


def scope_handle(scope: Scope) -> bytes:
    """Return 2 bytes: zero for public, the first of its name for a commons (0001 should these be zero)."""
    handle = scope[:SCOPE_HANDLE_SIZE]
    return b"\0\1" if any(scope) and not any(handle) else handle


class Form(IntEnum):
    """What stands beside a core."""

    BARE = 0  # nothing was said
    WITHDRAWN = 1  # the digest of what was said
    SALTED = 2  # salt and text
    DERIVED = 3  # text, under the salt that follows from the epoch key


@dataclass(frozen=True, slots=True)
class AirRecord:
    """One record on the air. `beside` is its digest or its salt, or nothing, as the form says."""

    form: Form
    core: bytes
    beside: bytes = b""
    text: bytes = b""

    @classmethod
    def pack(cls, record: Record, derived_salt: bytes | None) -> AirRecord:
        """Return the shortest form of a record whose salt, if members can derive it, is `derived_salt`."""
        if record.text is None:
            return cls(Form.WITHDRAWN if record.is_withdrawn else Form.BARE, *record.parts())
        if record.salt == derived_salt:
            return cls(Form.DERIVED, record.core, b"", record.text)
        return cls(Form.SALTED, record.core, record.salt, record.text)

    def unpack(self, derived_salt: bytes | None) -> Record:
        """Return the record. Raises `Malformed`."""
        if self.form is Form.BARE:
            return Record.from_parts([self.core])
        if self.form is Form.WITHDRAWN:
            return Record.from_parts([self.core, self.beside])
        salt = self.beside if self.form is Form.SALTED else derived_salt
        if salt is None:
            raise Malformed("a salt should derive from a key, in a scope that has none")
        if self.form is Form.SALTED and salt == derived_salt:
            raise Malformed("a salt is sent that derives from the key")
        return Record.from_parts([self.core, salt, self.text])

    def encode(self) -> bytes:
        packed = varint(4 * len(self.core) + self.form) + self.core + self.beside
        return packed + varint(len(self.text)) + self.text if self.form >= Form.SALTED else packed

    @classmethod
    def read(cls, reader: Reader) -> AirRecord:
        size, form = divmod(reader.varint(), 4)
        core = reader.take(_within(size, CORE_SIZE_MAX))
        beside = reader.take((0, DIGEST_SIZE, SALT_SIZE, 0)[form])
        text = reader.take(_within(reader.varint(), TEXT_SIZE_MAX)) if form >= Form.SALTED else b""
        return cls(Form(form), core, beside, text)


def _within(size: int, size_max: int) -> int:
    if size > size_max:
        raise Malformed(f"{size} bytes are over {size_max}")
    return size


@dataclass(frozen=True, slots=True)
class AirRun:
    """A run on the air. `reach` is how many records the closing checkpoint covers: its seq minus its previous."""

    handle: bytes
    after: int
    records: tuple[AirRecord, ...]
    reach: int
    signature: bytes

    @property
    def upto(self) -> int:
        """The seq of the last record."""
        return self.after + len(self.records)

    @classmethod
    def pack(cls, run: Run, epoch_key: EpochKey | None) -> AirRun:
        records = (
            AirRecord.pack(record, _salt(epoch_key, run.log, seq))
            for seq, record in enumerate(run.records, run.after + 1)
        )
        return cls(log_handle(run.log), run.after, tuple(records), run.upto - run.previous, run.signature)

    def unpack(self, log: LogId, epoch_key: EpochKey | None) -> Run:
        """Return the run of `log`, well formed but not verified. Raises `Malformed`."""
        records = (record.unpack(_salt(epoch_key, log, seq)) for seq, record in enumerate(self.records, self.after + 1))
        return Run(log, self.after, tuple(records), self.upto - self.reach, self.signature)

    def encode(self) -> bytes:
        records = b"".join(record.encode() for record in self.records)
        head = self.handle + varint(self.after) + varint(len(self.records))
        return head + records + varint(self.reach) + self.signature

    @classmethod
    def read(cls, reader: Reader) -> AirRun:
        handle, after, count = reader.take(LOG_HANDLE_SIZE), reader.varint(), reader.varint()
        if not count:
            raise Malformed("a run holds at least one record")
        records = tuple(AirRecord.read(reader) for _ in range(_within(count, reader.left)))
        run = cls(handle, after, records, reader.varint(), reader.take(SIGNATURE_SIZE))
        if not 1 <= run.reach <= run.upto:
            raise Malformed("a checkpoint covers at least one record, and none before the first")
        return run


def _salt(epoch_key: EpochKey | None, log: LogId, seq: int) -> bytes | None:
    return salt_for(epoch_key, log, seq) if epoch_key else None


@dataclass(frozen=True, slots=True)
class Parcel:
    """Runs of one scope, and the sender's short digest of all it holds there."""

    scope: bytes
    sender: bytes
    digest: bytes
    runs: tuple[AirRun, ...]

    def encode(self) -> bytes:
        return self.scope + self.sender + self.digest + b"".join(run.encode() for run in self.runs)

    @classmethod
    def read(cls, reader: Reader) -> Parcel:
        scope, sender = reader.take(SCOPE_HANDLE_SIZE), reader.take(NODE_HANDLE_SIZE)
        digest = reader.take(SHORT_DIGEST_SIZE)
        runs = [AirRun.read(reader)]
        while reader.left:
            runs.append(AirRun.read(reader))
        return cls(scope, sender, digest, tuple(runs))


PARCEL_HEAD_SIZE: Final = SCOPE_HANDLE_SIZE + NODE_HANDLE_SIZE + SHORT_DIGEST_SIZE
