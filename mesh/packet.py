"""What one transmission holds. First byte the version, second the kind; then a body that has exactly one form.

`parse(packet).encode() == packet`, or `parse` raises. See spec/gossip-v1.md for each byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from typing import Final, NamedTuple

from mesh.ahead import AHEAD, Ahead
from mesh.airform import (
    HEAD_HANDLE_SIZE,
    LOG_HANDLE_SIZE,
    NODE_HANDLE_SIZE,
    SCOPE_HANDLE_SIZE,
    Parcel,
)
from mesh.brief import ACCORD, BEACON, BRIEF_WANT, HELLO, SKETCH_WANT, Accord, Beacon, BriefWant, SketchWant
from mesh.distress import Distress
from mesh.errors import Malformed, UnknownVersion
from mesh.keys import DIGEST_SIZE, ID_SIZE, SIGNATURE_SIZE, Head, LogId, PublicKey
from mesh.log import Checkpoint, ForkProof
from mesh.symbol import SYMBOL, Symbol
from mesh.wire import VERSION, Reader, bitmap, indices, varint

HEAD_SIZE: Final = 2
MESSAGE_ID_SIZE: Final = 3
PART_OVERHEAD: Final = HEAD_SIZE + MESSAGE_ID_SIZE + 1
PARTS_MAX: Final = 128
BLOB_PREFIX_SIZE: Final = 8
BITMAP_SIZE_MAX: Final = 128
SENDER_HINT_SIZE: Final = 2
DIGEST_HINT_SIZE: Final = 3
MODEL_MAX: Final = 15
PACKED_HEAD_SIZE: Final = HEAD_SIZE + SENDER_HINT_SIZE + DIGEST_HINT_SIZE

FIRST_HANDLE: Final = bytes(LOG_HANDLE_SIZE)
LAST_HANDLE: Final = b"\xff" * LOG_HANDLE_SIZE


class Kind(IntEnum):
    """The second byte of a packet. A kind that is not here belongs to a newer program."""

    BEACON = BEACON
    WANT = 2
    DATA = 3
    PARTS_WANT = 5
    HEADS = 6
    PROBE = 7
    FORK_PROOF = 8
    PIECES_WANT = 9
    PIECES = 10
    PLAIN_WANT = 11
    DISTRESS = 12
    ACCORD = ACCORD
    BRIEF_WANT = BRIEF_WANT
    SKETCH_WANT = SKETCH_WANT
    SYMBOL = SYMBOL
    HELLO = HELLO
    AHEAD = AHEAD
    PACKED = 0x40  # … 0x7f: the six low bits tell how
    PART = 0x80  # … 0xff: the seven low bits tell of how many

    @classmethod
    def _missing_(cls, value: object) -> Kind | None:
        if type(value) is not int or not cls.PACKED <= value <= 0xFF:
            return None
        return cls.PART if value >= cls.PART else cls.PACKED


class Claim(NamedTuple):
    """I hold a log of this handle up to this height."""

    handle: bytes
    height: int


@dataclass(frozen=True, slots=True)
class Want:
    """Of the logs whose handles lie in lowest … highest I hold exactly this. Whoever has more may send it.

    `is_plain` says that what came packed could not be read: please send it in plain form.
    """

    scope: bytes
    sender: bytes
    lowest: bytes
    highest: bytes
    claims: tuple[Claim, ...]
    is_plain: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it speaks of all logs of the scope."""
        return (self.lowest, self.highest) == (FIRST_HANDLE, LAST_HANDLE)

    def encode(self) -> bytes:
        claims = (claim.handle + varint(claim.height) for claim in self.claims)
        kind = Kind.PLAIN_WANT if self.is_plain else Kind.WANT
        return _packed(kind, self.scope, self.sender, self.lowest, self.highest, *claims)

    @classmethod
    def read_plain(cls, reader: Reader) -> Want:
        return replace(cls.read(reader), is_plain=True)

    @classmethod
    def read(cls, reader: Reader) -> Want:
        scope, sender = reader.take(SCOPE_HANDLE_SIZE), reader.take(NODE_HANDLE_SIZE)
        lowest, highest = reader.take(LOG_HANDLE_SIZE), reader.take(LOG_HANDLE_SIZE)
        claims = []
        while reader.left:
            claims.append(Claim(reader.take(LOG_HANDLE_SIZE), reader.varint()))
        if any(claim.height == 0 or not lowest <= claim.handle <= highest for claim in claims) or lowest > highest:
            raise Malformed("a want claims at least height 1, within its range")
        if claims != sorted(claims):
            raise Malformed("the claims of a want are out of order")
        return cls(scope, sender, lowest, highest, tuple(claims))


class HeadClaim(NamedTuple):
    """At this height, the head of the log begins with these bytes."""

    handle: bytes
    height: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Heads:
    """Our heights agree and our digests do not: these are my heads."""

    scope: bytes
    sender: bytes
    claims: tuple[HeadClaim, ...]

    def encode(self) -> bytes:
        claims = (claim.handle + varint(claim.height) + claim.head for claim in self.claims)
        return _packed(Kind.HEADS, self.scope, self.sender, *claims)

    @classmethod
    def read(cls, reader: Reader) -> Heads:
        scope, sender = reader.take(SCOPE_HANDLE_SIZE), reader.take(NODE_HANDLE_SIZE)
        claims = []
        while reader.left:
            claims.append(HeadClaim(reader.take(LOG_HANDLE_SIZE), reader.varint(), reader.take(HEAD_HANDLE_SIZE)))
        if not claims or claims != sorted(claims) or any(claim.height == 0 for claim in claims):
            raise Malformed("heads are at least one, in order, each at height 1 or above")
        return cls(scope, sender, tuple(claims))


@dataclass(frozen=True, slots=True)
class Probe:
    """My log of this handle ends at `height` in a head that begins so, and yours seems to be another.

    Send me what you have from `ground` on, as far as your first checkpoint at or above that height.
    """

    scope: bytes
    sender: bytes
    handle: bytes
    head: bytes
    ground: int
    height: int

    def encode(self) -> bytes:
        place = (varint(self.ground), varint(self.height))
        return _packed(Kind.PROBE, self.scope, self.sender, self.handle, self.head, *place)

    @classmethod
    def read(cls, reader: Reader) -> Probe:
        scope, sender = reader.take(SCOPE_HANDLE_SIZE), reader.take(NODE_HANDLE_SIZE)
        handle, head = reader.take(LOG_HANDLE_SIZE), reader.take(HEAD_HANDLE_SIZE)
        probe = cls(scope, sender, handle, head, reader.varint(), reader.varint())
        if probe.ground >= probe.height:
            raise Malformed("a probe looks for ground below the height it speaks of")
        return probe


@dataclass(frozen=True, slots=True)
class Delivery:
    """A parcel that fits one packet, or a message put together again."""

    parcel: Parcel

    def encode(self) -> bytes:
        return _packed(Kind.DATA, self.parcel.encode())

    @classmethod
    def read(cls, reader: Reader) -> Delivery:
        return cls(Parcel.read(reader))


@dataclass(frozen=True, slots=True)
class Packed:
    """Runs in the shorthand of the air codec (aircode/). `sender` and `digest` are hints: the first bytes of each.

    `model` is the codec's; `is_common` says that it builds on all that sender and hearers were known to hold.
    """

    model: int
    is_common: bool
    is_public: bool
    sender: bytes
    digest: bytes
    stream: bytes

    def encode(self) -> bytes:
        kind = Kind.PACKED | self.model << 2 | self.is_common << 1 | self.is_public
        return bytes([VERSION, kind]) + self.sender + self.digest + self.stream

    @classmethod
    def read(cls, kind: int, reader: Reader) -> Packed:
        sender, digest, stream = reader.take(SENDER_HINT_SIZE), reader.take(DIGEST_HINT_SIZE), reader.rest()
        if not stream or not stream[-1]:
            raise Malformed("a packed stream is not empty, and does not end in a zero")
        return cls(kind >> 2 & MODEL_MAX, bool(kind & 2), bool(kind & 1), sender, digest, stream)


@dataclass(frozen=True, slots=True)
class Part:
    """A row of a message that was cut into `last` + 1 equal parts: one of these, or from then on a sum of all (erasure.py)."""

    message: bytes
    row: int
    last: int
    content: bytes

    def encode(self) -> bytes:
        return bytes([VERSION, Kind.PART | self.last]) + self.message + bytes([self.row]) + self.content

    @classmethod
    def read(cls, kind: int, reader: Reader) -> Part:
        message, row, content = reader.take(MESSAGE_ID_SIZE), reader.take(1)[0], reader.rest()
        last = kind - Kind.PART
        if not last or not content:
            raise Malformed("a part is one of several, and not empty")
        return cls(message, row, last, content)


@dataclass(frozen=True, slots=True)
class PartsWant:
    """So many rows more would make that message whole here. Any will do that I have not heard."""

    message: bytes
    lacking: int

    def encode(self) -> bytes:
        return _packed(Kind.PARTS_WANT, self.message, bytes([self.lacking]))

    @classmethod
    def read(cls, reader: Reader) -> PartsWant:
        message, lacking = reader.take(MESSAGE_ID_SIZE), reader.take(1)[0]
        if not 1 <= lacking <= PARTS_MAX:
            raise Malformed("whoever asks for parts lacks one at least, and no message has so many")
        return cls(message, lacking)


@dataclass(frozen=True, slots=True)
class ForkNotice:
    """A proof that a log of this scope was forked."""

    scope: bytes
    sender: bytes
    proof: ForkProof

    def encode(self) -> bytes:
        proof = self.proof
        sides = (_side(proof.one), _side(proof.other))
        return _packed(Kind.FORK_PROOF, self.scope, self.sender, proof.public_key, proof.one.log, *sides)

    @classmethod
    def read(cls, reader: Reader) -> ForkNotice:
        scope, sender = reader.take(SCOPE_HANDLE_SIZE), reader.take(NODE_HANDLE_SIZE)
        public_key, log = PublicKey(reader.take(DIGEST_SIZE)), LogId(reader.take(ID_SIZE))
        return cls(scope, sender, ForkProof(public_key, _read_side(log, reader), _read_side(log, reader)))


def _side(checkpoint: Checkpoint) -> bytes:
    reach = checkpoint.seq - checkpoint.previous
    return varint(checkpoint.previous) + varint(reach) + checkpoint.head + checkpoint.signature


def _read_side(log: LogId, reader: Reader) -> Checkpoint:
    previous, reach = reader.varint(), reader.varint()
    if not reach:
        raise Malformed("a checkpoint covers at least one record")
    return Checkpoint(log, previous, previous + reach, Head(reader.take(DIGEST_SIZE)), reader.take(SIGNATURE_SIZE))


@dataclass(frozen=True, slots=True)
class PiecesWant:
    """I still lack these pieces of that file."""

    sender: bytes
    blob: bytes
    missing: tuple[int, ...]

    def encode(self) -> bytes:
        first = self.missing[0]
        bits = bitmap(index - first for index in self.missing)
        return _packed(Kind.PIECES_WANT, self.sender, self.blob, varint(first), bits)

    @classmethod
    def read(cls, reader: Reader) -> PiecesWant:
        sender, blob, first, bits = (
            reader.take(NODE_HANDLE_SIZE),
            reader.take(DIGEST_SIZE),
            reader.varint(),
            reader.rest(),
        )
        if len(bits) > BITMAP_SIZE_MAX or not bits or not bits[0] & 1:
            raise Malformed("a bitmap of pieces begins with one that is missing, and stays within its size")
        return cls(sender, blob, tuple(first + index for index in indices(bits)))


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of a file that follow one another, the first being piece `first`."""

    prefix: bytes
    first: int
    content: bytes

    def encode(self) -> bytes:
        return _packed(Kind.PIECES, self.prefix, varint(self.first), self.content)

    @classmethod
    def read(cls, reader: Reader) -> Pieces:
        prefix, first, content = reader.take(BLOB_PREFIX_SIZE), reader.varint(), reader.rest()
        if not content:
            raise Malformed("a piece is not empty")
        return cls(prefix, first, content)


Comparison = Beacon | Accord | Want | BriefWant | SketchWant | Heads | Probe | ForkNotice
Packet = Comparison | Delivery | Ahead | Packed | Part | PartsWant | PiecesWant | Pieces | Symbol | Distress

READERS: Final[dict[int, Callable[[Reader], Packet]]] = {
    Kind.BEACON: Beacon.read,
    Kind.WANT: Want.read,
    Kind.DATA: Delivery.read,
    Kind.PARTS_WANT: PartsWant.read,
    Kind.HEADS: Heads.read,
    Kind.PROBE: Probe.read,
    Kind.FORK_PROOF: ForkNotice.read,
    Kind.PIECES_WANT: PiecesWant.read,
    Kind.PIECES: Pieces.read,
    Kind.PLAIN_WANT: Want.read_plain,
    Kind.ACCORD: Accord.read,
    Kind.BRIEF_WANT: BriefWant.read,
    Kind.SKETCH_WANT: SketchWant.read,
    Kind.SYMBOL: Symbol.read,
    Kind.DISTRESS: Distress.read,
    Kind.HELLO: Beacon.read_hello,
    Kind.AHEAD: Ahead.read,
    **{kind: partial(Packed.read, kind) for kind in range(Kind.PACKED, Kind.PART)},
    **{kind: partial(Part.read, kind) for kind in range(Kind.PART, 0x100)},
}


def is_packed(message: bytes) -> bool:
    """Whether a message, or the beginning of one, is of the kinds that are packed."""
    return len(message) > 1 and message[1] >> 6 == 1


def parse(raw: bytes) -> Packet:
    """Return the packet whose only form is `raw`. Raises `Malformed`, and `UnknownVersion` for one from the future."""
    reader = Reader(raw)
    version, kind = reader.take(HEAD_SIZE)
    if version < VERSION:
        raise Malformed(f"no packet begins with {version:#04x}")
    if version > VERSION or kind not in READERS:
        raise UnknownVersion(f"a packet of version {version:#04x} and kind {kind} comes from a newer program")
    packet = READERS[kind](reader)
    reader.end()
    return packet


def _packed(kind: Kind, *parts: bytes) -> bytes:
    return bytes([VERSION, kind]) + b"".join(parts)
