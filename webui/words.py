"""How facts are put into words: amounts, days, sizes, standings and refusals, in the language of the page."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from flask import Flask
from markupsafe import Markup

from appliance.answers import Account, Ailment, Board, Currency, Delivery, Room, Standing, Unwell
from appliance.errors import Refused
from appliance.intake.kind import WORDS as KINDS
from appliance.ledger.amounts import write_amount
from webui.languages import gettext, lazy_gettext, ngettext

ISOLATE: Final = "\u2068{}\u2069"  # first strong isolate … pop: a name in another script leaves the sentence in order
UNSURE: Final = lazy_gettext("time unsure")

STANDINGS: Final = {
    Standing.SETTLED: (
        lazy_gettext("settled"),
        lazy_gettext("Kept here and at another node as well. It outlives the loss of this one."),
    ),
    Standing.GOOD: (
        lazy_gettext("good"),
        lazy_gettext("Kept safely at this node. When another node holds it too, it is settled."),
    ),
    Standing.PROMISE: (
        lazy_gettext("promise"),
        lazy_gettext("It rests on a person's word until they have come here."),
    ),
    Standing.IN_QUESTION: (
        lazy_gettext("in question"),
        lazy_gettext("It does not count for now. People have to look at it together."),
    ),
}

# What each of `appliance.intake.findings.REMOVED` means.
REMOVED: Final = {
    "place": lazy_gettext("the place where it was taken"),
    "camera": lazy_gettext("the camera's name"),
    "moment": lazy_gettext("when it was made"),
    "people": lazy_gettext("names of people"),
    "program": lazy_gettext("the program it was made with"),
    "notes": lazy_gettext("hidden notes"),
    "thumbnail": lazy_gettext("small copies of the picture"),
    "attachment": lazy_gettext("files that hung on it"),
    "script": lazy_gettext("what would have run by itself"),
    "form": lazy_gettext("forms to fill in"),
    "outside": lazy_gettext("what would have been loaded from elsewhere"),
    "tags": lazy_gettext("names and notes within the sound"),
    "picture": lazy_gettext("the picture within the sound"),
}

BOARDS: Final = {
    Board.NOTICE: lazy_gettext("Notice"),
    Board.OFFER: lazy_gettext("Offer"),
    Board.WANT: lazy_gettext("Want"),
}


# What is not well between nodes, and what to do about it.
AILMENTS: Final = {
    Ailment.STALEMATE: lazy_gettext(
        "%(who)s and this node hold different things, and asking three times changed nothing. Carry the post once "
        "from each to the other. If it stays, their keepers may look together."
    ),
    Ailment.NEWER: lazy_gettext(
        "Messages of a newer program came from %(who)s: %(count)s. This node leaves them alone and loses nothing. "
        "Its keeper may bring it the newer program."
    ),
    Ailment.BAD_SIGNATURE: lazy_gettext(
        "Messages with a wrong signature came from %(who)s: %(count)s. Nothing of them was taken in. If it goes on, "
        "look at that node: its card may be damaged, or somebody plays with a radio."
    ),
    Ailment.MALFORMED: lazy_gettext(
        "Messages that nobody could read came from %(who)s: %(count)s. Nothing of them was taken in. If it goes on, "
        "look at that node, its radio and its program."
    ),
    Ailment.FAULT: lazy_gettext(
        "Messages that broke a rule came from %(who)s: %(count)s. Nothing of them was taken in. If it goes on, ask its keeper."
    ),
    Ailment.FLOOD: lazy_gettext(
        "%(who)s sends more than this node looks at: %(count)s messages were left alone. Find that node and switch it "
        "off; until then its neighbours are heard as ever."
    ),
}

ROADS: Final = {
    "loopback": lazy_gettext("practice radio"),
    "lora": lazy_gettext("radio (LoRa)"),
    "mqtt": lazy_gettext("broker on this network"),
}


def join(app: Flask) -> None:
    """Teach the templates to say these things."""
    sayings = (
        ailing,
        amount,
        signed_amount,
        kept_by,
        kind,
        level,
        moment,
        removed,
        size,
        standing,
        standing_meaning,
        person,
        road,
        seconds,
        why,
    )
    for say in sayings:
        app.add_template_filter(say)
    app.jinja_env.globals["BOARDS"] = BOARDS


LEVELS: Final = {
    "danger": lazy_gettext("A life is in danger"),
    "help": lazy_gettext("Somebody needs help"),
    "watch": lazy_gettext("Be careful, something is wrong"),
    "over": lazy_gettext("All clear"),
}


def level(name: str) -> str:
    """Say how bad a call for help is."""
    return str(LEVELS[name])


def amount(units: int, currency: Currency) -> str:
    """Write smallest units in the currency's own: 150 with two decimals is `1.5`."""
    return write_amount(units, currency.decimals)


def signed_amount(units: int, currency: Currency) -> str:
    """Write an amount with its sign, as in a statement."""
    return ("+" if units > 0 else "") + amount(units, currency)


def moment(at: int) -> Markup:
    """Write seconds since 1970 as a day and a time of this place, or that nobody can tell."""
    if at <= 0:
        return Markup('<span class="unsure">{}</span>').format(UNSURE)
    try:
        here = datetime.fromtimestamp(at, tz=UTC).astimezone()
    except (ValueError, OverflowError, OSError):  # a writer's clock beyond the year 9999
        return Markup('<span class="unsure">{}</span>').format(UNSURE)
    stamp = here.isoformat(timespec="minutes")
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M}</time>').format(stamp, here)


def local_minute(at: int) -> str:
    """Write seconds since 1970 as the field for a day and a time wants it; "" where that cannot be."""
    try:
        return f"{datetime.fromtimestamp(at, tz=UTC).astimezone():%Y-%m-%dT%H:%M}"
    except (ValueError, OverflowError, OSError):
        return ""


def rfc3339(at: int) -> str:
    """Write seconds since 1970 for a feed, which must have a time: an unsure one is 1970."""
    try:
        return datetime.fromtimestamp(max(at, 0), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00Z"


def size(count: int) -> str:
    """Write a number of bytes for people."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count} {unit}"
        count = round(count / 1000)
    return f"{count} GB"


def kind(media_type: str) -> str:
    """Name a kind of file in a word."""
    return KINDS.get(media_type, media_type)


def removed(names: Sequence[str]) -> str:
    """Tell what was taken out of a file when it came in."""
    return gettext(", ").join(str(REMOVED[name]) for name in names if name in REMOVED)


def kept_by(delivery: Delivery) -> str:
    """Say how far a record has come: "At this node. Held by 3 of 4 neighbour nodes."."""
    words = [gettext("At this node."), _held_by(delivery)]
    if delivery.silent:
        words.append(
            ngettext(
                "One more held it when it was last heard.",
                "%(num)s more held it when they were last heard.",
                delivery.silent,
            )
        )
    return " ".join(words)


def _held_by(delivery: Delivery) -> str:
    if not delivery.neighbours:
        return gettext("No neighbour node was heard in the last day.")
    return ngettext(
        "Held by %(held)s of %(num)s neighbour node.",
        "Held by %(held)s of %(num)s neighbour nodes.",
        delivery.neighbours,
        held=delivery.held_by,
    )


def ailing(one: Unwell) -> str:
    """Say what is not well between this node and another, and what to do."""
    who = ISOLATE.format(one.who)
    return str(AILMENTS[one.what]) % {"who": who, "count": one.count}


def why(room: Room) -> str:
    """Say how much can be paid from an account here and now, and why that much."""
    if room.read_only:
        return gettext("This node only reads for now, so nothing can be paid here. Its keeper can see why.")
    if not room.is_home:
        return gettext("This account is kept at %(home)s. Please pay there.", home=ISOLATE.format(room.home_name))
    balance, floor = amount(room.balance, room.currency), amount(room.floor, room.currency)
    words = [
        gettext(
            "Your account stands at %(balance)s, and nobody's may go below %(floor)s.", balance=balance, floor=floor
        )
    ]
    if room.waiting:
        words.append(gettext("Some news from other nodes is still incomplete. What it brings is not counted yet."))
    return " ".join(words)


def seconds(count: int) -> str:
    """Write a stretch of time in its largest whole unit."""
    if count < 120:
        return gettext("%(count)s seconds", count=count)
    if count < 2 * 3600:
        return gettext("%(count)s minutes", count=count // 60)
    if count < 48 * 3600:
        return gettext("%(count)s hours", count=count // 3600)
    return gettext("%(count)s days", count=count // 86400)


def road(name: str) -> str:
    """Say what people call a road: `lora` is the radio, `lora-2` the second one."""
    kind, _, number = name.partition("-")
    return f"{ROADS.get(kind, kind)} {number}".rstrip()


def standing(word: Standing) -> str:
    """Say one of the four words."""
    return str(STANDINGS[word][0])


def standing_meaning(word: Standing) -> str:
    """Say what one of the four words means."""
    return str(STANDINGS[word][1])


def person(account: Account) -> Markup:
    """Write a name so that its script cannot disturb what stands around it; a withdrawn name is said to be one."""
    if not account.name:
        return Markup("<i>{}</i>").format(gettext("a neighbour who took the name back"))
    if account.is_here or not account.home_name:
        return Markup("<bdi>{}</bdi>").format(account.name)
    return Markup('<bdi>{}</bdi> <span class="at">{}</span>').format(
        account.name, gettext("at %(home)s", home=ISOLATE.format(account.home_name))
    )


def sentence(refusal: Refused) -> str:
    """Say a refusal in the language of the page."""
    details = {name: isolated(value) for name, value in refusal.details.items()}
    return gettext(refusal.verdict.value).format(**details)


def isolated(value: object) -> object:
    """Return a detail of a sentence so that a name in another direction leaves the sentence in order."""
    plain = not isinstance(value, str) or all(unicodedata.bidirectional(sign) not in {"R", "AL"} for sign in value)
    return value if plain else ISOLATE.format(value)
