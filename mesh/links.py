"""How logs hang together: the five kinds of record that belong to the mesh itself.

    open      who writes this log, in which scope and incarnation, what it continues, and by what right it is here
    absorb    from here on this log counts another log up to a height; nothing later is judged without it
    held      this node had that branch of a dead log when it learned of its end
    withdraw  the text of a record is taken back
    admit     a node may write in this commons

An open record makes a log verify itself: its key, incarnation and scope give the log's name. See spec/record-v1.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from mesh.canonical import INT_MAX, Value
from mesh.errors import BadSignature, Malformed
from mesh.keys import (
    DIGEST_SIZE,
    ID_SIZE,
    PUBLIC,
    SIGNATURE_SIZE,
    Head,
    LogId,
    NodeId,
    NodeKey,
    PublicKey,
    Scope,
    commons_scope,
    log_id,
    node_id,
    verify,
)
from mesh.record import Record

OPEN: Final = 0
ABSORB: Final = 1
HELD: Final = 2
WITHDRAW: Final = 3
ADMIT: Final = 4
INVITE_DOMAIN: Final = "hedgerow/invite/v1"
NONCE_SIZE: Final = 16
INCARNATION_MAX: Final = 2**32


@dataclass(frozen=True, slots=True)
class Height:
    """A place in a log: `head` is h(height), which names the branch as well."""

    log: LogId
    height: int
    head: Head

    @classmethod
    def read(cls, parts: list[Value]) -> Self:
        if [type(part) for part in parts] != [bytes, int, bytes]:
            raise Malformed("a height is a log, a number and a head")
        log, height, head = parts
        if len(log) != ID_SIZE or len(head) != DIGEST_SIZE or not 1 <= height <= INT_MAX:
            raise Malformed("a height is out of range")
        return cls(LogId(log), height, Head(head))

    def fields(self) -> list[Value]:
        return [self.log, self.height, self.head]


@dataclass(frozen=True, slots=True)
class Founding:
    """The right of the node that began the commons: scope = H(key, nonce)."""

    nonce: bytes


@dataclass(frozen=True, slots=True)
class Invitation:
    """The right of a node that was invited: the one-time invite key signed this node's name."""

    invite_key: PublicKey
    signature: bytes

    @classmethod
    def sign(cls, invite: NodeKey, scope: Scope, joiner: NodeId) -> Invitation:
        return cls(invite.public_key, invite.sign(INVITE_DOMAIN, scope + joiner))


@dataclass(frozen=True, slots=True)
class Opening:
    """Seq 1 of every log."""

    public_key: PublicKey
    incarnation: int
    scope: Scope
    continues: Height | None = None  # where the node's log before this one ended, as far as this node knew
    right: Founding | Invitation | None = None

    @property
    def log(self) -> LogId:
        return log_id(self.public_key, self.incarnation, self.scope)

    @property
    def node(self) -> NodeId:
        return node_id(self.public_key)

    @property
    def founds(self) -> bool:
        """Whether this node began the commons. Nobody else can say so: the scope is a digest of its key."""
        return isinstance(self.right, Founding)

    def record(self, at: int) -> Record:
        continues = self.continues.fields() if self.continues else None
        names = [self.public_key, self.incarnation, self.scope]
        return Record.new([OPEN, at, *names, continues, _right_fields(self.right)])

    @classmethod
    def read(cls, record: Record) -> Opening:
        """Return what the first record of a log says. Raises `Malformed` or `BadSignature`."""
        fields = record.fields()
        if len(fields) != 7 or fields[0] != OPEN or record.parts() != [record.core]:
            raise Malformed("a log begins with an open record")
        key, incarnation, scope, continues, right = fields[2:]
        if type(key) is not bytes or len(key) != DIGEST_SIZE or type(scope) is not bytes or len(scope) != ID_SIZE:
            raise Malformed("an open record names a key and a scope")
        if type(incarnation) is not int or not 0 <= incarnation < INCARNATION_MAX:
            raise Malformed("an incarnation is out of range")
        opening = cls(PublicKey(key), incarnation, Scope(scope), _read_continues(continues), _read_right(right))
        opening._check_right()
        return opening

    def _check_right(self) -> None:
        if isinstance(self.right, Founding) and commons_scope(self.public_key, self.right.nonce) != self.scope:
            raise BadSignature("this key did not found this commons")
        if isinstance(self.right, Invitation):
            verify(self.right.invite_key, INVITE_DOMAIN, self.scope + self.node, self.right.signature)
        if self.scope == PUBLIC and self.right is not None:
            raise Malformed("the public scope needs no right")


def _right_fields(right: Founding | Invitation | None) -> list[Value] | None:
    if isinstance(right, Founding):
        return [right.nonce]
    return [right.invite_key, right.signature] if right else None


def _read_continues(fields: Value) -> Height | None:
    if fields is not None and type(fields) is not list:
        raise Malformed("what a log continues is a height")
    return None if fields is None else Height.read(fields)


def _read_right(fields: Value) -> Founding | Invitation | None:
    if fields is None:
        return None
    if type(fields) is list and all(type(field) is bytes for field in fields):
        sizes = [len(field) for field in fields]
        if sizes == [NONCE_SIZE]:
            return Founding(fields[0])
        if sizes == [DIGEST_SIZE, SIGNATURE_SIZE]:
            return Invitation(PublicKey(fields[0]), fields[1])
    raise Malformed("a right is a founding nonce, or an invite key and its signature")


def absorb(at: int, height: Height) -> Record:
    """From here on this log counts `height.log` up to `height.height`."""
    return Record.new([ABSORB, at, *height.fields()])


def held(at: int, height: Height) -> Record:
    """This node held that branch up to that height when it learned that the log had ended."""
    return Record.new([HELD, at, *height.fields()])


def read_height(record: Record) -> Height:
    """Return what an absorb or a held record names. Raises `Malformed`."""
    return Height.read(record.fields()[2:])


def withdraw(at: int, log: LogId, seq: int) -> Record:
    """Take back the text of record `seq` of `log`."""
    return Record.new([WITHDRAW, at, log, seq])


def read_withdrawal(record: Record) -> tuple[LogId, int]:
    """Return the log and seq whose text is taken back. Raises `Malformed`."""
    fields = record.fields()[2:]
    if [type(field) for field in fields] != [bytes, int] or len(fields[0]) != ID_SIZE or not 1 <= fields[1] <= INT_MAX:
        raise Malformed("a withdrawal names a log and a seq")
    return LogId(fields[0]), fields[1]


def admit(at: int, node: NodeId) -> Record:
    """Let `node` write in this commons."""
    return Record.new([ADMIT, at, node])


def read_admission(record: Record) -> NodeId:
    """Return the node that is let in. Raises `Malformed`."""
    fields = record.fields()[2:]
    if [type(field) for field in fields] != [bytes] or len(fields[0]) != ID_SIZE:
        raise Malformed("an admission names a node")
    return NodeId(fields[0])
