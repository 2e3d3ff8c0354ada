"""`hedgerow bundle`: records and files as one file, carried by hand."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, Final

import click

from appliance.cli.nodes import opened_node
from appliance.cli.terminal import Commands, as_json, say, say_json
from appliance.desks.waybill import Waybill
from appliance.errors import SettingsFault


@click.group(cls=Commands)
def bundle() -> None:
    """What a courier carries."""


@bundle.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--for", "for_node", metavar="NODE", help="Leave out what this node is known to hold.")
@click.option("--max-bytes", type=click.IntRange(min=1024), help="The size of the stick.")
def export(file: Path, for_node: str | None, max_bytes: int | None) -> None:
    """Write a bundle to FILE."""
    part = file.with_name(f"{file.name}.part")
    try:
        with opened_node() as node, part.open("wb") as target:
            node.export_bundle(target, for_node, max_bytes)
        part.replace(file)
    except OSError as fault:
        raise SettingsFault(f"{file} cannot be written: {fault.strerror}. Choose another place.") from fault
    finally:
        part.unlink(missing_ok=True)
    say(f"{file} holds {file.stat().st_size} bytes.")


@bundle.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@as_json
def import_(file: Path, as_json: bool) -> None:
    """Take in what FILE brings, from its beginning to its first tear."""
    with _opened(file) as source, opened_node() as node:
        taken = node.import_bundle(source)
    if as_json:
        say_json(asdict(taken))
        return
    say(f"{taken.records} new entries, {taken.already} known ones, {taken.blobs} files.")
    if taken.calls:
        say(f"Calls for help that nobody here had heard: {taken.calls}.")
    if taken.waiting:
        say(f"{taken.waiting} entries wait for others that are not here yet.")
    if taken.torn:
        say("The bundle is torn: what came before the tear is kept.")


@bundle.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@as_json
def show(file: Path, as_json: bool) -> None:
    """Tell what FILE holds; it changes nothing."""
    with _opened(file) as source, opened_node() as node:
        bill = Waybill.read(source, {node.commons: node.commons_key})
    if as_json:
        say_json(bill.facts())
        return
    say(f"A bundle of node {bill.writer}: {bill.records} entries and {len(bill.files)} files.")
    if bill.calls:
        say(f"Calls for help: {bill.calls}.")
    if bill.sealed_for_others:
        say(f"{bill.sealed_for_others} sections are sealed for another commons.")
    if not bill.whole:
        say("It is torn: this is what stands before the tear.")


def _opened(file: Path) -> BinaryIO:
    try:
        return sys.stdin.buffer if str(file) == "-" else file.open("rb")
    except OSError as fault:
        raise SettingsFault(f"{file} cannot be read: {fault.strerror}. Check its name.") from fault


COMMANDS: Final = (bundle,)
