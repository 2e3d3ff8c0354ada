"""A signed statement: what views compute with (core), and what people say (text).

    core  := [kind, at, field …]        deterministic CBOR, at most 1,024 bytes
    text  := any canonical value        deterministic CBOR, at most 8,192 bytes
    leaf  := H(H(core) ‖ H(salt ‖ text))

Only text can be withdrawn. Its digest stays, so the chain above it still verifies; the salt keeps a short text from
being guessed from the digest. A record says nothing of its place: log and seq follow from the run that carries it.
See spec/record-v1.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

from mesh import canonical
from mesh.canonical import INT_MAX, Value
from mesh.errors import Malformed
from mesh.keys import DIGEST_SIZE, SALT_SIZE, LogId, digest, unwritten, written

CORE_SIZE_MAX: Final = 1024
TEXT_SIZE_MAX: Final = 8192
NO_TEXT: Final = bytes(DIGEST_SIZE)  # stands where a digest of text would: nothing was ever said
AT_MAX: Final = 2**40
KINDS_OF_MESH: Final = range(16)  # kinds below 16 tell how logs hang together; all others belong to the layer above

_log_written = lru_cache(maxsize=64)(written)  # a page shows many records of few logs


class RecordId(NamedTuple):
    """Where a record stands for ever: the `seq`-th of its log, counted from 1."""

    log: LogId
    seq: int

    def __str__(self) -> str:
        return f"{_log_written(self.log)}-{self.seq}"

    @classmethod
    def read(cls, letters: str) -> RecordId:
        """Return the id written as letters, a dash and a number. Raises `Malformed`."""
        name, _, number = letters.partition("-")
        if not (number.isascii() and number.isdigit() and len(number) <= 18 and number[0] != "0"):
            raise Malformed(f"{letters[:64]!r} is not an id")
        return cls(LogId(unwritten(name)), int(number))


@dataclass(frozen=True, slots=True)
class Record:
    """Core and text as the bytes that are hashed. `text` is None when nothing was said or when it was withdrawn."""

    core: bytes
    text_digest: bytes
    salt: bytes = b""
    text: bytes | None = None

    @classmethod
    def new(cls, core: list[Value], text: Value = None, salt: bytes = b"") -> Record:
        """Return a record that says `text` under a 16-byte `salt`, or nothing. `core` begins with kind and at."""
        packed = canonical.encode(core)
        if text is None:
            return cls(_checked_core(packed), NO_TEXT)
        said = canonical.encode(text)
        return cls(_checked_core(packed), _text_digest(salt, said), salt, said)

    @classmethod
    def parse(cls, raw: bytes) -> Record:
        """Return the record whose plain form is `raw`. Raises `Malformed`."""
        return cls.from_parts(canonical.decode(raw))

    @classmethod
    def from_parts(cls, parts: Value) -> Record:
        """Return the record of `[core]`, `[core, digest]` (withdrawn) or `[core, salt, text]`. Raises `Malformed`."""
        if type(parts) is not list or not 1 <= len(parts) <= 3 or any(type(part) is not bytes for part in parts):
            raise Malformed("a record is one to three byte strings")
        core = _checked_core(parts[0])
        if len(parts) == 1:
            return cls(core, NO_TEXT)
        if len(parts) == 2:
            return cls(core, _checked_digest(parts[1]))
        return cls(core, _text_digest(parts[1], parts[2]), parts[1], parts[2])

    def parts(self) -> list[bytes]:
        """Return the plain form as a list, ready to stand inside a packet."""
        if self.text is not None:
            return [self.core, self.salt, self.text]
        return [self.core] if self.text_digest == NO_TEXT else [self.core, self.text_digest]

    def encode(self) -> bytes:
        """Return the plain form."""
        return canonical.encode(self.parts())

    @property
    def leaf(self) -> bytes:
        """What the chain of the log takes in: 32 bytes."""
        return digest(digest(self.core) + self.text_digest)

    @property
    def kind(self) -> int:
        """What the core says first."""
        kind: int = self.fields()[0]
        return kind

    @property
    def size(self) -> int:
        """Bytes of the plain form."""
        return len(self.encode())

    @property
    def is_withdrawn(self) -> bool:
        """Whether something was said here that this copy no longer holds."""
        return self.text is None and self.text_digest != NO_TEXT

    def fields(self) -> list[Value]:
        """Return the core as values: kind, at, and what the kind adds."""
        fields: list[Value] = canonical.decode(self.core)
        return fields

    def said(self) -> Value:
        """Return the text as a value; None where there is none."""
        return None if self.text is None else canonical.decode(self.text)

    def without_text(self) -> Record:
        """Return the same record after its text was withdrawn."""
        return replace(self, salt=b"", text=None)


def _checked_core(core: bytes) -> bytes:
    if len(core) > CORE_SIZE_MAX:
        raise Malformed(f"a core of {len(core)} bytes is over {CORE_SIZE_MAX}")
    fields = canonical.decode(core)
    if type(fields) is not list or len(fields) < 2 or any(type(number) is not int for number in fields[:2]):
        raise Malformed("a core is an array that begins with two numbers: kind and at")
    if not (0 <= fields[0] <= INT_MAX and 0 <= fields[1] <= AT_MAX):
        raise Malformed("a kind or a time is out of range")
    return core


def _checked_digest(text_digest: bytes) -> bytes:
    if len(text_digest) != DIGEST_SIZE or text_digest == NO_TEXT:
        raise Malformed("a withdrawn text leaves its digest of 32 bytes")
    return text_digest


def _text_digest(salt: bytes, text: bytes) -> bytes:
    if len(salt) != SALT_SIZE:
        raise Malformed(f"a salt has {SALT_SIZE} bytes, not {len(salt)}")
    if len(text) > TEXT_SIZE_MAX:
        raise Malformed(f"a text of {len(text)} bytes is over {TEXT_SIZE_MAX}")
    canonical.decode(text)
    return digest(salt + text)
