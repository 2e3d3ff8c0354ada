"""What a road tells of itself, in the language of the page.

The gossip process writes a road's remarks down in English, for the log and the doctor read them too. Here each sentence is found
again in a closed list, and said as the page speaks; one that is not in it stays as it is.
"""

from __future__ import annotations

import re
from enum import unique
from typing import Final

from flask import Flask
from markupsafe import Markup, escape

from appliance.errors import Answer
from webui.languages import gettext
from webui.words import isolated


@unique
class Remark(Answer):
    """Sentences of the roads; names in braces stand for what differs."""

    SAVED = "Everything is saved and will leave by itself."
    OFF = "The keeper has switched the roads off."
    NEWCOMER = "Another radio is plugged in than before. It was set up for this street and is in service."
    USELESS_ONE = "1 packet could not be used in the last minute."
    USELESS_ONE_BY = "1 packet could not be used in the last minute, the most by {peer}."
    USELESS = "{count} packets could not be used in the last minute."
    USELESS_BY = "{count} packets could not be used in the last minute, the most by {peer}."
    RADIO_AT_FIRST = "The radio at {device} has not answered yet."
    RADIO_BEING_SET = "The radio at {device} was set up for this street and is starting."
    RADIO_ABSENT = "There is no radio at {device}. Plug the radio into a USB port, or see that it has power."
    RADIO_SILENT = (
        "The radio at {device} does not answer and is tried again. If this stays, unplug it and plug it in again."
    )
    RADIO_LEFT = "The radio at {device} went away and is tried again. If this stays, look at its cable and its power."
    RADIO_BROKEN = "The radio at {device} could not be used and is tried again. If this stays, try another radio."
    RADIO_CROWDED = "The radio at {device} needed too much memory and is started again."
    RADIO_UNFIT = (
        "The radio at {device} cannot be set to {settings}. Set it with Meshtastic's own app, or use another radio."
    )
    RADIO_CLOSED = "The radio is not used any more."
    PRACTICE_SILENT = "The simulated radio does not answer."
    PRACTICE_CROWDED = "The simulated radio has no room for another station."
    PRACTICE_OTHER = "The simulated radio is set to another modem preset than this station."
    BROKER_AT_FIRST = "The broker at {address} has not answered yet."
    BROKER_SLOW = "The broker at {address} does not keep up."
    BROKER_CLOSED = "The broker at {address} is not used any more."
    BROKER_UNSURE = "The broker at {address} shows a certificate that {file} does not vouch for."
    BROKER_AWAY = "The broker at {address} cannot be reached ({why})."
    BROKER_OTHER = "The broker at {address} does not speak MQTT."
    BROKER_UNTRUSTED = "The broker at {address} cannot be trusted: {file} does not open ({why})."
    BROKER_STRANGE = "The broker at {address} does not accept the name and password of this node."
    BROKER_REFUSES = "The broker at {address} turns this node away ({why})."
    BROKER_SILENCES = "The broker at {address} does not let this node listen to its commons."
    BROKER_GONE = "The broker at {address} has hung up."
    BROKER_GONE_SAID = "The broker at {address} has hung up and said: {why}."


def _pattern(remark: Remark) -> re.Pattern[str]:
    literal = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(remark.value))
    return re.compile(literal + r"(?: |$)")


# What has most letters of its own is tried first: "has hung up and said" begins like "has hung up".
PATTERNS: Final = tuple((one, _pattern(one)) for one in sorted(Remark, key=lambda one: -len(one.value)))


def join(app: Flask) -> None:
    """Let templates write `remark`."""
    app.jinja_env.filters["remark"] = written


def written(remarks: str) -> Markup:
    """Return a road's remarks for the page; what nobody knows here is marked as English."""
    said: list[Markup] = []
    rest = remarks
    while rest:
        found = next(((one, match) for one, pattern in PATTERNS if (match := pattern.match(rest))), None)
        if found is None:
            return Markup(" ").join([*said, Markup('<bdi lang="en">{}</bdi>').format(rest)])
        one, match = found
        details = {name: isolated(value) for name, value in match.groupdict().items()}
        said.append(escape(gettext(one.value).format(**details)))
        rest = rest[match.end() :]
    return Markup(" ").join(said)
