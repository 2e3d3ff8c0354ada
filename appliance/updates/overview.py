"""What the keeper's page and the doctor tell of a node's versions."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import Refused
from appliance.updates import held, last, proving
from appliance.updates.header import number
from appliance.updates.last import Last
from appliance.updates.slots import OPEN
from appliance.updates.update_file import Here, UpdateFile, check


@dataclass(frozen=True, slots=True)
class Ready:
    """An update that this node holds and may take. `failed`: it was tried here before, and did not hold."""

    version: str
    size: int
    signers: tuple[str, ...]
    is_final: bool
    failed: bool


@dataclass(frozen=True, slots=True)
class Versions:
    """`refusal` tells why an update that lies here, or the last wish, comes to nothing."""

    running: str
    is_card: bool
    has_keys: bool
    last: Last | None
    ready: Ready | None
    waits: bool
    refusal: Refused | None

    @property
    def back(self) -> str:
        """The version that one can go back to, "" where there is none."""
        return self.last.before if self.last and self.last.can_go_back else ""


def look(data: Path, shape: int, open_part: Path = OPEN) -> Versions:
    """Look at the card and at what the node in directory `data` holds. `shape` is that of the store as it is."""
    ready, refusal = None, proving.answered()
    has_keys = False
    try:
        has_keys = held.keepers(open_part) is not None
        ready = _ready(data, shape, open_part)
    except Refused as found:
        refusal = found
    return Versions(
        held.here(open_part).version,
        (open_part / "config.txt").exists(),
        has_keys,
        last.read(open_part),
        ready,
        held.wished(data) is not None,
        refusal,
    )


def _ready(data: Path, shape: int, open_part: Path) -> Ready | None:
    """Return the update that is held; None where there is none, or none newer than what runs."""
    here, path = held.here(open_part), held.path(data)
    if path is None:
        return None
    with closing(UpdateFile(path)) as update:
        header = update.top.header
        if number(header.version) <= number(here.version):
            return None
        signers = check(update.top, held.keepers(open_part), Here(here.version, here.architecture))
        return Ready(header.version, update.size, tuple(signers), header.shape > shape, header.version == here.failed)
