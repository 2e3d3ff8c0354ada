"""Payments. A 201 is said only after the payment was kept."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, url_for

from appliance.errors import Objection, Refused
from webui.api import shapes
from webui.api.bearer import session
from webui.api.bodies import Field, idempotency_key, read
from webui.signin import node

routes = Blueprint("transfers", __name__)

NEW_TRANSFER: Final = (
    Field("to", "string", "NAME, NAME@NODE or an account id."),
    Field("amount", "integer", "In the currency's smallest unit."),
    Field("currency", "string", "The currency's code, such as hours."),
    Field("memo", "string", "What for.", required=False),
)


@routes.post("/transfers")
def pay() -> tuple[shapes.Shape, int, dict[str, str]]:
    """Pay from the account of whoever asks. The same key and body again give the first answer again."""
    payer, key, body = session().account, idempotency_key(), read(NEW_TRANSFER)
    currency = node().currency(body["currency"])
    payee = node().find_payee(body["to"])
    paid = node().pay(payer, payee, body["amount"], currency, body.get("memo", ""), key)
    return shapes.transfer(paid), 201, {"Location": url_for(".transfer", transfer_id=paid.id)}


@routes.get("/transfers/<transfer_id>")
def transfer(transfer_id: str) -> shapes.Shape:
    """Show a payment to the one who paid and the one who was paid; to others it does not exist."""
    mine, paid = session().account, node().transfer(transfer_id)
    if mine.id not in {paid.payer.id, paid.payee.id}:
        raise Refused(Objection.NOT_FOUND)
    return shapes.transfer(paid)
