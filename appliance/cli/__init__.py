"""The `hedgerow` command: what a keeper types. One handler at the top turns each refusal into a sentence and an exit code.

0 done    1 the answer is no    2 usage or settings    3 storage
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Final

import click

from appliance.cli.terminal import Commands, complain
from appliance.errors import Refused, SettingsFault, StoreFault

NO, USAGE, STORAGE, INTERRUPTED = 1, 2, 3, 130


# Which module has which commands. A module is imported when one of its commands is typed: on a small board each
# import costs a tenth of a second and some megabytes.
SHELVES: Final = MappingProxyType(
    {
        "node": ("init", "gossip", "status", "radio"),
        "running": ("run", "portal", "power", "provision"),
        "people": ("member", "invite", "peer"),
        "ledger": ("pay", "balance", "ledger", "receipt", "held"),
        "archive": ("zine",),
        "carry": ("bundle",),
        "sticks": ("stick",),
        "care": ("doctor", "verify", "rebuild", "backup", "restore", "reopen"),
        "updates": ("update",),
        "bench": ("bench",),
        "simulate": ("simulate",),
        "demo": ("demo",),
    }
)


class AllCommands(Commands):
    """The commands of every module."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click asks so)
        return [name for names in SHELVES.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click asks so)
        for module, names in SHELVES.items():
            if cmd_name in names:
                commands = import_module(f"appliance.cli.{module}").COMMANDS
                return next((command for command in commands if command.name == cmd_name), None)
        return None


@click.group(cls=AllCommands)
@click.version_option(package_name="hedgerow")
def hedgerow() -> None:
    """A neighbourhood node: mutual credit, a zine archive, and the pages a street needs, with no internet."""


def main() -> None:
    """Run the command line of this process and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str], command: click.Command = hedgerow, name: str = "hedgerow") -> int:
    """Do what `words` say; return the exit code. What went wrong stands on standard error in a sentence or two."""
    try:
        answer = command.main(list(words), prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as fault:
        hint = f" See `{fault.ctx.command_path} --help`." if isinstance(fault, click.UsageError) and fault.ctx else ""
        return complain(" ".join(fault.format_message().split()) + hint, USAGE)
    except (Refused, SettingsFault, StoreFault) as fault:
        return complain(str(fault), _code(fault))
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # whoever read us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO
    return answer if isinstance(answer, int) else 0


def _code(fault: Refused | SettingsFault | StoreFault) -> int:
    if isinstance(fault, Refused):
        return NO
    return USAGE if isinstance(fault, SettingsFault) else STORAGE
