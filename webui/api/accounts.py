"""Accounts: names for members, balances and postings for nobody but their owner."""

from __future__ import annotations

from flask import Blueprint

from appliance.answers import Account
from appliance.errors import Objection, Refused
from webui import forms
from webui.api import shapes
from webui.api.bearer import session
from webui.signin import node

routes = Blueprint("accounts", __name__)


@routes.get("/accounts")
def accounts() -> shapes.Shape:
    """List the neighbours of the commons that are known here."""
    session()
    return {"accounts": [shapes.account(who) for who in node().accounts(forms.query())]}


@routes.get("/accounts/<account_id>")
def account(account_id: str) -> shapes.Shape:
    """Tell what the account holds in each currency, how much can be paid from it here and now, and why."""
    mine = _own(account_id)
    return shapes.account(mine) | {"balances": [shapes.room(room) for room in node().rooms(mine)]}


@routes.get("/accounts/<account_id>/postings")
def postings(account_id: str) -> shapes.Shape:
    """List what came and went, newest first; and apart what is here and not counted yet."""
    mine = _own(account_id)
    found = node().statement(mine, older=forms.cursor())
    coming = [shapes.posting(row, mine) for row in node().on_their_way(mine)]
    return {"postings": [shapes.posting(row, mine) for row in found.rows], "older": found.older, "on_their_way": coming}


def _own(account_id: str) -> Account:
    """Return the account of whoever asks. To others it is refused, whether it exists or not."""
    found = session()
    if not node().may_see_account(found, account_id):
        raise Refused(Objection.NOT_YOURS)
    return node().account(account_id)
