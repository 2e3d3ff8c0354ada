"""`hedgerow doctor | verify | rebuild | backup | restore | reopen`: looking after a node."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from appliance.cli.nodes import opened_node
from appliance.cli.terminal import Command, as_json, data_directory, say, say_json
from appliance.copies import keep_copies
from appliance.restoring import restore as restore_backup


@click.command(cls=Command)
@as_json
def doctor(as_json: bool) -> int:
    """Let the node look at itself; exit 1 if something needs a hand."""
    with opened_node() as node:
        checks = node.checks()
    healthy = all(check.healthy for check in checks)
    if as_json:
        say_json({"healthy": healthy, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            say(f"{'well' if check.healthy else 'LOOK'}  {check.name}: {check.advice}")
    return 0 if healthy else 1


@click.command(cls=Command)
@as_json
def verify(as_json: bool) -> int:
    """Check every signature, chain, file, view and law again; change nothing. Exit 1 if anything is wrong."""
    findings = []
    with opened_node() as node:
        for finding in node.verify():
            findings.append(finding)
            if not as_json:
                say(finding)
    if as_json:
        say_json({"sound": not findings, "findings": findings})
    elif not findings:
        say("Everything holds.")
    return 1 if findings else 0


@click.command(cls=Command)
def rebuild() -> None:
    """Make every view again from what was signed."""
    with opened_node() as node:
        node.rebuild()
        say(f"Done; state {node.status().as_json()['state_hash']}")


@click.command(cls=Command)
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(min=1), help="DEST holds the newest so many copies, each in a directory.")
def backup(destination: Path, keep: int | None) -> None:
    """Copy the whole node, key included, into the new directory DEST; it may go on running."""
    with opened_node() as node:
        if keep:
            destination = keep_copies(node, destination, keep)
        else:
            node.backup(destination)
    say(f"{destination} holds the whole node. Keep it where only you can read it.")


@click.command(cls=Command)
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path))
def restore(source: Path) -> None:
    """Put the backup SRC into the new directory --data DIR. The node goes on as its own next incarnation."""
    restore_backup(source, data_directory())
    say(f"{data_directory()} holds the node again. Whatever it wrote after the backup comes back from its neighbours.")


@click.command(cls=Command)
@click.confirmation_option(
    prompt="Is it certain that no other copy of this node is running, and that nobody has newer data?"
)
def reopen() -> None:
    """Confirm that nobody will bring what this node may have lost: it goes on as its own next incarnation."""
    with opened_node() as node:
        if node.trouble is None:
            say("This node may write already; nothing was changed.")
            return
        node.confirm_lost_tail()
    say("The node goes on as its own next incarnation.")


COMMANDS: Final = (doctor, verify, rebuild, backup, restore, reopen)
