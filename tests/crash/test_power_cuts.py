"""The plug is pulled at any write: what the node confirmed before is there after, and with a weaker promise it would not be.

A cut is named by its seed; `cut(elm, seed, upto)` does one again.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from appliance import founding
from appliance.door import Door
from appliance.errors import StoreFault
from appliance.node import Node
from appliance.settings import Settings
from appliance.store import database
from appliance.store.database import Database
from tests.crash.load import POWER_IS_OUT, Elm, Load, lost
from tests.crash.power import NEVER, Disk, Power

pytestmark = pytest.mark.real

CUTS: Final = 240
FOUNDING_CUTS: Final = 60
PLANTED_CUTS: Final = 24
NORMAL: Final = 1  # https://www.sqlite.org/pragma.html#pragma_synchronous
LOG_WRITE: Final = "write hedgerow.db-wal"
OFTEN: Final = ("wal_autocheckpoint", 60)  # so that cuts fall also into a checkpoint that nobody asked for


@pytest.fixture(scope="module")
def elm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elm]:
    """One node for all cuts. Keys and salts are drawn by a seed, so that a seed cuts at the same byte every time.

    The disk is a model, so the files beneath may lie in memory, where no sync takes its time.
    """
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() else tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(dir=place) as directory:
        patch.setattr(os, "urandom", Random(1).randbytes)
        yield Elm(Path(directory))


@pytest.fixture
def operations(elm: Elm) -> int:
    """How many times a whole load writes, syncs, cuts short, makes or deletes a file."""
    return cut(elm, 0, NEVER)[0].operations


def cut(elm: Elm, seed: int, upto: int, uncounted: str = "", lies: bool = False) -> tuple[Disk, list[str]]:
    """Cut the power once, at one of the operations up to `upto`; return the disk, and what was lost."""
    rng = Random(seed)
    elm.restore(rng)
    disk = Disk(rng, rng.randint(1, upto), uncounted, lies)
    with Power(disk) as power:
        load = Load(elm, rng, power.make)
        lasted = load.run()
    assert lasted != disk.is_off, "the load ended by something else than the cut"
    elm.restore(rng, disk.medium())
    return disk, list(lost(elm, load.told))


def test_what_was_confirmed_survives_every_cut(
    elm: Elm, operations: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of the cuts fall anywhere, mostly into writes to the log; the other half beside these, and into many checkpoints."""
    began_s = time.monotonic()
    losses: dict[int, list[str]] = {}
    places: Counter[str] = Counter()

    def cuts(seeds: range, upto: int, uncounted: str) -> None:
        for seed in seeds:
            disk, missed = cut(elm, seed, upto, uncounted)
            places[disk.cut_in] += 1
            losses.update({seed: missed} if missed else {})

    cuts(range(CUTS // 2), operations, "")
    monkeypatch.setattr(database, "PRAGMAS", (*database.PRAGMAS, OFTEN))
    rare = cut(elm, 0, NEVER, LOG_WRITE)[0].operations
    cuts(range(CUTS // 2, CUTS), rare, LOG_WRITE)
    with capsys.disabled():
        print(f"\n{CUTS} cuts in {time.monotonic() - began_s:.0f} s: {dict(places.most_common())}")
    assert losses == {}
    assert set(places) >= {LOG_WRITE, "sync hedgerow.db-wal", "write hedgerow.db", "sync hedgerow.db"}


@pytest.mark.parametrize(("pragma", "value"), [("synchronous", NORMAL), ("synchronous", 0)], ids=["normal", "off"])
def test_a_weaker_promise_is_found_out(
    elm: Elm, operations: int, monkeypatch: pytest.MonkeyPatch, pragma: str, value: int
) -> None:
    """Without the sync before each answer, the same cuts lose what was confirmed."""
    weaker = tuple((name, value if name == pragma else usual) for name, usual in database.PRAGMAS)
    monkeypatch.setattr(database, "PRAGMAS", weaker)
    findings = [finding for seed in range(PLANTED_CUTS) for finding in cut(elm, seed, operations)[1]]
    assert any(finding.startswith("the payment") and finding.endswith("is lost") for finding in findings)


def test_a_disk_that_only_says_that_it_synced_is_found_out(elm: Elm, operations: int) -> None:
    assert any(cut(elm, seed, operations, lies=True)[1] for seed in range(PLANTED_CUTS))


def test_a_node_whose_founding_was_cut_is_whole_or_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was confirmed yet, so it need not be there; but it may not be half a node, and no surprise either."""
    whole = Disk(Random(0))
    found(tmp_path / "whole", whole, monkeypatch)
    outcomes: Counter[str] = Counter()
    for seed in range(FOUNDING_CUTS):
        rng, data = Random(seed), tmp_path / str(seed)
        disk = Disk(rng, rng.randint(1, whole.operations))
        found(data, disk, monkeypatch)
        for file in data.glob("hedgerow.db*"):
            file.unlink()
        for path, content in disk.medium().items():
            Path(path).write_bytes(content)
        outcomes[_use(data)] += 1
    unfinished = ("belongs to no commons.", "was never finished.")
    assert set(outcomes) == {"whole", *(f"{how} Run hedgerow init in an empty directory." for how in unfinished)}


def found(data: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found a node on this disk, as far as its power lasts."""
    with Power(disk) as power, suppress(*POWER_IS_OUT):
        monkeypatch.setattr(founding, "Database", partial(Database, make=power.make))
        monkeypatch.setattr(founding, "Door", partial(Door, make=power.make))
        founding.found(Settings(data, "Elm", "Hedge Lane"))


def _use(data: Path) -> str:
    try:
        with closing(Node.open(data)) as node:
            node.add_member("Ana", "1234")
            return "; ".join(node.verify()) or "whole"
    except StoreFault as fault:
        return str(fault).rpartition("hedgerow.db ")[2]
