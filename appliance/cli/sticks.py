"""`hedgerow stick`: what the node does by itself when a stick is plugged in."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from appliance import sticks
from appliance.cli.nodes import opened_node
from appliance.cli.terminal import Commands, as_json, say, say_json
from appliance.updates import arrival


@click.group(cls=Commands)
def stick() -> None:
    """A stick that goes from node to node."""


@stick.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@as_json
def exchange(directory: Path, as_json: bool) -> None:
    """Take in what the stick mounted at DIR brings, and write what this node holds."""
    with opened_node() as node:
        who, settings = (node.name, node.id), node.settings
        arrived = arrival.bring(directory, settings.data, settings.archive.free_space_floor_bytes, who)
        done = sticks.exchange(node, directory)
    if as_json:
        say_json(asdict(done) | {"update": arrived})
    else:
        say(" ".join(filter(None, (arrived, done.in_words))))


COMMANDS: Final = (stick,)
