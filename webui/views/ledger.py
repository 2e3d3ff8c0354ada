"""The ledger: what your account holds, how much can be paid and why, paying, receipts, giving back."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.answers import Transfer
from appliance.errors import Objection, Refused
from webui import forms
from webui.refusals import page
from webui.signin import member, members_only, node

pages = Blueprint("ledger", __name__)

NEIGHBOURS_MAX: Final = 60


@pages.get("/ledger")
@members_only
def show() -> Response:
    """Show the account of whoever is signed in."""
    blank = forms.PayForm(forms.asked("to"), "", "", "", forms.once())
    return _page(blank)


@pages.get("/ledger/pay")
def pay_reloaded() -> Redirect:
    """Lead back somebody who opens the address of a form that was sent."""
    return redirect(url_for("ledger.show"), 303)


@pages.post("/ledger/pay")
@members_only
def pay() -> Response | Redirect:
    """Pay a neighbour. The payment is kept before the receipt is shown; the same form sent again gives the same receipt."""
    typed = forms.PayForm.read()
    try:
        transfer = _paid(typed)
    except Refused as refusal:
        return _page(typed, refusal)
    return redirect(url_for("ledger.receipt", transfer_id=transfer.id), 303)


@pages.get("/ledger/<transfer_id>")
@members_only
def receipt(transfer_id: str) -> Response:
    """Show a payment to the one who paid and the one who was paid."""
    return _receipt(_own(transfer_id))


@pages.post("/ledger/<transfer_id>/give-back")
@members_only
def give_back(transfer_id: str) -> Response | Redirect:
    """Give a payment back with a payment of its own."""
    transfer = _own(transfer_id)
    try:
        back = node().give_back(member().account, transfer.id, forms.line("once") or None)
    except Refused as refusal:
        return _receipt(transfer, refusal)
    return redirect(url_for("ledger.receipt", transfer_id=back.id), 303)


def _paid(typed: forms.PayForm) -> Transfer:
    currency = node().currency(typed.currency)
    amount = node().read_amount(typed.amount, currency)
    payee = node().find_payee(typed.to)
    return node().pay(member().account, payee, amount, currency, typed.memo, typed.once)


def _own(transfer_id: str) -> Transfer:
    """Return a payment that the visitor took part in. Another's is not there: even that it exists is theirs to tell."""
    transfer = node().transfer(transfer_id)
    if member().account.id not in {transfer.payer.id, transfer.payee.id}:
        raise Refused(Objection.NOT_FOUND)
    return transfer


def _receipt(transfer: Transfer, refusal: Refused | None = None) -> Response:
    return page("receipt.html", refusal, transfer=transfer, mine=member().account, once=forms.once())


def _page(typed: forms.PayForm, refusal: Refused | None = None) -> Response:
    account, here = member().account, node()
    return page(
        "ledger.html",
        refusal,
        mine=account,
        typed=typed,
        rooms=here.rooms(account),
        statement=here.statement(account, older=forms.cursor()),
        on_their_way=here.on_their_way(account),
        coming=[one for one in here.coming("payment") if account.id in one.account_ids],
        neighbours=[other for other in here.accounts(forms.query()) if other.id != account.id][:NEIGHBOURS_MAX],
        query=forms.query(),
        currencies=here.currencies(),
    )
