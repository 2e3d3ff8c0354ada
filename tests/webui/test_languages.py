"""Every text of the pages can be translated, and a page says in which language and direction it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from flask import Flask

from appliance.errors import Objection
from appliance.ledger.verdicts import Verdict
from tests.webui.visitor import Page, Visitor

CHECKOUT = Path(__file__).parent.parent.parent
TRANSLATIONS = CHECKOUT / "webui" / "translations"


def extracted() -> set[str]:
    """Every text that pybabel finds with the configuration that is kept."""
    with (TRANSLATIONS / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = set()
    for room in ("webui", "appliance"):
        in_room = [(path.removeprefix(f"{room}/"), method) for path, method in methods if path.startswith(f"{room}/")]
        in_options = {path.removeprefix(f"{room}/"): given for path, given in options.items()}
        for _, _, message, _, _ in extract_from_dir(CHECKOUT / room, in_room, in_options):
            found.add(message if isinstance(message, str) else message[0])
    return found


def test_the_catalogue_for_translators_is_up_to_date():
    with (TRANSLATIONS / "messages.pot").open("rb") as file:
        kept = {message.id if isinstance(message.id, str) else message.id[0] for message in read_po(file) if message.id}
    assert kept == extracted(), "run make texts"


def test_it_carries_no_date_at_which_two_changes_would_meet():
    assert "POT-Creation-Date" not in (TRANSLATIONS / "messages.pot").read_text(encoding="utf-8")


def test_the_nodes_answers_are_in_it():
    assert {answer.value for answer in (*Verdict, *Objection)} <= extracted()


@pytest.mark.parametrize("liked", ["en", "es, en;q=0.5", "tlh", "", "*", "x" * 5000])
def test_a_page_is_written_in_a_language_that_there_is(stranger: Visitor, liked: str):
    page = stranger.page("/", headers={"Accept-Language": liked})
    assert ("html", {"lang": "en", "dir": "ltr"}) in page.tags


def test_a_language_from_right_to_left_turns_the_page(app: Flask, stranger: Visitor):
    app.extensions["spoken"] = ["ar", "en"]
    assert ("html", {"lang": "ar", "dir": "rtl"}) in Page(
        stranger.get("/", headers={"Accept-Language": "ar"}).text
    ).tags
