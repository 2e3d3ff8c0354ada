"""The birth of a node from the seed on its card: an ordered plan that may be cut off anywhere and is done again from its start.

    taken over   the seed's files are copied to the data partition; what is secret is erased where any laptop reads
    born         the key is made here, on the node, and on no other machine before
    equipped     what its roads need of files lies in its directory
    looked after the keeper's account is opened
    told         STATUS.txt says how it went

Once born, a node takes what a keeper changes on the card at each later start (`changes`), with a secret beside it or without.

Each step asks first whether it is done, and only one that needs a whole node reads it in (`born`): at a later start, but for the
first of a new version, there is none, and the pages wait for this plan. What cannot be done is told in STATUS.txt too, in a
sentence that says what to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from appliance import seed as seeds
from appliance import settings
from appliance.card import make_directory, sync
from appliance.errors import Refused, SettingsFault, StoreFault
from appliance.seed import Seed
from appliance.store import before
from appliance.updates.proving import is_marked
from provisioning import changes, status
from provisioning.taken import Card, content_of, put

NOT_TAKEN: Final = "NOT TAKEN:"


def give_birth(card: Card) -> str:
    """Do what is left of the plan; return how it went, as STATUS.txt says it. Raises the fault that it tells there."""
    try:
        before.make_ready(card.data / "hedgerow.db", is_marked())
        *rest, ready = [step(card) for step in PLAN]
        words = "\n".join(filter(None, (ready, *rest)))
    except (Refused, SettingsFault, StoreFault) as fault:
        status.tell(card, f"NOT READY. {fault}\nPut that right in {seeds.FILE_NAME} here, then start the node again.")
        raise
    if status.after_birth(card) != words:  # else what needs a hand stands there too, until somebody looks again
        status.tell(card, words)
    return words


def take_over(card: Card) -> str:
    """Copy what the card says, once it was understood as a whole; return what became of later changes."""
    if card.kept.exists() and _is_blank(card.told):
        return ""
    if not card.told.exists():
        raise SettingsFault(f"There is no {seeds.FILE_NAME} in {card.seed}. EXAMPLE.yaml there tells what it holds.")
    if not settings.is_founded(card.data):
        _take_whole(card)
        return ""
    try:
        return _take_changes(card)
    except SettingsFault as fault:  # a slip in the file is no reason to keep a node from its street
        return f"{NOT_TAKEN} {fault}\nThe node goes on as it was. Put that right, then start it again."


def _take_whole(card: Card) -> None:
    seed, is_known = seeds.read(card.told, card.data), card.kept.exists()
    if is_known:
        seed = seeds.completed(seed, seeds.read(card.kept, card.data))
    seeds.must_be_told(seed, card.told, again=is_known)
    make_directory(card.taken)
    card.taken.chmod(0o700)
    if not (seed.invite or is_known):
        put(card.taken / seeds.SHELF, b"")
    _keep(card, seed)


def _take_changes(card: Card) -> str:
    """Take what a keeper changed since: into the node's own settings first, so that a cut here is done again."""
    found = changes.weighed(seeds.read(card.kept, card.data), seeds.read(card.told, card.data))
    if found.taken:
        seeds.must_be_told(found.seed, card.told, again=True)
        here = settings.load(card.data)
        if (wanted := found.applied(here)) != here:
            settings.write(card.data, wanted)
            sync(card.data)
        _keep(card, found.seed)
    return found.in_words


def _keep(card: Card, seed: Seed) -> None:
    for file in seed.beside:
        if file.parent != card.taken:
            put(card.taken / file.name, content_of(file))
    seeds.write(seed, card.kept)
    sync(card.taken)


def erase(card: Card) -> str:
    """Leave nothing secret where any laptop reads: written over first, since FAT only forgets where a file lay."""
    kept = seeds.read(card.kept, card.data)
    brought = [card.seed / file.name for file in kept.beside if (card.seed / file.name).exists()]
    is_told = card.told.exists() and (_is_blank(card.told) or _has_secrets(card))
    if not is_told and not brought:
        return ""
    for file in (*([card.told] if is_told else ()), *brought):
        _overwrite(file)
    seeds.write(seeds.without_secrets(kept), card.told)
    for file in brought:
        file.unlink()
    sync(card.seed)
    return ""


def _has_secrets(card: Card) -> bool:
    """Whether the card's file tells secrets that were taken over. One that is not understood was not, and is left as it is."""
    try:
        return seeds.read(card.told, card.data).has_secrets
    except SettingsFault:
        return False


def found(card: Card) -> str:
    """Make the key and the store."""
    if not settings.is_founded(card.data):
        _born().found(card)
    return ""


def equip(card: Card) -> str:
    """Lay what the roads need beside the node's settings, which name it."""
    for file in seeds.read(card.kept, card.data).road_files:
        place, content = card.data / file.name, content_of(file)
        if not place.exists() or place.read_bytes() != content:
            put(place, content)
    return ""


def open_account(card: Card) -> str:
    """Open the keeper's account, and forget the PIN then."""
    is_open = not seeds.awaits_keeper(card.kept, card.data) or _born().open_account(card)
    return "" if is_open else status.NOT_YET


def report(card: Card) -> str:
    """Say who was born."""
    return status.stands_ready(card, settings.load(card.data)) or str(_born().report(card))


def _born() -> ModuleType:
    return import_module("provisioning.born")


Step = Callable[[Card], str]
PLAN: Final[tuple[Step, ...]] = (take_over, erase, found, equip, open_account, report)


def _is_blank(file: Path) -> bool:
    """Whether there is nothing to read: no file, or one that was being erased when the plug was pulled."""
    return not file.exists() or not content_of(file).strip()


def _overwrite(file: Path) -> None:
    """Put blanks where the secret lies. Cut off here, the file is empty lines, and the copy was taken over before."""
    try:
        with file.open("r+b") as target:
            target.write(b"\n" * file.stat().st_size)
            target.flush()
            os.fsync(target.fileno())
    except OSError as fault:
        raise StoreFault(f"{file} cannot be erased: {fault.strerror}. Look at the card on a laptop.") from fault
