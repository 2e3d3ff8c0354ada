"""What a young node still has to do once it runs: open its keeper's account as soon as its commons has let it in, and put the
starter zines on its shelf. Both are asked for by files of the first boot, which lie beside the node's directory.

The PIN lies there until the account is open, and nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Final

from appliance import seed as seeds
from appliance.archive.starter_shelf import starter_zines
from appliance.card import sync
from appliance.errors import Objection, Refused, SettingsFault
from appliance.node import Node

LOG: Final = logging.getLogger("hedgerow.moving_in")


class MovingIn:
    """Does the next thing at each call of `tend`; once all is done, nothing ever again."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._left: list[Callable[[Node], bool]] = [open_account, fill_shelf]

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return not self._left

    def tend(self) -> None:
        """Raises `StoreFault`. What is wrong with a file of the first boot is told by the first boot itself."""
        for step in self._left.copy():
            try:
                is_done = step(self._node)
            except (Refused, SettingsFault) as fault:
                LOG.warning("%s", fault)
                is_done = True
            if is_done:
                self._left.remove(step)


def open_account(node: Node) -> bool:
    """Open the keeper's account and forget its PIN; where it is open, give it that PIN. False where nobody let the node in yet.

    Who has had the card in hand is the keeper: nothing on it is closed to them. Raises `Refused`, `SettingsFault`.
    """
    file = seeds.kept(node.settings.data)
    if not seeds.awaits_keeper(file, node.settings.data):
        return True
    seed = seeds.read(file, node.settings.data)
    assert seed.keeper
    try:
        node.add_member(seed.keeper.name, seed.keeper.pin, keeper=True)
    except Refused as refusal:
        if refusal.verdict is Objection.NOT_LET_IN_YET:
            return False
        if refusal.verdict is not Objection.NAME_TAKEN:
            raise
        node.renew_pin(seed.keeper.name, seed.keeper.pin)
    seeds.write(replace(seed, keeper=replace(seed.keeper, pin="")), file)
    sync(file.parent)
    return True


def fill_shelf(node: Node) -> bool:
    """Publish the next starter zine that is not there. False while some may be missing, and while the card has no room."""
    wish = seeds.kept(node.settings.data).with_name(seeds.SHELF)
    if not wish.exists():
        return True
    there = {zine.title for zine in node.zines(limit=100).rows}
    zine = next((zine for zine in starter_zines() if zine.title not in there), None)
    if zine is not None:
        node.publish(zine.form, BytesIO(zine.body), "zine.md", None)
        return False
    wish.unlink()
    sync(wish.parent)
    return True
