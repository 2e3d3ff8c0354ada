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


def handle_of(scope: Scope, epoch_key: EpochKey) -> Handle:
    """Return the name of this key of this commons: members compute it, to all others it is 16 random bytes."""
    return Handle(_derived(scope, epoch_key, b"hedgerow name 1", ID_SIZE))


def _derived(scope: Scope, epoch_key: EpochKey, purpose: bytes, size: int) -> bytes:
    if len(epoch_key) != EPOCH_KEY_SIZE:  # BLAKE2b takes a short key, and an empty one, without a word
        raise ValueError(f"an epoch key has {EPOCH_KEY_SIZE} bytes, not {len(epoch_key)}")
    return blake2b(scope, key=epoch_key, digest_size=size, person=purpose).digest()


def _cipher(scope: Scope, epoch_key: EpochKey) -> AESSIV:
    return AESSIV(_derived(scope, epoch_key, b"hedgerow seal 1", AES_SIV_KEY_SIZE))


@dataclass(frozen=True, slots=True)
class SealedSection:
    """A sealed section taken apart. `number` tells equal contents at different places of a file apart."""

    handle: Handle
    public_key: PublicKey
    number: int
    sealed: bytes
    signature: bytes

    @classmethod
    def seal(cls, key: NodeKey, scope: Scope, epoch_key: EpochKey, number: int, content: bytes) -> SealedSection:
        """Return `content`, at least one byte, for the members of `scope` alone, signed by the holder of `key`."""
        handle, public_key = handle_of(scope, epoch_key), key.public_key
        head = _head(handle, public_key, number)
        sealed = _cipher(scope, epoch_key).encrypt(content, [head])
        return cls(handle, public_key, number, sealed, key.sign(SEALED_DOMAIN, digest(head + sealed)))

    @classmethod
    def parse(cls, raw: bytes) -> SealedSection:
        """Return the section whose bytes are `raw`. Raises `Malformed`. Nothing is verified yet."""
        if len(raw) <= OVERHEAD:
            raise Malformed(f"a sealed section has more than {OVERHEAD} bytes")
        number = int.from_bytes(raw[ID_SIZE + DIGEST_SIZE : HEAD_SIZE], "big")
        handle, public_key = Handle(raw[:ID_SIZE]), PublicKey(raw[ID_SIZE : ID_SIZE + DIGEST_SIZE])
        return cls(handle, public_key, number, raw[HEAD_SIZE:-SIGNATURE_SIZE], raw[-SIGNATURE_SIZE:])

    def encode(self) -> bytes:
        """Return the bytes that stand in a file."""
        return _head(self.handle, self.public_key, self.number) + self.sealed + self.signature

    def check(self) -> None:
        """Raises `BadSignature` unless the sealer signed exactly this. Needs no key of the commons."""
        head = _head(self.handle, self.public_key, self.number)
        verify(self.public_key, SEALED_DOMAIN, digest(head + self.sealed), self.signature)

    def open(self, scope: Scope, epoch_key: EpochKey) -> bytes:
        """Return the content. Raises `BadSignature` unless it was sealed under this key for this head."""
        head = _head(self.handle, self.public_key, self.number)
        try:
            return _cipher(scope, epoch_key).decrypt(self.sealed, [head])
        except InvalidTag as fault:
            raise BadSignature("this section was not sealed by a member of the commons it names") from fault


def _head(handle: Handle, public_key: PublicKey, number: int) -> bytes:
    """Return the clear part; it is also AES-SIV's associated data."""
    return handle + public_key + number.to_bytes(NUMBER_SIZE, "big")
