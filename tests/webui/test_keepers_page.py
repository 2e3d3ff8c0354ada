"""The keeper's page: people, nodes, and what to do when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.answers import Trouble
from appliance.errors import Objection, Refused
from appliance.founding import found
from appliance.node import Node
from appliance.settings import Settings
from tests.webui.visitor import Page, Visitor


def test_a_new_neighbour_gets_a_paper_card_that_opens_the_door(ana: Visitor, app):
    response = ana.submit("/steward", "/steward/members", name="Dmitri")
    page = Page(response.text)
    assert response.headers["Cache-Control"] == "no-store"
    pin = page.words.split("PIN ")[2].split()[0]
    assert pin.isdigit()
    assert "Elm Street" in page.words
    Visitor(app).sign_in("Dmitri", pin)


def test_a_keeper_may_make_another(ana: Visitor, app):
    ana.submit("/steward", "/steward/members", name="Esra", pin="8642", keeper="yes")
    assert Visitor(app).sign_in("Esra", "8642").get("/steward").status_code == 200


@pytest.mark.parametrize(
    ("name", "pin", "status", "sentence"),
    [
        ("Ben", "", 409, "Ben is already somebody's name at this node."),
        ("BEN", "", 409, "is already somebody's name"),
        ("", "", 422, "A name needs at least one letter."),
        ("x" * 10_000, "", 422, "A name has at most"),
        ("Farid", "12", 422, "A PIN has 4 to 12 digits."),
        ("Farid", "abcdef", 422, "A PIN has 4 to 12 digits."),
    ],
)
def test_a_refused_name_or_pin_is_one_sentence(ana: Visitor, name: str, pin: str, status: int, sentence: str):
    response = ana.submit("/steward", "/steward/members", name=name, pin=pin)
    page = Page(response.text)
    assert response.status_code == status
    assert sentence in page.words
    assert page.form("/steward/members").fields["name"] == name


def test_who_lost_the_card_gets_a_new_one(app, ana: Visitor, ben: Visitor):
    assert "Go to the keeper" in ben.page("/help").words
    response = ana.submit("/steward", "/steward/pin", whose="Ben")
    assert response.headers["Cache-Control"] == "no-store"
    pin = Page(response.text).words.split("PIN ")[2].split()[0]
    assert ben.get("/ledger").status_code == 303, "signed out"
    assert Visitor(app).sign_in("Ben", pin).get("/ledger").status_code == 200
    nobody = ana.submit("/steward", "/steward/pin", whose="Nobody")
    assert nobody.status_code == 409
    assert "Nobody called Nobody has an account at this node." in Page(nobody.text).words


@pytest.mark.parametrize("name", ["日本語", "Žofie", "عائشة", "👩‍🌾 Rosa", "José\u202e María"])
def test_names_of_all_the_world_are_shown_apart_from_what_stands_around_them(ana: Visitor, name: str):
    ana.submit("/steward", "/steward/members", name=name, pin="8642")
    visible = name.replace("\u202e", "")
    assert f"<bdi>{visible}</bdi>" in ana.get("/commons").text


def test_the_files_for_a_new_node(node: Node, ana: Visitor):
    invite = ana.submit("/steward", "/steward/invite")
    assert invite.data.startswith(b"hedgerow-invite-1:")
    assert "attachment" in invite.headers["Content-Disposition"]
    assert invite.headers["Cache-Control"] == "no-store"
    introduction = ana.get("/steward/introduction")
    assert introduction.data == node.introduction()


def test_another_node_is_introduced(tmp_path: Path, node: Node, ana: Visitor):
    found(Settings(tmp_path / "other", "Mill Lane", "Riverside"))
    other = Node.open(tmp_path / "other")
    response = ana.submit("/steward", "/steward/peers", file=(other.introduction(), "mill.introduction"))
    assert "The node is now known here." in Page(response.text).words
    assert "Mill Lane" in ana.page("/mesh").words
    other.close()


@pytest.mark.parametrize("content", [b"", b"hedgerow-node-1:AAAA", b"\xff" * 100_000])
def test_a_file_that_introduces_nobody_is_refused(node: Node, ana: Visitor, content: bytes):
    response = ana.submit("/steward", "/steward/peers", file=(content, "x"))
    assert response.status_code == 422
    assert "does not introduce a node" in Page(response.text).words
    assert node.neighbours() == []


def test_checks_are_shown_with_what_to_do(ana: Visitor):
    words = ana.page("/steward").words
    assert "✓" in words
    assert "✗" not in words[words.index("✓") :], "what is not well comes first"


@pytest.mark.parametrize("code", ["behind", "other_hardware", "superseded", "forked"])
def test_a_node_in_trouble_says_so_to_everybody_and_what_to_do_to_its_keeper(
    street: Node, ana: Visitor, ben: Visitor, monkeypatch: pytest.MonkeyPatch, code: str
):
    monkeypatch.setattr(type(street), "trouble", property(lambda _: Trouble(code, {})), raising=False)
    monkeypatch.setattr(type(street), "confirm_lost_tail", lambda _: told.append(code), raising=False)
    told: list[str] = []
    assert "This node only reads for now." in ben.page("/").words
    assert "nothing can be paid here" in ben.page("/").words
    assert "nothing can be paid here" in ben.page("/ledger").words
    assert "/ledger/pay" not in [form.action for form in ben.page("/ledger").forms]
    assert "Go on without it" in ana.page("/steward").words
    assert "Something is not as it was." not in ana.page("/steward").words
    ana.submit("/steward", "/steward/lost-tail")
    assert told == []
    ana.submit("/steward", "/steward/lost-tail", sure="yes")
    assert told == [code]


def test_a_member_who_is_no_keeper_may_do_none_of_it(node: Node, ben: Visitor):
    token = ben.page("/market").form("/market").fields["form_token"]
    for action in ("/steward/members", "/steward/pin", "/steward/invite", "/steward/peers", "/steward/lost-tail"):
        assert ben.send(action, {"form_token": token, "name": "Eve", "sure": "yes"}).status_code == 403
    with pytest.raises(Refused) as refusal:
        node.sign_in("Eve", "1234")
    assert refusal.value.verdict is Objection.SIGN_IN_FAILED


def test_a_road_that_is_down_is_one_line_on_the_page_of_neighbours(node: Node, ana: Visitor):
    assert "radio (LoRa)" not in ana.page("/mesh").words
    node.note_road("lora", False, "There is no radio at /dev/ttyUSB0. Plug the radio into a USB port.")
    words = ana.page("/mesh").words
    assert "radio (LoRa) (not in service): There is no radio at /dev/ttyUSB0." in words
    node.note_road("lora", True, "")
    assert "not in service" not in ana.page("/mesh").words
