"""The steps of a birth that need a whole node. Where they are done already nobody reads this module, for that takes seconds."""

from __future__ import annotations

from contextlib import closing

from appliance import founding, moving_in
from appliance import seed as seeds
from appliance.node import Node
from provisioning import status
from provisioning.taken import Card, content_of


def found(card: Card) -> None:
    """Make the key and the store. Raises `Refused`, `SettingsFault`, `StoreFault`, as the others do."""
    seed = seeds.read(card.kept, card.data)
    if seed.invite:
        founding.join(seed.settings, content_of(seed.invite))
    else:
        founding.found(seed.settings, seed.currency)


def open_account(card: Card) -> bool:
    """Open the keeper's account, and forget the PIN then. False where the node was not let in yet."""
    with closing(Node.open(card.data)) as node:
        return moving_in.open_account(node)


def report(card: Card) -> str:
    """Say who was born."""
    with closing(Node.open(card.data)) as node:
        return status.ready(node.settings, node.id)
