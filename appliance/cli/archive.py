"""`hedgerow zine`: the archive."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from appliance.archive.paper import PAPERS
from appliance.cli.nodes import opened_node
from appliance.cli.terminal import Commands, as_json, say, say_json, say_table, write_whole
from appliance.desks.printing import read_order
from appliance.errors import SettingsFault
from appliance.library import Rack, Zine, ZineForm
from appliance.node import Node

CHUNK: Final = 1 << 16
REMOVED: Final = {
    "place": "the place where it was taken",
    "camera": "the camera's name",
    "moment": "when it was made",
    "people": "names of people",
    "program": "the program it was made with",
    "notes": "hidden notes",
    "thumbnail": "small copies of the picture",
    "attachment": "files that hung on it",
    "script": "what would have run by itself",
    "form": "forms to fill in",
    "outside": "what would have been loaded from elsewhere",
    "tags": "names and notes within the sound",
    "picture": "the picture within the sound",
}


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
    """Put FILE on the shelf: Markdown, text, HTML, PDF, EPUB, a picture or sound. Tells what was taken out of it."""
    try:
        content = file.open("rb")
    except OSError as fault:
        raise SettingsFault(f"{file} cannot be read: {fault.strerror}. Check its name.") from fault
    with content, opened_node() as node:
        kept = node.publish(ZineForm(tags=tags, **said), content, file.name, None)
    if as_json:
        say_json(asdict(kept))
    else:
        say(f"{kept.id}\n{kept.title} is on the shelf." + told_removed(kept.removed))


def told_removed(names: tuple[str, ...]) -> str:
    """Return a sentence about what was taken out of a file, after a space; nothing where nothing was."""
    return f" Taken out of it before: {', '.join(REMOVED[name] for name in names)}." if names else ""


@zine.command("list")
@click.argument("query", default="")
@click.option(
    "--rack",
    type=click.Choice([rack.value for rack in Rack]),
    default=Rack.OPEN.value,
    show_default=True,
    help="Where they stand; open is everything that is not hidden.",
)
@as_json
def list_zines(query: str, rack: str, as_json: bool) -> None:
    """List the zines, or those that hold every word of QUERY."""
    with opened_node() as node:
        found = list(_all(node, query, Rack(rack)))
    if as_json:
        say_json({"zines": [asdict(one) for one in found]})
        return
    rows: list[Any] = []
    for one in found:
        place = "here" if one.is_here else "asked for" if one.wanted else "elsewhere"
        stands = "hidden" if one.hidden else "shelf" if one.shelved else "arrived"
        rows.append((one.id, one.language, place, stands, one.title))
    say_table(("id", "language", "file", "stands", "title"), rows)


def _all(node: Node, query: str, rack: Rack) -> Iterator[Zine]:
    page = node.zines(query, rack=rack)
    yield from page.rows
    while page.older:
        page = node.zines(query, page.older, rack=rack)
        yield from page.rows


@zine.command()
@click.argument("zine_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--off", is_flag=True, help="Take them off it instead.")
def shelve(zine_ids: tuple[str, ...], off: bool) -> None:
    """Put zines that arrived from elsewhere on the shelf; their files are fetched."""
    with opened_node() as node:
        if off:
            node.leave(zine_ids)
        else:
            node.shelve(zine_ids)
    say("They are off the shelf." if off else "They are on the shelf.")


@zine.command()
@click.argument("zine_id", metavar="ID")
@click.option("--undo", is_flag=True, help="Put it back where it was.")
def hide(zine_id: str, undo: bool) -> None:
    """Put zine ID away at this node: not listed, found, handed out or carried on."""
    with opened_node() as node:
        if undo:
            node.unhide(zine_id)
        else:
            node.hide(zine_id)
    say("It is where it was." if undo else "It is put away; nobody sees it here until you put it back.")


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


@zine.command("print")
@click.argument("zine_id", metavar="ID")
@click.option("--layout", type=click.Choice(["mini", "booklet", "pages"]), default="booklet", show_default=True)
@click.option("--paper", type=click.Choice(list(PAPERS)), default="A4", show_default=True)
@click.option(
    "--flip",
    type=click.Choice(["short", "long"]),
    default="short",
    show_default=True,
    help="The edge about which the printer turns paper.",
)
@click.option("--single-sided", is_flag=True, help="All fronts, then all backs: for printers that print on one side.")
@click.option("--last-first", is_flag=True, help="With --single-sided: backs begin with the last sheet.")
@click.option("--margin", default=0.0, metavar="MM", help="What the printer cannot reach at the edges.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), required=True)
def print_zine(zine_id: str, layout: str, paper: str, margin: float, output: Path, **printer: Any) -> None:
    """Make zine ID ready to print and fold, as a PDF. Lay wide, at 100 per cent."""
    order = read_order(layout, paper, _turning(**printer), margin)
    with opened_node() as node, node.print_zine(zine_id, order) as sheets:
        chunks = iter(partial(sheets.read, CHUNK), b"")
        if str(output) == "-":
            sys.stdout.buffer.writelines(chunks)
        else:
            write_whole(output, chunks)


def _turning(flip: str, single_sided: bool, last_first: bool) -> str:
    if single_sided:
        return "by-hand-last-first" if last_first else "by-hand"
    return f"{flip}-edge"


@zine.command()
@click.argument("zine_id", metavar="ID")
def withdraw(zine_id: str) -> None:
    """Take zine ID back, everywhere. Only the node that published it can."""
    with opened_node() as node:
        node.withdraw_zine(zine_id, None)
    say("It is taken back; other nodes will follow when they hear of it.")


COMMANDS: Final = (zine,)
