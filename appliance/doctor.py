"""Self-checks with advice: each looks at one thing and says, in one sentence, what a keeper can do about it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Final

from appliance import board, keel, radio_switch, street
from appliance.answers import LATELY_S, Ailment, Check
from appliance.clock import Trust
from appliance.desks.care import Care
from appliance.errors import StoreFault
from appliance.street import Lack, Way
from appliance.updates.last import Outcome

COULD_GO_MAX: Final = 5
HOT_C: Final = 80.0  # where a Raspberry Pi begins to slow down
# A thousand rewrites of a cheap card's cells, with four bytes written inside for each of ours.
CARD_LIVES: Final = 250
MINIMAL: Final = "its minimal firmware serves {limit}: see update-alternatives, cyfmac43455-sdio.bin."
ANOTHER: Final = "another node round the corner serves as many again."
HEAR_OR_CONFIRM: Final = (
    "Let this node hear a neighbour, or confirm on the keeper's page that nobody has newer data; then it goes on."
)
CONFIRM: Final = "A keeper can say what time it is at the end of the page of neighbour nodes."
AGREE: Final = "Plug in a WiFi stick that can, or say {} below wifi in the card's node.yaml."
DEAD: Final = (
    "The shared cable leads nowhere: no name of the world has an answer. Look at the router behind it. "
    "Until then phones are told at once that there is no internet; the street's pages go on."
)
NOTHING_HALTS: Final = (
    "Nothing halts this board before its battery is empty, which spoils cards. "
    "Name a halt_command below power in node.yaml."
)
SHADE: Final = "Look for shade, dirt or snow on the panel."
TROUBLES: Final = {
    "other_hardware": f"These data were copied from another place. {HEAR_OR_CONFIRM}",
    "behind": f"These data were put back from an older copy. {HEAR_OR_CONFIRM}",
    "superseded": "Another copy of this node has gone on. Decide which of the two stays; this one only reads.",
    "on_trial": "A new version is on trial for some minutes, and signs nothing until it has shown that it holds.",
    "forked": "Two copies of this node wrote at the same time. Stop one of them, then confirm on the keeper's page.",
}


def check_store(node: Care) -> Check:
    """The store can be read and written."""
    try:
        node.health()
    except StoreFault as fault:
        return Check("store", False, str(fault))
    return Check("store", True, "The store can be read and written.")


def check_card_space(node: Care) -> Check:
    """There is room on the card."""
    free, floor = node.blobs.free_bytes(), node.settings.archive.free_space_floor_bytes
    if free < 2 * floor:
        return Check(
            "card space",
            False,
            f"Only {free >> 20} MB are left. Take back zines that nobody reads, or use a larger card.",
        )
    return Check("card space", True, f"{free >> 20} MB are free.")


def check_archive(node: Care) -> Check:
    """The archive has room; if not, what could go."""
    used, quota = node.archive_bytes()
    if not node.is_nearly_full():
        return Check("archive", True, f"{used >> 20} of {quota >> 20} MB are used.{_wrong_answers(node)}")
    could_go = ", ".join(f"“{zine.title}” (held by {zine.copies})" for zine in node.could_go(COULD_GO_MAX))
    remedy = (
        f"These could go, for neighbours hold them too: {could_go}." if could_go else "Nobody else holds its files."
    )
    return Check(
        "archive",
        False,
        f"{used >> 20} of {quota >> 20} MB are used. {remedy} Or raise archive.quota_bytes in node.yaml.",
    )


def _wrong_answers(node: Care) -> str:
    """Tell whose pages gave wrong answers when files were fetched."""
    told = node.wrong_answers()
    who = ", ".join(f"{node.node_name(one)}: {count}" for one, count in told.items())
    return f" Wrong answers from neighbours' pages, which were left alone for a while: {who}." if who else ""


def check_clock(node: Care) -> Check:
    """The clock is believable. Nothing depends on it but the dates that people read."""
    match node.clock.trust:
        case Trust.NONE:
            return Check(
                "clock", False, f"The time is unsure, so entries carry no date. Nothing else depends on it. {CONFIRM}"
            )
        case Trust.HINT:
            return Check("clock", True, f"The time may be right: one source says so. {CONFIRM}")
        case Trust.AGREED:
            return Check("clock", True, "The time is right: independent sources agree, or a keeper said so.")


def check_battery(node: Care) -> Check:
    """The battery is read, and holds enough."""
    if node.settings.power is None:
        return Check("battery", True, "No battery is watched over. A sensor is named under power in node.yaml.")
    battery = node.power()
    if battery is None:
        return Check(
            "battery", False, "Nobody has looked at the battery for an hour. Start the watch with: hedgerow power"
        )
    if battery.trouble:
        return Check("battery", False, battery.trouble)
    if battery.step != "normal":
        lasts = "It fills." if battery.hours_left is None else f"It lasts about {battery.hours_left:.0f} hours more."
        return Check(
            "battery",
            False,
            f"{battery.percent} % are left, so this node saves power ({battery.step}). {lasts} {SHADE}",
        )
    if not node.settings.power.halt_command:
        return Check("battery", False, NOTHING_HALTS)
    return Check("battery", True, f"{battery.percent} % are left, at {battery.volts} V.")


def check_card(node: Care) -> Check:
    """The card reports no fault, and has not been written to for longer than cards stand."""
    card = board.look(node.settings.data).card
    if card is None:
        return Check("card", True, "This disk tells nothing about its wear. Keep a backup on a stick.")
    if card.faults:
        return Check(
            "card", False, f"The card has failed {card.faults} times. Make a backup tonight, and use a new card."
        )
    times = card.written_bytes / card.size_bytes
    told = f"The card was written over {f'{times:.0f} times' if times >= 1 else 'less than once'} in its life"
    if times > CARD_LIVES:
        return Check("card", False, f"{told}; cheap ones stand about {CARD_LIVES}. Make a backup, and use a new card.")
    return Check("card", True, f"{told}; cheap ones stand about {CARD_LIVES}.")


def check_temperature(node: Care) -> Check:
    """The board is not so hot that it slows down."""
    hot = board.look(node.settings.data).temperature_c
    if hot is None:
        return Check("temperature", True, "This board does not tell its temperature.")
    if hot >= HOT_C:
        return Check(
            "temperature", False, f"The board has {hot:.0f} °C and slows down. Give its box shade and an opening."
        )
    return Check("temperature", True, f"The board has {hot:.0f} °C.")


def check_supply(node: Care) -> Check:
    """The supply holds its voltage."""
    supply = board.look(node.settings.data).supply
    if supply is None:
        return Check("supply", True, "This board does not tell how its supply is.")
    if supply & (board.IS_LOW | board.WAS_LOW):
        when = "is" if supply & board.IS_LOW else "was, since the start,"
        return Check(
            "supply", False, f"The supply {when} too weak, which spoils cards. Use a shorter cable or a stronger one."
        )
    return Check("supply", True, "The supply is steady.")


def check_phones(node: Care) -> Check:
    """The WiFi has room for one more phone."""
    wifi = board.look(node.settings.data).wifi
    if wifi is None:
        return Check("phones", True, "This machine has no WiFi of its own.")
    if wifi.phones_max is None:
        return Check("phones", True, f"{wifi.phones} devices are on {wifi.interface}.")
    limit = f"{wifi.phones} of about {wifi.phones_max} phones that this board's WiFi serves at once are here"
    advice = f"; {MINIMAL.format(limit=wifi.other_max) if wifi.other_max else ANOTHER}"
    return Check("phones", wifi.phones < wifi.phones_max, f"{limit}{advice}")


def check_wifi(node: Care) -> Check:  # noqa: ARG001 (what all checks are given)
    """The street's WiFi is as its keeper asked."""
    lacks = street.look().lacks
    if Lack.WPA3 in lacks:
        return Check(
            "wifi", False, f"Phones join by WPA2, for this radio does no WPA3. {AGREE.format('security: wpa2')}"
        )
    if Lack.CHANNEL in lacks:
        return Check(
            "wifi", False, f"It is on another channel, for this radio has none above. {AGREE.format('channel: 6')}"
        )
    return Check("wifi", True, "The street's WiFi is as it was asked for, or this machine has none.")


def check_internet(node: Care) -> Check:  # noqa: ARG001 (what all checks are given)
    """The way to the internet that phones share leads there."""
    match street.look().way:
        case Way.DEAD:
            return Check("internet", False, DEAD)
        case Way.OPEN:
            return Check("internet", True, "Phones reach the internet by the cable of this node.")
        case Way.NONE:
            return Check("internet", True, "Phones stay on the street; no way to the internet is shared.")


def check_roads(node: Care) -> Check:
    """Every road that node.yaml names is up."""
    if not radio_switch.is_on(node.settings.data):
        return Check("roads", False, "The roads are switched off. Turn them on with: hedgerow radio on")
    if not node.settings.roads:
        return Check(
            "roads", True, "This node has no road, so bundles are carried by hand. Roads are added in node.yaml."
        )
    roads = node.roads()
    down = [f"{road.in_words}: {road.sentence}" for road in roads if not road.is_up]
    if down:
        return Check("roads", False, "; ".join(down))
    if not roads:
        return Check("roads", False, "No road was used yet. Start the node with: hedgerow run")
    told = "".join(f" {road.in_words}: {road.sentence}" for road in roads if road.sentence)
    return Check("roads", True, "In service: " + ", ".join(road.in_words for road in roads) + "." + told)


def check_neighbours(node: Care) -> Check:
    """Some neighbour was heard within a day: while all agree, they speak once in six hours."""
    neighbours = node.neighbours()
    if any(one.heard_s is not None and one.heard_s < LATELY_S for one in neighbours):
        return Check("neighbours", True, "A neighbour was heard within a day.")
    if not neighbours:
        return Check("neighbours", True, "This node has no neighbours yet. Make an invite for the next one.")
    return Check(
        "neighbours", False, "No neighbour was heard for a day. Look at the antenna and at the neighbours' nodes."
    )


def check_agreement(node: Care) -> Check:
    """No neighbour stays of another mind whatever is asked."""
    stuck = sorted({one.who for one in node.unwell() if one.what is Ailment.STALEMATE})
    if stuck:
        return Check(
            "agreement",
            False,
            f"{', '.join(stuck)} and this node hold different things, and asking three times changed nothing. "
            "Carry a bundle from each to the other; if it stays, run hedgerow verify on both.",
        )
    return Check("agreement", True, "No neighbour stays of another mind.")


def check_key(node: Care) -> Check:
    """Nobody else on this machine can read the node's key."""
    mode = stat.S_IMODE(node.settings.key_file.stat().st_mode)
    if mode & 0o077:
        return Check("key", False, f"Others can read {node.settings.key_file}. Run: chmod 600 {node.settings.key_file}")
    return Check("key", True, "Only this node can read its key.")


def check_keel(node: Care) -> Check:
    """The mark that tells a restored copy is up to date, and not among the data it guards."""
    file = node.settings.keel_file
    if file.is_relative_to(node.settings.data):
        return Check(
            "keel mark", False, f"{file} lies among the data it guards. Set keel in node.yaml to a place outside."
        )
    if not os.access(file.parent, os.W_OK):
        return Check("keel mark", False, f"{file} cannot be written. Set keel in node.yaml to a place that can.")
    mark = keel.read(file)
    marked = {height.log: height.height for height in mark.heights} if mark else {}
    if any(marked.get(log.log, 0) < log.height for log in map(node.own_log, node.scopes())):
        return Check("keel mark", False, f"{file} is behind; the next payment renews it. Delete nothing.")
    return Check("keel mark", True, "It knows how far this node has written.")


def check_version(node: Care) -> Check:
    """The version that came last holds."""
    versions = node.versions()
    if versions.last and versions.last.outcome is Outcome.FELL_BACK:
        return Check("version", False, f"{versions.last.in_words} Bring a newer one on a stick.")
    if versions.refusal:
        return Check("version", False, str(versions.refusal))
    ready = f" Version {versions.ready.version} lies ready: see the page Versions." if versions.ready else ""
    return Check("version", True, f"Version {versions.running} runs.{ready}")


def check_writer(node: Care) -> Check:
    """This copy of the node is the one that writes."""
    trouble = node.trouble
    if trouble:
        return Check("writer", False, TROUBLES[trouble.code])
    return Check("writer", True, "This node writes its own log.")


def check_stories(node: Care) -> Check:
    """No node has signed two different histories."""
    names = node.forked_names()
    if names:
        who = ", ".join(names)
        return Check(
            "stories",
            False,
            f"{who} signed two different stories. Ask its keeper which is right; nothing is paid there.",
        )
    return Check("stories", True, "Every node tells one story.")


CHECKS: Final[tuple[Callable[[Care], Check], ...]] = (
    check_store,
    check_card_space,
    check_card,
    check_archive,
    check_clock,
    check_battery,
    check_supply,
    check_temperature,
    check_wifi,
    check_phones,
    check_internet,
    check_roads,
    check_neighbours,
    check_agreement,
    check_key,
    check_keel,
    check_version,
    check_writer,
    check_stories,
)


# What a keeper must come and see to; a neighbour may be the first to notice.
CALLS_FOR_A_HAND: Final = (check_store, check_card_space, check_card, check_supply, check_temperature)


def calls_for_a_hand(node: Care) -> bool:
    """Whether something is wrong that only hands can mend: the neighbour nodes are told."""
    return not all(check(node).healthy for check in CALLS_FOR_A_HAND)


def examine(node: Care) -> list[Check]:
    """Return what each check found, in a fixed order."""
    return [check(node) for check in CHECKS]
