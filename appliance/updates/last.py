"""What the last update of a node came to: a short note on the open part, which both systems and any laptop can read."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import Enum, unique
from pathlib import Path
from typing import Final

from appliance.errors import Refused
from appliance.updates.flaws import Flaw
from appliance.updates.header import VERSION
from appliance.updates.slots import LETTERS, put

FOLDER: Final = "hedgerow"
FILE_NAME: Final = "update.txt"
SIZE_MAX: Final = 4096
HEAD: Final = "# What the last update of this node came to. The node writes it; to change it changes nothing.\n"


@unique
class Outcome(Enum):
    """How far an update came. Only in `TRYING` may the system that starts next be another than the one that holds."""

    WRITING = "being written"
    TRYING = "on trial"
    GOOD = "good"
    FELL_BACK = "did not hold"


@dataclass(frozen=True, slots=True)
class Last:
    """`version` went into `slot`, while `before` ran in the other; the store of `before` reads up to shape `before_shape`."""

    outcome: Outcome
    version: str
    slot: int
    shape: int
    before: str
    before_shape: int

    @property
    def can_go_back(self) -> bool:
        """Whether the books, as the version that runs keeps them, can still be read by the one before."""
        return self.outcome is Outcome.GOOD and self.shape <= self.before_shape

    @property
    def in_words(self) -> str:
        """For whoever reads a receipt or the keeper's page."""
        return {
            Outcome.WRITING: f"Version {self.version} was being written when that was cut short. Version {self.before} runs.",
            Outcome.TRYING: f"Version {self.version} is on trial. If it does not hold, version {self.before} starts again.",
            Outcome.GOOD: f"Version {self.version} holds and runs from now on. Before it ran version {self.before}.",
            Outcome.FELL_BACK: f"Version {self.version} did not hold, so version {self.before} runs again. Nothing was lost.",
        }[self.outcome]

    def now(self, outcome: Outcome) -> Last:
        return replace(self, outcome=outcome)

    def reversed(self) -> Last:
        """Return the note of going back."""
        return Last(Outcome.TRYING, self.before, 1 - self.slot, self.before_shape, self.version, self.shape)


def read(open_part: Path) -> Last | None:
    """Return what the note says; None where there is none, or none that can be understood."""
    try:
        with (open_part / FOLDER / FILE_NAME).open("rb") as file:
            lines = file.read(SIZE_MAX).decode("ascii").splitlines()
        told = dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))
        last = Last(
            Outcome(told["outcome"]),
            told["version"],
            LETTERS.index(told["slot"]),
            int(told["shape"]),
            told["before"],
            int(told["before_shape"]),
        )
    except (OSError, ValueError, KeyError):
        return None
    return last if VERSION.fullmatch(last.version) and VERSION.fullmatch(last.before) else None


def write(open_part: Path, last: Last) -> None:
    """Note it. Raises `Refused`."""
    told = {field.name: getattr(last, field.name) for field in fields(last)}
    told |= {"outcome": last.outcome.value, "slot": LETTERS[last.slot]}
    lines = "".join(f"{name}: {value}\n" for name, value in told.items())
    try:
        (open_part / FOLDER).mkdir(exist_ok=True)
        put(open_part / FOLDER / FILE_NAME, (HEAD + lines).encode("ascii"))
    except OSError as fault:
        raise Refused(Flaw.NOT_WRITTEN, reason=fault.strerror) from fault
