"""`hedgerow update`: make and sign an update, look into one, and change from one version of a card's system to another."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from appliance import settings
from appliance.cli.terminal import Commands, as_json, data_directory, say, say_json
from appliance.errors import Refused, SettingsFault
from appliance.store.migrations import MIGRATIONS
from appliance.updates import applying, held, making, proving, receipts, slots, trial
from appliance.updates import keepers as lists
from appliance.updates.applying import MIB
from appliance.updates.flaws import Flaw
from appliance.updates.header import SYSTEM
from appliance.updates.held import Wish
from appliance.updates.slots import OPEN, Card
from appliance.updates.update_file import Here, UpdateFile, check, found
from mesh.keys import NodeKey, written

READ: Final = click.Path(path_type=Path, exists=True)
WRITE: Final = click.Path(path_type=Path, dir_okay=False)
NODE: Final = Path("/var/lib/hedgerow/node")  # on a card
SHAPE: Final = len(MIGRATIONS)


@click.group(cls=Commands)
def update() -> None:
    """New versions for nodes without internet: one signed file, tried once, kept only if it holds."""


# on a keeper's own laptop


@update.command()
@click.argument("file", type=WRITE)
@click.option("--name", default="", help="Who holds it, for the list.")
def key(file: Path, name: str) -> None:
    """Make a key to sign updates with, in FILE; print the line for the list update-keys.txt."""
    say(f"key {written(making.new_key(file).public_key)}  {name}".rstrip())


@update.command()
@click.option("--system", required=True, type=READ, help="The image of a slot.")
@click.option("--boot", required=True, type=READ, help="The folder a of the card's open part.")
@click.option("--architecture", type=click.Choice(sorted(held.ARCHITECTURES.values())), default="arm64")
@click.option("--version", "number", default=version("hedgerow"), show_default=True)
@click.option("--keys", type=READ, help="A list of those who may sign the next update.")
@click.option("-o", "--output", "target", type=WRITE, help="Otherwise hedgerow-VERSION.update here.")
def make(system: Path, boot: Path, architecture: str, number: str, keys: Path | None, target: Path | None) -> None:
    """Make an update, not signed yet, from an image that `hedgerow provision image` built."""
    following = lists.parse(keys.read_text("utf-8")) if keys else None
    target = target or Path(f"hedgerow-{number}.update")
    header = making.make(making.Contents(number, architecture, SHAPE, system, boot, following), target)
    say(
        f"{target} brings version {number} in {target.stat().st_size // MIB} MB"
        f" ({header.system.size // MIB} MB unpacked). It needs signatures now: hedgerow update sign {target} --key FILE"
    )


@update.command()
@click.argument("file", type=READ)
@click.option("--key", "key_file", required=True, type=READ, help="Your own key.")
def sign(file: Path, key_file: Path) -> None:
    """Sign an update with your key, once each byte of it was found right."""
    key: NodeKey = making.read_key(key_file)
    making.sign(file, key)
    with closing(UpdateFile(file)) as signed:
        say(f"{file} bears {len(signed.top.seals)} signatures now, yours among them.")


@update.command()
@click.argument("stick", type=READ)
@click.option("--keys", type=READ, help="The list of those whose signatures count.")
@as_json
def show(stick: Path, keys: Path | None, as_json: bool) -> None:
    """Say what an update brings and who signed it; check each byte of it."""
    known = lists.parse(keys.read_text("utf-8")) if keys else held.keepers()
    with closing(UpdateFile(found(stick))) as one:
        one.check_whole()
        header = one.top.header
        signers = [known.names.get(key, "") if known else "" for key in one.top.seals]
        facts = {
            "version": header.version,
            "architecture": header.architecture,
            "shape": header.shape,
            "bytes": one.top.whole_size,
            "system_bytes": header.system.size,
            "files": [part.name for part in header.boot_files],
            "signatures": [{"key": written(key), "name": who} for key, who in zip(one.top.seals, signers, strict=True)],
            "changes_keys": header.keepers is not None,
        }
    if as_json:
        say_json(facts)
        return
    who = ", ".join(name or "somebody unknown" for name in signers) or "nobody yet"
    say(f"Version {header.version} for {header.architecture}, {one.top.whole_size // MIB} MB, whole. Signed by: {who}.")
    if header.shape > SHAPE:
        say("It brings the books into a newer form: once it has shown that it holds, there is no way back.")


# on a node


@update.command()
@click.argument("stick", type=READ)
@click.option("--again", is_flag=True, help="Also a version that did not hold before.")
@click.option("--restart", "restarts", is_flag=True, help="Start the node anew at once.")
def apply(stick: Path, again: bool, restarts: bool) -> None:
    """Write the update on STICK beside the system that runs, and let it start once, on trial."""
    words = ""
    try:
        with _card() as card:
            words = _apply(stick, card, again)
    except Refused as refusal:
        words = str(refusal)
        raise
    finally:
        with suppress(Refused):
            if words and stick.is_dir():
                receipts.write(stick, *_who(), words)
    say(words)
    if restarts:
        proving.restart()


def _apply(stick: Path, card: Card, again: bool) -> str:
    ours = held.here(card.open)
    with closing(UpdateFile(found(stick))) as one:
        signers = check(one.top, held.keepers(card.open), Here(ours.version, ours.architecture) if again else ours)
        note = applying.lay(one, card, ours.version, SHAPE, _tell)
        held.stage_keepers(card.open, one.top.header.keepers)
        applying.arm(card, note)
    ways = (
        "" if note.shape <= SHAPE else " Once it holds there is no way back, for it brings the books into a newer form."
    )
    return (
        f"Version {note.version} is written, signed by {', '.join(signers)}. It starts when the node starts anew;"
        f" if it does not hold, version {note.before} starts again.{ways}"
    )


def _tell(done: int, whole: int) -> None:
    if done == whole or done % (64 * MIB) == 0:
        click.echo(f"{SYSTEM}: {done // MIB} of {whole // MIB} MB", err=True)


@update.command()
@click.option("--restart", "restarts", is_flag=True, help="Start the node anew at once.")
def rollback(restarts: bool) -> None:
    """Go back to the version before, which lies on the card still."""
    with _card() as card:
        back = trial.go_back(card)
    say(f"Version {back.version} starts when the node starts anew; version {back.before} stays on the card.")
    if restarts:
        proving.restart()


# what the services of a card run


@update.command(hidden=True)
def begin() -> None:
    """See early at each start how it came about, and mark a start on trial."""
    with suppress(Refused), _card() as card:
        proving.begin(card)


@update.command(hidden=True)
def prove() -> int:
    """Put a system on trial to the proof. Exit 1 where it does not hold."""
    return 0 if proving.holds(settings.load(data_directory()).port) else 1


@update.command(hidden=True)
def settle() -> None:
    """Keep the system that has shown that it holds."""
    with _card() as card:
        say(proving.settle(card))


@update.command("carry-out", hidden=True)
def carry_out() -> None:
    """See to what a keeper or a stick asked for (updates/wish), then start anew."""
    data = data_directory()
    wish = held.wished(data)
    if wish is None:
        held.forget_wish(data)
        return
    try:
        with _card() as card:
            words = _carry_out(wish, data, card)
    except Refused as refusal:
        held.forget_wish(data)
        proving.answer(refusal)
        say(str(refusal))
        return
    held.forget_wish(data)
    proving.answer(None)
    say(words)
    proving.restart()


def _carry_out(wish: Wish, data: Path, card: Card) -> str:
    if wish is Wish.GO_BACK:
        return f"Going back to version {trial.go_back(card).version}."
    return _apply(data / held.DIRECTORY, card, wish is Wish.AGAIN)


def _who() -> tuple[str, str]:
    """Return name and number of the node that the command is about, or that the card bears."""
    with suppress(SettingsFault, OSError, ValueError):
        found = settings.load(click.get_current_context().find_root().obj or NODE)
        return found.name, written(NodeKey(bytes.fromhex(found.key_file.read_text("ascii").strip())).node_id)
    return "A node", os.uname().nodename


@contextmanager
def _card() -> Iterator[Card]:
    """Give the card with its open part to be written to, and leave it as it was. Raises `Refused`."""
    card = slots.find()
    if os.geteuid() != 0:
        raise Refused(Flaw.KEEPERS_ONLY)
    only_reads = bool(os.statvfs(card.open).f_flag & os.ST_RDONLY)
    if only_reads:
        subprocess.run(["/usr/bin/mount", "-o", "remount,rw", str(OPEN)], check=False)
    try:
        yield card
    finally:
        if only_reads:
            subprocess.run(["/usr/bin/mount", "-o", "remount,ro", str(OPEN)], check=False)


COMMANDS: Final = (update,)
