"""`hedgerow run | portal | power | provision`: a node's processes, and the making of cards.

This module knows no node, so what only watches stays small, and what has nothing to watch has ended soon.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from appliance import processes, settings
from appliance.cli.terminal import Command, child_of, data_directory, say


@click.command(cls=Command)
@click.option("--quiet", is_flag=True, help="Do not say where the pages are.")
@child_of
def run(quiet: bool) -> int:
    """Run the node in the foreground: pages and gossip, until Ctrl-C."""
    return processes.run(settings.load(data_directory()), say, quiet)


@click.command(cls=Command)
@child_of
def portal() -> None:
    """Run the pages alone."""
    processes.become_portal(settings.load(data_directory()))


@click.command(cls=Command)
@child_of
def power() -> None:
    """Watch over the battery alone; without `power` in node.yaml there is nothing to watch."""
    found = settings.load(data_directory())
    if found.power is None:
        say(f"{found.name} has no power section in its node.yaml, so there is no battery to watch.")
    else:
        import_module("appliance.cli.battery").watch(found, found.power)


@click.command(cls=Command, add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def provision(words: tuple[str, ...]) -> None:
    """Make cards: check a node's settings, build and write images, print what belongs on the wall."""
    processes.become("provisioning", *words)


COMMANDS: Final = (run, portal, power, provision)
