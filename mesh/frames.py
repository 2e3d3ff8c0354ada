"""What one frame of a bundle says, as values and as bytes.

    frontier   how far a node is in each log of a scope, as somebody tells it: good for choosing what to carry, no proof
    runs       records with the checkpoints that certify them
    blob       a piece of a file
    calls      calls for help that live; sealed always
    sealed     one of these four, readable by a commons alone

The file around the frames is bundle.py; see spec/bundle-v1.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from mesh import canonical
from mesh.canonical import INT_MAX, Value
from mesh.distress import AT_MAX, CALLS_MAX, HEAD, Distress
from mesh.errors import Malformed
from mesh.keys import DIGEST_SIZE, ID_SIZE, PUBLIC, SIGNATURE_SIZE, LogId, NodeId, Scope
from mesh.log import Run
from mesh.record import Record
from mesh.sealing import OVERHEAD, Handle
from mesh.wire import Reader

KIBIBYTE: Final = 1024
FRAME_SIZE_MAX: Final = 256 * KIBIBYTE
FRAME_HEAD_SIZE: Final = 5
PAYLOAD_SIZE_MAX: Final = FRAME_SIZE_MAX - FRAME_HEAD_SIZE
SECTION_SIZE_MAX: Final = PAYLOAD_SIZE_MAX - OVERHEAD - 1  # a section must fit into a frame after sealing, too
ITEM_HEAD_SIZE: Final = 5  # at most, of a CBOR array or byte string of less than 4 GiB
RUN_SIZE_MAX: Final = SECTION_SIZE_MAX - 2 * ITEM_HEAD_SIZE  # so a node signs a checkpoint before it writes this much
PIECE_SIZE_MAX: Final = 192 * KIBIBYTE
PIECE_HEAD_SIZE: Final = DIGEST_SIZE + 8 + 8


class Kind(IntEnum):
    """The byte that says what a frame is. Zero is none: an unfinished file often ends in zeros."""

    FRONTIER = 1
    RUNS = 2
    BLOB = 3
    SEALED = 4
    STAMP = 5
    END = 6
    CALLS = 7


@dataclass(frozen=True, slots=True)
class FrontierFrame:
    """`holder` had at least these heights when the writer last heard of it. Several frames of one holder add up."""

    kind: ClassVar[Kind] = Kind.FRONTIER
    scope: Scope
    holder: NodeId
    heights: Mapping[LogId, int]

    def payload(self) -> bytes:
        return canonical.encode([self.holder, [[log, self.heights[log]] for log in sorted(self.heights)]])

    @classmethod
    def read(cls, scope: Scope, payload: bytes) -> FrontierFrame:
        """Return what `payload` says. Raises `Malformed`."""
        parts = canonical.decode(payload)
        if type(parts) is not list or [type(part) for part in parts] != [bytes, list] or len(parts[0]) != ID_SIZE:
            raise Malformed("a frontier is a holder and heights")
        heights = dict(_read_height(height) for height in parts[1])
        if len(heights) != len(parts[1]) or list(heights) != sorted(heights):
            raise Malformed("a frontier names each log once, in order")
        return cls(scope, NodeId(parts[0]), heights)


def _read_height(parts: Value) -> tuple[LogId, int]:
    if type(parts) is not list or [type(part) for part in parts] != [bytes, int]:
        raise Malformed("a height is a log and a number")
    log, height = parts
    if len(log) != ID_SIZE or not 1 <= height <= INT_MAX:
        raise Malformed("a height is out of range")
    return LogId(log), height


@dataclass(frozen=True, slots=True)
class RunsFrame:
    """Runs of logs of one scope. That they are well formed is known; that they verify is known where their logs are."""

    kind: ClassVar[Kind] = Kind.RUNS
    scope: Scope
    runs: tuple[Run, ...]

    def payload(self) -> bytes:
        return pack_runs([encode_run(run) for run in self.runs])

    @classmethod
    def read(cls, scope: Scope, payload: bytes) -> RunsFrame:
        """Return what `payload` says. Raises `Malformed`."""
        items = canonical.decode(payload)
        if type(items) is not list or not items or any(type(item) is not bytes for item in items):
            raise Malformed("a frame of runs holds at least one, each as a byte string")
        return cls(scope, tuple(parse_run(item) for item in items))


def pack_runs(items: list[bytes]) -> bytes:
    """Return the payload that holds these runs, each encoded already, so that a packer can count before it writes."""
    return canonical.encode(items)


def encode_run(run: Run) -> bytes:
    """Return the plain form of a run."""
    records = [record.parts() for record in run.records]
    return canonical.encode([run.log, run.after, records, run.previous, run.signature])


def parse_run(raw: bytes) -> Run:
    """Return the run whose plain form is `raw`. Raises `Malformed`."""
    parts = canonical.decode(raw)
    if type(parts) is not list or [type(part) for part in parts] != [bytes, int, list, int, bytes]:
        raise Malformed("a run is [log, after, records, previous, signature]")
    log, after, records, previous, signature = parts
    if len(log) != ID_SIZE or len(signature) != SIGNATURE_SIZE:
        raise Malformed("a part of a run has the wrong size")
    upto = after + len(records)
    if not (0 <= after < upto <= INT_MAX and 0 <= previous < upto):
        raise Malformed("a run holds at least one record and ends in a checkpoint")
    return Run(LogId(log), after, tuple(Record.from_parts(record) for record in records), previous, signature)


@dataclass(frozen=True, slots=True)
class BlobFrame:
    """What stands at `offset` of the file of `size` bytes whose BLAKE2b-256 is `blob`. The whole file proves it."""

    kind: ClassVar[Kind] = Kind.BLOB
    blob: bytes
    size: int
    offset: int
    content: bytes
    scope: Scope = PUBLIC

    def payload(self) -> bytes:
        return b"".join((self.blob, self.size.to_bytes(8, "big"), self.offset.to_bytes(8, "big"), self.content))

    @classmethod
    def read(cls, scope: Scope, payload: bytes) -> BlobFrame:
        """Return what `payload` says. Raises `Malformed`."""
        if not PIECE_HEAD_SIZE <= len(payload) <= PIECE_HEAD_SIZE + PIECE_SIZE_MAX:
            raise Malformed(f"a piece of a file has at most {PIECE_SIZE_MAX} bytes")
        size = int.from_bytes(payload[DIGEST_SIZE : DIGEST_SIZE + 8], "big")
        offset = int.from_bytes(payload[DIGEST_SIZE + 8 : PIECE_HEAD_SIZE], "big")
        content = payload[PIECE_HEAD_SIZE:]
        if size > INT_MAX or offset + len(content) > size or (size > 0 and not content):
            raise Malformed("a piece lies outside its file, or holds nothing")
        return cls(payload[:DIGEST_SIZE], size, offset, content, scope)


@dataclass(frozen=True, slots=True)
class CallsFrame:
    """Calls for help, each at the age that it had when this was written: at `at` by the writer's clock, 0 where unsure."""

    kind: ClassVar[Kind] = Kind.CALLS
    scope: Scope
    at: int
    calls: tuple[Distress, ...]

    def payload(self) -> bytes:
        return canonical.encode([self.at, [call.encode() for call in self.calls]])

    @classmethod
    def read(cls, scope: Scope, payload: bytes) -> CallsFrame:
        """Return what `payload` says. Raises `Malformed`."""
        parts = canonical.decode(payload)
        if type(parts) is not list or [type(part) for part in parts] != [int, list] or not 0 <= parts[0] <= AT_MAX:
            raise Malformed("a frame of calls is a time and calls")
        if scope == PUBLIC or not 1 <= len(parts[1]) <= CALLS_MAX:
            raise Malformed("calls are sealed for a commons, and few")
        return cls(scope, parts[0], tuple(_read_call(item) for item in parts[1]))


def _read_call(item: Value) -> Distress:
    if type(item) is not bytes or not item.startswith(HEAD):
        raise Malformed("a call is the packet of a call")
    return Distress.read(Reader(item[len(HEAD) :]))


@dataclass(frozen=True, slots=True)
class SealedFrame:
    """A section that this node holds no key to. `raw` is the whole of it: checked, and ready to be handed on."""

    scope_handle: Handle
    raw: bytes


Section = FrontierFrame | RunsFrame | BlobFrame | CallsFrame
Frame = Section | SealedFrame
SECTIONS: Final[Mapping[int, type[FrontierFrame] | type[RunsFrame] | type[BlobFrame] | type[CallsFrame]]] = {
    Kind.FRONTIER: FrontierFrame,
    Kind.RUNS: RunsFrame,
    Kind.BLOB: BlobFrame,
    Kind.CALLS: CallsFrame,
}


def read_section(scope: Scope, kind: int, payload: bytes) -> Section:
    """Return the frontier, runs, calls or piece of a file that `payload` holds. Raises `Malformed`."""
    if kind not in SECTIONS:
        raise Malformed(f"nothing of kind {kind} stands here")
    return SECTIONS[kind].read(scope, payload)
