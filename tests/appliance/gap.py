"""A gap on a real street: a payment is here before the one that covers it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.answers import Account, Transfer
from appliance.node import Node
from tests.appliance.street import Street


@dataclass
class Gap:
    """At Ash, Oak's payment to Dan has arrived, and Elm's payment that covers it has not."""

    street: Street
    ash: Node
    dan: Account
    paid: Transfer


@contextmanager
def gap_in(directory: Path) -> Iterator[Gap]:
    """Build the street and the gap in it."""
    with Street(directory) as street:
        elm = street.elm
        oak, ash = street.invite("Oak"), street.invite("Ash")
        street.settle()
        for node, name in ((elm, "Ana"), (oak, "Cara"), (ash, "Dan"), (ash, "Eva")):
            street.neighbour(node, name)
        street.settle()
        hours = elm.currency("hours")
        elm.pay(elm.find_payee("Ana"), elm.find_payee("Cara"), 1500, hours, "a roof")
        elm.seal()
        street.sync(elm, oak)
        paid = oak.pay(oak.find_payee("Cara"), oak.find_payee("Dan"), 3000, hours, "beams")
        oak.seal()
        bring_own(oak, ash)
        yield Gap(street, ash, ash.find_payee("Dan"), paid)


def bring_own(giver: Node, taker: Node) -> None:
    """Bring what `giver` wrote itself, and nothing that it heard."""
    own = giver.own_log(giver.commons)
    held = taker.records.log(own.log)
    run = giver.records.run(own.log, held.height if held else 0, 10_000)
    assert run
    assert taker.accept(run).new
