"""A neighbourhood on one machine: real nodes in processes of their own, joined by a simulated radio and nothing else.

The first start sets the nodes up; later ones go on with what is kept. A node is made beside its place and moved there once
it is whole, so an interrupted start leaves none half-made.
"""

from __future__ import annotations

import http.client
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from appliance import founding, processes, settings
from appliance.archive.starter_shelf import starter_zines
from appliance.errors import SettingsFault
from appliance.node import Node
from appliance.processes import Child, Household, Say
from appliance.settings import Archive, LoopbackRoad, Portal, Settings
from mesh.errors import TransportDown
from mesh.transports.ether import Ether

COMMONS: Final = "Demo Street"
HOST: Final = "127.0.0.1"
PIN: Final = "1234"
NODES_MAX: Final = 8
READY_S: Final = 120.0

STREETS: Final = (
    ("Elm Corner", ("Ana", "Ben", "Chidi")),
    ("Mill Lane", ("Dora", "Emre", "Farah")),
    ("Harbour Steps", ("Goran", "Hana", "Ines")),
    ("Old Orchard", ("Jamal", "Kaya", "Lucía")),
    ("Station Yard", ("Mei", "Noor", "Otto")),
    ("Chapel Row", ("Pia", "Quang", "Rosa")),
    ("Brook End", ("Samir", "Tove", "Uma")),
    ("Hill Top", ("Vera", "Wen", "Yusuf")),
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What kind of neighbourhood: so many nodes on ports from `port` up, over air that loses this share of frames."""

    data: Path
    nodes: int = 3
    port: int = 8080
    loss: float = 0.0
    preset: str = "LongFast"
    speed: float = 1.0


def run(wish: Wish, say: Say) -> int:
    """Run the neighbourhood until Ctrl-C or SIGTERM; return the exit code. Raises `SettingsFault` or `StoreFault`."""
    try:
        wish.data.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise SettingsFault(
            f"{wish.data} cannot be made: {fault.strerror}. Choose another place with --data."
        ) from fault
    lock = processes.hold(wish.data, "demo")
    try:
        for number in range(wish.nodes):
            processes.refuse_port_in_use(HOST, wish.port + number, "choose others with --port")
        with _ether(wish) as ether:
            code = _live(_set_up(wish, ether, say), wish, say)
        say(_farewell(ether))
        return code
    finally:
        os.close(lock)


@contextmanager
def _ether(wish: Wish) -> Iterator[Ether]:
    ether = Ether(wish.preset, wish.loss, speed=wish.speed)
    try:
        ether.start()
    except TransportDown as fault:
        raise SettingsFault(str(fault)) from fault
    try:
        yield ether
    finally:
        ether.close()


def _live(nodes: list[Settings], wish: Wish, say: Say) -> int:
    children = [Child(node.name, processes.own_command(node.data, "run", "--quiet")) for node in nodes]
    ending = threading.Event()
    greeter = threading.Thread(target=_greet_when_up, args=(nodes, wish, say, ending), name="greeter", daemon=True)
    greeter.start()
    try:
        return Household(children, say, leaves_alone=True).run()
    finally:
        ending.set()
        greeter.join()


# --- the first start


def _set_up(wish: Wish, ether: Ether, say: Say) -> list[Settings]:
    """Make the nodes that are missing, and tell all of them where the ether of today is."""
    places = [wish.data / str(number + 1) for number in range(wish.nodes)]
    missing = [place for place in places if not (place / settings.FILE_NAME).exists()]
    if missing:
        say(f"Setting up {len(missing)} nodes in {wish.data} (once) ...")
    for place in missing:
        _make_whole(place, places.index(place), wish)
    if missing:
        _acquaint(places)
    return [_furnished(place, wish.port + number, wish, ether) for number, place in enumerate(places)]


def _furnished(place: Path, port: int, wish: Wish, ether: Ether) -> Settings:
    road = LoopbackRoad(f"{ether.address[0]}:{ether.address[1]}", wish.preset, wish.speed)
    found = settings.load(place)
    node = replace(
        found,
        portal=replace(found.portal, host=HOST, port=port),
        roads=(road,),
        archive=replace(found.archive, shelve_arrivals=True),
    )
    settings.write(place, node)
    return node


def _make_whole(place: Path, number: int, wish: Wish) -> None:
    workshop = place.with_name(f".{place.name}.new")
    place_of_pages, archive = Portal(port=wish.port + number), Archive(shelve_arrivals=True)
    wanted = Settings(workshop, STREETS[number][0], COMMONS, portal=place_of_pages, archive=archive)
    shutil.rmtree(workshop, ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)
    _make(wanted, number, wish)
    wanted.keel_file.unlink(missing_ok=True)  # the node writes a new one when it has moved in
    replace(wanted, data=place).keel_file.unlink(missing_ok=True)
    workshop.rename(place)


def _make(wanted: Settings, number: int, wish: Wish) -> None:
    """Found the commons and fill its shelf, or join it; then let neighbours move in."""
    hosts = sorted(wish.data.glob(f"[0-9]*/{settings.FILE_NAME}"))
    if hosts:
        with closing(Node.open(hosts[0].parent)) as host:
            founding.join(wanted, host.invite())
    else:
        founding.found(wanted)
    with closing(Node.open(wanted.data)) as node:
        if hosts:
            with closing(Node.open(hosts[0].parent)) as host:
                _welcome(host, node)
        else:
            for zine in starter_zines():
                node.publish(zine.form, BytesIO(zine.body), "zine.md", None)
        keeper, *others = STREETS[number][1]
        node.add_member(keeper, PIN, keeper=True)
        for name in others:
            node.add_member(name, PIN)
        node.seal()


def _welcome(host: Node, newcomer: Node) -> None:
    """Let the newcomer in, as neighbours would do it: a bundle there, a bundle back."""
    _carry(newcomer, host)
    _carry(host, newcomer)


def _acquaint(places: list[Path]) -> None:
    """Tell everybody at the first node of all others, and everybody else what is known there. Then radio must do."""
    with closing(Node.open(places[0])) as host:
        for place in places[1:]:
            with closing(Node.open(place)) as guest:
                _carry(guest, host)
        for place in places[1:]:
            with closing(Node.open(place)) as guest:
                _carry(host, guest)


def _carry(giver: Node, taker: Node) -> None:
    with TemporaryFile() as stick:
        giver.do_duties()
        giver.export_bundle(stick)
        stick.seek(0)
        taker.import_bundle(stick)


# --- what is said


def _greet_when_up(nodes: list[Settings], wish: Wish, say: Say, ending: threading.Event) -> None:
    until = time.monotonic() + READY_S
    waiting = list(nodes)
    while waiting and time.monotonic() < until and not ending.is_set():
        waiting = [node for node in waiting if not _is_well(node)]
        ending.wait(0.2)
    if ending.is_set():
        return
    for node in waiting:
        say(f"{node.name} does not answer on {node.address}. Look at what it said above.")
    if not waiting:
        say(_greeting(nodes, wish))


def _is_well(node: Settings) -> bool:
    asked = http.client.HTTPConnection(node.host, node.port, timeout=2)
    try:
        asked.request("GET", "/healthz")
        return asked.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _greeting(nodes: list[Settings], wish: Wish) -> str:
    names = dict(STREETS)
    lines = [
        f"  {node.name:14} {node.address}   {names[node.name][0]} (keeper), {', '.join(names[node.name][1:])}"
        for node in nodes
    ]
    loss = f", losing {wish.loss:.0%} of what is said" if wish.loss else ""
    second = len(nodes) > 1
    return "\n".join(
        (
            f"\n{COMMONS} is up: {len(nodes)} nodes, joined by a simulated radio ({wish.preset}{loss}).\n",
            *lines,
            f"\nEverybody's PIN is {PIN}. Try this:",
            f"  Sign in as {names[nodes[0].name][1]} at {nodes[0].name} and pay {names[nodes[-1].name][1]} an hour.",
            *((f"  Open {nodes[-1].name}: it arrives there by radio within a minute or two.",) if second else ()),
            "  Put a zine on the shelf of one node, and read it at another.",
            f"  Cut a node off:  hedgerow --data {nodes[-1].data} radio off",
            "  pay on both sides, join it again with radio on, and see that the books agree.",
            f"\nEverything is kept in {wish.data}. Ctrl-C ends the neighbourhood.",
        )
    )


def _farewell(ether: Ether) -> str:
    count = ether.counters
    air = f"The air carried {count['frames']} packets, heard {count['delivered']} times"
    return f"The neighbourhood has ended; everything is kept. {air}; {count['airtime_ms'] / 1000:.0f} s of talk."
