"""What has arrived before what stands below it in its log: shown as not counted yet, and in no view until the gap has closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from appliance import kinds
from appliance.answers import Account, Currency
from appliance.clock import Clock
from appliance.desks.neighbourhood import Neighbourhood
from appliance.door import Taken
from appliance.kinds import PostCard, ZineCard
from appliance.ledger import transfer as entries
from appliance.settings import Settings
from appliance.store.aside import Aside
from appliance.store.database import SQLITE, MakeDatabase
from appliance.store.records import Log
from mesh import canonical
from mesh.errors import Malformed, PeerFault
from mesh.keys import Head
from mesh.links import WITHDRAW, read_withdrawal
from mesh.log import ForkProof, Run
from mesh.record import Record, RecordId


@dataclass(frozen=True, slots=True)
class Coming:
    """One record that is not counted yet. `kind` is payment, notice, offer, want or zine; `words` its memo or title."""

    kind: str
    words: str
    payer: Account | None = None
    payee: Account | None = None
    amount: int = 0
    currency: Currency | None = None

    @property
    def account_ids(self) -> set[str]:
        """Whom it concerns."""
        return {account.id for account in (self.payer, self.payee) if account}


class Awaiting(Neighbourhood):
    def __init__(self, settings: Settings, clock: Clock | None = None, make: MakeDatabase = SQLITE) -> None:
        super().__init__(settings, clock, make)
        self.aside = Aside(self.database)

    def accept(self, run: Run) -> Taken:
        """Take in a run, and what was waiting above it."""
        taken = super().accept(run)
        for waiting in self._reached(run) if taken.new else ():
            with suppress(PeerFault):  # what is refused now would have been refused then
                super().accept(waiting)
        return taken

    def _reached(self, run: Run) -> list[Run]:
        """Take out what this run reaches, and forget what lies where it took a text back: that will be sent without it."""
        with self.database.writing():
            for record in run.records:
                if record.kind == WITHDRAW:
                    with suppress(Malformed):
                        self.aside.drop(RecordId(*read_withdrawal(record)).log)
            log = self.records.log(run.log)
            return self.aside.reached(run.log, log.height) if log else []

    def accept_aside(self, run: Run, head: Head) -> bool:
        """Check a run above a gap, by the head on which it stands. Returns whether it is kept. Raises `PeerFault`."""
        with self.database.writing():
            log = self.records.log(run.log)
            if log is None or run.after <= log.height or not self._has_room(run, log, None):
                return False
            checkpoint = run.check(log.public_key, head)
            held = self.records.overlapping(log, checkpoint)
            if held is not None:
                self.records.keep_fork_proof(ForkProof(log.public_key, held, checkpoint))
                return False
            # A text that is taken back must not lie here; the word that takes one back is of use only where it counts.
            if any(record.is_withdrawn or record.kind == WITHDRAW for record in run.records):
                return False
            return not self.database.row("SELECT 1 FROM fork_proof WHERE log = ?", log.log) and self.aside.keep(run)

    def coming(self, *wanted: str) -> list[Coming]:
        """Return what is here and not counted yet, of these kinds, the newest first."""
        found = [one for run in self.aside.runs() for one in self._read_run(run)]
        return [one for one in found if one.kind in wanted]

    def _read_run(self, run: Run) -> Iterator[Coming]:
        log = self.records.log(run.log)
        if log is None or not self._is_known(log.node):
            return
        for seq, record in reversed([*enumerate(run.records, run.after + 1)]):
            if record.text is not None and self.records.is_withdrawn(RecordId(log.log, seq)):
                continue
            with suppress(Malformed):
                if one := self._read_coming(log, record):
                    yield one

    def _read_coming(self, log: Log, record: Record) -> Coming | None:
        if record.kind == kinds.POST and log.scope == self.commons:
            card = PostCard.read(record)
            return Coming(card.board, card.title)
        if record.kind == kinds.ZINE:
            return Coming("zine", ZineCard.read(record).title)
        if record.kind != kinds.TRANSFER or log.scope != self.commons:
            return None
        stated = entries.Transfer.read(record.fields(), log.node)
        payer = min(stated.postings, key=lambda posting: posting.amount)
        payee = max(stated.postings, key=lambda posting: posting.amount)
        currency = next((one for one in self.currencies() if one.number == payee.currency), None)
        memo = str(canonical.decode(record.text)[0]) if record.text else ""
        accounts = self.account_at(payer.account), self.account_at(payee.account)
        return Coming("payment", memo, *accounts, payee.amount, currency)
