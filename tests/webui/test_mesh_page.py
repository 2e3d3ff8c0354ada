"""The page of neighbour nodes: what is not well between them, in sentences with advice."""

from __future__ import annotations

import pytest

from appliance.ailing import Findings
from appliance.answers import Ailment
from appliance.node import Node
from mesh.keys import PUBLIC
from tests.webui.visitor import Visitor

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
