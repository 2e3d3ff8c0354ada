"""The page of neighbour nodes: what is not well between them, in sentences with advice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.ailing import Findings
from appliance.answers import Ailment, AirDay
from appliance.node import Node
from appliance.store.private import AirUse
from mesh.keys import PUBLIC
from tests.webui.visitor import Visitor

NOTHING = {"distress": 0, "ledger": 0, "notices": 0, "manifests": 0, "bodies": 0, "carousel": 0}
AIR_DAY = AirDay(0, 0, 360_000, NOTHING, 0, NOTHING)
SENTENCES: dict[Ailment, str] = {
    Ailment.NEWER: "Its keeper may bring it the newer program.",
    Ailment.BAD_SIGNATURE: "Messages with a wrong signature came from !a1b2c3d4: 7.",
    Ailment.MALFORMED: "Messages that nobody could read came from !a1b2c3d4: 7.",
    Ailment.FAULT: "Messages that broke a rule came from !a1b2c3d4: 7.",
    Ailment.FLOOD: "!a1b2c3d4 sends more than this node looks at: 7 messages were left alone.",
}


def plain(words: str) -> str:
    return words.replace("\u2068", "").replace("\u2069", "")


@pytest.mark.parametrize("what", [one for one in Ailment if one in SENTENCES])
def test_who_broke_which_rule_is_for_keepers(node: Node, ana: Visitor, ben: Visitor, what: Ailment):
    node.note_unwell("lora", Findings(frozenset(), {("!a1b2c3d4", what): 7}))
    for path in ("/mesh", "/steward"):
        assert SENTENCES[what] in plain(ana.page(path).words)
    assert (SENTENCES[what] in plain(ben.page("/mesh").words)) is (what is Ailment.NEWER)


def test_a_stalemate_is_told_to_all_with_what_to_do(node: Node, stranger: Visitor):
    assert "not well" not in stranger.page("/mesh").words
    node.note_unwell("lora", Findings(frozenset({(b"\1\2\3\4", PUBLIC)}), {}))
    words = plain(stranger.page("/mesh").words)
    assert "01020304 and this node hold different things, and asking three times changed nothing." in words
    assert "Carry the post once from each to the other." in words


def test_the_air_meter_tells_what_was_said_heard_and_allowed(node: Node, stranger: Visitor):
    page = stranger.page("/mesh")
    assert "This node allows itself 108.0" in page.words
    assert "The law allows 360.0" in page.words
    assert [attributes["width"] for tag, attributes in page.tags if tag == "rect"].count("0.0") == 6
    node.note_air(
        {
            "sent": AirUse(27_000, 15, 3000),
            "heard": AirUse(54_300, 30, 5000),
            "ledger": AirUse(18_000),
            "distress": AirUse(9_000),
        }
    )
    page = stranger.page("/mesh")
    for words in (
        "Spoken by this node 27.0",
        "Heard from others 54.3",
        "Calls for help 9.0 9.0",
        "Payments, notices and all that the commons says 18.0 18.0",
        "Zines that somebody waits for 0.0 0.0",
        "Today: 15 short messages, 3 kB. Heard from others: 54.3 seconds.",
    ):
        assert words in page.words
    assert "Notices by themselves" not in page.words
    widths = [attributes["width"] for tag, attributes in page.tags if tag == "rect"]
    assert widths[1::2][:6] == ["7.5", "15.1", "30.0", "100.0", "50.0", "100.0"]
    status = node.status().as_json()["air"]
    assert status == {"used_ms_hour": 27_000, "budget_ms_hour": 108_000, "packets_day": 15, "bytes_day": 3000}


def test_where_the_law_counts_no_air_the_meter_says_so(node: Node, stranger: Visitor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(node), "air_day", lambda _: replace(AIR_DAY, law_ms_hour=3_600_000))
    page = stranger.page("/mesh")
    assert "The law allows no limit" in page.words
    assert [attributes["width"] for tag, attributes in page.tags if tag == "rect"][1:6:2] == ["0.0", "0.0", "100.0"]
