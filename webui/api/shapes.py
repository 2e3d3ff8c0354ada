"""The node's answers as JSON. Amounts are integers of the smallest unit; the currency tells its decimals."""

from __future__ import annotations

from dataclasses import asdict

from appliance.answers import Account, Neighbour, Room, Transfer
from appliance.calling import Call
from appliance.library import Zine
from webui.words import why

Shape = dict[str, object]


def account(who: Account) -> Shape:
    """Return who somebody is and where they are at home."""
    return {"id": who.id, "name": who.name, "node_id": who.node_id, "home": who.home_name, "is_here": who.is_here}


def room(here: Room) -> Shape:
    """Return what an account holds, how much can be paid from it here and now, and why."""
    return {
        "currency": here.currency.code,
        "decimals": here.currency.decimals,
        "balance": here.balance,
        "room": here.payable,
        "floor": here.floor,
        "waiting": here.waiting,
        "why": why(here),
    }


def transfer(paid: Transfer) -> Shape:
    """Return a payment."""
    return {
        "id": paid.id,
        "state": paid.standing.value,
        "verdict": paid.verdict,
        "from": account(paid.payer),
        "to": account(paid.payee),
        "amount": paid.amount,
        "currency": paid.currency.code,
        "decimals": paid.currency.decimals,
        "memo": paid.memo,
        "at": paid.at,
        "reverses": paid.reverses,
        "reversed_by": paid.reversed_by,
        **asdict(paid.delivery),
        "on_its_way": paid.on_its_way,
    }


def posting(paid: Transfer, mine: Account) -> Shape:
    """Return a payment as it stands in the statement of `mine`: negative where it went out."""
    came = paid.payee.id == mine.id
    return {
        "transfer": paid.id,
        "amount": paid.amount if came else -paid.amount,
        "currency": paid.currency.code,
        "with": account(paid.payer if came else paid.payee),
        "memo": paid.memo,
        "at": paid.at,
        "state": paid.standing.value,
    }


def zine(held: Zine) -> Shape:
    """Return what is known about a zine."""
    shape = asdict(held)
    del shape["may_withdraw"], shape["hidden"]
    return shape | {"tags": list(held.tags), "removed": list(held.removed)}


def call(raised: Call) -> Shape:
    """Return a call for help."""
    return {
        "id": raised.id,
        "author": account(raised.author),
        "level": raised.level,
        "words": raised.words,
        "at": raised.at,
        "left_s": raised.left_s,
    }


def peer(other: Neighbour) -> Shape:
    """Return a neighbour node."""
    return asdict(other)
