"""`hedgerow pay | receipt | held | balance | ledger export`: amounts are typed in units, with decimals."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import click

from appliance.answers import Account, Transfer
from appliance.cli.nodes import opened_node
from appliance.cli.terminal import (
    Command,
    Commands,
    amount_of,
    as_json,
    output,
    say,
    say_json,
    say_table,
    write_whole,
)
from appliance.desks.books import entries
from appliance.errors import Refused
from appliance.ledger.export import FORMATS
from appliance.ledger.verdicts import Verdict
from appliance.node import Node

Answer = TypeVar("Answer")
PRECEDENCE: Final[Mapping[Any, int]] = MappingProxyType({verdict: place for place, verdict in enumerate(Verdict)})


# A negative amount must reach its verdict, not be taken for an option.
@click.command(cls=Command, context_settings={"ignore_unknown_options": True})
@click.option("--from", "payer", required=True, metavar="NAME", help="Whose account pays; it must be kept here.")
@click.option("--to", "payee", required=True, metavar="NAME[@NODE]", help="Who is paid, anywhere in the commons.")
@click.argument("amount")
@click.argument("currency")
@click.option("--memo", default="", help="What it was for.")
@as_json
def pay(payer: str, payee: str, amount: str, currency: str, memo: str, as_json: bool) -> None:
    """Pay AMOUNT of CURRENCY from one neighbour to another."""
    try:
        with opened_node() as node:
            transfer = _paid(node, payer, payee, amount, currency, memo)
    except Refused as refusal:
        if as_json:
            say_json({"verdict": refusal.verdict.code, "message": str(refusal)})
        raise
    if as_json:
        say_json(_transfer_facts(transfer))
    else:
        paid = amount_of(transfer.amount, transfer.currency)
        say(f"{transfer.id}\n{transfer.payer.name} paid {transfer.payee.name} {paid}: {transfer.standing.value}")


def _paid(node: Node, payer: str, payee: str, amount: str, currency: str, memo: str) -> Transfer:
    """Read all that was typed before anything is answered: of several objections, the first in the list counts."""
    objections: list[Refused] = []
    unit = _asked(objections, lambda: node.currency(currency))
    wanted = _asked(objections, lambda: node.read_amount(amount, unit)) if unit else None
    giver = _asked(objections, lambda: find_payer(node, payer))
    taker = _asked(objections, lambda: node.find_payee(payee))
    if wanted is not None and wanted <= 0:
        objections.append(Refused(Verdict.AMOUNT_MUST_BE_POSITIVE))
    if giver and taker and giver.id == taker.id:
        objections.append(Refused(Verdict.ACCOUNTS_MUST_DIFFER))
    if unit is None or wanted is None or giver is None or taker is None or objections:
        raise min(objections, key=lambda refusal: PRECEDENCE[refusal.verdict])
    return node.pay(giver, taker, wanted, unit, memo)


def _asked(objections: list[Refused], ask: Callable[[], Answer]) -> Answer | None:
    try:
        return ask()
    except Refused as refusal:
        objections.append(refusal)
        return None


def find_payer(node: Node, text: str) -> Account:
    """Return whose account is meant. Raises `Refused` with the verdict about payers."""
    try:
        return node.find_payee(text)
    except Refused as refusal:
        if refusal.verdict is Verdict.PAYEE_UNKNOWN:
            raise Refused(Verdict.PAYER_UNKNOWN, **refusal.details) from refusal
        raise


def _transfer_facts(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": transfer.id,
        "state": transfer.standing.value,
        "verdict": transfer.verdict,
        "from": transfer.payer.id,
        "to": transfer.payee.id,
        "amount": transfer.amount,
        "currency": transfer.currency.code,
        "decimals": transfer.currency.decimals,
        "memo": transfer.memo,
    } | asdict(transfer.delivery)


@click.command(cls=Command)
@click.argument("transfer_id", metavar="ID")
@output
def receipt(transfer_id: str, output: Path | None) -> None:
    """Write what proves payment ID without this node: JSON that anybody can check, as tests/checkers/check_record.py does."""
    with opened_node() as node:
        paper = node.receipt(transfer_id)
    if output:
        write_whole(output, iter((json.dumps(paper, indent=2).encode() + b"\n",)))
    else:
        say_json(paper)


@click.command(cls=Command)
@click.argument("record_id", metavar="ID")
@as_json
def held(record_id: str, as_json: bool) -> None:
    """Tell how many neighbour nodes hold what ID names: a payment, a notice, a zine."""
    with opened_node() as node:
        delivery = node.delivery(record_id)
    if as_json:
        say_json({"id": record_id} | asdict(delivery))
        return
    say(f"Held by {delivery.held_by} of {delivery.neighbours} neighbour nodes that were heard in the last day.")
    if delivery.silent:
        say(f"Of those not heard since, {delivery.silent} held it when last heard.")


@click.command(cls=Command)
@click.argument("name")
@as_json
def balance(name: str, as_json: bool) -> None:
    """Tell what NAME has, how much can be paid from there here and now, and why."""
    with opened_node() as node:
        account = find_payer(node, name)
        rooms, coming = node.rooms(account), node.on_their_way(account)
    if as_json:
        rows = [{"currency": room.currency.code, "decimals": room.currency.decimals} | _figures(room) for room in rooms]
        waiting = [row.id for row in coming]
        say_json(
            {
                "account": account.id,
                "name": account.name,
                "home": account.home_name,
                "balances": rows,
                "on_their_way": waiting,
            }
        )
        return
    table = [[amount_of(value, room.currency) for value in _figures(room).values()] for room in rooms]
    say_table(("balance", "can be paid here now", "floor"), table)
    for row in coming:
        paid = amount_of(row.amount, row.currency)
        say(f"On its way, not yet counted: {paid} from {row.payer.name} to {row.payee.name} ({row.id})")
    if not account.is_here:
        say(f"The account of {account.name} is kept at {account.home_name}; it pays there.")


def _figures(room: Any) -> dict[str, int]:
    return {name: getattr(room, name) for name in ("balance", "payable", "floor")}


@click.group(cls=Commands)
def ledger() -> None:
    """The books."""


@ledger.command()
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), required=True)
@output
def export(form: str, output: Path | None) -> None:
    """Write every payment that counts as plain text for hledger, beancount or a spreadsheet."""
    with opened_node() as node:
        lines = (line.encode() for line in FORMATS[form](entries(node)))
        if output:
            write_whole(output, lines)
        else:
            sys.stdout.buffer.writelines(lines)


COMMANDS: Final = (pay, receipt, held, balance, ledger)
