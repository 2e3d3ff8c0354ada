"""The next card, made of the one that this node runs from: the same system, the same starter, and nothing of this node.

    table         the one of a new card, with a number of its own; slot B and the size of the data are made at its first start
    open part     made anew: the board's starter, the running system's folder as a/, and the next node's seed
    slot A        the running system, byte for byte; it is never written to while it runs
    data          an empty one that grows

So no key, no book and no password of this node can come along.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from appliance import seed as seeds
from appliance.errors import SettingsFault
from appliance.handover import ANSWERS
from appliance.seed import Seed
from appliance.updates import command_line
from appliance.updates.held import KEYS
from appliance.updates.slots import LETTERS, PREFIX, Card
from provisioning import assembling, boot_files, number
from provisioning.assembling import DATA, MIB, OPEN, SLOT, START_MIB
from provisioning.fat import FOLDER
from provisioning.writing import Layer, Layers

EXAMPLE: Final = "EXAMPLE.yaml"
# Of this node and of its slots alone; all else on the open part is the board's starter.
OWN: Final = frozenset(("config.txt", "fallback.txt", FOLDER, *LETTERS, "System Volume Information"))
# Memory first: what is secret should not lie on this node's card.
PLACES: Final = (ANSWERS, Path("/run"), Path("/var/lib/hedgerow"))
SPARE: Final = 32 * MIB


@contextmanager
def copied(card: Card, seed: Seed) -> Iterator[Layers]:
    """Yield all that is to lie on the next card. Raises `SettingsFault`, `Refused`."""
    if card.room(card.running) != SLOT.size_mib * MIB:
        raise SettingsFault("This card is laid out otherwise than cards are now. Make the next one with an image.")
    own = number.drawn()
    with tempfile.TemporaryDirectory(prefix="hedgerow-next-", dir=_place(card)) as name:
        room = Path(name)
        assembling.lay_table(room / "table", own)
        begin = START_MIB * MIB
        layers = [Layer(room / "table", 0, begin)]
        for part, file in ((OPEN, _open_part(card, seed, own, room)), (SLOT, card.slots[card.running])):
            layers.append(Layer(file, begin, part.size_mib * MIB))
            begin += part.size_mib * MIB
        layers.append(Layer(assembling.blank_data(room), begin, DATA.size_mib * MIB))
        yield Layers(layers)


def _place(card: Card) -> Path | None:
    """Return where there is room for the open part while the card is written; None for wherever this machine has it."""
    needed = SPARE + sum(file.stat().st_size for file in card.open.rglob("*") if file.is_file())
    return next(
        (place for place in PLACES if os.access(place, os.W_OK) and shutil.disk_usage(place).free > needed), None
    )


def _open_part(card: Card, seed: Seed, own: int, room: Path) -> Path:
    stage, file = room / "stage", room / "open"
    first = stage / boot_files.FIRST
    (stage / FOLDER).mkdir(parents=True)
    config = PREFIX.sub(f"os_prefix={boot_files.FIRST}/".encode(), (card.open / "config.txt").read_bytes())
    (stage / "config.txt").write_bytes(config)
    first.mkdir()
    line = (card.folder(card.running) / command_line.FILE).read_bytes()
    (first / command_line.FILE).write_bytes(command_line.naming(line, own, slot=0))
    seeds.write(seed, stage / FOLDER / seeds.FILE_NAME)
    assembling.blank_open_part(file)
    starter = sorted(path for path in card.open.iterdir() if path.name not in OWN)
    assembling.copy_into(file, [*starter, *sorted(stage.iterdir())], "::")
    system = sorted(path for path in card.folder(card.running).iterdir() if path.name != command_line.FILE)
    assembling.copy_into(file, system, f"::{boot_files.FIRST}")
    assembling.copy_into(file, _beside(card, seed), f"::{FOLDER}")
    shutil.rmtree(stage)
    return file


def _beside(card: Card, seed: Seed) -> Sequence[Path]:
    """The next node believes the same keepers' signatures on updates."""
    ours = [card.open / FOLDER / name for name in (EXAMPLE, KEYS)]
    return [*seed.beside, *(file for file in ours if file.exists())]
