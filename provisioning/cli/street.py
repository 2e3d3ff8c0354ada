"""`hedgerow provision network | access-point`: what the programs on the street's side are told at each start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from appliance import seed as seeds
from provisioning import radio, street_side


@click.command("network")
@click.argument("into", type=click.Path(path_type=Path, file_okay=False))
@click.option("--data", type=click.Path(path_type=Path), envvar="HEDGEROW_DATA", default=seeds.DATA, show_default=True)
def lay_network(into: Path, data: Path) -> None:
    """Write what dnsmasq of this node reads into the directory INTO."""
    street_side.lay(data, into)


@click.command("access-point")
@click.argument("into", type=click.Path(path_type=Path, file_okay=False))
@click.option("--data", type=click.Path(path_type=Path), envvar="HEDGEROW_DATA", default=seeds.DATA, show_default=True)
def lay_access_point(into: Path, data: Path) -> None:
    """Write what hostapd of this node reads into the directory INTO, after a look at the radio that is there now."""
    street_side.lay_air(data, into, radio.look(street_side.INTERFACE))


COMMANDS: Final[Sequence[click.Command]] = (lay_network, lay_access_point)
