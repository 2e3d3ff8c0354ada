"""A stick brings a new version to a whole system: it is written, tried, kept; the next one does not hold, and is left again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.store.migrations import MIGRATIONS
from appliance.updates import last
from appliance.updates.last import Outcome
from tests.provisioning.carded import TIMES, CardTwin, add_to
from tests.provisioning.twin import build, run
from tests.street.waiting import wait_until

TIMES_FILE = "etc/systemd/system/hedgerow-proof.service.d/test.conf"
SHAPE = len(MIGRATIONS)
STEP = '\nMIGRATIONS = (*MIGRATIONS, ("CREATE TABLE of_version_{number} (x)",))\n'

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CardTwin]:
    """A node on a card, running."""
    room = tmp_path_factory.mktemp("carded")
    system = build(room)
    (system / TIMES_FILE).parent.mkdir(parents=True)
    (system / TIMES_FILE).write_text(TIMES.format(within_s=60), encoding="ascii")
    one = CardTwin(room, system)
    try:
        one.join()
        one.start()
        yield one
    finally:
        one.end()
        one.part()


def facts(twin: CardTwin) -> dict[str, object]:
    found: dict[str, object] = json.loads(twin.hedgerow("status", "--json"))
    return found


def balance(twin: CardTwin) -> str:
    """Return what people remember; the node itself writes of its own accord."""
    return twin.hedgerow("balance", "Ana", "--json")


def outcome(twin: CardTwin) -> Outcome | None:
    note = last.read(twin.open)
    return note.outcome if note else None


def receipt(twin: CardTwin) -> str:
    (file,) = (twin.sticks / "hedgerow/receipts").iterdir()
    return file.read_text(encoding="utf-8")


def test_a_new_version_comes_by_stick_and_stays(twin: CardTwin) -> None:
    began_s = time.monotonic()
    twin.hedgerow("member", "add", "Ben")
    twin.hedgerow("pay", "--from", "Ben", "--to", "Ana", "3", "loaves")
    before = balance(twin)
    twin.update("9.0", lambda system: add_to(system, "appliance/store/migrations.py", STEP.format(number=9)), SHAPE + 1)
    print(f"update made after {time.monotonic() - began_s:.1f} s")
    said = twin.hedgerow("stick", "exchange", "/mnt")
    assert "Version 9.0 was taken from this stick" in said
    assert "Version 9.0 was taken from this stick" in receipt(twin)
    twin.restarts()
    twin.wait()
    print(f"started anew after {time.monotonic() - began_s:.1f} s")
    assert twin.board.files.running == 1
    assert twin.board.files.pointed() == 0, "until it is settled, any reset starts the old one"
    wait_until("it is settled", lambda: outcome(twin) is Outcome.GOOD, 60, twin.told)
    print(f"settled after {time.monotonic() - began_s:.1f} s")
    wait_until("it writes again", lambda: not facts(twin)["read_only"], 30, twin.told)
    twin.cut()
    twin.start()
    assert twin.board.files.running == 1
    now = facts(twin)
    assert (now["version"], balance(twin), now["read_only"]) == ("9.0", before, False)
    assert twin.state() == "running", twin.told()
    assert "no way back" in twin.inside("sh", "-c", "hedgerow update rollback 2>&1", code=1)
    twin.hedgerow("stick", "exchange", "/mnt")
    assert "Version 9.0 holds and runs from now on." in receipt(twin)


def test_one_whose_pages_do_not_start_is_left_again_and_nothing_is_lost(twin: CardTwin) -> None:
    began_s = time.monotonic()
    twin.hedgerow("pay", "--from", "Ben", "--to", "Ana", "2", "loaves")
    before = balance(twin)

    def spoil(system: Path) -> None:
        for number in (9, 10):
            add_to(system, "appliance/store/migrations.py", STEP.format(number=number))
        add_to(system, "webui/__init__.py", "\nraise SystemExit('spoiled')\n")
        (system / TIMES_FILE).write_text(TIMES.format(within_s=6), encoding="ascii")

    twin.update("9.1", spoil, SHAPE + 2)
    said = twin.inside("sh", "-c", "hedgerow update apply /mnt --restart 2>&1")
    assert "there is no way back" in said
    assert "signed by" in said
    assert "there is no way back" in receipt(twin)
    run("chown", "-R", twin.uid(), twin.sticks)  # root wrote on it; FAT would know no owners
    twin.restarts()
    assert twin.board.files.running == 0
    copy = twin.data / "node/hedgerow.db.before"
    wait_until("the books are in the newer form", copy.exists, 60, twin.told)
    twin.restarts()
    twin.wait()
    print(f"back after {time.monotonic() - began_s:.1f} s")
    assert twin.board.files.running == 1
    assert outcome(twin) is Outcome.FELL_BACK
    now = facts(twin)
    assert (now["version"], balance(twin), now["read_only"]) == ("9.0", before, False)
    assert not copy.exists()
    twin.hedgerow("verify")
    twin.hedgerow("pay", "--from", "Ben", "--to", "Ana", "1", "loaves")
    assert "tried here and did not hold" in twin.hedgerow("stick", "exchange", "/mnt")
    assert "version 9.0 runs again" in receipt(twin)
    assert "did not hold" in twin.hedgerow("doctor", code=1)


def test_one_that_hangs_before_anything_starts_is_left_by_a_pulled_plug(twin: CardTwin) -> None:
    twin.inside("sh", "-c", "hedgerow update apply --again /mnt 2>&1")
    assert twin.board.files.pointed() == 0
    twin.cut()
    assert twin.chosen() == 0
    twin.start()
    assert twin.board.files.running == 1
    assert outcome(twin) is Outcome.FELL_BACK
    assert facts(twin)["version"] == "9.0"
