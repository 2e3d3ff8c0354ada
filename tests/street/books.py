"""What an outsider can read in a node's books: the table that it exports, and nothing from within."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO

from tests.street.node import Node

FLOOR = Decimal(-20)


@dataclass(frozen=True)
class Line:
    """One posting."""

    transfer: str
    memo: str
    account: str
    home: str
    name: str
    currency: str
    amount: Decimal


def table(node: Node) -> list[Line]:
    """Return every posting that counts at `node`, oldest arrival first."""
    rows = csv.DictReader(StringIO(node.does("ledger", "export", "--format", "csv"), newline=""))
    return [
        Line(row["id"], row["memo"], row["account"], row["home"], row["name"], row["currency"], Decimal(row["amount"]))
        for row in rows
    ]


def balances(lines: list[Line]) -> dict[tuple[str, str], Decimal]:
    """Return what each account holds of each currency."""
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.account, line.currency] += line.amount
    return dict(sums)


def lowest_at_home(node: Node, lines: list[Line]) -> Decimal:
    """Return how low an account that is kept at `node` ever stood, in the order in which its home counted."""
    stood: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    lowest = Decimal(0)
    for line in lines:
        if line.home == node.name:
            stood[line.account, line.currency] += line.amount
            lowest = min(lowest, stood[line.account, line.currency])
    return lowest


def check_books(*nodes: Node) -> None:
    """All nodes tell one story: each payment once and balanced, every currency zero, nobody below the floor."""
    told = {node: table(node) for node in nodes}
    first = told[nodes[0]]
    for node, lines in told.items():
        transfers: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(list)
        for line in lines:
            transfers[line.transfer, line.currency].append(line.amount)
        assert all(len(amounts) == 2 and sum(amounts) == 0 for amounts in transfers.values()), node
        assert balances(lines) == balances(first), node
        assert {line.transfer for line in lines} == {line.transfer for line in first}, node
        assert lowest_at_home(node, lines) >= FLOOR, node


def check_balances(node: Node) -> None:
    """What `balance` tells of each neighbour is the sum of the postings, and not below the floor that it names."""
    held = balances(table(node))
    for account in {account for account, _ in held}:
        for row in node.tells("balance", account)["balances"]:
            exported = held.get((account, row["currency"]), Decimal(0))
            assert Decimal(row["balance"]).scaleb(-row["decimals"]) == exported
            assert row["balance"] >= row["floor"]
