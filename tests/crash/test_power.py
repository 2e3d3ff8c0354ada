"""The disk that loses power is itself put to the test: what was synced stays, what was not may go, in part and out of order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

import apsw
import pytest

from tests.crash.power import SECTOR, Disk, Power, Truncate, Write

SEEDS: Final = range(200)
FEW: Final = range(40)
WAL: Final = "/nowhere/a.db-wal"


def written(rng: Random, lies: bool = False) -> Disk:
    """Return a disk with a journal that got a synced "old" and, not synced, four sectors of ones and then one of twos."""
    disk = Disk(rng, lies=lies)
    inode = disk.open(WAL)
    disk.change(WAL, inode, Write(0, b"old"))
    disk.sync(WAL, inode, with_directory=True)
    disk.change(WAL, inode, Write(100, b"1" * 4 * SECTOR))
    disk.change(WAL, inode, Write(9000, b"2" * SECTOR))
    return disk


def media(lies: bool = False) -> Iterator[bytes | None]:
    """What is left of that journal after each of many cuts; None where not even its name is."""
    for seed in SEEDS:
        yield written(Random(seed), lies).medium().get(WAL)


def test_what_was_synced_survives_every_cut() -> None:
    assert all(image is not None and image.startswith(b"old") for image in media())


def test_a_disk_that_lies_may_lose_even_that() -> None:
    assert None in set(media(lies=True))


def test_what_was_not_synced_survives_in_part_and_out_of_order() -> None:
    survivors = {(b"1" in image, b"2" in image) for image in media() if image is not None}
    assert survivors == {(False, False), (False, True), (True, False), (True, True)}


def test_a_torn_write_ends_at_a_border_between_sectors() -> None:
    ends = {100 + image.count(b"1") for image in media() if image and b"1" in image}
    whole = 100 + 4 * SECTOR
    assert ends == {SECTOR, 2 * SECTOR, 3 * SECTOR, 4 * SECTOR, whole}


def test_what_was_cut_short_without_a_sync_may_come_back() -> None:
    sizes = set()
    for seed in SEEDS:
        disk = written(Random(seed))
        disk.sync(WAL, disk.open(WAL), with_directory=False)
        disk.change(WAL, disk.open(WAL), Truncate(3))
        sizes.add(len(disk.medium()[WAL]))
    assert sizes == {3, 9000 + SECTOR}


def test_a_name_that_was_deleted_without_a_sync_may_come_back() -> None:
    names = set()
    for seed in SEEDS:
        disk = written(Random(seed))
        disk.delete(WAL, with_directory=False)
        names.add(tuple(disk.medium()))
    assert names == {(), (WAL,)}


def test_after_the_cut_every_operation_fails() -> None:
    disk = Disk(Random(0), cut_at=2)
    inode = disk.open(WAL)
    with pytest.raises(apsw.IOError):
        disk.change(WAL, inode, Write(0, b"x"))
    assert (disk.is_off, disk.cut_in) == (True, "write a.db-wal")
    for operate in (
        lambda: disk.open(WAL),
        lambda: disk.change(WAL, inode, Truncate(0)),
        lambda: disk.sync(WAL, inode, True),
        lambda: disk.delete(WAL, True),
    ):
        with pytest.raises(apsw.IOError):
            operate()


@pytest.mark.parametrize(("synchronous", "survives"), [("FULL", {7}), ("NORMAL", {0, 7}), ("OFF", {0, 7})])
def test_sqlite_itself_keeps_its_word_on_this_disk(tmp_path: Path, synchronous: str, survives: set[int]) -> None:
    """https://www.sqlite.org/pragma.html#pragma_synchronous: WAL is durable with FULL; with NORMAL only consistent."""
    sums = set()
    for seed in FEW:
        path = tmp_path / f"{seed}.db"
        _table(path)
        disk = Disk(Random(seed))
        with Power(disk) as power:
            there = apsw.Connection(str(path), vfs=power.name)
            there.execute(f"PRAGMA synchronous={synchronous}")
            there.execute("INSERT INTO t VALUES (7)")
            medium = disk.medium()
            with pytest.raises(apsw.IOError):
                there.close()
        for name, content in medium.items():
            Path(name).write_bytes(content)
        sums.add(_sum(path))
    assert sums == survives


def _table(path: Path) -> None:
    plain = sqlite3.connect(path)
    plain.execute("PRAGMA journal_mode=WAL")
    plain.execute("CREATE TABLE t (n)")
    plain.close()


def _sum(path: Path) -> int:
    plain = sqlite3.connect(path)
    total: int = plain.execute("SELECT coalesce(sum(n), 0) FROM t").fetchone()[0]
    plain.close()
    return total
