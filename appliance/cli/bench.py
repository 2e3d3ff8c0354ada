"""`hedgerow bench`: figures that anybody can measure again."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from appliance.bench import air as air_figures
from appliance.bench import carrying as bundle_figures
from appliance.bench import idle as idle_figures
from appliance.bench import portal as portal_figures
from appliance.bench import scale as scale_figures
from appliance.bench.rows import ROWS
from appliance.bench.witness import verified
from appliance.cli.terminal import as_json, complain, say_json, say_table
from appliance.errors import MeasurementFault

NO: Final = 1


@click.group()
def bench() -> None:
    """Measure this program; bytes and airtime are exact."""


@bench.command()
@as_json
@click.option(
    "--workload", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Payments, one JSON object a line."
)
@click.option(
    "--new",
    type=click.IntRange(1, 1000),
    default=100,
    help="How many of the last lines are news; the rest is the base.",
)
def air(as_json: bool, workload: Path | None, new: int) -> int:
    """What sync costs the air, captured packet by packet and verified by a second process."""
    try:
        figures = air_figures.measure(workload, new)
    except MeasurementFault as fault:
        return complain(str(fault), NO)
    rows = [row.shown(figures) for row in ROWS]
    if as_json:
        _say("air", figures, air_figures.PEERS, as_json, rows=rows)
    else:
        say_table(("figure", "value", "aim", "floor", "others"), [_cells(row) for row in rows])
    return 0


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a row for people: numbers as short as they can be, the others with their names."""
    numbers = ("-" if row[key] is None else f"{row[key]:.6g}" for key in ("value", "aim", "floor"))
    return (row["figure"], *numbers, ", ".join(f"{name} {value:g}" for name, value in row["others"].items()))


@bench.command()
@as_json
def portal(as_json: bool) -> int:
    """What a search of two thousand zines costs, beside the same questions asked of SQLite by hand."""
    _say("portal", *portal_figures.measure(), as_json)
    return 0


@bench.command()
@as_json
def scale(as_json: bool) -> int:
    """What the engine takes of processor and memory at twenty and a thousand logs, and where its time goes."""
    figures, profiles = scale_figures.measure()
    listed = {name: [line._asdict() for line in lines] for name, lines in profiles.items()}
    _say("scale", figures, {}, as_json, aims=scale_figures.AIMS, **listed)
    if not as_json:
        for name, lines in profiles.items():
            cells = [(line.function, str(line.calls), f"{line.own_share:.1%}") for line in lines]
            say_table((name.replace("_", " "), "calls", "own share"), cells)
    return 0


@bench.command()
@as_json
def bundle(as_json: bool) -> int:
    """What writing and reading a bundle takes, beside cp and b2sum of the same bytes."""
    try:
        figures = bundle_figures.measure()
    except MeasurementFault as fault:
        return complain(str(fault), NO)
    _say("bundle", figures, {}, as_json, aims=bundle_figures.AIMS)
    return 0


@bench.command()
@as_json
@click.option("--radio", default="", help="A Meshtastic device on the network, host:port, for the radio's process.")
@click.option("--hours", type=click.FloatRange(0.1, 24), default=24, help="How much of each day is played.")
@click.option("--watched", type=click.FloatRange(1, 3600), default=60, help="Seconds for which the node is left alone.")
def idle(as_json: bool, radio: str, hours: float, watched: float) -> int:
    """What a node writes to its card on an idle and on a busy day, and what it takes of memory and processor. Needs root."""
    try:
        figures = idle_figures.measure(radio, hours, watched)
    except MeasurementFault as fault:
        return complain(str(fault), NO)
    _say("idle", figures, {}, as_json, aims=idle_figures.AIMS)
    return 0


def _say(
    name: str, figures: dict[str, float], peers: dict[str, int] | dict[str, float], as_json: bool, **more: object
) -> None:
    if as_json:
        machine = f"{platform.machine()}, Python {platform.python_version()}"
        say_json({"name": name, "figures": figures, "peers": peers, **more, "machine": machine})
    else:
        say_table(("figure", "value"), [(key, f"{value:.2f}") for key, value in figures.items()])


@bench.command(hidden=True)
@click.argument("capture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--workload", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--new", type=click.IntRange(1, 1000), default=100)
def witness(capture: Path, workload: Path | None, new: int) -> int:
    """Verify captured packets in a process that knows nothing of the news; exit 1 unless they bring exactly the news."""
    count = verified(capture, new, workload)
    say_json({"verified": count})
    return 0 if count == new else NO


COMMANDS: Final = (bench,)
