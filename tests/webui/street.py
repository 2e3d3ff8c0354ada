"""A small street: what people paid, put up and published, so that no page is empty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

from flask import Flask

from appliance.answers import Board
from appliance.library import NoteForm, Zine, ZineForm
from appliance.node import Node

MARKDOWN = b"""# Storing water

Fill **clean** bottles, [close them](/help) and keep them dark.

| Days | Litres |
|------|--------|
| 3    | 9      |

![a drop](data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=)
"""


def furnish(node: Node) -> None:
    """Put a little of everything on the node."""
    who = {account.name: account for account in node.accounts()}
    hours = node.currency("hours")
    node.pay(who["Ana"], who["Ben"], 150, hours, "two loaves, rye")
    node.pay(who["Ben"], who["Ana"], 50, hours, "a bicycle tube")
    node.pay(who["Chiara"], who["Ana"], 300, hours, "an afternoon in the garden")
    node.post(Board.NOTICE, "Street breakfast", "Saturday at nine, by the pump.\nBring a cup.", who["Chiara"])
    node.post(Board.OFFER, "Bread, every Thursday", "Half an hour a loaf.", who["Ben"])
    node.post(Board.WANT, "A ladder of four metres", "", who["Chiara"])
    publish(node, "Storing water", MARKDOWN, tags=("water", "blackout"))
    publish(node, "水的储存", "把水存放在阴凉处。".encode(), "water.txt", language="zh")
    annotate(node, node.zines().rows[0])


def annotate(node: Node, zine: Zine) -> None:
    """Write into the margin of the Chinese zine: beside a passage, beside one that is nowhere, and on the whole."""
    for form in (
        NoteForm("我家的地下室很凉快。", "阴凉处"),
        NoteForm("Which words were these?", "words that nobody wrote", is_signed=False),
        NoteForm("Good for three days."),
    ):
        node.annotate(zine.id, form, node.find_payee("Ben"))


def publish(node: Node, title: str, content: bytes, file_name: str = "zine.md", **facts: object) -> Zine:
    """Put one zine on the shelf, by Ben."""
    known = {
        "creator": "Ben",
        "description": "For three days.",
        "licence": "copy freely",
        "series": "Home",
        "issue": "1",
    }
    form = ZineForm(title=title, **(known | facts))  # type: ignore[arg-type]
    return node.publish(form, BytesIO(content), file_name, node.find_payee("Ben"))


def paths(app: Flask, node: Node) -> Iterator[str]:
    """Every address that may be opened, of every route there is."""
    known = {
        "zine_id": node.zines().rows[0].id,
        "name": node.zines().rows[0].blob,
        "note_id": node.notes(node.zines().rows[0].id).rows[0].id,
        "subject": "language",
        "post_id": node.posts().rows[0].id,
        "transfer_id": node.statement(node.find_payee("Ana")).rows[-1].id,
        "account_id": node.find_payee("Ana").id,
    }
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint not in (
            "static",
            "margin.picture",
            "archive.cover",
            "archive.picture",  # these have small pictures
            "lending.update_top",
            "lending.update_file",  # no new version lies here
        ):
            yield re.sub(r"<(\w+)>", lambda found: known[found[1]], rule.rule)
