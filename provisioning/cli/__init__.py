"""`hedgerow provision`. A module is imported when one of its commands is typed.

What a node runs at each start knows neither the making of images nor, but for its birth, a node: on a small board what is
imported costs seconds.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click

SHELVES: Final = MappingProxyType(
    {
        "workshop": ("check", "cards", "image"),
        "card": ("disks", "write", "copy", "write-wished"),
        "birth": ("first-boot", "status"),
        "street": ("network", "access-point"),
    }
)
NODE_FILE: Final = click.argument("node_yaml", metavar="NODE.YAML", type=click.Path(path_type=Path))


class AllCommands(click.Group):
    """The commands of every module."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click asks so)
        return [name for names in SHELVES.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click asks so)
        for module, names in SHELVES.items():
            if cmd_name in names:
                commands = import_module(f"provisioning.cli.{module}").COMMANDS
                return next((command for command in commands if command.name == cmd_name), None)
        return None


@click.group(name="provision", cls=AllCommands)
def provision() -> None:
    """Make cards: check a node's settings, build and write images, print what belongs on the wall."""
