"""`hedgerow simulate`: whole neighbourhoods in one process. The same seed gives the same result, on any machine."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path
from shlex import join
from typing import Final

import click

from appliance.cli.terminal import as_json, complain, say_json, say_table
from appliance.simulation.running import run
from appliance.simulation.scenario_file import HOURS_MAX, NODES_MAX, RECORDS_MAX, Wishes, read_scenario
from mesh.airtime import PRESETS
from mesh.simulation.outcome import Outcome

NO: Final = 1


@click.command()
@as_json
@click.argument("scenario", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--nodes", type=click.IntRange(2, NODES_MAX), help="How many nodes, where the file lists no links.")
@click.option("--hours", type=click.FloatRange(0.1, HOURS_MAX), help="How long the run takes, in hours.")
@click.option("--records", type=click.IntRange(0, RECORDS_MAX), help="How many records are written.")
@click.option("--loss", type=click.FloatRange(0, 1), help="The share of packets that each link loses.")
@click.option("--preset", type=click.Choice([*PRESETS]), help="The modem preset of all radios.")
@click.option("--seed", type=click.IntRange(0), help="Where all chance comes from.")
def simulate(scenario: Path | None, as_json: bool, **wished: object) -> int:
    """Run the street of a file, or one drawn by chance; exit 1 unless it does what is expected and breaks no rule."""
    wishes = Wishes(**wished)  # type: ignore[arg-type] # click looked at each of them
    street = read_scenario(scenario, wishes)
    outcome = run(street)
    figures = outcome.figures()
    if as_json:
        say_json(figures)
    else:
        say_table(("figure", "value"), [(name, str(value)) for name, value in figures.items() if name != "violations"])
    return _judge(outcome, _again(scenario, street.seed, wishes))


def _again(scenario: Path | None, seed: int, wishes: Wishes) -> str:
    """Return the one command that runs the same once more."""
    words = ["hedgerow", "simulate", *([str(scenario)] if scenario else [])]
    for name in ("nodes", "hours", "records", "loss", "preset"):
        value = getattr(wishes, name)
        words += [] if value is None else [f"--{name}", str(value)]
    return join([*words, "--seed", str(seed)])


def _commit() -> str:
    """Return the commit of the checkout that runs, in brackets; nothing where there is none, as on a node's card."""
    checkout = Path(__file__).parents[2]
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        has_git = (checkout / ".git").exists()
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10) if has_git else None
    except (OSError, subprocess.SubprocessError):
        return ""
    return f" ({told.stdout.strip()})" if told else ""


def _judge(outcome: Outcome, again: str) -> int:
    complaints = [*outcome.violations, *outcome.disappointments()]
    if not complaints:
        return 0
    program = f"Hedgerow {version('hedgerow')}{_commit()}"
    replay = f"{program}, seed {outcome.scenario.seed}. To see it again: {again}"
    return complain("\n".join([*complaints, replay]), NO)


COMMANDS: Final = (simulate,)
