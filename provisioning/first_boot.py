"""The birth of a node from the seed on its card: an ordered plan that may be cut off anywhere and is done again from its start.

    taken over   the seed's files are copied to the data partition; what is secret is erased where any laptop reads
    born         the key is made here, on the node, and on no other machine before
    equipped     what its roads need of files lies in its directory
    looked after the keeper's account is opened
    told         STATUS.txt says how it went

Each step asks first whether it is done. What cannot be done is told in STATUS.txt too, in a sentence that says what to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from appliance import founding
from appliance import seed as seeds
from appliance.card import make_directory, sync
from appliance.errors import Objection, Refused, SettingsFault, StoreFault
from appliance.node import Node
from appliance.store import before
from appliance.updates.proving import is_marked
from provisioning.taken import Card, content_of, put

STATUS: Final = "STATUS.txt"
NOT_YET: Final = "The keeper's account opens by itself once a neighbour node has let this one in; start it again then."


def give_birth(card: Card) -> str:
    """Do what is left of the plan; return how it went, as STATUS.txt says it. Raises the fault that it tells there."""
    try:
        before.make_ready(card.data / "hedgerow.db", is_marked())
        words = " ".join(filter(None, (step(card) for step in PLAN)))
    except (Refused, SettingsFault, StoreFault) as fault:
        _tell(card, f"NOT READY. {fault}\nPut that right in {seeds.FILE_NAME} here, then start the node again.")
        raise
    _tell(card, words)
    return words


def take_over(card: Card) -> str:
    """Copy what the card says, once it was understood as a whole; a card that says nothing new is left alone."""
    if card.kept.exists() and (_is_blank(card.told) or not seeds.read(card.told, card.data).has_secrets):
        return ""
    if not card.told.exists():
        raise SettingsFault(f"There is no {seeds.FILE_NAME} in {card.seed}. EXAMPLE.yaml there tells what it holds.")
    seed, is_known = seeds.read(card.told, card.data), card.kept.exists()
    if is_known:
        seed = seeds.completed(seed, seeds.read(card.kept, card.data))
    seeds.must_be_told(seed, card.told, again=is_known)
    make_directory(card.taken)
    card.taken.chmod(0o700)
    for file in seed.beside:
        put(card.taken / file.name, content_of(file))
    seeds.write(seed, card.kept)
    sync(card.taken)
    return ""


def erase(card: Card) -> str:
    """Leave nothing secret where any laptop reads: written over first, since FAT only forgets where a file lay."""
    kept = seeds.read(card.kept, card.data)
    brought = [card.seed / file.name for file in kept.beside if (card.seed / file.name).exists()]
    is_told = card.told.exists() and (_is_blank(card.told) or seeds.read(card.told, card.data).has_secrets)
    if not is_told and not brought:
        return ""
    for file in (*([card.told] if is_told else ()), *brought):
        _overwrite(file)
    seeds.write(seeds.without_secrets(kept), card.told)
    for file in brought:
        file.unlink()
    sync(card.seed)
    return ""


def found(card: Card) -> str:
    """Make the key and the store."""
    seed = seeds.read(card.kept, card.data)
    wanted = seed.settings
    is_begun = (card.data / founding.NOTE).exists()
    if wanted.key_file.exists() and not is_begun:
        return ""
    if seed.invite:
        founding.join(wanted, content_of(seed.invite))
    else:
        founding.found(wanted, seed.currency)
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
    seed = seeds.read(card.kept, card.data)
    if seed.keeper is None or not seed.keeper.pin:
        return ""
    with closing(Node.open(card.data)) as node:
        try:
            node.add_member(seed.keeper.name, seed.keeper.pin, keeper=True)
        except Refused as refusal:
            if refusal.verdict is Objection.NOT_LET_IN_YET:
                return NOT_YET
            if refusal.verdict is not Objection.NAME_TAKEN:  # then the plug was pulled after it was opened
                raise
    seeds.write(replace(seed, keeper=replace(seed.keeper, pin="")), card.kept)
    sync(card.taken)
    return ""


def report(card: Card) -> str:
    """Say who was born."""
    with closing(Node.open(card.data)) as node:
        facts = node.status().as_json()
    return (
        f"READY. {facts['name']} is a node of {facts['commons']}.\n"
        f"Join its WiFi, then open {node.settings.address}\n"
        f"Node {facts['node_id']}, version {facts['version']}."
    )


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


def _tell(card: Card, words: str) -> None:
    """Write STATUS.txt for any laptop, if the card lets us and the words are new."""
    content = f"{words}\n".replace("\n", "\r\n").encode()
    file = card.seed / STATUS
    if card.seed.is_dir() and not (file.exists() and file.read_bytes() == content):
        put(file, content)
