"""The card of the next node: six questions, and what belongs onto the card and on paper, handed out once."""

from __future__ import annotations

import io
from dataclasses import fields
from typing import Final

from flask import Blueprint, Response, redirect, request, send_file, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.errors import Refused
from appliance.handover import Handover
from appliance.next_card import RADIOS, REGIONS, SENSORS, Answers, NextCard, prepared
from appliance.wifi import COUNTRIES
from webui import forms
from webui.languages import countries, gettext, lazy_gettext
from webui.refusals import page
from webui.signin import keepers_only, member, node
from webui.tray import tray

pages = Blueprint("next_card", __name__)

OURS: Final = "ours"
HANDOVER: Final = Handover()
RADIO_WORDS: Final = {
    "": lazy_gettext("no radio"),
    RADIOS[0]: lazy_gettext("ttyUSB0 (Heltec, TTGO)"),
    RADIOS[1]: lazy_gettext("ttyACM0 (RAK, T-Echo)"),
}
SENSOR_WORDS: Final = {
    "": lazy_gettext("a socket, or nobody measures"),
    SENSORS[0]: lazy_gettext("a battery with an INA226"),
    SENSORS[1]: lazy_gettext("a battery with an INA219"),
    SENSORS[2]: lazy_gettext("Victron, by VE.Direct cable"),
}


@pages.get("/steward/card")
@keepers_only
def show() -> Response:
    """Ask the six questions."""
    return _asked(Answers(name="", region=node().settings.region))


@pages.post("/steward/card")
@keepers_only
def make() -> Response:
    """Make the card ready. What is secret is shown in this answer, once, and kept in memory for half an hour."""
    answers = _typed()
    founds = forms.line("commons_of") != OURS
    try:
        card = prepared(answers, None if founds else node().invite, node().update_keys())
    except Refused as refusal:
        return _asked(answers, refusal, founds)
    ticket = tray().lay(card, member().account.id)
    return page("next_card_ready.html", card=card, ticket=ticket, has_reader=HANDOVER.is_possible)


@pages.post("/steward/card/<any(files, papers):part>")
@keepers_only
def take(part: str) -> Response:
    """Hand out the folder with its papers as one file, or the papers alone: once."""
    card = tray().take(forms.line("ticket"), member().account.id, part)
    if part == "papers":
        return _sent(card.papers, "papers.pdf", "application/pdf")
    return _sent(card.packed(_advice(card)), "card.zip", "application/zip")


@pages.post("/steward/card/reader")
@keepers_only
def write() -> Redirect:
    """Wish for a card in a reader of this node; who may write to one does it."""
    ticket = forms.line("ticket")
    card = tray().take(ticket, member().account.id, "reader")
    HANDOVER.ask(card.files)
    return redirect(url_for("next_card.reader", ticket=ticket), 303)


@pages.get("/steward/card/reader")
@keepers_only
def reader() -> Response:
    """Show how far it is, and ask whether the card that was put in is meant."""
    ticket = forms.asked("ticket")
    left = tray().left(ticket, member().account.id)
    return page("next_card_reader.html", progress=HANDOVER.progress(), ticket=ticket, has_papers="papers" in left)


@pages.post("/steward/card/reader/answer")
@keepers_only
def answer() -> Redirect:
    """Take the keeper's yes to one very card, or give the wish up."""
    if forms.line("do") == "yes":
        HANDOVER.agree(forms.line("mark"))
    else:
        HANDOVER.give_up()
    return redirect(url_for("next_card.reader", ticket=forms.line("ticket")), 303)


def _typed() -> Answers:
    typed = {field.name: forms.line(field.name) for field in fields(Answers)}
    return Answers(**typed | {"passphrase": request.form.get("passphrase", "").strip()})


def _asked(answers: Answers, refusal: Refused | None = None, founds: bool = False) -> Response:
    return page(
        "next_card.html",
        refusal,
        typed=answers,
        founds=founds,
        regions=[(region, region) for region in REGIONS],
        radios=RADIO_WORDS,
        sensors=SENSOR_WORDS,
        countries=countries(COUNTRIES),
    )


def _sent(content: bytes, name: str, media_type: str) -> Response:
    return send_file(io.BytesIO(content), mimetype=media_type, as_attachment=True, download_name=name, max_age=0)


def _advice(card: NextCard) -> str:
    """Return what lies beside the folder, for whoever unpacks it on a laptop."""
    return "\n".join(
        (
            gettext("The card of %(name)s", name=card.seed.settings.name),
            "",
            gettext("1. Print papers.pdf: the poster for the wall, the keeper's card, the courier's card."),
            gettext(
                "2. Write hedgerow.img to a card with Raspberry Pi Imager, as a custom image, without settings of its own."
            ),
            gettext(
                "3. Take the card out and put it in again. The laptop shows a part called HEDGEBOOT with a folder hedgerow."
            ),
            gettext("4. Copy what lies in the folder hedgerow here into that folder. Eject the card."),
            gettext("5. Put it into the Pi and give it power. Its WiFi is there after some minutes."),
            gettext("6. If not: hedgerow/STATUS.txt on the card says what is wrong."),
            "",
            gettext(
                "Until the node has started once, this folder holds its password and PIN: then delete it, and empty the bin."
            ),
            "",
        )
    )
