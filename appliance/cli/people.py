"""`hedgerow member | invite | peer`: who lives here, and who is next door."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from appliance.answers import MemberCard
from appliance.cli.node import small_file
from appliance.cli.nodes import opened_node
from appliance.cli.terminal import (
    Command,
    Commands,
    as_json,
    output,
    say,
    say_json,
    say_table,
    write_whole,
)


@click.group(cls=Commands)
def member() -> None:
    """Neighbours whose accounts are kept at this node."""


@member.command("add")
@click.argument("name")
@click.option("--pin", help="4 to 12 digits; without it one is drawn.")
@click.option("--keeper", is_flag=True, help="May look after the node.")
@as_json
def add_member(name: str, pin: str | None, keeper: bool, as_json: bool) -> None:
    """Open an account for NAME and print the paper card."""
    with opened_node() as node:
        card = node.add_member(name, pin, keeper)
    _hand_out(card, as_json)


@member.command("pin")
@click.argument("name")
@click.option("--pin", help="4 to 12 digits; without it one is drawn.")
@as_json
def renew_pin(name: str, pin: str | None, as_json: bool) -> None:
    """Give NAME, who lost the card or forgot the PIN, another one, and print the new paper card."""
    with opened_node() as node:
        card = node.renew_pin(name, pin)
    _hand_out(card, as_json)


def _hand_out(card: MemberCard, as_json: bool) -> None:
    if as_json:
        say_json({"account": asdict(card.account), "pin": card.pin, "node": card.node_name, "address": card.address})
    else:
        say(_paper_card(card))


def _paper_card(card: MemberCard) -> str:
    lines = (f"{card.account.name} of {card.node_name}", f"PIN  {card.pin}", f"Open {card.address}")
    rule = "-" * (max(map(len, lines)) + 4)
    return "\n".join((rule, *(f"  {line}" for line in lines), rule))


@member.command("list")
@as_json
def list_members(as_json: bool) -> None:
    """List every neighbour of the commons who is known here."""
    with opened_node() as node:
        accounts = node.accounts()
    if as_json:
        say_json({"members": [asdict(account) for account in accounts]})
    else:
        rows = [(account.name or "(name withdrawn)", account.home_name, account.id) for account in accounts]
        say_table(("name", "home", "account"), rows)


@click.command(cls=Command)
@output
def invite(output: Path | None) -> None:
    """Write a file that lets one new node join this commons. Give it from hand to hand: it holds the commons' key."""
    with opened_node() as node:
        content = node.invite()
    if output:
        write_whole(output, iter((content,)), secret=True)
    else:
        say(content.decode().strip())


@click.group(cls=Commands)
def peer() -> None:
    """Other nodes."""


@peer.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def add_peer(file: Path, as_json: bool) -> None:
    """Take in the FILE by which another node introduces itself."""
    content = small_file(file)
    with opened_node() as node:
        neighbour = node.add_peer(content)
    if as_json:
        say_json(asdict(neighbour))
    else:
        say(f"{neighbour.name} is known here now.")


@peer.command("list")
@as_json
def list_peers(as_json: bool) -> None:
    """List the other nodes, those heard last first."""
    with opened_node() as node:
        neighbours = node.neighbours()
    if as_json:
        say_json({"peers": [asdict(neighbour) for neighbour in neighbours]})
        return
    rows: list[Any] = []
    for one in neighbours:
        heard = "never" if one.heard_s is None else f"{one.heard_s} s ago"
        rows.append((one.name, heard, one.road, "yes" if one.holds_ours else "not yet", one.node_id))
    say_table(("name", "heard", "road", "holds ours", "id"), rows)


@peer.command("introduce")
@output
def introduce(output: Path | None) -> None:
    """Write the file that introduces this node to another."""
    with opened_node() as node:
        content = node.introduction()
    if output:
        write_whole(output, iter((content,)))
    else:
        say(content.decode().strip())


COMMANDS: Final = (member, invite, peer)
