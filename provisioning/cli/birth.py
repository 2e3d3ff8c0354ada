"""`hedgerow provision first-boot | status`: what a node does with the seed on its card, and what it tells there."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from appliance import seed as seeds
from appliance.cli.terminal import say
from appliance.errors import SettingsFault
from provisioning import first_boot
from provisioning import status as told
from provisioning.taken import Card, put


@click.command("first-boot")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), envvar="HEDGEROW_DATA", default=seeds.DATA, show_default=True)
def be_born(folder: Path, data: Path) -> None:
    """Make the node that the card's FOLDER tells of, on the node itself. Done already, it changes nothing."""
    if not data.is_absolute():
        raise SettingsFault(f"{data} is no absolute path. Name the node's directory from / on.")
    say(first_boot.give_birth(Card(folder, data)))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("into", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--data", type=click.Path(path_type=Path), envvar="HEDGEROW_DATA", default=seeds.DATA, show_default=True)
def status(folder: Path, into: Path, data: Path) -> None:
    """Look at the node; where STATUS.txt in the card's FOLDER should say something else now, write that into INTO."""
    words = import_module("provisioning.needs").looked_at(Card(folder, data))
    if words:
        put(into / told.FILE, told.as_lines(words))
    say(words or f"{told.FILE} says how it is already.")


COMMANDS: Final[Sequence[click.Command]] = (be_born, status)
