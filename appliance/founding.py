"""How a node begins: a key born on the device, a store, and the first records of its logs.

While it begins, a file `.founding` stands in its directory. One that is found there without its process tells that the plug
was pulled: nobody has met that node yet, so the next `init` clears it away and begins anew.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from appliance import place, settings
from appliance.card import make_directory, sync
from appliance.clock import Clock
from appliance.commons.names import clean_name
from appliance.door import Door
from appliance.errors import SettingsFault
from appliance.introductions import Introduction, Invite
from appliance.kinds import CurrencyRules, NodeCard
from appliance.settings import Settings
from appliance.store.database import Database
from appliance.store.private import Private
from mesh.keys import PUBLIC, EpochKey, NodeKey, Scope, commons_scope
from mesh.links import NONCE_SIZE, Founding, Invitation, Opening

DECIMALS: Final = 2
FLOOR: Final = -20 * 10**DECIMALS


def found(wanted: Settings, currency: str = "hours") -> None:
    """Begin a commons: its first node and its first currency."""
    code, nonce = clean_name(currency), os.urandom(NONCE_SIZE)
    with _beginning(wanted) as key:
        scope = commons_scope(key.public_key, nonce)
        door = _furnish(wanted, scope, EpochKey(os.urandom(32)))
        with door.database.writing():
            _open_logs(door, Opening(key.public_key, 0, scope, right=Founding(nonce)))
            rules = CurrencyRules(0, code, DECIMALS, FLOOR, code, "")
            door.say(scope, rules.record(door.clock.now(), door.salt(scope)))
        _finish(door)


def join(wanted: Settings, content: bytes) -> None:
    """Begin a node in the commons that an invite file opens. Raises `Refused` where the file is none."""
    invite = Invite.read(content)
    inviter = Introduction.read(invite.introduction)
    with _beginning(replace(wanted, commons=invite.commons)) as key:
        door = _furnish(wanted, invite.scope, invite.epoch_key)
        with door.database.writing():
            door.private.keep_peer(inviter.node, inviter.public_key, inviter.name, inviter.address)
            right = Invitation.sign(invite.key, invite.scope, key.node_id)
            _open_logs(door, Opening(key.public_key, 0, invite.scope, right=right))
        _finish(door)


@contextmanager
def _beginning(wanted: Settings) -> Iterator[NodeKey]:
    """Make the directory and the key. A directory that already holds a node is left alone."""
    clean_name(wanted.name)
    note = wanted.data / settings.FOUNDING
    if not note.exists() and (wanted.key_file.exists() or wanted.database.exists()):
        raise SettingsFault(f"{wanted.data} already holds a node. Choose another directory.")
    try:
        make_directory(wanted.data)
        with note.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sync(wanted.data)
            _clear_away(wanted)
            yield _new_key(wanted)
            note.unlink()
            sync(wanted.data)
    except BlockingIOError as fault:
        raise SettingsFault(f"A node is being made in {wanted.data} at this moment. Wait for it.") from fault
    except OSError as fault:
        raise SettingsFault(f"{wanted.data} cannot be written ({fault.strerror}). Choose another directory.") from fault


def _clear_away(wanted: Settings) -> None:
    """Remove what a beginning that was cut off left behind."""
    database = wanted.database
    logs = (database.with_name(f"{database.name}{ending}") for ending in ("-wal", "-shm"))
    for left in (database, *logs, wanted.keel_file, wanted.key_file):
        left.unlink(missing_ok=True)


def _new_key(wanted: Settings) -> NodeKey:
    key = NodeKey(os.urandom(32))
    handle = os.open(wanted.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.seed.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    settings.write(wanted.data, wanted)
    sync(wanted.data)
    return key


def _furnish(wanted: Settings, scope: Scope, epoch_key: EpochKey) -> Door:
    database = Database(wanted.database)
    private = Private(database, Clock())
    with database.writing():
        private.set_secret("commons", scope)
        private.set_secret("epoch_key", epoch_key)
        private.set_mark("place", place.here(wanted.key_file))
    database.close()
    return Door(wanted)


def _open_logs(door: Door, opening: Opening) -> None:
    door.open_log(opening)
    door.open_log(Opening(opening.public_key, opening.incarnation, PUBLIC))
    card = NodeCard(clean_name(door.settings.name))
    door.say(PUBLIC, card.record(door.clock.now(), door.salt(PUBLIC)))


def _finish(door: Door) -> None:
    door.seal()
    door.mark_keel()
    door.close()
