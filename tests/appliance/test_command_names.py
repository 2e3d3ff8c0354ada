"""Every command is found under its name, and says in a sentence what it does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click
import pytest

import appliance.cli
from appliance.cli import SHELVES, hedgerow

QUIET = {"__init__", "__main__", "terminal", "nodes", "battery"}  # modules without commands
KEPT = (  # names that scripts and people hold on to
    *("init", "run", "portal", "gossip", "demo", "status", "doctor", "verify", "rebuild", "invite", "pay", "balance"),
    *("peer add", "peer list", "member add", "member list", "ledger export", "backup", "restore", "bench air"),
    *("zine add", "zine list", "zine get", "zine withdraw", "bundle export", "bundle import", "bundle show"),
    *("radio", "reopen", "simulate", "provision", "stick exchange"),
)


def found(words: str) -> click.Command:
    command: click.Command = hedgerow
    for word in words.split():
        assert isinstance(command, click.Group)
        inner = command.get_command(click.Context(command), word)
        assert inner, f"there is no command {words}"
        command = inner
    return command


@pytest.mark.parametrize("words", KEPT)
def test_a_kept_name_is_there_and_explained(words: str) -> None:
    help_text = found(words).help
    assert help_text
    assert help_text.endswith(".")


def test_every_module_of_commands_is_on_the_shelf() -> None:
    modules = {file.stem for file in Path(appliance.cli.__file__).parent.glob("*.py")} - QUIET
    assert set(SHELVES) == modules


@pytest.mark.parametrize("module", SHELVES)
def test_the_shelf_names_what_the_module_has(module: str) -> None:
    commands = import_module(f"appliance.cli.{module}").COMMANDS
    assert {command.name for command in commands} == set(SHELVES[module])


def test_where_a_node_is_expected_its_directory_may_be_named_last() -> None:
    for words in KEPT:
        if words not in ("bench air", "simulate"):
            assert any(parameter.name == "data" for parameter in found(words).params), words
