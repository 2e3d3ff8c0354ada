"""Calls for help on the pages, and the page on which a member's phone is paired."""

from __future__ import annotations

import re

import pytest

from appliance.node import Node
from tests.webui.visitor import Page, Visitor

FORM = {"level": "danger", "minutes": "60", "words": "fire at number 12"}


def alarms(page: Page) -> list[dict[str, str]]:
    return [given for tag, given in page.tags if tag == "div" and given.get("role") == "alert"]


def test_a_call_is_confirmed_and_then_stands_on_every_page(node: Node, ben: Visitor, stranger: Visitor):
    asked = Page(ben.submit("/distress", "/distress", **FORM).text)
    assert "Call everybody?" in asked.words
    assert node.calls() == [], "nothing goes out before it is meant"
    assert ben.send("/distress", asked.form("/distress").fields).status_code == 200
    for path in ("/", "/archive", "/help", "/signin", "/nowhere"):
        page = Page(stranger.get(path).text)
        assert [alarm["class"] for alarm in alarms(page)] == ["alarm danger"], path
        assert "A life is in danger : fire at number 12 Ben" in page.words, path


def test_it_is_taken_back_by_who_called_or_by_a_keeper(node: Node, ben: Visitor, chiara: Visitor, ana: Visitor):
    for helper in (ben, ana):
        node.raise_call(node.sign_in("Ben", "2345").account, "help", 60, "a broken leg")
        over = "/distress/over"
        assert not [form for form in chiara.page("/distress").forms if form.action == over]
        helper.submit("/distress", over)
        assert [call.is_over for call in node.calls()] == [True]
        assert alarms(ben.page("/")) == []
        assert "This call is over." in ben.page("/distress").words


def test_who_did_not_call_cannot_end_it(node: Node, ben: Visitor, chiara: Visitor):
    call = node.raise_call(node.sign_in("Ben", "2345").account, "help", 60, "")
    token = {**chiara.page("/distress").form("/distress").fields, "call": call.id}
    assert chiara.send("/distress/over", token).status_code == 403
    assert chiara.send("/distress/over", token | {"call": "nothing"}).status_code == 404
    assert not node.calls()[0].is_over


@pytest.mark.parametrize("wrong", [{"level": "over"}, {"minutes": "100000"}, {"minutes": ""}])
def test_what_no_call_can_say_is_refused_with_a_sentence(node: Node, ben: Visitor, wrong: dict[str, str]):
    fields = ben.page("/distress").form("/distress").fields | FORM | {"sure": "yes"} | wrong
    response = ben.send("/distress", fields)
    assert response.status_code == 422
    assert "A call for help says how bad it is" in Page(response.text).words
    assert node.calls() == []


def test_a_passer_by_reads_calls_and_is_shown_the_way_in(stranger: Visitor):
    page = stranger.page("/distress")
    assert "Nobody calls for help just now." in page.words
    assert "/signin?next=/distress" in page.links


def test_words_of_a_call_are_only_words(node: Node, stranger: Visitor):
    node.raise_call(node.sign_in("Ben", "2345").account, "watch", 60, "<b>bold</b> & <script>")
    assert "<script" not in stranger.get("/").text
    assert "<b>bold</b> & <script>" in stranger.page("/").words


def test_a_phone_is_paired_and_unpaired(node: Node, ben: Visitor):
    assert "/phone" in ben.page("/signin").links
    code = re.search(r"PAIR ([A-Z2-9]{4}-[A-Z2-9]{4})", Page(ben.submit("/phone", "/phone/code").text).words)
    assert code
    assert code[1] not in ben.get("/phone").text, "shown once"
    assert node.text(b"k" * 32, f"PAIR {code[1]}") == [
        "Hello Ben, this phone is yours now. Text HELP to see what I can do."
    ]
    assert "Phone with the key 6b6b6b6b" in ben.page("/phone").words
    ben.submit("/phone", "/phone/unpair")
    assert "No phone is paired with you." in ben.page("/phone").words


def test_the_page_names_the_radio_while_it_is_in_service(node: Node, ben: Visitor):
    assert "no Meshtastic radio just now" in ben.page("/phone").words
    node.note_radio("!e1000001")
    node.note_road("lora", True, "")
    assert "!e1000001" in ben.page("/phone").words
