"""`hedgerow provision check | cards | image`: what a card is made from: the answers, the papers, the image."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import click

from appliance import papers as papers_of
from appliance import seed as seeds
from appliance.cli.terminal import as_json, output, say, say_json, write_whole
from appliance.seed import Seed
from appliance.store.migrations import MIGRATIONS
from appliance.updates.making import Contents
from provisioning import assembling, building
from provisioning import disks as machine
from provisioning.cli import NODE_FILE


@click.command()
@NODE_FILE
@as_json
def check(node_yaml: Path, as_json: bool) -> None:
    """Say what NODE.YAML means, or what is wrong in it and what to write instead."""
    seed = seeds.read_whole(node_yaml, seeds.DATA)
    facts = _facts(seed)
    if as_json:
        say_json(facts)
    else:
        say(_told(facts))


def _facts(seed: Seed) -> dict[str, Any]:
    assert seed.wifi
    assert seed.keeper
    found = seed.settings
    return {
        "name": found.name,
        "commons": None if seed.invite else found.commons,
        "invite": seed.invite.name if seed.invite else None,
        "currency": None if seed.invite else seed.currency,
        "address": found.address,
        "region": found.region,
        "roads": len(found.roads),
        "wifi": {"name": seed.wifi.name, "country": seed.wifi.country, "secured": not seed.wifi.is_open},
        "keeper": seed.keeper.name,
    }


def _told(facts: dict[str, Any]) -> str:
    wifi = facts["wifi"]
    commons = (
        f"joins a commons by {facts['invite']}"
        if facts["invite"]
        else f"founds {facts['commons']}, which counts {facts['currency']}"
    )
    lock = "with a password" if wifi["secured"] else "OPEN to everybody"
    return "\n".join(
        (
            f"{facts['name']} {commons}.",
            f"WiFi {wifi['name']} ({lock}, by the law of {wifi['country']}); pages at {facts['address']}",
            f"Keeper {facts['keeper']}; radio region {facts['region']}, {facts['roads']} roads in {seeds.FILE_NAME}.",
            "Everything in it is well. Nothing was written.",
        )
    )


@click.command()
@NODE_FILE
@click.option("--paper", "sheet", type=click.Choice(["A4", "Letter"]), default="A4", show_default=True)
@output
def cards(node_yaml: Path, sheet: str, output: Path | None) -> None:
    """Print the wall poster, the keeper's card and the courier's card, as PDF."""
    target = output or node_yaml.with_name(f"{node_yaml.stem}-papers.pdf")
    write_whole(target, iter([papers_of.sheets(seeds.read_whole(node_yaml, seeds.DATA), sheet)]), secret=True)
    say(f"{target} holds three pages: for the wall, for the keeper, for who carries.")


@click.command()
@click.option("-o", "--output", "target", required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--architecture", type=click.Choice(building.ARCHITECTURES), default="arm64", show_default=True)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), default=".cache", show_default=True)
@click.option(
    "--update", "makes_update", is_flag=True, help="Also the update that brings cards of before to this version."
)
def image(target: Path, architecture: str, keep: Path, makes_update: bool) -> None:
    """Build the image of a card, as root, from Debian's packages and this very software.

    The first one takes up to forty minutes, later ones a few: what Debian gives is kept.
    """
    with tempfile.TemporaryDirectory(prefix="hedgerow-image-", dir=target.parent) as room:
        base = building.base(architecture, keep, say)
        twin = building.base("amd64", keep, say) if architecture == "arm64" else None
        system = building.system(base, Path(room) / "system", say, twin)
        say("Putting the card together ...")
        assembling.keep_list(system, target)
        brings = Contents(version("hedgerow"), architecture, len(MIGRATIONS), system, system) if makes_update else None
        assembling.assemble(system, target, Path(room), brings)
    say(f"{target} holds {machine.human(target.stat().st_size)}; its fingerprint and its packages lie beside it.")


COMMANDS: Final[Sequence[click.Command]] = (check, cards, image)
