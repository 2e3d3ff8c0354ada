"""From the pages to the service that may write to a card in a reader: what is wished, how far it is, and the keeper's yes.

All of it are small files in memory. The pages write below /run/hedgerow-portal, the service below /run/hedgerow-next-card; each
only reads what the other wrote. The folder of the wish is what would lie on the card, passphrase and PIN included; the service
removes it when it ends, however it ends.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from appliance.errors import StoreFault

WISHES, ANSWERS = Path("/run/hedgerow-portal"), Path("/run/hedgerow-next-card")
NOTE_MAX: Final = 8192


class Stage(Enum):
    """How far it is."""

    NONE = "none"
    PREPARING = "preparing"
    WAITING = "waiting"  # for a card to be put in
    ASKING = "asking"  # whether this card is meant
    WRITING = "writing"
    READING_BACK = "reading back"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """`card` names it as people see it, `mark` as machines do, `why` is the sentence of a failure."""

    stage: Stage = Stage.NONE
    card: str = ""
    mark: str = ""
    percent: int = 0
    fingerprint: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Handover:
    """The two places where both sides leave their notes."""

    wishes: Path = WISHES
    answers: Path = ANSWERS

    @property
    def wish(self) -> Path:
        """The folder with what belongs onto the card."""
        return self.wishes / "next-card"

    @property
    def _yes(self) -> Path:
        return self.wishes / "next-card.yes"

    @property
    def _note(self) -> Path:
        return self.answers / "progress.json"

    # the pages

    @property
    def is_possible(self) -> bool:
        """Whether there is anybody to hand a wish to: on a card, started by its service manager."""
        return self.wishes.is_dir() and Path("/boot/firmware/config.txt").exists()

    def ask(self, files: Mapping[str, bytes]) -> None:
        """Wish for a card with these files. A wish that waits already is given up. Raises `StoreFault`."""
        part = self.wishes / ".next-card"
        try:
            self.give_up()
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(mode=0o700)
            for name, content in files.items():
                (part / name).write_bytes(content)
            part.rename(self.wish)
        except OSError as fault:
            raise StoreFault(f"{self.wishes} cannot be used: {fault.strerror}. Start the node again.") from fault

    def give_up(self) -> None:
        """Take the wish back; the service ends by itself where it has not begun to write."""
        self._yes.unlink(missing_ok=True)
        shutil.rmtree(self.wish, ignore_errors=True)

    def agree(self, mark: str) -> None:
        """Say yes to the card that bears `mark`. Raises `StoreFault`."""
        try:
            self._yes.write_text(mark[:200], encoding="utf-8")
        except OSError as fault:
            raise StoreFault(f"{self._yes} cannot be written: {fault.strerror}. Start the node again.") from fault

    def progress(self) -> Progress:
        """Return how far it is; where a wish was just made, the service is about to see it."""
        try:
            with self._note.open(encoding="utf-8") as file:
                told = json.loads(file.read(NOTE_MAX))
            found = Progress(**told | {"stage": Stage(told["stage"])})
        except (OSError, ValueError, TypeError, KeyError):
            found = Progress()
        is_over = found.stage in {Stage.NONE, Stage.DONE, Stage.FAILED}
        return Progress(Stage.PREPARING) if is_over and self.wish.exists() else found

    # the service

    @property
    def is_wished(self) -> bool:
        return self.wish.is_dir()

    def is_agreed(self, mark: str) -> bool:
        """Whether the keeper said yes to this very card."""
        try:
            with self._yes.open(encoding="utf-8") as file:
                return file.read(NOTE_MAX) == mark
        except (OSError, UnicodeDecodeError):
            return False

    def tell(self, progress: Progress) -> None:
        """Note how far it is, whole or not at all."""
        part = self._note.with_suffix(".part")
        part.write_text(json.dumps(asdict(progress) | {"stage": progress.stage.value}), encoding="utf-8")
        part.chmod(0o644)
        part.replace(self._note)
