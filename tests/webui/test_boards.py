"""Slips on the boards: offers, wants and notices."""

from __future__ import annotations

import pytest

from appliance.answers import Board, Delivery
from appliance.node import Node
from tests.webui.visitor import Page, Visitor


@pytest.mark.parametrize(
    ("board", "page", "heading"),
    [("offer", "/market", "Offered"), ("want", "/market", "Wanted"), ("notice", "/commons", "Notices")],
)
def test_a_slip_is_put_up_and_everybody_reads_it(
    node: Node, ben: Visitor, stranger: Visitor, board: str, page: str, heading: str
):
    ben.submit(
        page, page, title="Plum jam", body="Six jars.\nKnock.", **({"board": board} if page == "/market" else {})
    )
    assert [post.title for post in node.posts(Board(board)).rows] == ["Plum jam"]
    for path in (page, "/"):
        words = stranger.page(path).words
        assert words.index(heading) < words.index("Plum jam")
        assert "Six jars. Knock. Ben" in words


def test_a_form_sent_twice_puts_up_one_slip(node: Node, ben: Visitor):
    form = ben.page("/market").form("/market").fields | {"title": "Plum jam", "board": "offer"}
    assert ben.send("/market", form).status_code == ben.send("/market", form).status_code == 200
    assert len(node.posts().rows) == 1


@pytest.mark.parametrize(
    ("title", "body", "sentence"),
    [("", "x", "There is nothing written here."), ("x" * 10_000, "", "too long"), ("x", "y" * 10_000, "too long")],
)
def test_a_refused_slip_keeps_what_was_typed(node: Node, ben: Visitor, title: str, body: str, sentence: str):
    response = ben.submit("/market", "/market", title=title, body=body, board="want")
    page = Page(response.text)
    assert response.status_code == 422
    assert sentence in page.words
    assert (page.form("/market").fields["title"], page.form("/market").fields["body"]) == (title, body)
    assert not node.posts().rows
    assert 'value="want" checked' in response.text


def test_only_its_author_or_a_keeper_takes_a_slip_down(street: Node, ben: Visitor, chiara: Visitor, ana: Visitor):
    offer = street.posts(Board.OFFER).rows[0]
    action = f"/posts/{offer.id}/withdraw"
    assert not [form for form in chiara.page("/market").forms if form.action == action]
    token = chiara.page("/market").form("/market").fields["form_token"]
    assert chiara.send(action, {"form_token": token}).status_code == 403
    ben.submit("/market", action)
    assert not street.posts(Board.OFFER).rows
    notice = street.posts(Board.NOTICE).rows[0]
    ana.submit("/commons", f"/posts/{notice.id}/withdraw")
    assert not street.posts(Board.NOTICE).rows


def test_a_passer_by_puts_up_nothing(node: Node, stranger: Visitor):
    token = stranger.page("/signin").form("/signin").fields["form_token"]
    response = stranger.send("/market", {"title": "x", "board": "offer", "form_token": token})
    assert response.request.path == "/signin"
    assert not node.posts().rows


def test_words_in_any_script_stay_in_order(street: Node, ana: Visitor, stranger: Visitor):
    ana.submit("/commons", "/commons", title="<i>سوق</i> \u202eevil", body="🌿 & <script>x</script>")
    response = stranger.get("/commons")
    assert "&lt;i&gt;سوق" in response.text
    assert "<script>" not in response.text
    assert ("h3", {"dir": "auto"}) in Page(response.text).tags


def test_long_boards_go_on(node: Node, ben: Visitor, stranger: Visitor):
    author = node.find_payee("Ben")
    for number in range(23):
        node.post(Board.OFFER, f"Offer number {number}.", "", author)
    first = stranger.page("/market")
    assert "Offer number 1." not in first.words
    older = next(link for link in first.links if "offers=" in link)
    assert "Offer number 1." in stranger.page(older).words


def test_the_page_of_a_slip_tells_how_far_it_came(street: Node, stranger: Visitor, ana: Visitor):
    notice = street.posts(Board.NOTICE).rows[0]
    path = next(link for link in stranger.page("/commons").links if link.startswith("/posts/"))
    assert path == f"/posts/{notice.id}"
    alone = stranger.page(path).words
    assert "Street breakfast" in alone
    assert "At this node. No neighbour node was heard in the last day." in alone
    assert not [form for form in stranger.page(path).forms if form.action.endswith("/withdraw")]
    ana.submit(path, f"{path}/withdraw")
    assert stranger.get(path).status_code == 404


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        (Delivery(0, 4, 0), "At this node. Held by 0 of 4 neighbour nodes."),
        (Delivery(3, 4, 1), "At this node. Held by 3 of 4 neighbour nodes. One more held it when it was last heard."),
        (
            Delivery(0, 0, 2),
            "At this node. No neighbour node was heard in the last day. 2 more held it when they were last heard.",
        ),
        (Delivery(1, 1, 0), "At this node. Held by 1 of 1 neighbour node."),
    ],
)
def test_who_holds_a_slip_a_payment_and_a_zine_is_said_alike(
    street: Node, ana: Visitor, monkeypatch: pytest.MonkeyPatch, delivery: Delivery, words: str
):
    monkeypatch.setattr(type(street), "delivery_of", lambda *_: delivery)
    payment, slip, zine = (
        street.statement(street.find_payee("Ana")).rows[0],
        street.posts(Board.OFFER).rows[0],
        street.zines().rows[0],
    )
    for path in (f"/ledger/{payment.id}", f"/posts/{slip.id}", f"/archive/{zine.id}"):
        assert words in ana.page(path).words
