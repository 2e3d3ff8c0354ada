"""A payment as postings: integers only, two or more, each currency summing to zero.

    core := [TRANSFER, at, [[account, currency, amount] …], reversed?]      text := [memo]

An account at the writer's own node is its number; elsewhere it is [node, number]. Facts are immutable: a correction is a new
transfer that names the one it reverses.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from mesh.errors import Malformed
from mesh.keys import ID_SIZE, LogId, NodeId, unwritten, written
from mesh.record import Record, RecordId

TRANSFER: Final = 20
AMOUNT_MAX: Final = 10**12  # a million postings of this size still fit 64 bits
NUMBER_MAX: Final = 2**31
MEMO_LENGTH_MAX: Final = 280
POSTINGS_MAX: Final = 16


class AccountId(NamedTuple):
    """The `number`-th account of its home node."""

    node: NodeId
    number: int

    def __str__(self) -> str:
        return f"{written(self.node)}.{self.number}"

    @classmethod
    def read(cls, letters: str) -> AccountId:
        """Return the account written as node, point and number. Raises `Malformed`."""
        name, _, number = letters.partition(".")
        if not (number.isascii() and number.isdigit() and len(number) <= 10 and number == str(int(number))):
            raise Malformed(f"{letters[:64]!r} is not an account")
        return cls(NodeId(unwritten(name)), int(number))


class Posting(NamedTuple):
    account: AccountId
    currency: int
    amount: int  # below zero: leaves the account


@dataclass(frozen=True, slots=True)
class Transfer:
    postings: tuple[Posting, ...]
    reverses: RecordId | None = None

    @classmethod
    def simple(cls, payer: AccountId, payee: AccountId, currency: int, amount: int) -> Transfer:
        return cls((Posting(payer, currency, -amount), Posting(payee, currency, amount)))

    def reversed(self, record: RecordId) -> Transfer:
        """Return the counter-entry to this transfer, which stands at `record`."""
        return Transfer(tuple(posting._replace(amount=-posting.amount) for posting in self.postings), record)

    def record(self, at: int, home: NodeId, memo: str, salt: bytes) -> Record:
        rows = [[_shortened(posting.account, home), posting.currency, posting.amount] for posting in self.postings]
        core = [TRANSFER, at, rows] + ([[*self.reverses]] if self.reverses else [])
        return Record.new(core, [memo] if memo else None, salt if memo else b"")

    @classmethod
    def read(cls, fields: list[Any], home: NodeId) -> Transfer:
        """Return the transfer that a core of `home` states. Raises `Malformed`; such a record counts nowhere."""
        if len(fields) not in (3, 4) or type(fields[2]) is not list or not 2 <= len(fields[2]) <= POSTINGS_MAX:
            raise Malformed("a transfer has two to sixteen postings")
        return cls(tuple(_read_posting(row, home) for row in fields[2]), _read_reference(fields[3:]))

    def is_balanced(self) -> bool:
        """Whether every currency sums to zero."""
        sums: defaultdict[int, int] = defaultdict(int)
        for posting in self.postings:
            sums[posting.currency] += posting.amount
        return not any(sums.values())


def _shortened(account: AccountId, home: NodeId) -> Any:
    return account.number if account.node == home else [account.node, account.number]


def _read_posting(row: Any, home: NodeId) -> Posting:
    if type(row) is not list or len(row) != 3 or type(row[1]) is not int or type(row[2]) is not int:
        raise Malformed("a posting is an account, a currency and an amount")
    if not 0 <= row[1] <= NUMBER_MAX:
        raise Malformed("a currency is out of range")
    return Posting(_read_account(row[0], home), row[1], row[2])


def _read_account(account: Any, home: NodeId) -> AccountId:
    node, number = (home, account) if type(account) is int else _pair(account)
    if type(node) is not bytes or len(node) != ID_SIZE or type(number) is not int or not 0 < number <= NUMBER_MAX:
        raise Malformed("an account is a number, or a node and a number")
    if node == home and type(account) is not int:
        raise Malformed("an account at home is written short")
    return AccountId(NodeId(node), number)


def _pair(account: Any) -> tuple[Any, Any]:
    if type(account) is not list or len(account) != 2:
        raise Malformed("an account elsewhere is a node and a number")
    return account[0], account[1]


def _read_reference(rest: list[Any]) -> RecordId | None:
    if not rest:
        return None
    log, seq = _pair(rest[0])
    if type(log) is not bytes or len(log) != ID_SIZE or type(seq) is not int or seq < 1:
        raise Malformed("a reversed transfer is named by log and seq")
    return RecordId(LogId(log), seq)
