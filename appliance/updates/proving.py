"""What the services of a card do around a trial: mark it early, ask again and again whether all is well, keep the system."""

from __future__ import annotations

import http.client
import json
import logging
import os
import subprocess
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final

from appliance.errors import Refused
from appliance.updates import held, last, trial
from appliance.updates.flaws import Flaw
from appliance.updates.slots import OPEN, Card

ANSWER: Final = Path("/run/hedgerow-update/answer.json")  # why the last wish was refused
MARK: Final = Path("/run/hedgerow-trial/on")
TIMES_VARIABLE: Final = "HEDGEROW_TRIAL_S"  # for how long it must be well, and within what time, in seconds
ASK_S: Final = 20.0
OK: Final = 200

LOG: Final = logging.getLogger("hedgerow.updates")


def begin(card: Card) -> None:
    """See how this start came about, and mark it where the system that runs is on trial. Raises `Refused`."""
    note = trial.begin(card)
    if note:
        MARK.parent.mkdir(exist_ok=True)
        MARK.touch()
    elif held.here(card.open).failed:
        held.stage_keepers(card.open, None)  # those that came with a version that did not hold
    else:
        held.follow_keepers(card.open)


def is_marked() -> bool:
    """Whether the system that runs is on trial."""
    return MARK.exists()


def holds(port: int, open_part: Path = OPEN) -> bool:
    """Whether the system that runs is the one that was meant, and is well for as long as it must be."""
    note = last.read(open_part)
    if note is None or note.version != version("hedgerow"):
        LOG.error("The update was to bring version %s, and brought %s.", note and note.version, version("hedgerow"))
        return False
    holds_s, within_s = map(float, os.environ.get(TIMES_VARIABLE, f"{trial.HOLDS_S} {trial.WITHIN_S}").split())
    return trial.holds(lambda: is_well(port), holds_s, within_s)


def settle(card: Card) -> str:
    """Keep the system that runs, and those who may sign from now on; return it in words. Raises `Refused`."""
    note = last.read(card.open)
    if note is None or note.slot != card.running:
        raise Refused(Flaw.NOTHING_BEFORE)
    trial.settle(card, note)
    held.follow_keepers(card.open)
    MARK.unlink(missing_ok=True)
    return note.now(last.Outcome.GOOD).in_words


def is_well(port: int) -> bool:
    """Whether the pages say that the store is read and written, and the exchange with neighbours runs."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=ASK_S)
    try:
        line.request("GET", "/healthz")
        if line.getresponse().status != OK:
            return False
        asked = ["/usr/bin/systemctl", "is-active", "--quiet", "hedgerow-gossip.service"]
        return subprocess.run(asked, check=False, timeout=ASK_S).returncode == 0
    except (OSError, http.client.HTTPException, subprocess.TimeoutExpired):
        return False
    finally:
        line.close()


def answer(refusal: Refused | None) -> None:
    """Leave word for the keeper's page, where a service of the card runs this."""
    if ANSWER.parent.is_dir():
        told = {"code": refusal.verdict.name, "details": refusal.details} if refusal else {}
        ANSWER.write_text(json.dumps(told, default=str), encoding="utf-8")


def answered() -> Refused | None:
    """Return why the last wish was refused, if it was."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(ANSWER.read_text("utf-8"))
        return Refused(Flaw[told["code"]], **told["details"])
    return None


def restart() -> None:
    """Start the board anew; where that fails, the journal says what to do."""
    try:
        subprocess.run(["/usr/bin/systemctl", "--no-block", "reboot"], check=True, timeout=ASK_S)
    except (OSError, subprocess.SubprocessError) as fault:
        LOG.error("The board cannot be started anew (%s). Pull its plug, and put it in again.", fault)
