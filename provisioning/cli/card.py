"""`hedgerow provision disks | write | copy`: which card is meant, and what is written to it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from appliance import papers as papers_of
from appliance import seed as seeds
from appliance.cli.terminal import as_json, say, say_json, write_whole
from appliance.errors import Refused, SettingsFault
from appliance.handover import Handover
from appliance.next_card import drawn
from appliance.seed import Seed
from appliance.updates import held, keepers, slots
from provisioning import copying, fat, number, reader, writing
from provisioning import disks as machine
from provisioning.cli import NODE_FILE
from provisioning.disks import Danger, Disk
from provisioning.writing import Phase, Progress

Command = Callable[..., None]

INSERT_S: Final = 120
LOOK_S: Final = 1.0


@click.command("disks")
@as_json
def list_disks(as_json: bool) -> None:
    """Show every disk, and why it may not be written to."""
    rows = [(disk, _objection(disk)) for disk in machine.disks() if disk.size_bytes]
    if as_json:
        say_json({"disks": [{"name": disk.name, "words": disk.in_words, "danger": why} for disk, why in rows]})
        return
    for disk, why in rows:
        say(f"{disk.in_words}\n    {why or 'may be written to'}")


def _objection(disk: Disk) -> str:
    try:
        machine.judge(disk, 0)
    except Refused as refusal:
        return str(refusal)
    return ""


CARD_OPTIONS: Final = (
    click.option(
        "--disk", "name", help="The card's name, such as sdb; without it, the card that is put in now is taken."
    ),
    click.option(
        "--file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file instead, for a program that writes cards.",
    ),
    click.option(
        "--model", default="", help="What a very large card calls itself, typed as a sign that it is the right one."
    ),
    click.option(
        "--papers", type=click.Path(path_type=Path, dir_okay=False), help="Where poster and cards go, as PDF."
    ),
    click.option("--yes", is_flag=True, help="Do not ask before writing."),
)


def card_options(command: Command) -> Command:
    """Let a command be told which card to write to, and where the papers go."""
    for option in reversed(CARD_OPTIONS):
        command = option(command)
    return command


@click.command()
@NODE_FILE
@click.option("--image", "image", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@card_options
def write(node_yaml: Path, image: Path, papers: Path | None, **card: Any) -> None:
    """Write a card for the node of NODE.YAML, and read back every byte of it."""
    seed = drawn(seeds.read_whole(node_yaml, seeds.DATA))
    keys = _update_keys(node_yaml)
    writing.check_image(image)
    if card["file"] and card["file"].exists() and card["file"].samefile(image):
        raise _not_ours(image)
    device = _device(seed, image.stat().st_size, **card)
    papers = _papers(node_yaml, seed, papers)
    with _furnished(seed, keys, image) as layers:
        say(slip(seed, image.name, _written(layers, device), papers))


@click.command()
@NODE_FILE
@card_options
def copy(node_yaml: Path, papers: Path | None, **card: Any) -> None:
    """On a node, as root: write the card of the next one from the card that runs, and read back every byte of it."""
    seed = drawn(seeds.read_whole(node_yaml, seeds.DATA))
    with copying.copied(slots.find(), seed) as layers:
        device = _device(seed, layers.size_bytes, **card)
        papers = _papers(node_yaml, seed, papers)
        say(slip(seed, "the card that runs", _written(layers, device), papers))


@click.command("write-wished", hidden=True)
def write_wished() -> None:
    """Write the card that a keeper's page wishes for, in a reader of this node."""
    say(reader.Reader(Handover(), lambda seed: copying.copied(slots.find(), seed)).carry_out())


def _update_keys(node_yaml: Path) -> list[Path]:
    """Return the list of those who may sign updates, where one lies beside the node's answers. Raises `Refused`."""
    file = node_yaml.with_name(held.KEYS)
    if not file.exists():
        return []
    keepers.parse(file.read_text("utf-8-sig", "replace"))
    return [file]


def _papers(node_yaml: Path, seed: Seed, wanted: Path | None) -> Path:
    papers = wanted or node_yaml.with_name(f"{node_yaml.stem}-papers.pdf")
    write_whole(papers, iter([papers_of.sheets(seed, "A4")]), secret=True)
    return papers


def _device(seed: Seed, needed: int, *, file: Path | None, yes: bool, **card: Any) -> Path:
    return _file(file, needed) if file else _chosen(seed, needed, yes, **card)


def _file(file: Path, size: int) -> Path:
    """Make a file as large as a card's, for a program that writes cards; a device is never taken for one.

    One of just that size may be what an earlier run began, and is gone on with. Any other is somebody's.
    """
    if file.exists() and not file.is_file():
        raise SettingsFault(f"{file} is no file. A card is named with --disk.")
    if file.exists() and file.stat().st_size not in {0, size}:
        raise _not_ours(file)
    try:
        with file.open("ab") as target:
            target.truncate(size)
            file.chmod(0o600)
    except OSError as fault:
        raise SettingsFault(f"{file} cannot be written: {fault.strerror}. Choose another place.") from fault
    return file


def _not_ours(file: Path) -> SettingsFault:
    return SettingsFault(f"{file} is there already, and is no card of ours. Nothing was written; choose another name.")


def _chosen(seed: Seed, needed: int, yes: bool, *, name: str | None, model: str) -> Path:
    """Return the card's device, once it was judged, shown and agreed to, and is still the same."""
    disk = machine.named(name) if name else _inserted()
    machine.judge(disk, needed, model)
    say(f"{disk.in_words}\nEverything on it will be gone, and {seed.settings.name} on it instead.")
    if not yes and not click.confirm("Is this the right card?"):
        raise click.Abort
    now = machine.named(disk.name)
    if not machine.is_the_same(disk, now):
        raise Refused(Danger.CHANGED, disk=disk.name)
    machine.judge(now, needed, model)
    return now.device


def _inserted() -> Disk:
    """Wait for the card: whatever is there already is never taken."""
    before = machine.disks()
    say("Take every card and stick out that you do not need. Now put the new card in ...")
    for _ in range(INSERT_S):
        time.sleep(LOOK_S)
        if disk := machine.arrived(before, machine.disks()):
            time.sleep(LOOK_S)  # its parts are named a moment later
            return machine.named(disk.name)
    raise Refused(Danger.NONE_CAME, seconds=INSERT_S)


@contextmanager
def _furnished(seed: Seed, keys: Sequence[Path], image: Path) -> Iterator[writing.Layers]:
    """Yield an image with a seed on its open part and a number of its own."""
    with tempfile.TemporaryDirectory(prefix="hedgerow-card-") as name:
        room = Path(name)
        told = room / seeds.FILE_NAME
        seeds.write(seed, told)
        place = fat.fat_partition(image)
        over = fat.furnished(image, place, [told, *seed.beside, *keys], room / "fat")
        own = number.given(number.drawn(), image, over, room)
        yield writing.of_image(image, writing.Layer(over, *place), *own)


def _written(layers: writing.Layers, device: Path) -> writing.Written:
    shown = _Shown()
    done = writing.write(layers, device, shown.tell)
    shown.end()
    return done


class _Shown:
    """Progress on the terminal: a line for each phase, and a step for each twentieth of it."""

    def __init__(self) -> None:
        self._phase: Phase | None = None
        self._step = 0

    def tell(self, progress: Progress) -> None:
        if progress.phase is not self._phase:
            self.end()
            self._phase, self._step = progress.phase, 0
            click.echo(f"{progress.phase.value} ", nl=False, err=True)
        while self._step * progress.whole_bytes < 20 * progress.done_bytes:
            self._step += 1
            click.echo(".", nl=False, err=True)

    def end(self) -> None:
        if self._phase:
            click.echo("", err=True)


def slip(seed: Seed, source: str, done: writing.Written, papers: Path) -> str:
    """Return what the keeper reads at the end. The fingerprint is of every byte that lies on the card."""
    groups = " ".join(done.fingerprint[at : at + 8] for at in range(0, 32, 8))
    return "\n".join(
        (
            f"The card of {seed.settings.name} is ready: {machine.human(done.size_bytes)} of {source}, each byte read back.",
            f"Written anew: {machine.human(done.written_bytes)}. Fingerprint {groups}",
            f"Print {papers}, hang the poster up, and keep the keeper's card to yourself.",
            "Put the card into the node and give it power. Its WiFi is there after some minutes.",
        )
    )


COMMANDS: Final[Sequence[click.Command]] = (list_disks, write, copy, write_wished)
