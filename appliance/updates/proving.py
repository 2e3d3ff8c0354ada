"""The part of an update that waits: a new system is asked again and again whether it is well, then kept, or left by a restart."""

from __future__ import annotations

import http.client
import logging
import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path
from typing import Final

from appliance import service
from appliance.updates import held, trial
from appliance.updates.slots import Card

ANSWER: Final = Path("/run/hedgerow-update/answer.txt")  # what became of the last wish
MARK: Final = Path("/run/hedgerow-trial/on")  # while it is there, the store keeps what it was (store/database.py)
HOLDS_VARIABLE: Final = "HEDGEROW_TRIAL_S"
ASK_S: Final = 20.0
OK: Final = 200

LOG: Final = logging.getLogger("hedgerow.updates")

OpenCard = Callable[[], AbstractContextManager[Card]]


def on_trial(opened: OpenCard, port: int) -> None:
    """Do what this start needs; returns once the system is settled. Raises `Refused`, where this is no card."""
    with opened() as card:
        note = trial.begin(card)
        if note is None:
            _drop_or_follow(card)
    if note is None:
        service.tell("READY=1")
        return
    MARK.parent.mkdir(exist_ok=True)
    MARK.touch()
    service.tell("READY=1")
    holds_s = float(os.environ.get(HOLDS_VARIABLE, trial.HOLDS_S))
    is_right = note.version == version("hedgerow")
    if not is_right or not trial.holds(lambda: is_well(port), holds_s):
        LOG.error("Version %s does not hold: version %s starts again.", note.version, note.before)
        restart()
        return
    with opened() as card:
        trial.settle(card, note)
        held.follow_keepers(card.open)
    MARK.unlink(missing_ok=True)
    LOG.info("%s", note.in_words)


def _drop_or_follow(card: Card) -> None:
    """Forget keepers that came with a version that did not hold."""
    if held.here(card.open).failed:
        held.stage_keepers(card.open, None)


def answer(words: str) -> None:
    """Leave word for the keeper's page, where a service of the card runs this."""
    if ANSWER.parent.is_dir():
        ANSWER.write_text(words, encoding="utf-8")


def is_well(port: int) -> bool:
    """Whether the pages say that the store is read and written, and the exchange with neighbours runs."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=ASK_S)
    try:
        line.request("GET", "/healthz")
        if line.getresponse().status != OK:
            return False
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
    asked = ["/usr/bin/systemctl", "is-active", "--quiet", "hedgerow-gossip.service"]
    return subprocess.run(asked, check=False, timeout=ASK_S).returncode == 0


def restart() -> None:
    """Start the board anew; where that fails, the journal says what to do."""
    try:
        subprocess.run(["/usr/bin/systemctl", "--no-block", "reboot"], check=True, timeout=ASK_S)
    except (OSError, subprocess.SubprocessError) as fault:
        LOG.error("The board cannot be started anew (%s). Pull its plug, and put it in again.", fault)
