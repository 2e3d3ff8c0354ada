"""Who may sign, and the names that follow from keys.

A node is its Ed25519 key (RFC 8032), born on the device. Every name here is a BLAKE2b digest (RFC 7693) of public
things, so anybody can check it and nobody has to hand names out. Each use of a signature or digest has its own domain
string: what was signed for one purpose is worth nothing for another.
"""

from __future__ import annotations

from base64 import b32decode, b32encode
from binascii import Error as BadBase32
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Final, NewType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mesh import canonical
from mesh.errors import BadSignature, Malformed

NodeId = NewType("NodeId", bytes)  # 16 bytes
LogId = NewType("LogId", bytes)  # 16 bytes
Scope = NewType("Scope", bytes)  # 16 bytes
PublicKey = NewType("PublicKey", bytes)  # 32 bytes
EpochKey = NewType("EpochKey", bytes)  # 32 bytes, secret of a commons
Head = NewType("Head", bytes)  # 32 bytes

ID_SIZE: Final = 16
DIGEST_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
SALT_SIZE: Final = 16
CHECKED_MAX: Final = 128  # signatures of which the answer is kept
CHANNEL_KEY_SIZE: Final = 32
PUBLIC: Final = Scope(bytes(ID_SIZE))


def digest(content: bytes) -> bytes:
    """Return H(content): BLAKE2b with 32 bytes, the digest of chains, texts and files (`b2sum -l 256` computes it)."""
    return blake2b(content, digest_size=DIGEST_SIZE).digest()


def _name(domain: str, content: bytes) -> bytes:
    return blake2b(domain.encode() + b"\0" + content, digest_size=ID_SIZE).digest()


def node_id(public_key: PublicKey) -> NodeId:
    """Return the 16-byte name of the node that holds the key."""
    return NodeId(blake2b(public_key, digest_size=ID_SIZE).digest())


def log_id(public_key: PublicKey, incarnation: int, scope: Scope) -> LogId:
    """Return the name of the log that this key writes in this scope during this incarnation (0, 1, 2 …)."""
    return LogId(_name("hedgerow/log/v1", canonical.encode([public_key, incarnation, scope])))


def commons_scope(founder: PublicKey, nonce: bytes) -> Scope:
    """Return the scope of the commons that `founder` began with this 16-byte nonce."""
    return Scope(_name("hedgerow/commons/v1", founder + nonce))


def salt_for(epoch_key: EpochKey, log: LogId, seq: int) -> bytes:
    """Return the 16-byte salt of a text inside a commons: members derive it, so it costs nothing on the air."""
    place = log + seq.to_bytes(8, "big")
    return blake2b(place, key=epoch_key, digest_size=SALT_SIZE, person=b"hedgerow salt 1").digest()


def channel_key_for(epoch_key: EpochKey, scope: Scope) -> bytes:
    """Return the 32-byte key of a commons' radio channel: its members derive it, and a new epoch changes it."""
    return blake2b(scope, key=epoch_key, digest_size=CHANNEL_KEY_SIZE, person=b"hedgerow lora 1").digest()


def verify(public_key: PublicKey, domain: str, content: bytes, signature: bytes) -> None:
    """Check an Ed25519 signature over `domain`, a zero byte and `content`. Raises `BadSignature`."""
    if not _is_signed(public_key, domain.encode() + b"\0" + content, signature):
        raise BadSignature(f"no valid signature for {domain}")


@lru_cache(maxsize=CHECKED_MAX)
def _is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """What came by a narrow road is checked when it is read, and again at the door: the same bytes have the same answer."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True)
class NodeKey:
    """A secret key. `seed` is the 32 bytes of RFC 8032; it never leaves the device."""

    seed: bytes

    @property
    def public_key(self) -> PublicKey:
        return PublicKey(self._private.public_key().public_bytes_raw())

    @property
    def node_id(self) -> NodeId:
        return node_id(self.public_key)

    def sign(self, domain: str, content: bytes) -> bytes:
        """Return 64 bytes over `domain`, a zero byte and `content`."""
        return self._private.sign(domain.encode() + b"\0" + content)

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def __repr__(self) -> str:  # a secret must not end in a traceback
        return f"NodeKey({written(self.node_id)})"


def written(name: bytes) -> str:
    """Return how people write an id: base32 (RFC 4648), lower case, no padding; 26 letters for 16 bytes."""
    return b32encode(name).decode().rstrip("=").lower()


def unwritten(letters: str, size: int = ID_SIZE) -> bytes:
    """Return the id of `size` bytes that `written` wrote so. Raises `Malformed`."""
    try:
        name = b32decode(letters.upper() + "=" * (-len(letters) % 8))
    except (BadBase32, ValueError) as fault:
        raise Malformed(f"{letters[:64]!r} is not an id") from fault
    if len(name) != size or written(name) != letters:
        raise Malformed(f"{letters[:64]!r} is not an id")
    return name
