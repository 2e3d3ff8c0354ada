"""The file that carries records and files by hand: written and read in one pass, in bounded memory, through a pipe too.

    file   := magic ‖ version ‖ public key ‖ frame …        frame := length ‖ kind ‖ payload

Every few frames comes a stamp: the writer's signature over the BLAKE2b-256 digest of every byte of the file before
it. This one running digest does it all. Nobody can cut, reorder or mix frames, for a stamp covers the whole prefix. A
reader holds back at most what came since the last stamp (16 frames, about 1 MiB) and hands it over once the next one
verifies. A torn file is good up to its last stamp. The same bytes read again are the same records again, so nothing
has to be remembered to resume. The end frame counts what came before: without it a file is torn, however neatly it
stops. See spec/bundle-v1.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import BinaryIO, Final

from mesh.errors import Malformed, TornBundle, UnknownVersion
from mesh.frames import (
    FRAME_HEAD_SIZE,
    FRAME_SIZE_MAX,
    ITEM_HEAD_SIZE,
    KIBIBYTE,
    PIECE_HEAD_SIZE,
    PIECE_SIZE_MAX,
    RUN_SIZE_MAX,
    BlobFrame,
    CallsFrame,
    Frame,
    FrontierFrame,
    Kind,
    SealedFrame,
    Section,
    encode_run,
    pack_runs,
    read_section,
)
from mesh.frontier import Frontier
from mesh.keys import DIGEST_SIZE, PUBLIC, SIGNATURE_SIZE, EpochKey, NodeId, NodeKey, PublicKey, Scope, node_id, verify
from mesh.log import Run
from mesh.sealing import OVERHEAD, Seal, SealedSection

MAGIC: Final = b"HEDGEROW"
VERSION: Final = 1
VERSION_WITH_CALLS: Final = 2  # so that programs that know no calls say so, and do not take the file for a spoiled one
HEADER_SIZE: Final = len(MAGIC) + 1 + DIGEST_SIZE
BUNDLE_DOMAIN: Final = "hedgerow/bundle/v1"
FAT32_SIZE_MAX: Final = 2**32 - 1  # no file on a FAT32 stick is larger

STAMP_SIZE: Final = FRAME_HEAD_SIZE + SIGNATURE_SIZE
END_SIZE: Final = FRAME_HEAD_SIZE + 8 + 8
CLOSING_SIZE: Final = 2 * STAMP_SIZE + END_SIZE  # kept free: a stamp that may fall due, the end, its stamp
LOOSE_FRAMES_MAX: Final = 16  # no frame begins while this many, or this many bytes, wait for a stamp
LOOSE_SIZE_MAX: Final = 1024 * KIBIBYTE
RECORDS_LOOSE_MAX: Final = 64 * KIBIBYTE  # records are dearer than pieces of files: less of them is lost to a tear
LOGS_PER_FRAME: Final = 4096
KINDS: Final = frozenset(int(kind) for kind in Kind) - {Kind.CALLS}  # in clear: calls are sealed


@dataclass(frozen=True, slots=True)
class Summary:
    """What a bundle came to.

    `written` and `left_out` count frontiers, runs, files, and sealed sections handed on, each under its kind.
    """

    size: int
    frames: int
    written: Mapping[Kind, int]
    left_out: Mapping[Kind, int]


class BundleWriter:
    """Write a bundle to a binary file, front to back. Each method tells whether all that it was given went in.

    The file never grows past `size_max` bytes; what does not fit is left out and counted, and something smaller may be
    tried. Sections of `PUBLIC` stand in clear, those of a commons are sealed under its key in `epoch_keys`.
    `version` is 2 where calls are to go in.
    """

    def __init__(
        self,
        file: BinaryIO,
        key: NodeKey,
        epoch_keys: Mapping[Scope, EpochKey],
        size_max: int | None = None,
        version: int = VERSION,
    ) -> None:
        self._file = file
        self._key = key
        self._seals = {scope: Seal(scope, epoch_key) for scope, epoch_key in epoch_keys.items()}
        self._size_max = FAT32_SIZE_MAX if size_max is None else size_max
        if self._size_max < HEADER_SIZE + CLOSING_SIZE:
            raise ValueError(f"a bundle takes at least {HEADER_SIZE + CLOSING_SIZE} bytes")
        self._digest = blake2b(digest_size=DIGEST_SIZE)
        self._size = self._frames = self._loose_frames = self._loose_size = 0
        self._written: Counter[Kind] = Counter()
        self._left_out: Counter[Kind] = Counter()
        self._closed = False
        self._version = version
        self._write(MAGIC + bytes([version]) + key.public_key)

    def frontier(self, holder: NodeId, frontier: Frontier) -> bool:
        """Tell how far `holder` is. The writer's own frontiers come first, then those that it heard of."""
        logs = sorted(frontier.reaches)
        for first in range(0, max(len(logs), 1), LOGS_PER_FRAME):
            heights = {log: frontier.height(log) for log in logs[first : first + LOGS_PER_FRAME]}
            if not self._section(FrontierFrame(frontier.scope, holder, heights)):
                return self._tally(Kind.FRONTIER, 0, 1)
        return self._tally(Kind.FRONTIER, 1, 0)

    def calls(self, frame: CallsFrame) -> bool:
        """Carry calls for help that live."""
        if self._version < VERSION_WITH_CALLS:
            raise ValueError("a bundle of version 1 carries no calls")
        fits = self._section(frame)
        return self._tally(Kind.CALLS, len(frame.calls) * fits, len(frame.calls) * (not fits))

    def runs(self, scope: Scope, runs: Sequence[Run]) -> bool:
        """Carry runs of logs of `scope`, each log's in their order. A run over `RUN_SIZE_MAX` bytes is left out."""
        written = 0
        for items in _packed(runs):
            if not self._payload(scope, Kind.RUNS, pack_runs(items), RECORDS_LOOSE_MAX):
                break
            written += len(items)
        return self._tally(Kind.RUNS, written, len(runs) - written)

    def blob(self, blob: bytes, size: int, content: BinaryIO, scope: Scope = PUBLIC) -> bool:
        """Carry a whole file of `size` bytes, or nothing of it.

        That `content` has the digest `blob` is not checked here: the store did, and each reader will. Raises
        `ValueError` if `content` ends before `size`; the bundle may go on, for an incomplete file harms nobody.
        """
        if not self._fits(_blob_size_max(size, scope)):
            return self._tally(Kind.BLOB, 0, 1)
        for offset in range(0, max(size, 1), PIECE_SIZE_MAX):
            piece = _take(content, min(PIECE_SIZE_MAX, size - offset))
            if offset + len(piece) < min(offset + PIECE_SIZE_MAX, size):
                raise ValueError(f"the file ended after {offset + len(piece)} of {size} bytes")
            self._section(BlobFrame(blob, size, offset, piece, scope))
        return self._tally(Kind.BLOB, 1, 0)

    def sealed(self, frame: SealedFrame) -> bool:
        """Hand on, whole, a section that came in another bundle and that this node cannot read."""
        fits = self._fits(FRAME_HEAD_SIZE + len(frame.raw))
        if fits:
            self._put(Kind.SEALED, frame.raw, LOOSE_SIZE_MAX)
        return self._tally(Kind.SEALED, int(fits), int(not fits))

    def close(self) -> Summary:
        """End the bundle. The file itself stays open, and making it durable is its owner's part."""
        end = self._frames.to_bytes(8, "big") + self._size.to_bytes(8, "big")
        self._frame(Kind.END, end)
        self._stamp()
        self._closed = True
        return Summary(self._size, self._frames, self._written, self._left_out)

    def _tally(self, kind: Kind, written: int, left_out: int) -> bool:
        self._written[kind] += written
        self._left_out[kind] += left_out
        return not left_out

    def _section(self, section: Section) -> bool:
        loose_max = LOOSE_SIZE_MAX if section.kind is Kind.BLOB else RECORDS_LOOSE_MAX
        return self._payload(section.scope, section.kind, section.payload(), loose_max)

    def _payload(self, scope: Scope, kind: Kind, payload: bytes, loose_max: int) -> bool:
        """Write one section, sealed unless it is public, if it fits."""
        if not self._fits(FRAME_HEAD_SIZE + len(payload) + _sealing_size(scope)):
            return False
        if scope != PUBLIC:
            section = self._seals[scope].seal(self._key, self._frames + 1, bytes([kind]) + payload)
            kind, payload = Kind.SEALED, section.raw
        self._put(kind, payload, loose_max)
        return True

    def _fits(self, size: int) -> bool:
        return self._size + size + CLOSING_SIZE <= self._size_max

    def _put(self, kind: Kind, payload: bytes, loose_max: int) -> None:
        self._frame(kind, payload)
        if self._loose_frames >= LOOSE_FRAMES_MAX or self._loose_size >= loose_max:
            self._stamp()

    def _stamp(self) -> None:
        self._frame(Kind.STAMP, self._key.sign(BUNDLE_DOMAIN, self._digest.digest()))
        self._loose_frames = self._loose_size = 0

    def _frame(self, kind: Kind, payload: bytes) -> None:
        self._write(len(payload).to_bytes(4, "big") + bytes([kind]))
        self._write(payload)
        self._frames += 1
        self._loose_frames += 1
        self._loose_size += FRAME_HEAD_SIZE + len(payload)

    def _write(self, content: bytes) -> None:
        if self._closed:
            raise ValueError("this bundle is closed")
        self._digest.update(content)
        self._size += len(content)
        rest = memoryview(content)
        while rest:  # an unbuffered pipe may take a part only
            taken = self._file.write(rest)
            if not taken:
                raise OSError("the file takes no more bytes")
            rest = rest[taken:]


def _packed(runs: Sequence[Run]) -> Iterator[list[bytes]]:
    """Yield encoded runs in lots of about `RECORDS_LOOSE_MAX` bytes, without those that no frame can hold."""
    lot: list[bytes] = []
    lot_size = 0
    for item in map(encode_run, runs):
        if len(item) > RUN_SIZE_MAX:
            continue
        if lot and lot_size + len(item) > RECORDS_LOOSE_MAX:
            yield lot
            lot, lot_size = [], 0
        lot.append(item)
        lot_size += len(item) + ITEM_HEAD_SIZE
    if lot:
        yield lot


def _sealing_size(scope: Scope) -> int:
    return 0 if scope == PUBLIC else OVERHEAD + 1


def _blob_size_max(size: int, scope: Scope) -> int:
    """Return the most bytes that a file of `size` bytes takes in a bundle, stamps and all."""
    pieces = size // PIECE_SIZE_MAX + 1
    stamps = pieces // (LOOSE_SIZE_MAX // PIECE_SIZE_MAX) + 1
    return size + pieces * (FRAME_HEAD_SIZE + PIECE_HEAD_SIZE + _sealing_size(scope)) + stamps * STAMP_SIZE


def _take(file: BinaryIO, size: int) -> bytes:
    """Return the next `size` bytes, or fewer where the file ends. A pipe gives them in parts."""
    content = file.read(size)
    if len(content) == size or not content:
        return content
    parts = [content]
    missing = size - len(content)
    while missing and (content := file.read(missing)):
        parts.append(content)
        missing -= len(content)
    return b"".join(parts)


class BundleReader:
    """Read a bundle front to back. Iterating yields verified frames only, and raises a `PeerFault` where they stop.

    `public_key` and `node` tell who wrote it. Raises `TornBundle`, `Malformed` or `UnknownVersion` where the header is
    not whole.
    """

    def __init__(self, file: BinaryIO, epoch_keys: Mapping[Scope, EpochKey]) -> None:
        self._file = file
        seals = [Seal(scope, epoch_key) for scope, epoch_key in epoch_keys.items()]
        self._seals = {seal.handle: seal for seal in seals}
        self._digest = blake2b(digest_size=DIGEST_SIZE)
        self._size = self._frames = 0
        self._ended = False
        self.public_key = self._read_header()

    @property
    def node(self) -> NodeId:
        """The node that wrote the bundle."""
        return node_id(self.public_key)

    def __iter__(self) -> Iterator[Frame]:
        while not self._ended:
            for kind, payload in self._next_lot():
                if kind == Kind.END:
                    self._check_end(payload)
                else:
                    yield self._frame(kind, payload)
        if self._file.read(1):
            raise Malformed("something stands behind the end of this bundle")

    def _read_header(self) -> PublicKey:
        magic = _take(self._file, len(MAGIC))
        if not MAGIC.startswith(magic):
            raise Malformed("this file is not a bundle")
        rest = _take(self._file, HEADER_SIZE - len(MAGIC))
        if rest and rest[0] > VERSION_WITH_CALLS:
            raise UnknownVersion(f"this bundle has version {rest[0]}; this program reads up to {VERSION_WITH_CALLS}")
        if rest and not rest[0]:
            raise Malformed("a bundle's version is at least 1")
        if len(magic) + len(rest) < HEADER_SIZE:
            raise TornBundle("this bundle ends inside its header")
        self._count(magic + rest)
        return PublicKey(rest[1:])

    def _next_lot(self) -> list[tuple[int, bytes]]:
        """Return the frames up to the next stamp, once it has verified. Holds back at most 1 MiB and one frame."""
        lot: list[tuple[int, bytes]] = []
        loose_size = 0
        while True:
            before = self._digest.copy()
            kind, payload = self._next_frame()
            if kind == Kind.STAMP:
                verify(self.public_key, BUNDLE_DOMAIN, before.digest(), payload)
                return _not_empty(lot)
            if self._ended or len(lot) >= LOOSE_FRAMES_MAX or loose_size >= LOOSE_SIZE_MAX:
                raise Malformed("a stamp is missing")
            self._ended = kind == Kind.END
            lot.append((kind, payload))
            loose_size += FRAME_HEAD_SIZE + len(payload)

    def _check_end(self, payload: bytes) -> None:
        """The end is the last frame but one, and counts what came before it."""
        frames, size = self._frames - 2, self._size - STAMP_SIZE - END_SIZE
        if payload != frames.to_bytes(8, "big") + size.to_bytes(8, "big"):
            raise Malformed("the end of this bundle counts other frames than there are")

    def _next_frame(self) -> tuple[int, bytes]:
        head = _take(self._file, FRAME_HEAD_SIZE)
        if len(head) < FRAME_HEAD_SIZE or not any(head):  # a stick pulled out early leaves zeros
            raise TornBundle(f"this bundle is torn after {self._frames} frames")
        size, kind = int.from_bytes(head[:4], "big"), head[4]
        if FRAME_HEAD_SIZE + size > FRAME_SIZE_MAX:
            raise Malformed(f"a frame of {size} bytes is over {FRAME_SIZE_MAX}")
        if kind not in KINDS:
            raise Malformed(f"there is no frame of kind {kind}")
        payload = _take(self._file, size)
        if len(payload) < size:
            raise TornBundle(f"this bundle is torn after {self._frames} frames")
        self._count(head, payload)
        self._frames += 1
        return kind, payload

    def _count(self, *parts: bytes) -> None:
        for part in parts:
            self._digest.update(part)
            self._size += len(part)

    def _frame(self, kind: int, payload: bytes) -> Frame:
        if kind != Kind.SEALED:
            return read_section(PUBLIC, kind, payload)
        section = SealedSection.parse(payload)
        section.check()
        if section.handle not in self._seals:
            return SealedFrame(section.handle, payload)
        seal = self._seals[section.handle]
        content = seal.open(section)
        return read_section(seal.scope, content[0], content[1:])


def _not_empty(lot: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    if not lot:
        raise Malformed("a stamp covers nothing")
    return lot


def read_bundle(file: BinaryIO, epoch_keys: Mapping[Scope, EpochKey]) -> Iterator[Frame]:
    """Yield the verified frames of a bundle, in order.

    Raises `TornBundle` after the last good frame where the file stops early, and `Malformed`, `BadSignature` or
    `UnknownVersion` where it is anything but a bundle from there on. Whatever was yielded before is good.
    """
    yield from BundleReader(file, epoch_keys)
