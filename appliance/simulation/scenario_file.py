"""Reads a street from a YAML file, as strictly as a node's settings: an unknown key is an error that names the nearest.

The keys are explained in README.md beside the scenarios of the tests.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from random import Random
from typing import Final

from appliance.settings import open_section
from appliance.settings_section import Section
from mesh.airtime import PRESETS, SIGNED_PAYLOAD_MAX
from mesh.alarms import CALLS_OF_A_NODE_MAX
from mesh.distress import LIFE_MAX, Level
from mesh.gossip import PACKET_SIZE_MIN
from mesh.simulation.dice import Dealer, Dice, choice
from mesh.simulation.scenario import (
    DAY_H,
    Alarm,
    Burst,
    Cut,
    Expect,
    Faults,
    Link,
    Malice,
    Scenario,
    Sleep,
    Writing,
)
from mesh.simulation.streets import Map, draw
from mesh.transports.medium import PACKET_SIZE_MAX

NODES_MAX: Final = 5000
HOURS_MAX: Final = 24 * 366
RECORDS_MAX: Final = 1_000_000
LISTED_MAX: Final = 100_000
RATE_MAX: Final = 1000.0
MEAN_DEGREE: Final = 6.0
NEVER: Final = float(HOURS_MAX)
KINDS: Final = ("transfer",)
CALLS_LISTED_MAX: Final = 64
LEVELS: Final = {level.name.lower(): level for level in Level if level is not Level.OVER}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says instead of the file; None where it says nothing."""

    nodes: int | None = None
    hours: float | None = None
    records: int | None = None
    loss: float | None = None
    preset: str | None = None
    seed: int | None = None


def dealer_for(seed: int) -> Dealer:
    """Return the dice of one seed."""
    return lambda name: Random(f"{seed}/{name}")


def read_scenario(file: Path | None, wishes: Wishes) -> Scenario:
    """Return the street of a file, or one drawn by chance. Raises `SettingsFault` with file, key and remedy."""
    top = open_section(file) if file else Section(Path("scenario"), "", {"nodes": wishes.nodes or 20})
    top.allow(
        "name", "seed", "preset", "payload_limit", "signed", "hours", "nodes", "links", "cuts", "asleep", "records", "faults",
        "hostile", "expect", "books", "calls",
    )  # fmt: skip
    seed = top.whole("seed", 1, 0, 2**63) if wishes.seed is None else wishes.seed
    hours = top.number("hours", 24.0, 0.1, HOURS_MAX) if wishes.hours is None else wishes.hours
    nodes = _nodes(top, wishes)
    links = _read_links(top, nodes, wishes, dealer_for(seed))
    is_signed = top.yes_or_no("signed", default=False)
    most = SIGNED_PAYLOAD_MAX if is_signed else PACKET_SIZE_MAX
    calls = _read_calls(top, nodes)
    hostile = _read_hostile(top, Map(nodes, links), dealer_for(seed)("hostile"), {call.node for call in calls})
    scenario = Scenario(
        name=top.text("name", "street"),
        seed=seed,
        preset=wishes.preset or top.choice("preset", "LongFast", PRESETS),
        payload_limit=top.whole("payload_limit", most, PACKET_SIZE_MIN, most),
        is_signed=is_signed,
        has_books=top.yes_or_no("books", default=False),
        hours=hours,
        nodes=nodes,
        links=tuple(links),
        records=_read_writing(top.section("records"), nodes, hours, {node for node, _ in hostile}),
        expect=_read_expect(top.section("expect"), hours),
        cuts=tuple(_read_cut(cut, nodes) for cut in top.sections("cuts", LISTED_MAX)),
        asleep=tuple(_read_sleep(sleep, nodes) for sleep in top.sections("asleep", LISTED_MAX)),
        faults=_read_faults(top.section("faults")),
        hostile=hostile,
        calls=calls,
    )
    if scenario.has_books and 0 not in scenario.records.authors:
        raise top.fault("books", "needs node 0 among the honest authors: it founds the street and lets the others in.")
    return scenario if wishes.records is None else _with_records(scenario, wishes.records)


def _with_records(scenario: Scenario, count: int) -> Scenario:
    return replace(scenario, records=replace(scenario.records, count=count))


def _nodes(top: Section, wishes: Wishes) -> int:
    if wishes.nodes is not None and isinstance(top.values.get("links"), list):
        raise top.fault("links", "lists who hears whom, so the number of nodes cannot be another. Leave --nodes out.")
    nodes = top.whole("nodes", 20, 2, NODES_MAX)
    return nodes if wishes.nodes is None else wishes.nodes


def _read_links(top: Section, nodes: int, wishes: Wishes, dealer: Dealer) -> list[Link]:
    listed = top.values.get("links")
    if not isinstance(listed, list):
        drawn = top.section("links")
        drawn.allow("mean_degree")
        degree = drawn.number("mean_degree", MEAN_DEGREE, 1.0, 64.0)
        return draw(nodes, degree, dealer("map"), wishes.loss)
    if len(listed) > LISTED_MAX:
        raise top.fault("links", f"lists more than {LISTED_MAX} links.")
    return [_read_link(top, place, link, nodes, wishes.loss) for place, link in enumerate(listed)]


def _read_link(top: Section, place: int, link: object, nodes: int, loss: float | None) -> Link:
    match link:
        case [int(one), int(other), int(missed) | float(missed)] if one != other and 0 <= missed <= 1:
            if 0 <= one < nodes and 0 <= other < nodes:
                return Link(one, other, float(missed) if loss is None else loss)
    raise top.fault(f"links[{place}]", f"must be two nodes from 0 to {nodes - 1} and a loss, such as [0, 1, 0.1].")


def _numbers(section: Section, key: str, nodes: int) -> list[int]:
    listed = section.values.get(key)
    if not isinstance(listed, list) or any(type(node) is not int or not 0 <= node < nodes for node in listed):
        raise section.fault(key, f"must be a list of nodes from 0 to {nodes - 1}, such as [0, 1].")
    return listed


def _read_writing(section: Section, nodes: int, hours: float, hostile: set[int]) -> Writing:
    section.allow("count", "from_h", "until_h", "kind", "authors")
    section.choice("kind", "transfer", KINDS)
    everybody = section.values.get("authors", "all") == "all"
    authors = range(nodes) if everybody else _numbers(section, "authors", nodes)
    return Writing(
        count=section.whole("count", 100, 0, RECORDS_MAX),
        from_h=section.number("from_h", 0.0, 0.0, HOURS_MAX),
        until_h=section.number("until_h", hours / 2, 0.0, HOURS_MAX),
        authors=tuple(sorted(set(authors) - hostile)),
    )


def _read_expect(section: Section, hours: float) -> Expect:
    section.allow("converged_within_h", "after_h", "airtime_share_max", "quiet_packets_max")
    return Expect(
        converged_within_h=section.number("converged_within_h", hours / 2, 0.0, HOURS_MAX),
        after_h=section.number("after_h", hours / 2, 0.0, HOURS_MAX),
        airtime_share_max=section.number("airtime_share_max", 0.03, 0.0, 1.0),
        quiet_packets_max=section.number("quiet_packets_max", inf, 0.0, inf),
    )


def _read_calls(top: Section, nodes: int) -> tuple[Alarm, ...]:
    found: list[Alarm] = []
    for place, section in enumerate(top.sections("calls", CALLS_LISTED_MAX)):
        section.allow("node", "at_h", "level", "minutes", "over_h", "shown_within_s")
        node = section.whole("node", 0, 0, nodes - 1)
        person = 1 + sum(one.node == node for one in found)
        if person > CALLS_OF_A_NODE_MAX:
            raise top.fault(f"calls[{place}]", f"is one too many: of one node {CALLS_OF_A_NODE_MAX} calls are shown.")
        at_h = section.number("at_h", 0.0, 0.0, HOURS_MAX)
        level = LEVELS[section.choice("level", "danger", LEVELS)]
        minutes = section.whole("minutes", 60, 1, LIFE_MAX)
        within_s = section.number("shown_within_s", 300.0, 1.0, NEVER)
        over_h = section.number("over_h", 0.0, at_h, HOURS_MAX) if "over_h" in section.values else None
        found.append(Alarm(node, person, at_h, level, minutes, within_s, over_h))
    return tuple(found)


def _read_cut(section: Section, nodes: int) -> Cut:
    section.allow("from_h", "until_h", "between")
    groups = section.values.get("between")
    if not isinstance(groups, list) or len(groups) < 2:
        raise section.fault("between", "must list two groups of nodes or more, such as [[0, 1], [2, 3]].")
    parts = [_numbers(Section(section.file, section.name, {"between": group}), "between", nodes) for group in groups]
    return Cut(
        section.number("from_h", 0.0, 0.0, HOURS_MAX),
        section.number("until_h", NEVER, 0.0, HOURS_MAX),
        tuple(frozenset(part) for part in parts),
    )


def _read_sleep(section: Section, nodes: int) -> Sleep:
    section.allow("nodes", "from", "until")
    hours = [section.number(key, hour, 0.0, DAY_H) for key, hour in (("from", 23.0), ("until", 6.0))]
    return Sleep(frozenset(_numbers(section, "nodes", nodes)), *hours)


def _read_faults(section: Section) -> Faults:
    daily = ("reboots", "power_cuts", "clock_jumps", "full_disks", "stalls")
    rates = {kind: f"{kind}_per_node_day" for kind in daily}
    section.allow("burst_loss", "duplicates", "reordered", "couriers", "until_h", *rates.values())
    return Faults(
        burst=_read_burst(section.section("burst_loss")),
        **{kind: section.number(key, 0.0, 0.0, RATE_MAX) for kind, key in rates.items()},
        duplicates=section.number("duplicates", 0.0, 0.0, 1.0),
        reordered=section.number("reordered", 0.0, 0.0, 1.0),
        couriers=section.whole("couriers", 0, 0, 1000),
        until_h=section.number("until_h", NEVER, 0.0, HOURS_MAX),
    )


def _read_burst(section: Section) -> Burst | None:
    if not section.values:
        return None
    section.allow("share", "length_s")
    return Burst(section.number("share", 0.02, 0.0, 0.9), section.number("length_s", 30.0, 1.0, 86400.0))


def _read_hostile(top: Section, streets: Map, dice: Dice, callers: set[int]) -> tuple[tuple[int, Malice], ...]:
    """Return who is hostile and how: a `node` by number, or one at random without whom the others still reach each other.

    Whoever calls for help is honest.
    """
    found: dict[int, Malice] = {}
    kinds: dict[str, Malice] = {malice.value: malice for malice in Malice}
    for place, section in enumerate(top.sections("hostile", NODES_MAX)):
        section.allow("node", "does")
        free = [
            node
            for node in range(len(streets.near))
            if node not in found and node not in callers and streets.holds_together({*found, node})
        ]
        if not free:
            raise top.fault(f"hostile[{place}]", "is one too many: the others could not reach each other.")
        node = section.whole("node", 0, 0, len(streets.near) - 1) if "node" in section.values else choice(dice, free)
        if node in callers:
            raise top.fault(f"hostile[{place}]", f"names node {node}, which calls for help.")
        found[node] = kinds[section.choice("does", "garbage", kinds)]
    return tuple(sorted(found.items(), key=lambda pair: pair[0]))
