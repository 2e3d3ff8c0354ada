"""What the street did together, in sums. Whatever fewer than five people made is not told."""

from __future__ import annotations

from flask import Blueprint, Response

from appliance.answers import Currency
from webui.languages import gettext
from webui.refusals import page
from webui.signin import node
from webui.words import amount

pages = Blueprint("numbers", __name__)


@pages.get("/numbers")
def show() -> Response:
    """Show totals, and that every currency sums to nothing."""
    numbers, currencies = node().numbers(), node().currencies()
    rows = [
        (gettext("Neighbours with an account"), numbers["members"]),
        (gettext("Nodes"), numbers["nodes"]),
        (gettext("Zines"), numbers["zines"]),
        (gettext("Slips on the boards"), numbers["posts"]),
    ]
    for turnover in numbers["turnover"]:
        currency = next(known for known in currencies if known.code == turnover["currency"])
        name = currency.name
        rows.append((gettext("Payments in %(currency)s", currency=name), _told(turnover["payments"])))
        rows.append((gettext("Paid in all, in %(currency)s", currency=name), _told_sum(turnover["amount"], currency)))
    return page("numbers.html", rows=rows, currencies=currencies)


def _told(count: int | None) -> str:
    return gettext("not told: fewer than five people") if count is None else str(count)


def _told_sum(units: int | None, currency: Currency) -> str:
    return _told(None) if units is None else amount(units, currency)
