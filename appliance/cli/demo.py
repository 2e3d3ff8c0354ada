"""`hedgerow demo`: a neighbourhood on this machine, to look at and to break."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from appliance import demo as neighbourhood
from appliance.cli.terminal import Command, child_of, say
from mesh.airtime import PRESETS

DATA: Final = Path("demo-data")


@click.command(cls=Command)
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(1, neighbourhood.NODES_MAX))
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535 - neighbourhood.NODES_MAX))
@click.option(
    "--loss", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Share of frames that get lost."
)
@click.option("--preset", default="LongFast", show_default=True, type=click.Choice(sorted(PRESETS)))
@click.option("--speed", default=1.0, show_default=True, type=click.FloatRange(0.1, 100), help="Seconds on air in one.")
@child_of
def demo(nodes: int, port: int, loss: float, preset: str, speed: float) -> int:
    """Run a neighbourhood of several nodes, joined by a simulated radio; its data are kept in demo-data or --data DIR."""
    data = click.get_current_context().find_root().obj
    wish = neighbourhood.Wish((data or DATA).absolute(), nodes, port, loss, preset, speed)
    return neighbourhood.run(wish, say)


COMMANDS: Final = (demo,)
