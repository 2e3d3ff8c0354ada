"""Short ways to say what is held: see spec/gossip-v1.md.

A *beacon* gives digests, an *accord* says that they are those of all neighbours. A *brief* want gives of each log the low byte of
its height, in the order of the logs' names, and a check over all of it: whoever holds the same logs finds the rest, and whoever
guesses wrong sees it by the check. A *sketch* want is as long as what differs (sketch.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from mesh.airform import NODE_HANDLE_SIZE, SCOPE_HANDLE_SIZE, SHORT_DIGEST_SIZE
from mesh.errors import Malformed
from mesh.keys import LogId
from mesh.wire import VERSION, Reader

BEACON: Final = 1
ACCORD: Final = 13
BRIEF_WANT: Final = 14
SKETCH_WANT: Final = 15
HELLO: Final = 17

STATE_MAX: Final = 7
JOINT_SIZE: Final = 3
CHECK_SIZE: Final = 4
SYNDROME_SIZE: Final = 4
CAPACITY_MIN: Final = 2
CAPACITY_MAX: Final = 54
BRIEF_HEAD_SIZE: Final = 2 + SCOPE_HANDLE_SIZE + NODE_HANDLE_SIZE + CHECK_SIZE
SKETCH_HEAD_SIZE: Final = 2 + SCOPE_HANDLE_SIZE + NODE_HANDLE_SIZE + SHORT_DIGEST_SIZE
JOINT_DOMAIN: Final = b"hedgerow/accord/v1\0"
CHECK_DOMAIN: Final = b"hedgerow/brief/v1\0"
AHEAD: Final = (
    64,
    0,
    191,
)  # how far above ours another's height is sought, of 256 that share a low byte: nearest first


@dataclass(frozen=True, slots=True)
class Beacon:
    """I am here, and this is the digest of what I hold. Zeros where there is no commons.

    `state` is how the node's power stands: 0 for well, else a byte more. `is_alone`: I have heard nobody yet.
    """

    sender: bytes
    public: bytes
    commons: bytes
    state: int = 0
    is_alone: bool = False

    def encode(self) -> bytes:
        state = bytes([self.state]) if self.state else b""
        return bytes([VERSION, HELLO if self.is_alone else BEACON]) + self.sender + self.public + self.commons + state

    @classmethod
    def read_hello(cls, reader: Reader) -> Beacon:
        return replace(cls.read(reader), is_alone=True)

    @classmethod
    def read(cls, reader: Reader) -> Beacon:
        sender, public = reader.take(NODE_HANDLE_SIZE), reader.take(SHORT_DIGEST_SIZE)
        commons, state = reader.take(SHORT_DIGEST_SIZE), reader.rest()
        if state and not (len(state) == 1 and 1 <= state[0] <= STATE_MAX):
            raise Malformed("the state of a node is a number from 1 to 7, or not told")
        return cls(sender, public, commons, *state)


def joint(digests: Iterable[bytes]) -> bytes:
    """Return the bytes of an accord: of the short digests of public and of the commons, zeros where there is none."""
    return blake2b(JOINT_DOMAIN + b"".join(digests), digest_size=JOINT_SIZE).digest()


@dataclass(frozen=True, slots=True)
class Accord:
    """I am here; all whom I heard hold what I hold, and of its digests the joint one begins so."""

    sender: bytes
    joint: bytes

    def encode(self) -> bytes:
        return bytes([VERSION, ACCORD]) + self.sender + self.joint

    @classmethod
    def read(cls, reader: Reader) -> Accord:
        return cls(reader.take(NODE_HANDLE_SIZE), reader.take(JOINT_SIZE))


@dataclass(frozen=True, slots=True)
class BriefWant:
    """Of the logs that we both know I hold so much. `lows`: a byte for each log, in the order of their names."""

    scope: bytes
    sender: bytes
    check: bytes
    lows: bytes

    def encode(self) -> bytes:
        return bytes([VERSION, BRIEF_WANT]) + self.scope + self.sender + self.check + self.lows

    @classmethod
    def read(cls, reader: Reader) -> BriefWant:
        scope, sender = reader.take(SCOPE_HANDLE_SIZE), reader.take(NODE_HANDLE_SIZE)
        want = cls(scope, sender, reader.take(CHECK_SIZE), reader.rest())
        if not want.lows:
            raise Malformed("a brief want speaks of one log at least")
        return want

    @classmethod
    def of(cls, scope: bytes, sender: bytes, heights: Mapping[LogId, int]) -> BriefWant:
        """Return what says that these logs are held so far."""
        logs = sorted(heights)
        return cls(scope, sender, _check(logs, heights), bytes(heights[log] & 0xFF for log in logs))

    def heights(self, lists: Iterable[Sequence[LogId]], ours: Mapping[LogId, int]) -> dict[LogId, int] | None:
        """Return what the other holds, if it speaks of one of these lists of logs, each in order; None where it does not.

        `ours` are our heights: from there the nearest one is sought that has the low byte given.
        """
        for logs in lists:
            for ahead in AHEAD if len(logs) == len(self.lows) else ():
                guess = {log: near(low, ours.get(log, 0), ahead) for log, low in zip(logs, self.lows, strict=True)}
                if _check(logs, guess) == self.check:
                    return guess
        return None


def near(low: int, height: int, ahead: int = AHEAD[0]) -> int:
    """Return the height with this low byte, from 255 - `ahead` below `height` to `ahead` above it, and not below zero."""
    above = low - height & 0xFF
    near = height + above - (256 if above > ahead else 0)
    return near + 256 if near < 0 else near


def _check(logs: Sequence[LogId], heights: Mapping[LogId, int]) -> bytes:
    whole = blake2b(CHECK_DOMAIN, digest_size=CHECK_SIZE)
    for log in logs:
        whole.update(log + heights[log].to_bytes(8, "big"))
    return whole.digest()


@dataclass(frozen=True, slots=True)
class SketchWant:
    """A sketch of what I hold, under my short digest: subtract yours, and what differs is left."""

    scope: bytes
    sender: bytes
    digest: bytes
    syndromes: tuple[int, ...]

    def encode(self) -> bytes:
        syndromes = b"".join(one.to_bytes(SYNDROME_SIZE, "big") for one in self.syndromes)
        return bytes([VERSION, SKETCH_WANT]) + self.scope + self.sender + self.digest + syndromes

    @classmethod
    def read(cls, reader: Reader) -> SketchWant:
        scope, sender = reader.take(SCOPE_HANDLE_SIZE), reader.take(NODE_HANDLE_SIZE)
        digest = reader.take(SHORT_DIGEST_SIZE)
        count, rest = divmod(reader.left, SYNDROME_SIZE)
        if rest or not CAPACITY_MIN <= count <= CAPACITY_MAX:
            raise Malformed(f"a sketch has {CAPACITY_MIN} to {CAPACITY_MAX} syndromes of {SYNDROME_SIZE} bytes")
        syndromes = (int.from_bytes(reader.take(SYNDROME_SIZE), "big") for _ in range(count))
        return cls(scope, sender, digest, tuple(syndromes))
