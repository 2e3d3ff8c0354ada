"""How commands speak, and how they find their node: `--data DIR` before or after the command's name, or HEDGEROW_DATA."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from appliance import processes
from appliance.answers import Currency
from appliance.errors import SettingsFault
from appliance.ledger.amounts import write_amount

VARIABLE: Final = "HEDGEROW_DATA"


def _remember(context: click.Context, _: click.Parameter, data: Path | None) -> None:
    if data is not None:
        context.find_root().obj = data


def _data_option(envvar: str | None) -> click.Option:
    return click.Option(
        ["--data"],
        type=click.Path(path_type=Path),
        envvar=envvar,
        expose_value=False,
        is_eager=True,
        callback=_remember,
        metavar="DIR",
        help=f"The node's data directory; also from {VARIABLE}.",
    )


class Command(click.Command):
    """A command that works on one node's data directory."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self.params.append(_data_option(None))


class Commands(click.Group):
    """A group of such commands."""

    command_class = Command

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self.params.append(_data_option(VARIABLE))


Commands.group_class = Commands

as_json: Final = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
output: Final = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of standard output."
)


def child_of(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the hidden option by which a process of ours asks to die with its parent."""

    def follow(_: click.Context, __: click.Parameter, parent: int | None) -> None:
        if parent is not None:
            processes.die_with(parent)

    return click.option("--parent", type=int, hidden=True, expose_value=False, is_eager=True, callback=follow)(command)


def data_directory() -> Path:
    """Return the directory the command is about. Raises `SettingsFault` where nobody named one."""
    data = click.get_current_context().find_root().obj
    if not isinstance(data, Path):
        raise SettingsFault(f"Which node? Name its directory with --data DIR, or set {VARIABLE}.")
    return data


def say(text: str) -> None:
    """Print one or more lines."""
    click.echo(text)


def say_json(facts: object) -> None:
    """Print the one JSON object of a command."""
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2))


def complain(sentence: str, code: int) -> int:
    """Say on standard error what was wrong; return the exit code."""
    click.echo(sentence, err=True)
    return code


def say_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns as wide as they must be."""
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def amount_of(amount: int, currency: Currency) -> str:
    """Return an amount with the name of its currency."""
    return f"{write_amount(amount, currency.decimals)} {currency.code}"


def write_whole(path: Path, chunks: Iterator[bytes], secret: bool = False) -> None:
    """Write a file under its name only once all of it is there. Raises `SettingsFault` where it cannot be."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            if secret:
                part.chmod(0o600)
            for chunk in chunks:
                file.write(chunk)
        part.replace(path)
    except OSError as fault:
        part.unlink(missing_ok=True)
        raise SettingsFault(f"{path} cannot be written: {fault.strerror}. Choose another place.") from fault
