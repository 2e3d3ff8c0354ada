"""`hedgerow zine`: the archive."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from appliance.answers import Zine, ZineForm
from appliance.cli.nodes import opened_node
from appliance.cli.terminal import Commands, as_json, say, say_json, say_table, write_whole
from appliance.errors import SettingsFault
from appliance.node import Node

CHUNK: Final = 1 << 16


@click.group(cls=Commands)
def zine() -> None:
    """Zines: put on the shelf, find, take out, take back."""


@zine.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--title", required=True)
@click.option("--creator", default="")
@click.option("--language", default="en", show_default=True, help="A code such as en or es.")
@click.option("--tag", "tags", multiple=True, help="May be given more than once.")
@click.option("--description", default="")
@click.option("--series", default="")
@click.option("--issue", default="")
@click.option("--licence", default="")
@as_json
def add(file: Path, tags: tuple[str, ...], as_json: bool, **said: str) -> None:
    """Put FILE, Markdown or plain text, on the shelf."""
    try:
        content = file.open("rb")
    except OSError as fault:
        raise SettingsFault(f"{file} cannot be read: {fault.strerror}. Check its name.") from fault
    with content, opened_node() as node:
        kept = node.publish(ZineForm(tags=tags, **said), content, file.name, None)
    if as_json:
        say_json(asdict(kept))
    else:
        say(f"{kept.id}\n{kept.title} is on the shelf.")


@zine.command("list")
@click.argument("query", default="")
@as_json
def list_zines(query: str, as_json: bool) -> None:
    """List the shelf, or what holds every word of QUERY."""
    with opened_node() as node:
        found = list(_all(node, query))
    if as_json:
        say_json({"zines": [asdict(one) for one in found]})
        return
    rows: list[Any] = []
    for one in found:
        place = "here" if one.is_here else "asked for" if one.wanted else "elsewhere"
        rows.append((one.id, one.language, place, one.title))
    say_table(("id", "language", "file", "title"), rows)


def _all(node: Node, query: str) -> Iterator[Zine]:
    page = node.zines(query)
    yield from page.rows
    while page.older:
        page = node.zines(query, page.older)
        yield from page.rows


@zine.command("get")
@click.argument("zine_id", metavar="ID")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), required=True)
def get_zine(zine_id: str, output: Path) -> None:
    """Copy the file of zine ID; `-o -` prints it. A file that is not here yet is asked for."""
    with opened_node() as node:
        node.ask_for(zine_id)
        chunks = _chunks(node.zine_file(zine_id).path)
        if str(output) == "-":
            sys.stdout.buffer.writelines(chunks)
        else:
            write_whole(output, chunks)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


@zine.command()
@click.argument("zine_id", metavar="ID")
def withdraw(zine_id: str) -> None:
    """Take zine ID back, everywhere. Only the node that published it can."""
    with opened_node() as node:
        node.withdraw_zine(zine_id, None)
    say("It is taken back; other nodes will follow when they hear of it.")


COMMANDS: Final = (zine,)
