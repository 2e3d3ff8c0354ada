"""`hedgerow provision first-boot`: what a node does with the seed on its card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from appliance import seed as seeds
from appliance.cli.terminal import say
from appliance.errors import SettingsFault
from provisioning import first_boot
from provisioning.taken import Card


@click.command("first-boot")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), envvar="HEDGEROW_DATA", default=seeds.DATA, show_default=True)
def be_born(folder: Path, data: Path) -> None:
    """Make the node that the card's FOLDER tells of, on the node itself. Done already, it changes nothing."""
    if not data.is_absolute():
        raise SettingsFault(f"{data} is no absolute path. Name the node's directory from / on.")
    say(first_boot.give_birth(Card(folder, data)))


COMMANDS: Final[Sequence[click.Command]] = (be_born,)
