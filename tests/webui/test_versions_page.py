"""The page of a node's versions: what runs, what lies ready, and what a keeper may ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from appliance.node import Node
from appliance.updates import held, last, overview
from appliance.updates.held import Wish
from appliance.updates.last import Last, Outcome
from tests.appliance.updates.cards import ANA, BEN, CAT, CONFIG, keepers, update
from tests.webui.visitor import Page, Visitor

OURS = held.here(Path("/nowhere"))


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The open part of a card, as this node sees it."""
    open_part = tmp_path / "open"
    (open_part / "hedgerow").mkdir(parents=True)
    (open_part / "config.txt").write_text(CONFIG, encoding="ascii")
    look = overview.look
    monkeypatch.setattr(overview, "look", lambda data, shape: look(data, shape, open_part))
    return open_part


def lay_ready(node: Node, card: Path, **made: Any) -> None:
    (card / "hedgerow" / held.KEYS).write_text(keepers().as_text(), encoding="utf-8")
    (node.settings.data / held.DIRECTORY).mkdir()
    update(node.settings.data / held.DIRECTORY, ANA, BEN, architecture=OURS.architecture, **made)


def ask(visitor: Visitor, what: str) -> TestResponse:
    """Send what no button on the page would."""
    token = visitor.page("/steward").form("/steward/members").fields["form_token"]
    return visitor.send("/steward/update", {"form_token": token, "do": what})


def words(visitor: Visitor) -> str:
    return Page(visitor.get("/steward/update").text).words


def test_only_keepers_see_it(ben: Visitor, stranger: Visitor):
    assert ben.get("/steward/update").status_code == 403
    assert stranger.get("/steward/update").status_code in {303, 403}


def test_a_node_without_a_card(ana: Visitor, node: Node):
    assert f"Version {OURS.version} runs." in words(ana)
    assert "does not run from a card of ours" in words(ana)
    assert ask(ana, "take").status_code == 409
    assert ask(ana, "").status_code == 409
    assert held.wished(node.settings.data) is None


def test_a_card_without_keys_says_what_to_do(ana: Visitor, card: Path):
    assert "update-keys.txt" in words(ana)


def test_what_lies_ready_can_be_asked_for(ana: Visitor, node: Node, card: Path):
    lay_ready(node, card)
    assert "Version 9.0 lies ready" in words(ana)
    assert "signed by Ana, Ben." in words(ana)
    assert "no way back" not in words(ana)
    assert "It is seen to now." in Page(ana.submit("/steward/update", "/steward/update", do="take").text).words
    assert held.wished(node.settings.data) is Wish.APPLY
    page = ana.page("/steward/update")
    assert "It is seen to now." in page.words
    assert "/steward/update" not in [form.action for form in page.forms], "there is nothing to press twice"


def test_it_is_said_before_that_there_is_no_way_back(ana: Visitor, node: Node, card: Path):
    lay_ready(node, card, shape=999)
    assert "there is no way back to the version that runs now" in words(ana)


def test_one_that_did_not_hold_is_tried_again_only_on_purpose(ana: Visitor, node: Node, card: Path):
    lay_ready(node, card)
    last.write(card, Last(Outcome.FELL_BACK, "9.0", 1, 5, OURS.version, 5))
    assert "did not hold, so version" in words(ana)
    assert "Try it again" in words(ana)
    ana.submit("/steward/update", "/steward/update", do="take")
    assert held.wished(node.settings.data) is Wish.AGAIN
    assert not next(check for check in node.checks() if check.name == "version").healthy


def test_going_back(ana: Visitor, node: Node, card: Path):
    assert ask(ana, "back").status_code == 409
    last.write(card, Last(Outcome.GOOD, OURS.version, 1, 5, "0.0.9", 5))
    assert f"The last change, from version 0.0.9 to {OURS.version}, holds." in words(ana)
    assert "Go back to version 0.0.9" in words(ana)
    ana.submit("/steward/update", "/steward/update", do="back")
    assert held.wished(node.settings.data) is Wish.GO_BACK


def test_whether_neighbours_may_bring_new_versions_is_the_keepers_word(ana: Visitor, node: Node, card: Path):
    assert not node.fetches_versions()
    assert "Let them come" not in words(ana), "without keys nothing comes from anywhere"
    (card / "hedgerow" / held.KEYS).write_text(keepers().as_text(), encoding="utf-8")
    path = "/steward/update/neighbours"
    assert "Newer versions are fetched" in Page(ana.submit("/steward/update", path).text).words
    assert node.fetches_versions()
    assert "are not asked for newer versions" in Page(ana.submit("/steward/update", path).text).words
    assert not node.fetches_versions()


def test_neighbours_who_keep_no_node_cannot_say_so(ben: Visitor, node: Node, card: Path):
    sent = ben.send("/steward/update/neighbours", {"may": "yes"})
    assert sent.status_code in {400, 403}
    assert not node.fetches_versions()


def test_an_update_that_somebody_spoiled_is_told_of(ana: Visitor, node: Node, card: Path):
    lay_ready(node, card)
    (card / "hedgerow" / held.KEYS).write_text(keepers(2, Ana=ANA, Cat=CAT).as_text(), encoding="utf-8")
    assert "is signed by 1 of the keepers" in words(ana)
