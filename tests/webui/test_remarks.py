"""What roads tell of themselves is said in the language of the page: each sentence that one may write is in the list."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from appliance import daemon, roads
from appliance.node import Node
from mesh.transports import loopback, lora, mqtt
from mesh.transports.lora_pipe import Fault, Misfit
from mesh.transports.lora_watch import at_first, being_set, sentence
from tests.webui.visitor import Visitor
from webui import remarks
from webui.remarks import Remark, written

DEVICE = "/dev/serial/by-id/usb-Heltec. v3"
WANTED = {Misfit.REGION: "the region EU_868", Misfit.CHANNEL: "the channel Hedgerow of this commons"}


def of_brokers() -> list[str]:
    """Return what mqtt.py says of its broker, whatever is filled in."""
    tree = ast.parse(inspect.getsource(mqtt))
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "self._sentence"
    ]
    said = [filled_in(call.args[0]).replace("hung upit", "hung up and said: Server busy") for call in calls]
    return [f"The broker at 10.0.0.1:1883 {one}. Everything is saved and will leave by itself." for one in said]


def filled_in(words: ast.expr) -> str:
    parts = words.values if isinstance(words, ast.JoinedStr) else [words]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "it" for part in parts)


def of_radios() -> list[str]:
    faults = [sentence(fault, Misfit.REGION | Misfit.CHANNEL, DEVICE, WANTED) for fault in Fault]
    return [at_first(DEVICE), being_set(DEVICE), lora.CLOSED, *faults]


def of_roads() -> list[str]:
    useless = [
        f"{packets} could not be used in the last minute{by}."
        for packets in ("1 packet", "12 packets")
        for by in ("", ", the most by !a1b2c3d4")
    ]
    return [roads.NEWCOMER, daemon.OFF, *loopback.TROUBLE.values(), *useless, f"{roads.NEWCOMER} {useless[-1]}"]


ALL = [*of_brokers(), *of_radios(), *of_roads()]


@pytest.mark.parametrize("remark", ALL)
def test_every_remark_of_a_road_is_known_and_reads_as_it_was_written(app: Flask, remark: str):
    with app.test_request_context():
        assert "<bdi" not in written(remark)
        assert written(remark) == remark.replace("'", "&#39;")


def test_it_is_said_as_the_page_speaks(app: Flask, monkeypatch: pytest.MonkeyPatch):
    spanish = {
        Remark.RADIO_ABSENT.value: "No hay ninguna radio en {device}.",
        Remark.SAVED.value: "Todo está guardado y saldrá solo.",
    }
    monkeypatch.setattr(remarks, "gettext", lambda words: spanish.get(words, words))
    with app.test_request_context(), force_locale("es"):
        said = written(sentence(Fault.ABSENT, Misfit(0), DEVICE, WANTED))
    assert said == f"No hay ninguna radio en {DEVICE}. Todo está guardado y saldrá solo."


@pytest.mark.parametrize("remark", ["", "Something new.", "<b>bold</b>", "There is no radio at "])
def test_what_is_not_known_stays_as_it_is_and_is_only_text(app: Flask, remark: str):
    with app.test_request_context():
        said = written(remark)
    assert "<b>" not in said
    assert said.striptags() == remark.strip() or remark.startswith("<")


def test_the_page_of_neighbours_says_it(node: Node, stranger: Visitor):
    node.note_road(
        "lora", False, "There is no radio at <x>. Plug the radio into a USB port, or see that it has power. Else."
    )
    page = stranger.get("/mesh").text
    assert "There is no radio at &lt;x&gt;. Plug the radio" in page
    assert '<bdi lang="en">Else.</bdi>' in page


def test_the_list_is_among_what_translators_get():
    catalogue = (Path(remarks.__file__).parent / "translations" / "messages.pot").read_text(encoding="utf-8")
    assert catalogue.count("webui/remarks.py") == len(Remark)
