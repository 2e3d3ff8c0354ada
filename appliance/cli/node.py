"""`hedgerow init | gossip | status | radio`: one node as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from appliance import daemon, founding, processes, radio_switch, settings
from appliance.answers import RoadState
from appliance.cli.nodes import opened_node
from appliance.cli.terminal import Command, as_json, child_of, data_directory, say, say_json
from appliance.errors import SettingsFault
from appliance.fetching import fetching
from appliance.node import Node
from appliance.roads import make_roads
from appliance.service import Pulse
from appliance.settings import Portal, Settings

FILE_SIZE_MAX: Final = 8192


@click.command(cls=Command)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What neighbours call this node.")
@click.option("--commons", default="", help="The commons it founds; an invite brings its own.")
@click.option("--currency", default="hours", show_default=True, help="The first currency of a new commons.")
@click.option("--region", default="EU_868", show_default=True, help="Where the radio is used.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the pages listen.")
@click.option("--port", default=8080, show_default=True, type=int)
@click.option("--invite", type=click.Path(path_type=Path), metavar="FILE", help="Join the commons of this invite.")
def init(directory: Path, name: str, commons: str, currency: str, invite: Path | None, **place: Any) -> None:
    """Make a new node in DIR: its settings, its key, its store."""
    if not commons and not invite:
        raise SettingsFault("Which commons? Found one with --commons NAME, or join one with --invite FILE.")
    portal = Portal(host=place["host"], port=place["port"])
    wanted = Settings(directory.absolute(), name, commons or "to be told", place["region"], portal)
    settings.check(wanted)
    if invite:
        founding.join(wanted, small_file(invite))
    else:
        founding.found(wanted, currency)
    node = Node.open(directory)
    say(f"{node.name} is a node of {node.commons_name} now. Its id is {node.id}.")
    node.close()
    steps = [f"hedgerow --data {directory} member add NAME --keeper", f"hedgerow --data {directory} run"]
    if invite:
        say(f"Next: {steps[1]}, until a neighbour node has let it in; then: {steps[0]}")
    else:
        say(f"Next: {steps[0]}, then: {steps[1]}")


def small_file(path: Path) -> bytes:
    """Return what an invite or an introduction holds. Raises `SettingsFault`."""
    try:
        with path.open("rb") as file:
            return file.read(FILE_SIZE_MAX)
    except OSError as fault:
        raise SettingsFault(f"{path} cannot be read: {fault.strerror}. Check its name.") from fault


@click.command(cls=Command)
@child_of
def gossip() -> None:
    """Run the exchange with other nodes alone."""
    ending = processes.until_told()
    processes.hold(settings.load(data_directory()).data, "gossip")
    with opened_node() as node:
        talk = daemon.Daemon(node, lambda: make_roads(node.settings, node.node_id, node.holdings))
        with fetching(node, talk.announced):
            talk.run(ending, Pulse().beat)


@click.command(cls=Command)
@as_json
def status(as_json: bool) -> None:
    """Tell how the node is."""
    with opened_node() as node:
        facts: dict[str, Any] = node.status().as_json()
    if as_json:
        say_json(facts)
    else:
        say(_told(facts))


def _told(facts: dict[str, Any]) -> str:
    mode = "only reads for now (see `hedgerow doctor`)" if facts["read_only"] else "reads and writes"
    air, store = facts["air"], facts["store"]
    lines = [
        f"{facts['name']} of {facts['commons']} {mode}. Version {facts['version']}, id {facts['node_id']}",
        f"It holds {facts['records']} entries in {facts['logs']} logs; state {facts['state_hash'][:16]}",
        f"Roads are {facts['radio']}. Air this hour: {air['used_ms_hour'] / 1000:.1f} of {air['budget_ms_hour'] / 1000:.0f} s",
        f"Store {store['bytes'] // 1024} kB, {store['free_bytes'] >> 20} MB free. Clock: {facts['clock']['trust']}",
    ]
    if facts["power"]:
        lines.append(_power(facts["power"]))
    for peer in facts["peers"]:
        heard = "never heard" if peer["heard_s"] is None else f"heard {peer['heard_s']} s ago by {_road(peer)}"
        lines.append(f"  {peer['name']}: {heard}, {'holds' if peer['holds_ours'] else 'lacks some of'} what we wrote")
    return "\n".join(lines)


def _power(power: dict[str, Any]) -> str:
    if power["percent"] is None:
        return f"Battery: {power['trouble']}"
    lasts = "fills" if power["hours_left"] is None else f"lasts about {power['hours_left']:.0f} h"
    guess = "" if power["is_counted"] else " (a guess until it was full once)"
    return f"Battery {power['percent']} %{guess}, {power['volts']} V, {power['amps']:+.2f} A, {lasts}. Saving: {power['step']}"


def _road(peer: dict[str, Any]) -> str:
    return RoadState(peer["road"], True, "").in_words


@click.command(cls=Command)
@click.argument("position", type=click.Choice(["on", "off"]))
def radio(position: str) -> None:
    """Cut the node off from all its roads, or join it again; a running node follows within two seconds."""
    found = settings.load(data_directory())
    radio_switch.turn(found.data, position == "on")
    say(f"The roads of {found.name} are {position}.")


COMMANDS: Final = (init, gossip, status, radio)
