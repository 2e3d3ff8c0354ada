"""A street's payments as a file: one JSON object a line, turned into the records that the nodes of that street would sign.

    {"author": 0, "from": "ana", "to": "ben", "amount": 30, "currency": "hours", "at": 1760000000, "memo": "two loaves, rye"}

`to` is a member of the same author's node, or `member@author`. Keys derive from the author's number, so that two processes
that read the same file build the same base, byte for byte, and nothing but packets has to pass between them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Final

from appliance.bench.holdings import BenchHoldings
from appliance.errors import SettingsFault
from appliance.kinds import CurrencyRules, Member
from appliance.ledger.transfer import AccountId, Transfer
from mesh import canonical, links
from mesh.keys import EpochKey, Head, NodeKey, Scope, commons_scope, salt_for
from mesh.links import Founding, Invitation, Opening
from mesh.log import Checkpoint, Run, batches, first_head, heads
from mesh.record import TEXT_SIZE_MAX, Record

KEYS: Final = {"author": int, "from": str, "to": str, "amount": int, "currency": str, "at": int, "memo": str}
LINES_MAX: Final = 100_000
AUTHORS_MAX: Final = 1000
AMOUNT_MAX: Final = 2**53
AT_MAX: Final = 2**40
NAME_SIZE_MAX: Final = 256
NONCE: Final = bytes(16)
NOISE: Final = 63  # no kind of the appliance
NOISE_SIZE: Final = 20


@dataclass(frozen=True, slots=True)
class Payment:
    author: int
    payer: str
    payee: tuple[int, str]
    amount: int
    at: int
    memo: str


def read_workload(path: Path | None) -> list[Payment]:
    """Return the payments of a file, by default of the one that comes with the program. Raises `SettingsFault`."""
    try:
        text = (
            path.read_text(encoding="utf-8") if path else (files(__package__) / "workload-w.jsonl").read_text("utf-8")
        )
    except (UnicodeDecodeError, OSError) as fault:
        raise SettingsFault(
            f"The workload {path} cannot be read as UTF-8 text. Check its name and what made it."
        ) from fault
    lines = text.removesuffix("\n").split("\n")  # other ends of line may stand in a memo
    if not text.strip() or len(lines) > LINES_MAX:
        raise SettingsFault(
            f"The workload has {len(lines) if text.strip() else 0} lines; 1 to {LINES_MAX} can be measured."
        )
    return [_payment(number, line) for number, line in enumerate(lines, 1)]


def one_author_workload() -> list[Payment]:
    """Return the same base, and then a hundred payments by a single author."""
    text = (files(__package__) / "workload-w-one-author-new.jsonl").read_text("utf-8")
    return read_workload(None)[:1000] + [_payment(number, line) for number, line in enumerate(text.splitlines(), 1)]


def _payment(number: int, line: str) -> Payment:
    try:
        row = json.loads(line)
        if {key: type(value) for key, value in row.items()} != KEYS:
            raise ValueError("other keys")
        name, _, home = row["to"].partition("@")
        payee = (int(home) if home else row["author"], name)
        payment = Payment(row["author"], row["from"], payee, row["amount"], row["at"], row["memo"])
        _check(payment)
    except (ValueError, AttributeError, RecursionError) as fault:
        raise SettingsFault(
            f"line {number} of the workload is not one payment with the keys {', '.join(KEYS)}, "
            f"or one of them is out of range: {fault}."
        ) from fault
    return payment


def _check(payment: Payment) -> None:
    """Raises `ValueError` for what no street would write."""
    bounds = (
        ("author", payment.author, 0, AUTHORS_MAX - 1),
        ("to", payment.payee[0], 0, AUTHORS_MAX - 1),
        ("amount", payment.amount, 1, AMOUNT_MAX),
        ("at", payment.at, 0, AT_MAX),
        ("from", len(payment.payer.encode()), 1, NAME_SIZE_MAX),
        ("to", len(payment.payee[1].encode()), 1, NAME_SIZE_MAX),
        ("memo", len(canonical.encode([payment.memo])), 0, TEXT_SIZE_MAX),
    )
    for key, value, lowest, highest in bounds:
        if not lowest <= value <= highest:
            raise ValueError(f"{key} is {value}, and not from {lowest} to {highest}")


@dataclass
class Author:
    """One node of the street and its log in the commons."""

    key: NodeKey
    opening: Opening
    records: list[Record] = field(default_factory=list)
    members: dict[str, int] = field(default_factory=dict)
    certified: int = 0
    head: Head | None = None


class Street:
    """The authors of a workload. `base` and `news` return what a neighbour would be sent."""

    def __init__(self, authors: int) -> None:
        keys = [NodeKey(blake2b(b"bench author %d" % number, digest_size=32).digest()) for number in range(authors)]
        self.scope: Scope = commons_scope(keys[0].public_key, NONCE)
        self.epoch_key = EpochKey(blake2b(b"bench epoch", digest_size=32).digest())
        self.authors = [Author(key, self._opening(key, keys[0])) for key in keys]
        for author in self.authors:
            author.records.append(author.opening.record(0))
        for author in self.authors[1:]:
            self.authors[0].records.append(links.admit(0, author.key.node_id))
        self._say(self.authors[0], CurrencyRules(0, "hours", 2, -(10**12), "hours", "").record)

    def _opening(self, key: NodeKey, founder: NodeKey) -> Opening:
        if key is founder:
            return Opening(key.public_key, 0, self.scope, right=Founding(NONCE))
        return Opening(key.public_key, 0, self.scope, right=Invitation.sign(founder, self.scope, key.node_id))

    def _say(self, author: Author, record: Callable[[int, bytes], Record]) -> None:
        author.records.append(record(0, self._salt(author)))

    def _salt(self, author: Author) -> bytes:
        return salt_for(self.epoch_key, author.opening.log, len(author.records) + 1)

    def member(self, author: int, name: str) -> AccountId:
        """Return the account of a member, opened on first sight."""
        home = self.authors[author]
        if name not in home.members:
            home.members[name] = len(home.members) + 1
            self._say(home, Member(home.members[name], name).record)
        return AccountId(home.key.node_id, home.members[name])

    def pay(self, payment: Payment) -> None:
        payer, payee = self.member(payment.author, payment.payer), self.member(*payment.payee)
        author = self.authors[payment.author]
        transfer = Transfer.simple(payer, payee, 0, payment.amount)
        author.records.append(transfer.record(payment.at, author.key.node_id, payment.memo, self._salt(author)))

    def note(self, author: int, body: bytes, at: int) -> None:
        """Write a record of a kind that nobody knows."""
        home = self.authors[author]
        home.records.append(Record.new([NOISE, at], body, self._salt(home)))

    def seal(self) -> list[Run]:
        """Certify what each author wrote since the last time; return it as runs, each no longer than a batch may be."""
        return [run for author in self.authors for run in _sealed(author)]


def _sealed(author: Author) -> Iterator[Run]:
    log, before = author.opening.log, author.certified
    chain = [author.head or first_head(log), *heads(author.head or first_head(log), author.records[before:])]
    for seq in batches(before, author.records[before:]):
        previous = author.certified
        checkpoint = Checkpoint.sign(author.key, log, previous, seq, chain[seq - before])
        author.certified, author.head = seq, chain[seq - before]
        yield Run(log, previous, tuple(author.records[previous:seq]), previous, checkpoint.signature)


def found(payments: Sequence[Payment], new: int) -> tuple[Street, list[Run]]:
    """Return the street before its last `new` payments, and its records as runs.

    Everybody who pays or is paid had joined before, so that the news are payments and nothing else.
    """
    street = Street(1 + max(max(payment.author, payment.payee[0]) for payment in payments))
    for payment in payments:
        street.member(payment.author, payment.payer)
        street.member(*payment.payee)
    for payment in payments[: len(payments) - new]:
        street.pay(payment)
    return street, street.seal()


def split(payments: Sequence[Payment], new: int) -> tuple[Street, list[Run], list[Run]]:
    """Return the street, the runs of its base, and those of its last `new` payments, one or more for each author."""
    street, base = found(payments, new)
    for payment in payments[len(payments) - new :]:
        street.pay(payment)
    return street, base, street.seal()


def noise(authors: int, count: int, seed: int) -> tuple[Street, list[Run], list[Run]]:
    """Return a street, its base, and `count` records of random bytes, which no codec can make shorter."""
    street = Street(authors)
    base = street.seal()
    rng = Random(seed)
    for number in range(count):
        street.note(number % authors, rng.randbytes(NOISE_SIZE), 60 * number)
    return street, base, street.seal()


def holder(street: Street, runs: Sequence[Run], name: int) -> BenchHoldings:
    """Return what a neighbour holds who was sent these runs."""
    key = NodeKey(blake2b(b"bench neighbour %d" % name, digest_size=32).digest())
    holdings = BenchHoldings(key.node_id, street.scope, street.epoch_key)
    for run in runs:
        holdings.accept(run)
    return holdings
