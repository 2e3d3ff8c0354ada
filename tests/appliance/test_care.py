"""Looking after a node from the shell: doctor, verify, rebuild, backup, restore, reopen."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.appliance.shell import done, hedgerow, refused, told

pytestmark = pytest.mark.real


def pay(data: Path, amount: str = "1") -> str:
    return str(told("pay", "--from", "Ana", "--to", "Ben", amount, "hours", data=data)["id"])


def test_a_healthy_node_is_told_so(elm: Path) -> None:
    assert told("doctor", data=elm)["healthy"] is True
    assert done("verify", data=elm) == "Everything holds.\n"
    assert told("verify", data=elm) == {"sound": True, "findings": []}


def test_the_doctor_finds_a_key_that_others_can_read(elm: Path) -> None:
    (elm / "node.key").chmod(0o644)
    run = hedgerow("doctor", "--json", data=elm)
    assert run.returncode == 1
    assert [check["name"] for check in json.loads(run.stdout)["checks"] if not check["healthy"]] == ["key"]


def test_the_doctor_finds_a_keel_mark_among_the_data(elm: Path) -> None:
    with (elm / "node.yaml").open("a") as file:
        file.write("keel: here.keel\n")
    run = hedgerow("doctor", data=elm)
    assert run.returncode == 1
    assert "LOOK  keel mark" in run.stdout


def test_the_doctor_finds_the_switch(elm: Path) -> None:
    done("radio", "off", data=elm)
    assert "hedgerow radio on" in hedgerow("doctor", data=elm).stdout


def test_verify_finds_a_changed_byte(elm: Path) -> None:
    pay(elm)
    store = sqlite3.connect(elm / "hedgerow.db")
    with store:
        store.execute("UPDATE standing SET amount = amount + 1 WHERE number = 1 AND log_no = 0")
    store.close()
    run = hedgerow("verify", "--json", data=elm)
    assert run.returncode == 1
    assert json.loads(run.stdout)["findings"]
    done("rebuild", data=elm)
    assert told("verify", data=elm)["sound"] is True


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda data: (data / "hedgerow.db").write_bytes(b"not a database, but long enough to look at" * 100),
            "not a database",
        ),
        (lambda data: _of_another_program(data / "hedgerow.db"), "another program"),
        (lambda data: (data / "node.key").unlink(), "key"),
        (lambda data: (data / "node.key").write_bytes(os.urandom(32)), "key"),
        (lambda data: (data / "hedgerow.db").unlink(), "no commons"),
    ],
)
def test_a_store_that_cannot_be_used_is_exit_code_3(elm: Path, spoil, said: str) -> None:
    for beside in elm.glob("hedgerow.db-*"):
        beside.unlink()
    spoil(elm)
    assert said in refused("status", data=elm, code=3)


def _of_another_program(file: Path) -> None:
    file.unlink()
    store = sqlite3.connect(file)
    with store:
        store.execute("CREATE TABLE recipe (name TEXT)")
    store.close()


def test_a_copy_elsewhere_only_reads_until_the_keeper_confirms(elm: Path, tmp_path: Path) -> None:
    paid = pay(elm)
    done("bundle", "export", tmp_path / "b.hedge", data=elm)  # which seals what was written, as a running node does
    copy = elm.with_name("copy")
    subprocess.run(["cp", "--archive", elm, copy], check=True)
    assert told("status", data=copy)["read_only"] is True
    refused("pay", "--from", "Ana", "--to", "Ben", "1", "hours", data=copy)
    assert paid in done("ledger", "export", "--format", "csv", data=copy)
    done("reopen", "--yes", data=copy)
    facts = told("status", data=copy)
    assert (facts["read_only"], facts["incarnation"]) == (False, 1)
    pay(copy)
    assert told("verify", data=copy)["sound"] is True
    assert told("status", data=elm)["incarnation"] == 0


def test_a_move_of_the_directory_changes_nothing(elm: Path) -> None:
    pay(elm)
    moved = elm.rename(elm.with_name("moved"))
    assert told("status", data=moved)["read_only"] is False


def test_an_old_copy_put_back_in_place_only_reads(elm: Path) -> None:
    with sqlite3.connect(elm / "hedgerow.db") as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    old = (elm / "hedgerow.db").read_bytes()
    pay(elm)
    for beside in elm.glob("hedgerow.db-*"):
        beside.unlink()
    (elm / "hedgerow.db").write_bytes(old)
    assert told("status", data=elm)["read_only"] is True


def test_a_backup_is_put_back_as_the_next_incarnation(elm: Path, tmp_path: Path) -> None:
    kept = pay(elm)
    done("backup", tmp_path / "stick", data=elm)
    assert (tmp_path / "stick/node.key").stat().st_mode & 0o077 == 0
    later = pay(elm)
    shutil.rmtree(elm)
    done("restore", tmp_path / "stick", data=elm)
    facts = told("status", data=elm)
    assert (facts["incarnation"], facts["read_only"]) == (1, False)
    books = done("ledger", "export", "--format", "csv", data=elm)
    assert kept in books
    assert later not in books
    assert pay(elm) not in (kept, later)
    assert told("verify", data=elm)["sound"] is True


def test_a_backup_never_overwrites(elm: Path, tmp_path: Path) -> None:
    done("backup", tmp_path / "stick", data=elm)
    assert "exists already" in refused("backup", tmp_path / "stick", data=elm, code=3)
    assert "not empty" in refused("restore", tmp_path / "stick", data=elm, code=2)
    (tmp_path / "empty").mkdir()
    assert "not a backup" in refused("restore", tmp_path / "empty", data=tmp_path / "new", code=2)
    assert not (tmp_path / "new").exists()


def test_a_node_that_may_write_is_not_reopened(elm: Path) -> None:
    assert "nothing was changed" in done("reopen", "--yes", data=elm)
    assert told("status", data=elm)["incarnation"] == 0


def test_reopening_asks_first(elm: Path) -> None:
    run = hedgerow("reopen", data=elm, typed="n\n")
    assert run.returncode == 130
