"""What the people of a simulated street write: payments, with memos that people of another street really wrote."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Final

from appliance.bench.floor import floor_bytes
from appliance.bench.workload import Payment, read_workload
from appliance.kinds import CurrencyRules, Member
from appliance.ledger.transfer import AccountId, Transfer
from mesh.keys import NodeId
from mesh.simulation.dice import Dice, choice
from mesh.simulation.truth import Recipe

MEMBERS: Final = 4  # at each node
AMOUNT_MAX: Final = 500
CURRENCY: Final = "hours"
NAMES: Final = ("ana", "ben", "cleo", "dan")


class PaymentsPenman:
    """A `mesh.simulation.truth.Penman` whose authors pay members of their own node and of others."""

    FLOOR: ClassVar = -(10**12)  # nobody ever comes to it

    def __init__(self, nodes: Sequence[NodeId], dice: Dice) -> None:
        self.nodes = nodes
        self._dice = dice
        self._memos = [payment.memo for payment in read_workload(None)]
        self._payments: list[Payment] = []

    def before(self, author: int) -> list[Recipe]:
        rules: list[Recipe] = []
        if author == 0:
            rules.append(partial(CurrencyRules(0, CURRENCY, 2, self.FLOOR, CURRENCY, "").record, 0))
        return rules + [partial(Member(number, name).record, 0) for number, name in enumerate(NAMES, 1)]

    def compose(self, author: int, at: int) -> Sequence[Recipe]:
        payer, payee = self._somebody(), self._somebody()
        home = choice(self._dice, [author, int(self._dice.random() * len(self.nodes))])
        amount, memo = 1 + int(self._dice.random() * AMOUNT_MAX), choice(self._dice, self._memos)
        transfer = Transfer.simple(AccountId(self.nodes[author], payer), AccountId(self.nodes[home], payee), 0, amount)
        written = self.write(author, transfer, at, memo)
        if written:
            self._payments.append(Payment(author, NAMES[payer - 1], (home, NAMES[payee - 1]), amount, at, memo))
        return written

    def write(self, author: int, transfer: Transfer, at: int, memo: str) -> Sequence[Recipe]:
        """Return what the author's node writes for a payment that somebody wants to make there."""
        return [partial(transfer.record, at, self.nodes[author], memo)]

    def _somebody(self) -> int:
        return 1 + int(self._dice.random() * MEMBERS)

    def information_bytes(self) -> int:
        return floor_bytes(self._payments, len(self._payments)) if self._payments else 0
