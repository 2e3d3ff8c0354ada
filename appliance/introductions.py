"""Two small files that people hand to each other: an introduction (who a node is) and an invite (come into our commons).

    introduction := "hedgerow-node-1:" base64(CBOR [public key, name, address, signature])
    invite       := "hedgerow-invite-1:" base64(CBOR [commons name, scope, epoch key, invite seed, introduction])

An invite is for one node and is worth the commons' own key: it goes from hand to hand, not over a network. The invite seed signs
the joiner's name, so the inviting node knows its own invite again and lets each in only once.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass
from typing import Any, Final

from appliance.errors import Objection, Refused
from mesh import canonical
from mesh.errors import PeerFault
from mesh.keys import ID_SIZE, SIGNATURE_SIZE, EpochKey, NodeId, NodeKey, PublicKey, Scope, node_id, verify

INTRODUCTION_PREFIX: Final = "hedgerow-node-1:"
INVITE_PREFIX: Final = "hedgerow-invite-1:"
DOMAIN: Final = "hedgerow/introduction/v1"
FILE_SIZE_MAX: Final = 4096
NAME_SIZE_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Introduction:
    """Who a node is, signed by itself."""

    public_key: PublicKey
    name: str
    address: str

    @property
    def node(self) -> NodeId:
        return node_id(self.public_key)

    def write(self, key: NodeKey) -> bytes:
        signature = key.sign(DOMAIN, canonical.encode([self.public_key, self.name, self.address]))
        return _armoured(INTRODUCTION_PREFIX, [self.public_key, self.name, self.address, signature])

    @classmethod
    def read(cls, content: bytes) -> Introduction:
        """Return what a file introduces. Raises `Refused`."""
        try:
            key, name, address, signature = _parts(content, INTRODUCTION_PREFIX, [bytes, str, str, bytes])
            if len(key) != 32 or len(signature) != SIGNATURE_SIZE or max(len(name), len(address)) > NAME_SIZE_MAX:
                raise ValueError("a part has the wrong size")
            verify(key, DOMAIN, canonical.encode([key, name, address]), signature)
        except (ValueError, PeerFault) as fault:
            raise Refused(Objection.INTRODUCTION_UNREADABLE) from fault
        return cls(PublicKey(key), name, address)


@dataclass(frozen=True, slots=True)
class Invite:
    """What a joiner needs: the commons, its key, a right to come in, and whom to expect."""

    commons: str
    scope: Scope
    epoch_key: EpochKey
    key: NodeKey
    introduction: bytes

    def write(self) -> bytes:
        return _armoured(INVITE_PREFIX, [self.commons, self.scope, self.epoch_key, self.key.seed, self.introduction])

    @classmethod
    def read(cls, content: bytes) -> Invite:
        """Return the invite in a file. Raises `Refused`."""
        try:
            commons, scope, epoch, seed, introduction = _parts(
                content, INVITE_PREFIX, [str, bytes, bytes, bytes, bytes]
            )
            if (len(scope), len(epoch), len(seed)) != (ID_SIZE, 32, 32) or not 0 < len(commons) <= NAME_SIZE_MAX:
                raise ValueError("a part has the wrong size")
        except (ValueError, PeerFault) as fault:
            raise Refused(Objection.INVITE_UNREADABLE) from fault
        return cls(commons, Scope(scope), EpochKey(epoch), NodeKey(seed), introduction)


def _armoured(prefix: str, parts: list[Any]) -> bytes:
    return prefix.encode() + b64encode(canonical.encode(parts)) + b"\n"


def _parts(content: bytes, prefix: str, types: list[type]) -> list[Any]:
    if len(content) > FILE_SIZE_MAX or not content.startswith(prefix.encode()):
        raise ValueError("not such a file")
    try:
        parts = canonical.decode(b64decode(content[len(prefix) :].strip(), validate=True))
    except BadBase64 as fault:
        raise ValueError("not base64") from fault
    if type(parts) is not list or [type(part) for part in parts] != types:
        raise ValueError("other parts than expected")
    return parts
