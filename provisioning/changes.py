"""What a keeper changed on a card whose node lives already: what can be taken from there is, and of the rest it is told why not.

    taken    region, portal, roads with the files they name, archive, gossip, power; the WiFi; a keeper's PIN (a new keeper
             comes with one)
    left     the node's name, its commons and what that counts, an invite, the place of the keel mark: the neighbours' books and
             this node's own know it by them, or they guard it

A change counts against what was taken over last, so what was set otherwise on the node meanwhile stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from appliance import seed as seeds
from appliance.seed import Seed
from appliance.settings import Settings

SETTINGS: Final = ("region", "portal", "roads", "archive", "gossip", "power")
NAME: Final = "name: a node keeps the name by which its neighbours know it."
COMMONS: Final = "commons: a node stays in the commons it was born in. For another one, make a new card."
CURRENCY: Final = "currency: it was settled when the commons began."
INVITE: Final = "invite: this node has its commons already."
KEEL: Final = "keel: the place of that mark is not moved from here."
KEEPER: Final = "keeper: a new keeper needs a pin beside the name, of 4 to 12 digits in quotes."
NO_KEEPER: Final = "keeper: an account is not closed from here."
NO_WIFI: Final = "wifi: it is not left out from here. Without it nobody would find this node."


@dataclass(frozen=True, slots=True)
class Changes:
    """`seed` is what is in force now. `taken` are names of what changed, `left` sentences."""

    seed: Seed
    taken: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """What STATUS.txt says of them; empty where nothing changed."""
        lines = [f"Taken from {seeds.FILE_NAME} at this start: {', '.join(self.taken)}."] if self.taken else []
        if self.left:
            lines += [
                f"NOT TAKEN from {seeds.FILE_NAME}, and to be put back there:",
                *(f"- {line}" for line in self.left),
            ]
        return "\n".join(lines)

    def applied(self, settings: Settings) -> Settings:
        """Return a node's settings with what was taken of them."""
        new = self.seed.settings
        return replace(settings, **{name: getattr(new, name) for name in SETTINGS if name in self.taken})


def weighed(before: Seed, told: Seed) -> Changes:
    """Return what the card tells now against what was taken over `before`. Secrets that are not repeated stay."""
    new = seeds.completed(told, before)
    taken = [name for name in SETTINGS if getattr(new.settings, name) != getattr(before.settings, name)]
    left = _left(before, new)
    wifi = new.wifi or before.wifi
    taken += ["wifi"] if wifi != before.wifi else []
    keeper = new.keeper if new.keeper and new.keeper.pin else before.keeper
    taken += [f"the PIN of {keeper.name}"] if keeper and keeper.pin and keeper != before.keeper else []
    taken += [file.name for file in new.road_files]
    settings = replace(
        new.settings, name=before.settings.name, commons=before.settings.commons, keel=before.settings.keel
    )
    seed = replace(new, settings=settings, currency=before.currency, invite=before.invite, wifi=wifi, keeper=keeper)
    return Changes(seed, tuple(taken), left)


def _left(before: Seed, new: Seed) -> tuple[str, ...]:
    one, other = before.settings, new.settings
    is_new_keeper = bool(new.keeper and before.keeper and new.keeper.name != before.keeper.name and not new.keeper.pin)
    found = (
        (one.name != other.name, NAME),
        (not new.invite and other.commons not in {one.commons, seeds.TO_BE_TOLD}, COMMONS),
        (not new.invite and before.currency != new.currency, CURRENCY),
        (new.invite is not None and before.invite is None, INVITE),
        (one.keel != other.keel, KEEL),
        (is_new_keeper, KEEPER),
        (new.keeper is None and before.keeper is not None, NO_KEEPER),
        (new.wifi is None and before.wifi is not None, NO_WIFI),
    )
    return tuple(words for happened, words in found if happened)
