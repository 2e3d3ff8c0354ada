"""What a node says of itself, and what it takes from others who do the same: digests, and how their power stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mesh.airform import SHORT_DIGEST_SIZE
from mesh.beaconing import Beaconing
from mesh.brief import Accord, Beacon, joint
from mesh.dialogue import Dialogue
from mesh.keys import Scope
from mesh.neighbours import Neighbour
from mesh.road import Road

NO_COMMONS: Final = bytes(SHORT_DIGEST_SIZE)

Dialogues = Mapping[Scope, Dialogue]


class Presence:
    """The beacons of one road. `state` is how this node's power stands, which they tell: 0 for well, up to 7."""

    def __init__(self, road: Road) -> None:
        self.state = 0
        self._road = road
        self._was_alone = False  # somebody said that it had heard nobody
        self._was_repeated = False  # somebody said what it had said before

    def joint(self, dialogues: Dialogues) -> bytes:
        """Return what an accord about all that is held begins with."""
        return joint(_digests(dialogues))

    def said(self, dialogues: Dialogues, now: float) -> Beacon | Accord:
        """Return what to say: little, where all whom we heard have shown the same as we hold."""
        public, commons = _digests(dialogues)
        if not self.state and all(dialogue.is_unanimous(now) for dialogue in dialogues.values()):
            return Accord(self._road.handle, joint((public, commons)))
        return Beacon(self._road.handle, public, commons, self.state, is_alone=not self._road.neighbours.recent(now))

    def hear(self, neighbour: Neighbour, said: Beacon | Accord, dialogues: Dialogues) -> bool:
        """Note what a neighbour showed; return whether it is known by that what it holds."""
        if isinstance(said, Beacon):
            self._hear_beacon(neighbour, said, dialogues)
        elif said.joint == self.joint(dialogues):
            neighbour.state = 0
            for scope, dialogue in dialogues.items():
                neighbour.shows(scope, dialogue.outlook.digest)
        else:
            neighbour.claims_accord(said.joint, NO_COMMONS)
            return False
        return True

    def _hear_beacon(self, neighbour: Neighbour, beacon: Beacon, dialogues: Dialogues) -> None:
        neighbour.state = beacon.state
        shown = zip(dialogues, (beacon.public, beacon.commons), strict=False)
        said = {scope: digest for scope, digest in shown if digest != NO_COMMONS}
        self._was_alone |= beacon.is_alone
        self._was_repeated |= all(neighbour.showed(scope, digest) for scope, digest in said.items())
        for scope, digest in said.items():
            neighbour.shows(scope, digest)

    def answer(self, beaconing: Beaconing, all_agree: bool, now: float) -> None:
        """Whoever agrees with us may not know that we do."""
        if all_agree and (self._was_alone or self._was_repeated):
            beaconing.retell(now, is_urgent=self._was_alone)
        self._was_alone = self._was_repeated = False


def _digests(dialogues: Dialogues) -> tuple[bytes, bytes]:
    """Return our short digests of public and of the commons."""
    digests = [dialogue.outlook.digest for dialogue in dialogues.values()]
    public, commons, *_ = [*digests, NO_COMMONS, NO_COMMONS]
    return public, commons
