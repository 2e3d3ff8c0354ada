"""What only a commons may read, in a form that strangers can carry and check without reading it.

    sealed section := handle (16) ‖ sealer's public key (32) ‖ number (8) ‖ AES-SIV output (16 + n) ‖ signature (64)

AES-SIV (RFC 5297, with 64 bytes of key) because a node has no counter that survives a restored backup: under one key,
equal content at an equal place gives equal bytes, and that and its size are all it gives away. The key is derived from
the commons' epoch key, and so is the handle: it names the key that opens the section, so a node with another epoch's
key sees that it has none, and a stranger cannot tell which commons it carries for. The signature is the sealer's, over
the digest of everything before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from mesh.errors import BadSignature, Malformed
from mesh.keys import DIGEST_SIZE, ID_SIZE, SIGNATURE_SIZE, EpochKey, NodeKey, PublicKey, Scope, digest, verify

Handle = NewType("Handle", bytes)  # 16 bytes

SEALED_DOMAIN: Final = "hedgerow/sealed/v1"
NUMBER_SIZE: Final = 8
HEAD_SIZE: Final = ID_SIZE + DIGEST_SIZE + NUMBER_SIZE
TAG_SIZE: Final = 16
OVERHEAD: Final = HEAD_SIZE + TAG_SIZE + SIGNATURE_SIZE  # bytes that sealing adds
AES_SIV_KEY_SIZE: Final = 64
EPOCH_KEY_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class SealedSection:
    """The bytes of a sealed section. Whoever holds no key can still tell who sealed it, and that nobody changed it."""

    raw: bytes

    @classmethod
    def parse(cls, raw: bytes) -> SealedSection:
        """Return the section whose bytes are `raw`. Raises `Malformed`. Nothing is verified yet."""
        if len(raw) <= OVERHEAD:
            raise Malformed(f"a sealed section has more than {OVERHEAD} bytes")
        return cls(raw)

    @property
    def handle(self) -> Handle:
        """The name of the key that opens it."""
        return Handle(self.raw[:ID_SIZE])

    @property
    def public_key(self) -> PublicKey:
        """The sealer's."""
        return PublicKey(self.raw[ID_SIZE : ID_SIZE + DIGEST_SIZE])

    @property
    def number(self) -> int:
        """Where the sealer put it: equal contents at two places of a file do not look equal."""
        return int.from_bytes(self.raw[ID_SIZE + DIGEST_SIZE : HEAD_SIZE], "big")

    def check(self) -> None:
        """Raises `BadSignature` unless the sealer signed exactly this. Needs no key of the commons."""
        verify(self.public_key, SEALED_DOMAIN, digest(self.raw[:-SIGNATURE_SIZE]), self.raw[-SIGNATURE_SIZE:])


class Seal:
    """One epoch key of one commons at work. `handle` names it: to all but members, 16 random bytes."""

    def __init__(self, scope: Scope, epoch_key: EpochKey) -> None:
        if len(epoch_key) != EPOCH_KEY_SIZE:  # BLAKE2b takes a short key, and an empty one, without a word
            raise ValueError(f"an epoch key has {EPOCH_KEY_SIZE} bytes, not {len(epoch_key)}")
        self.scope = scope
        self.handle = Handle(_derived(scope, epoch_key, b"hedgerow name 1", ID_SIZE))
        self._cipher = AESSIV(_derived(scope, epoch_key, b"hedgerow seal 1", AES_SIV_KEY_SIZE))

    def seal(self, key: NodeKey, number: int, content: bytes) -> SealedSection:
        """Return `content`, at least one byte, for members alone, signed by the holder of `key`."""
        head = self.handle + key.public_key + number.to_bytes(NUMBER_SIZE, "big")
        unsigned = head + self._cipher.encrypt(content, [head])
        return SealedSection(unsigned + key.sign(SEALED_DOMAIN, digest(unsigned)))

    def open(self, section: SealedSection) -> bytes:
        """Return the content. Raises `BadSignature` unless it was sealed under this key for its head."""
        head, sealed = section.raw[:HEAD_SIZE], section.raw[HEAD_SIZE:-SIGNATURE_SIZE]
        try:
            return self._cipher.decrypt(sealed, [head])
        except InvalidTag as fault:
            raise BadSignature("this section was not sealed by a member of the commons it names") from fault


def _derived(scope: Scope, epoch_key: EpochKey, purpose: bytes, size: int) -> bytes:
    return blake2b(scope, key=epoch_key, digest_size=size, person=purpose).digest()
