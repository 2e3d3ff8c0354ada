"""The `hedgerow` command: what a keeper types. One handler at the top turns each refusal into a sentence and an exit code.

0 done    1 the answer is no    2 usage or settings    3 storage
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from appliance.cli import archive, bench, care, carry, demo, ledger, node, people
from appliance.cli.terminal import Commands, complain
from appliance.errors import Refused, SettingsFault, StoreFault

NO, USAGE, STORAGE, INTERRUPTED = 1, 2, 3, 130


@click.group(cls=Commands)
@click.version_option(package_name="hedgerow")
def hedgerow() -> None:
    """A neighbourhood node: mutual credit, a zine archive, and the pages a street needs, with no internet."""


for commands in (node, people, ledger, archive, carry, care, bench, demo):
    for command in commands.COMMANDS:
        hedgerow.add_command(command)


def main() -> None:
    """Run the command line of this process and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Do what `words` say; return the exit code. What went wrong stands on standard error in a sentence or two."""
    try:
        answer = hedgerow.main(list(words), prog_name="hedgerow", standalone_mode=False)
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
