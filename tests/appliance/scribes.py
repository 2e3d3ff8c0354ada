"""Logs written by hand, honest or not: whatever a key can sign, a test can deliver. No store takes part in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import peewee

from appliance import founding
from appliance.introductions import Introduction, Invite
from appliance.kinds import CurrencyRules, Member
from appliance.ledger.transfer import AccountId, Transfer
from appliance.settings import Settings
from mesh.keys import PUBLIC, EpochKey, Head, NodeId, NodeKey, Scope, commons_scope
from mesh.links import Founding, Height, Invitation, Opening
from mesh.log import Checkpoint, Run, first_head, next_head
from mesh.record import Record, RecordId

FOUNDER: Final = NodeKey(bytes([1]) * 32)
NONCE: Final = bytes(range(16))
STREET: Final = commons_scope(FOUNDER.public_key, NONCE)
EPOCH_KEY: Final = EpochKey(bytes([9]) * 32)
INVITE_KEY: Final = NodeKey(bytes([8]) * 32)
SALT: Final = bytes(16)
HOURS: Final = CurrencyRules(0, "hours", 2, -2000, "hours", "")


def key_of(number: int) -> NodeKey:
    """Return the key of the `number`-th scribe's node; the first one founded the street."""
    return NodeKey(bytes([number]) * 32)


class Scribe:
    """One log in the hands of whoever holds its key."""

    def __init__(self, key: NodeKey, opening: Opening) -> None:
        self.key = key
        self.opening = opening
        self.log = opening.log
        self.chain: list[Head] = [first_head(self.log)]
        self.records: list[Record] = []
        self.seals: list[int] = []
        self.say(opening.record(0))

    @classmethod
    def founder(cls) -> Scribe:
        """Begin the street's first log, with its currency."""
        scribe = cls(FOUNDER, Opening(FOUNDER.public_key, 0, STREET, right=Founding(NONCE)))
        scribe.say(HOURS.record(0, SALT))
        return scribe

    @classmethod
    def invited(cls, key: NodeKey) -> Scribe:
        right = Invitation.sign(INVITE_KEY, STREET, key.node_id)
        return cls(key, Opening(key.public_key, 0, STREET, right=right))

    @classmethod
    def public(cls, key: NodeKey, incarnation: int = 0) -> Scribe:
        return cls(key, Opening(key.public_key, incarnation, PUBLIC))

    def again(self, continues: Height | None) -> Scribe:
        """Begin the next incarnation of this log."""
        opening = replace(self.opening, incarnation=self.opening.incarnation + 1, continues=continues)
        return Scribe(self.key, opening)

    @property
    def node(self) -> NodeId:
        return self.opening.node

    @property
    def scope(self) -> Scope:
        return self.opening.scope

    @property
    def height(self) -> int:
        return len(self.records)

    def account(self, number: int) -> AccountId:
        return AccountId(self.node, number)

    def say(self, record: Record) -> RecordId:
        self.records.append(record)
        self.chain.append(next_head(self.chain[-1], record))
        return RecordId(self.log, self.height)

    def member(self, number: int, name: str) -> RecordId:
        return self.say(Member(number, name).record(0, SALT))

    def pay(self, payer: int, payee: AccountId, amount: int, memo: str = "") -> RecordId:
        return self.say(Transfer.simple(self.account(payer), payee, 0, amount).record(0, self.node, memo, SALT))

    def seal(self) -> None:
        if self.height > (self.seals[-1] if self.seals else 0):
            self.seals.append(self.height)

    def place(self, height: int | None = None) -> Height:
        height = self.height if height is None else height
        return Height(self.log, height, self.chain[height])

    def checkpoint(self, seq: int) -> Checkpoint:
        """Return the checkpoint that was signed at `seq`."""
        previous = max((seal for seal in self.seals if seal < seq), default=0)
        return Checkpoint.sign(self.key, self.log, previous, seq, self.chain[seq])

    def run(self, after: int = 0, upto: int | None = None) -> Run:
        """Return what stands above `after`, up to a seal: the last one if `upto` is None."""
        if upto is None:
            self.seal()
            upto = self.seals[-1]
        checkpoint = self.checkpoint(upto)
        return Run(self.log, after, tuple(self.records[after:upto]), checkpoint.previous, checkpoint.signature)

    def runs(self, cuts: Sequence[int]) -> list[Run]:
        """Return the whole log in runs that end at `cuts`."""
        return [self.run(after, upto) for after, upto in zip([0, *cuts], cuts, strict=False)]


def stripped(run: Run, *seqs: int) -> Run:
    """Return the run as a node sends it that holds the texts of `seqs` no longer."""
    records = (
        record.without_text() if seq in seqs else record for seq, record in enumerate(run.records, run.after + 1)
    )
    return replace(run, records=tuple(records))


def stranger_in_the_street(directory: Path) -> Settings:
    """Make a node that holds an invite to the street and has heard nothing yet; nobody lets it in."""
    introduction = Introduction(FOUNDER.public_key, "Elm", "").write(FOUNDER)
    wanted = Settings(data=directory, name="Rowan", commons="Street")
    founding.join(wanted, Invite("Street", STREET, EPOCH_KEY, INVITE_KEY, introduction).write())
    return wanted


def unsynced(path: str, pragmas: Sequence[tuple[str, Any]], timeout: float) -> peewee.SqliteDatabase:
    """Open a database that need not survive a power cut: many schedules are tried, each on a fresh copy."""
    return peewee.SqliteDatabase(path, pragmas=(*pragmas, ("synchronous", 0)), timeout=timeout)
