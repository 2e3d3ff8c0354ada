"""Paying, receipts and giving back, as people meet them."""

from __future__ import annotations

import pytest

from appliance.node import Node
from tests.webui.visitor import Page, Visitor


def balance(node: Node, name: str) -> int:
    return node.rooms(node.find_payee(name))[0].balance


def test_a_payment_gives_a_receipt_with_its_number_and_how_sure_it_is(node: Node, ana: Visitor):
    response = ana.submit("/ledger", "/ledger/pay", to="Ben", amount="1.5", memo="two loaves")
    page = Page(response.text)
    number = response.request.path.removeprefix("/ledger/")
    assert node.transfer(number).amount == 150
    assert number in page.words
    assert "You paid 1.5 hours good Kept safely at this node." in page.words
    assert balance(node, "Ana") == -150
    assert balance(node, "Ben") == 150


def test_the_ledger_says_how_much_can_be_paid_and_why(street: Node, ana: Visitor):
    words = ana.page("/ledger").words
    assert "You can pay up to 22 here now." in words
    assert "Your account stands at 2, and nobody's may go below \u221220." in words


def test_a_button_pressed_twice_pays_once(node: Node, ana: Visitor):
    form = ana.page("/ledger").form("/ledger/pay")
    filled = form.fields | {"to": "Ben", "amount": "2"}
    first, second = ana.send("/ledger/pay", filled), ana.send("/ledger/pay", filled)
    assert first.request.path == second.request.path
    assert balance(node, "Ben") == 200


def test_the_same_form_with_another_sum_is_refused(node: Node, ana: Visitor):
    form = ana.page("/ledger").form("/ledger/pay")
    ana.send("/ledger/pay", form.fields | {"to": "Ben", "amount": "2"})
    again = ana.send("/ledger/pay", form.fields | {"to": "Ben", "amount": "3"})
    assert again.status_code == 422
    assert "Nothing was done again." in Page(again.text).words
    assert balance(node, "Ben") == 200


@pytest.mark.parametrize(
    ("to", "amount", "sentence"),
    [
        ("Ben", "0", "The amount must be more than nothing."),
        ("Ben", "-1", "The amount must be more than nothing."),
        ("Ben", "1.555", "hours has only 2 digits after the point."),
        ("Ben", "seven", "is not an amount"),
        ("Ben", "9" * 17, "larger than this ledger can hold"),
        ("Ben", "20.01", "more than can be paid from this account now. At most 20"),
        ("Ana", "1", "You cannot pay yourself."),
        ("Nobody", "1", "Nobody called Nobody is known here."),
        ("", "1", "is known here."),
        ("Ben\u202e", "x", "is not an amount"),
    ],
)
def test_a_refused_payment_keeps_what_was_typed(node: Node, ana: Visitor, to: str, amount: str, sentence: str):
    response = ana.submit("/ledger", "/ledger/pay", to=to, amount=amount, memo="bread & <jam>")
    page = Page(response.text)
    assert response.status_code == 409
    assert sentence in page.words
    typed = page.form("/ledger/pay").fields
    assert (typed["to"], typed["amount"], typed["memo"]) == (to, amount, "bread & <jam>")
    assert balance(node, "Ana") == 0


def test_a_note_of_ten_thousand_letters_is_refused(node: Node, ana: Visitor):
    response = ana.submit("/ledger", "/ledger/pay", to="Ben", amount="1", memo="x" * 10_000)
    assert response.status_code == 409
    assert "A note on a payment has at most" in Page(response.text).words


def test_nobody_else_sees_a_receipt(street: Node, ana: Visitor, ben: Visitor, chiara: Visitor, stranger: Visitor):
    paid = street.statement(street.find_payee("Ben")).rows[0]
    path = f"/ledger/{paid.id}"
    assert ana.get(path).status_code == ben.get(path).status_code == 200
    assert chiara.get(path).status_code == 404
    assert "loaves" not in chiara.get(path).text + stranger.get(path).text
    assert stranger.get(path).location.startswith("/signin")


def test_no_page_shows_anothers_balance(street: Node, ben: Visitor):
    words = ben.page("/ledger").words + ben.page("/commons").words + ben.page("/numbers").words
    assert "\u22123" not in words  # Chiara stands at -3
    assert "garden" not in words


def test_what_was_paid_can_be_given_back_once(street: Node, ben: Visitor):
    received = next(row for row in street.statement(street.find_payee("Ben")).rows if row.payee.name == "Ben")
    receipt = f"/ledger/{received.id}"
    back = ben.submit(receipt, f"{receipt}/give-back")
    assert "Given back 1.5 hours" in Page(back.text).words
    assert balance(street, "Ben") == -50
    words = ben.page(receipt)
    assert "by this payment" in words.words
    assert not [form for form in words.forms if "give-back" in form.action]


def test_the_one_who_paid_cannot_give_back(street: Node, ana: Visitor):
    paid = next(row for row in street.statement(street.find_payee("Ana")).rows if row.payer.name == "Ana")
    receipt = ana.page(f"/ledger/{paid.id}")
    assert not [form for form in receipt.forms if "give-back" in form.action]
    token = ana.page("/ledger").form("/ledger/pay").fields["form_token"]
    forced = ana.send(f"/ledger/{paid.id}/give-back", {"form_token": token})
    assert forced.status_code == 409


def test_the_address_of_a_sent_form_leads_back(ana: Visitor):
    assert ana.get("/ledger/pay").location == "/ledger"


def test_strange_numbers_are_simply_not_there(ana: Visitor):
    for number in ("x", "a.1", "%00", "1" * 500, "nh53t3tno6kgi4wcngteasbtte.999"):
        assert ana.get(f"/ledger/{number}").status_code == 404


def test_a_long_statement_goes_on_at_an_older_place(node: Node, ana: Visitor):
    who = {account.name: account for account in node.accounts()}
    for number in range(25):
        node.pay(who["Ana"], who["Ben"], 1, node.currency("hours"), f"number {number}")
    first = ana.page("/ledger")
    assert "number 24" in first.words
    assert "number 4" not in first.words.replace("number 24", "")
    older = next(link for link in first.links if "older=" in link)
    assert "number 4 " in ana.page(older).words


def test_a_strange_cursor_begins_at_the_top(street: Node, ana: Visitor):
    for older in ("x", "-1", "9" * 40, "%00", "1%20OR%201"):
        assert "loaves" in ana.page(f"/ledger?older={older}").words
